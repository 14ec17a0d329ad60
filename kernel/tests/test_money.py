import pytest

from kernel.currencies import UnknownCurrency
from kernel.money import CurrencyMismatch, InvalidAmount, Money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1234.50", "EUR", 123450),
        ("1234.5", "EUR", 123450),
        ("0.01", "EUR", 1),
        ("-3.20", "EUR", -320),
        ("10001", "JPY", 10001),
        ("10.001", "KWD", 10001),
        ("0.0001", "CLF", 1),
        ("999999999999999999.99", "EUR", 99999999999999999999),
    ],
)
def test_an_amount_is_read_into_whole_minor_units(text, currency, minor):
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        *("", " 1", "1 ", "1\n", "1,00", "1.", ".5", "+1", "--1", "1e3", "0x10", "NaN", "Infinity", "1_000"),
        *("１.00", "١.00", "1.000", "1000000000000000000", "1.0000000000000000000"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused(text):
    with pytest.raises(InvalidAmount):
        Money.parse(text, "EUR")


@pytest.mark.parametrize(("text", "currency"), [("1.0", "JPY"), ("1.0010", "KWD"), ("1.00000", "CLF")])
def test_decimals_count_as_they_are_written(text, currency):
    with pytest.raises(InvalidAmount):
        Money.parse(text, currency)


@pytest.mark.parametrize("currency", ["eur", "XAU", "XXX", "HRK", "", "EURO"])
def test_only_active_currencies_with_minor_units_are_money(currency):
    with pytest.raises(UnknownCurrency):
        Money.parse("1", currency)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123450, "EUR", "1234.50"),
        (5, "EUR", "0.05"),
        (0, "EUR", "0.00"),
        (-5, "EUR", "-0.05"),
        (-12345, "KWD", "-12.345"),
        (7, "JPY", "7"),
        (-7, "JPY", "-7"),
    ],
)
def test_an_amount_is_written_with_exactly_the_decimals_of_its_currency(minor, currency, text):
    assert Money(minor, currency).text == text


def test_amounts_of_one_currency_add_subtract_and_compare():
    five, three = Money(500, "EUR"), Money(300, "EUR")

    assert five + three == Money(800, "EUR")
    assert three - five == Money(-200, "EUR")
    assert -three == Money(-300, "EUR")
    assert three < five
    assert three <= three
    assert five > three
    assert five >= five
    assert not Money.zero("EUR")
    assert str(five) == "5.00 EUR"


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_amounts_of_two_currencies_are_never_combined(operation):
    with pytest.raises(CurrencyMismatch):
        getattr(Money(1, "EUR"), operation)(Money(1, "USD"))


def test_an_amount_is_not_combined_with_a_bare_number():
    with pytest.raises(TypeError):
        Money(1, "EUR") + 1


def test_equal_figures_of_two_currencies_are_different_amounts():
    assert Money(1, "EUR") != Money(1, "USD")
