from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        from events import guards
        from payments import checks
        from payments.guards import RULES
        from payments.invariants import INVARIANTS

        guards.register(*RULES)
        checks.register(*INVARIANTS)
