"""Scanning: files wait until the scanner called them clean; what it finds is kept and never given out."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F

from accounts.principals import SYSTEM
from contracts.files import open_file
from refunds.models import Attachment, ScanState
from refunds.scanner import ScannerDown, Verdict, scan
from refunds.services.cases import tell

log = structlog.get_logger(__name__)

AGAIN_AFTER: Final = (
    timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1),
)  # fmt: skip
"""After how long a file is asked about again when the scanner did not answer; the last value goes on."""


def scan_due(*, now: datetime, batch_max: int) -> int:
    """Scan files that wait, the oldest first, at most so many; give how many got an answer."""
    waiting = Attachment.objects.filter(scan_state=ScanState.WAITING, scan_after__lte=now)
    answered = 0
    for attachment in waiting.order_by("scan_after", "id")[:batch_max]:
        try:
            with open_file(attachment.stored_as) as content:
                verdict = scan(content)
        except (ScannerDown, FileNotFoundError) as error:
            log.warning("file_not_scanned", attachment=str(attachment.pk), why=str(error))
            _ask_again(attachment, now)
            continue
        _write_down(attachment, verdict, now)
        answered += 1
    return answered


def _ask_again(attachment: Attachment, now: datetime) -> None:
    later = AGAIN_AFTER[min(attachment.scan_attempts, len(AGAIN_AFTER) - 1)]
    Attachment.objects.filter(pk=attachment.pk, scan_state=ScanState.WAITING).update(
        scan_attempts=F("scan_attempts") + 1, scan_after=now + later
    )


@transaction.atomic
def _write_down(attachment: Attachment, verdict: Verdict, now: datetime) -> None:
    """Write the answer down once; what was found in a file of a case goes into the journal."""
    state = ScanState.INFECTED if verdict.found else ScanState.CLEAN
    moved = Attachment.objects.filter(pk=attachment.pk, scan_state=ScanState.WAITING).update(
        scan_state=state, scanned_at=now, scan_found=verdict.found
    )
    if moved and verdict.found:
        log.error("file_infected", attachment=str(attachment.pk), found=verdict.found)
        request = Attachment.objects.select_related("request").get(pk=attachment.pk).request
        if request is not None:
            tell("attachment.quarantined", request, SYSTEM, now, attachment=attachment.pk)
