from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from accounts import groups
        from accounts.guards import RULES
        from events import guards

        guards.register(*RULES)
        post_migrate.connect(groups.after_migrations, sender=self, dispatch_uid="staff_groups")
