"""Secrets at rest: sealed with the newest key, opened with any, sealed anew on request."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from events import vault
from events.actors import SYSTEM_ACTOR
from events.models import Delivery, Event
from events.services import record_event
from kernel.ids import new_id

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture
def keys(settings):
    settings.FIELD_KEYS = [OLD]
    return settings


@pytest.fixture
def secret(db, keys, monkeypatch) -> Delivery:
    """A row with a sealed secret, in a column that is registered for these tests alone."""
    monkeypatch.setattr(vault, "_columns", {})
    vault.register("events.Delivery", "last_error")
    event: Event = record_event(
        type="secret.kept",
        subject_type="secret",
        subject_id=new_id(),
        client_id=None,
        actor=SYSTEM_ACTOR,
        at=timezone.now(),
        data={},
    )
    return Delivery.objects.create(
        event=event, channel="email", target="a@b.example", last_error=vault.seal_secret("s3cret"),
        next_attempt_at=timezone.now(),
    )  # fmt: skip


def stored(secret: Delivery) -> str:
    secret.refresh_from_db()
    return secret.last_error


def rotate() -> str:
    out = StringIO()
    call_command("rotate_field_keys", stdout=out)
    return out.getvalue()


def test_a_sealed_secret_shows_nothing_of_itself_and_opens_again(keys):
    sealed = vault.seal_secret("DE89 — ünïcode")

    assert "DE89" not in sealed
    assert vault.open_secret(sealed) == "DE89 — ünïcode"
    assert vault.seal_secret("DE89 — ünïcode") != sealed


def test_every_key_of_the_list_opens_and_the_first_one_seals(keys):
    sealed = vault.seal_secret("x")
    keys.FIELD_KEYS = [NEW, OLD]

    assert vault.open_secret(sealed) == "x"
    keys.FIELD_KEYS = [NEW]
    with pytest.raises(vault.UnreadableSecret):
        vault.open_secret(sealed)


@pytest.mark.parametrize("spoilt", ["", "nonsense", "gAAAAA"])
def test_what_no_key_opens_is_told_without_repeating_it(keys, spoilt):
    with pytest.raises(vault.UnreadableSecret, match="No key in FIELD_KEYS"):
        vault.open_secret(spoilt)


def test_a_secret_that_was_changed_does_not_open(keys):
    sealed = vault.seal_secret("x")

    with pytest.raises(vault.UnreadableSecret):
        vault.open_secret(sealed[:-6] + "AAAA==")


def test_after_rotating_the_old_key_is_not_needed_any_more(secret, keys):
    keys.FIELD_KEYS = [NEW, OLD]
    told = rotate()
    keys.FIELD_KEYS = [NEW]

    assert "1 secrets are encrypted with the newest key" in told
    assert vault.open_secret(stored(secret)) == "s3cret"


def test_a_secret_that_changes_meanwhile_keeps_the_change(secret, keys, monkeypatch):
    keys.FIELD_KEYS = [NEW, OLD]
    newer = vault.seal_secret("newer")
    rows = vault._rows

    def slowly(model, column):
        found = list(rows(model, column))
        Delivery.objects.update(last_error=newer)
        yield from found

    monkeypatch.setattr(vault, "_rows", slowly)

    assert "0 secrets" in rotate()
    assert stored(secret) == newer


def test_a_lost_secret_is_named_and_left_as_it_is(secret, keys):
    keys.FIELD_KEYS = [OTHER]
    before = stored(secret)

    with pytest.raises(CommandError, match=f"events.Delivery {secret.pk}, last_error"):
        rotate()

    assert stored(secret) == before
