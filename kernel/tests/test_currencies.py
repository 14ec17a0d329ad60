from iso4217 import Currency

from kernel.currencies import CURRENCY_DIGITS


def test_the_table_is_the_published_list_of_iso_4217():
    published = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}

    assert dict(CURRENCY_DIGITS) == published
