"""Between two tests that commit, the database is emptied, whoever writes at that moment."""

from threading import Thread

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.db import connections

from accounts.services import create_user
from tests import emptying

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def test_a_row_that_comes_while_the_tables_are_emptied_goes_too(monkeypatch):
    user = create_user(email="alice@example.com", name="Alice")
    EmailAddress.objects.all().delete()
    look, wrote = emptying.filled_tables, []

    def write():
        wrote.append(EmailAddress.objects.create(user=user, email="late@example.com"))
        connections.close_all()

    def look_and_be_late():
        found = look()
        if not wrote:
            late = Thread(target=write)
            late.start()
            late.join()
        return found

    monkeypatch.setattr(emptying, "filled_tables", look_and_be_late)
    emptying.empty_the_database()

    assert wrote
    assert look() == []
    assert Permission.objects.exists()
