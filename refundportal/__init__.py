"""The outer wall: settings, addresses, health, the bell, and the doors."""

from refundportal.celery import app as celery_app

__all__ = ["celery_app"]
