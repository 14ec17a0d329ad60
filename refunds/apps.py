from django.apps import AppConfig


class RefundsConfig(AppConfig):
    name = "refunds"
    verbose_name = "Refunds"

    def ready(self) -> None:
        from events import guards
        from refunds.guards import RULES

        guards.register(*RULES)
