"""Django's `migrate`; it puts missing guards back, so they do not keep it from starting."""

from typing import Any

from django.core.management.commands import migrate

from events import guards


class Command(migrate.Command):
    def check(self, *args: Any, **kwargs: Any) -> None:
        with guards.being_mended():
            super().check(*args, **kwargs)
