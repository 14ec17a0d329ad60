from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "refundportal.web"

    def ready(self) -> None:
        from refundportal.web.pdf import letter_pdf
        from refunds.records import register_renderer

        register_renderer(letter_pdf)
