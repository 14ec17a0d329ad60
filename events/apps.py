from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate, pre_migrate


class EventsConfig(AppConfig):
    name = "events"
    verbose_name = "Journal"

    def ready(self) -> None:
        from events import guards

        guards.register(
            guards.append_only("events_event"),
            guards.append_only("events_seal"),
            guards.never_deleted("events_eventposition"),
            guards.frozen("events_eventposition", "event_id"),
            guards.frozen("events_eventposition", "number", once_set=True),
            guards.never_deleted("events_delivery"),
        )
        checks.register(guards.check_guards, checks.Tags.database)
        pre_migrate.connect(
            guards.before_migrations, sender=self, dispatch_uid="guards_before"
        )
        post_migrate.connect(
            guards.after_migrations, sender=self, dispatch_uid="guards_after"
        )
