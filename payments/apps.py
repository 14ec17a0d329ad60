from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        from events import guards, mail, vault
        from payments import checks
        from payments.guards import RULES
        from payments.invariants import INVARIANTS
        from payments.mails import ROUTES

        guards.register(*RULES)
        vault.register("payments.BankAccount", "iban_encrypted")
        vault.register("payments.BankFile", "content_sealed")
        checks.register(*INVARIANTS)
        for event_type, route in ROUTES.items():
            mail.register(event_type, route)
