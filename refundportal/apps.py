from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate


class RefundPortalConfig(AppConfig):
    name = "refundportal"

    def ready(self) -> None:
        from refundportal import housekeeping

        checks.register(housekeeping.check_durability, checks.Tags.database)
        post_migrate.connect(housekeeping.make_cache_table, sender=self, dispatch_uid="cache_table")
