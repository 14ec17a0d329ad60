"""What beat rings for; each asks what is due and does at most so much."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from events import anchors, journal, outbox
from events.webhooks import claims
from events.webhooks.postman import postman

ROUNDS_MAX = 20


@shared_task
def sequence_events() -> int:
    """Give all waiting events their positions, in batches; returns how many."""
    given = 0
    for _ in range(ROUNDS_MAX):
        batch = journal.sequence_events()
        given += batch
        if batch == 0:
            break
    return given


@shared_task
def seal_journal() -> int:
    """Seal the positions given since the last seal; returns how many seals were made."""
    return journal.seal(now=timezone.now())


@shared_task
def export_anchor() -> None:
    """Keep the newest seal outside the database, where the settings say."""
    anchors.export_anchor(file=settings.ANCHOR_FILE, addresses=settings.ANCHOR_EMAIL)


@shared_task
def deliver_due() -> int:
    """Send the e-mails that are due; returns how many were attempted."""
    return outbox.deliver_due(now=timezone.now(), batch_max=100)


@shared_task
def deliver_webhooks() -> None:
    """Have the webhooks sent that are due, beside everything else: a slow receiver holds up no worker."""
    if claims.due(timezone.now()).exists():
        postman.wake(timezone.now)
