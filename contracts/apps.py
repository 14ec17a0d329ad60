from django.apps import AppConfig


class ContractsConfig(AppConfig):
    name = "contracts"
    verbose_name = "Contracts"

    def ready(self) -> None:
        from contracts.guards import RULES
        from contracts.mails import ROUTES
        from contracts.selectors.reach import reach_of
        from events import guards, mail
        from events.webhooks import audience

        guards.register(*RULES)
        audience.register(reach_of)
        for event_type, route in ROUTES.items():
            mail.register(event_type, route)
