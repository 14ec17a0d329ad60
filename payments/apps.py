from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        from events import guards, mail
        from payments import checks
        from payments.guards import RULES
        from payments.invariants import INVARIANTS
        from payments.mails import ROUTES

        guards.register(*RULES)
        checks.register(*INVARIANTS)
        for event_type, route in ROUTES.items():
            mail.register(event_type, route)
