from django.apps import AppConfig


class RefundsConfig(AppConfig):
    name = "refunds"
    verbose_name = "Refunds"

    def ready(self) -> None:
        from events import guards, mail
        from payments import checks, hooks
        from refunds.guards import RULES
        from refunds.invariants import INVARIANTS
        from refunds.mails import ROUTES
        from refunds.selectors.payout_chain import with_open_requests
        from refunds.services.reopening import take_back_approval

        guards.register(*RULES)
        checks.register(*INVARIANTS)
        hooks.on_payout_cancelled(take_back_approval)
        hooks.on_open_requests(with_open_requests)
        for event_type, route in ROUTES.items():
            mail.register(event_type, route)
