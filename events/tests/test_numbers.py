import threading
from contextlib import closing

import pytest
from django.db import connection, transaction

from events.numbers import next_number


@pytest.mark.django_db
def test_numbers_count_up_within_their_series():
    taken = [
        next_number("RR", 2026),
        next_number("RR", 2026),
        next_number("RR", 2027),
        next_number("C", 2026),
    ]

    assert taken == ["RR-2026-000001", "RR-2026-000002", "RR-2027-000001", "C-2026-0001"]


@pytest.mark.django_db
def test_a_number_of_a_change_that_was_rolled_back_is_free_again():
    with transaction.atomic():
        next_number("P", 2026)
        transaction.set_rollback(True)

    assert next_number("P", 2026) == "P-2026-000001"


@pytest.mark.django_db
def test_there_are_only_known_series():
    with pytest.raises(KeyError):
        next_number("X", 2026)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_nobody_gets_the_number_of_another():
    taken = []

    def take():
        with closing(connection):
            for _ in range(25):
                taken.append(next_number("RR", 2026))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(taken) == [f"RR-2026-{number:06d}" for number in range(1, 101)]
