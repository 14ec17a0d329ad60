from django.apps import AppConfig, apps
from django.core import checks
from django.db.models.signals import post_migrate


class RefundPortalConfig(AppConfig):
    name = "refundportal"

    def ready(self) -> None:
        from refundportal import housekeeping

        checks.register(housekeeping.check_durability, checks.Tags.database)
        # Only apps with models hear of migrations; the wall has none, so it listens to its ground.
        ground = apps.get_app_config("accounts")
        post_migrate.connect(housekeeping.make_cache_table, sender=ground, dispatch_uid="cache_table")
