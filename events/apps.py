from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class EventsConfig(AppConfig):
    name = "events"
    verbose_name = "Journal"

    def ready(self) -> None:
        from events import guards, vault
        from events.states import DELIVERY

        guards.register(
            guards.append_only("events_event"),
            guards.append_only("events_seal"),
            guards.never_deleted("events_eventposition"),
            guards.frozen("events_eventposition", "id", "event_id"),
            guards.frozen("events_eventposition", "number", once_set=True),
            guards.never_deleted("events_delivery"),
            guards.frozen("events_delivery", "event_id", "channel", "endpoint_id"),
            guards.starts_as("events_delivery", "state", "pending"),
            guards.only_edges("events_delivery", "state", DELIVERY),
            guards.append_only("events_deliveryattempt"),
            guards.never_deleted("events_webhookendpoint"),
            guards.frozen("events_webhookendpoint", "api_client_id"),
            guards.never_deleted("events_numberseries"),
            guards.refuse(
                "events_numberseries", "UPDATE", "a number is never given again", "NEW.last <= OLD.last"
            ),
        )
        vault.register("events.WebhookEndpoint", "secret_encrypted", "previous_secret_encrypted")
        checks.register(guards.check_guards, checks.Tags.database)
        pre_migrate.connect(guards.before_migrations, sender=self, dispatch_uid="guards_before")
        post_migrate.connect(guards.after_migrations, sender=self, dispatch_uid="guards_after")
        connection_created.connect(guards.guard_replacements, dispatch_uid="guards_replacement")
