"""International bank account numbers (ISO 13616): read as people write them, checked by country and sum."""

from typing import Final

import schwifty
from django.views.decorators.debug import sensitive_variables
from schwifty.exceptions import InvalidChecksumDigits, InvalidCountryCode, InvalidLength, SchwiftyException

from kernel.errors import InvalidInput

WRITTEN_MAX: Final = 64
"""Longer than any IBAN with its spaces."""

_PARTING: Final = str.maketrans("", "", " \u00a0\u202f\t-.")


class InvalidIban(InvalidInput):
    """A text that is no IBAN. `why` is one of: form, country, length, check_digits."""

    code = "invalid_iban"
    title = "This is not an IBAN."

    def __init__(self, why: str) -> None:
        super().__init__(_TITLES[why], why=why)
        self.why = why


_TITLES: Final = {
    "form": "An IBAN has letters and digits only, two letters first.",
    "country": "There are no IBANs of this country.",
    "length": "The IBAN is too long or too short for its country.",
    "check_digits": "The check digits do not fit: a sign is wrong or two are swapped.",
}


@sensitive_variables()
def parse_iban(text: str) -> str:
    """
    Read an IBAN, with or without spaces, in either case; gives it in capitals without spaces.

    :raises InvalidIban: another form, an unknown country, a wrong length or wrong check digits
    """
    compact = text.translate(_PARTING).upper().removeprefix("IBAN").lstrip(":")
    if len(text) > WRITTEN_MAX or not (compact.isascii() and compact.isalnum() and compact[:2].isalpha()):
        raise InvalidIban("form")
    why = _what_is_wrong(compact)
    if why:
        raise InvalidIban(why)
    return compact


@sensitive_variables()
def _what_is_wrong(compact: str) -> str:
    try:
        schwifty.IBAN(compact)
    except InvalidCountryCode:
        return "country"
    except InvalidLength:
        return "length"
    except InvalidChecksumDigits:
        return "check_digits"
    except SchwiftyException:
        return "form"
    return ""
