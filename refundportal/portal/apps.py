from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "refundportal.portal"
