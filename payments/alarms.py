"""Alarms by e-mail: what is wrong with the money, once while it stays the same."""

import hashlib
from collections.abc import Sequence
from typing import Final

import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from payments.checks import Violation

log = structlog.get_logger(__name__)

AGAIN_AFTER_S: Final = 24 * 3600
SHOWN_MAX: Final = 100
"""So many violations are named in one message."""


def tell(found: Sequence[Violation]) -> bool:
    """
    Send the violations to `ALARM_EMAIL`; say whether a message went out.

    The same violations are told again after a day. That a mail server is down is logged, as the alarm is.
    """
    if not found or not settings.ALARM_EMAIL:
        return False
    lines = [str(violation) for violation in found]
    key = "payments.alarm." + hashlib.sha256("\n".join(lines).encode()).hexdigest()
    if not cache.add(key, True, AGAIN_AFTER_S):
        return False
    if len(lines) > SHOWN_MAX:
        lines = [*lines[:SHOWN_MAX], _("and %(many)d more") % {"many": len(lines) - SHOWN_MAX}]
    subject = _("Money: %(many)d violations of what must be true") % {"many": len(found)}
    try:
        EmailMessage(subject=subject, body="\n".join(lines) + "\n", to=settings.ALARM_EMAIL).send()
    except OSError as error:
        cache.delete(key)
        log.error("alarm_not_sent", why=str(error))
        return False
    return True
