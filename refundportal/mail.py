"""Mail of the embedded run: kept in a folder, shown on the console, never sent."""

from collections.abc import Sequence
from uuid import uuid4

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.console import EmailBackend as ConsoleBackend


class FolderBackend(BaseEmailBackend):
    """Keep each message as an `.eml` file in `MAIL_FOLDER`."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        settings.MAIL_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            name = f"{uuid4().hex}.eml"
            (settings.MAIL_FOLDER / name).write_bytes(message.message().as_bytes())
        return len(email_messages)


class ConsoleAndFolderBackend(ConsoleBackend):
    """Print each message and keep it as an `.eml` file in `MAIL_FOLDER`."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        FolderBackend().send_messages(email_messages)
        return super().send_messages(email_messages) or 0
