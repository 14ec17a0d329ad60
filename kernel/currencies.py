"""Currencies: the active codes of ISO 4217 and how many decimals each has."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kernel.errors import InvalidInput

_CODES_BY_DIGITS: Final = {
    0: """
    BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
    """,
    2: """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
    CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL
    MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR
    PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
    TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: """
    BHD IQD JOD KWD LYD OMR TND
    """,
    4: """
    CLF UYW
    """,
}

CURRENCY_DIGITS: Final[Mapping[str, int]] = MappingProxyType(
    {code: digits for digits, codes in _CODES_BY_DIGITS.items() for code in codes.split()}
)
"""Decimals of the minor unit by code. Codes without a minor unit (gold, tests) are not money here."""


class UnknownCurrency(InvalidInput):
    """A code that is not an active ISO 4217 currency with minor units."""

    code = "unknown_currency"
    title = "There is no such currency."


def digits_of(currency: str) -> int:
    """
    Give the number of decimals of a currency (ISO 4217 minor unit).

    :raises UnknownCurrency: not an active upper-case code with minor units
    """
    try:
        return CURRENCY_DIGITS[currency]
    except KeyError:
        raise UnknownCurrency(f"“{currency}” is not an active ISO 4217 currency code.") from None
