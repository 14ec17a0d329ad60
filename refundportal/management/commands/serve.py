"""Run the whole portal in one process: pages, API, and the beat that pays and mails."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from gunicorn.app.base import BaseApplication

from refundportal.beat import Beat
from refundportal.health import pending_migrations


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with its options given by us: one worker, threads, and the beat beside them."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> WSGIHandler:
        from refundportal.wsgi import application

        return application


class Command(BaseCommand):
    help = "Run the embedded portal (one process; stop it with Ctrl-C)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--threads", type=int, default=8)

    def handle(self, *, host: str, port: int, threads: int, **_: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "serve is the embedded run; in production use gunicorn and Celery (README.md)."
            )
        if pending_migrations():
            raise CommandError("The database is not up to date: run `python manage.py migrate` first.")
        connections.close_all()
        _Server(
            {
                "bind": f"{host}:{port}",
                "workers": 1,
                "worker_class": "gthread",
                "threads": threads,
                "graceful_timeout": 20,
                "timeout": 60,
                # Nobody's word about the caller is taken here; TRUSTED_PROXIES is the portal's own setting.
                "forwarded_allow_ips": "",
                "control_socket_disable": True,
                "loglevel": "warning",
                "when_ready": lambda _server: self._greet(port),
                "post_worker_init": _start_beat,
                "worker_exit": _stop_beat,
            }
        ).run()

    def _greet(self, port: int) -> None:
        self.stdout.write(
            f"\nThe portal runs: http://localhost:{port}/  (staff: http://localhost:{port}/admin/)"
        )
        sign_in = settings.VAR_DIR / "sign-in.txt"
        if sign_in.exists():
            self.stdout.write(sign_in.read_text())
        self.stdout.write("Stop it with Ctrl-C.\n")
        self.stdout.flush()


def _start_beat(worker: Any) -> None:
    worker.beat = Beat()
    worker.beat.start()


def _stop_beat(_server: Any, worker: Any) -> None:
    if beat := getattr(worker, "beat", None):
        beat.stop()
