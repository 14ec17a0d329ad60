"""
How pages say what is wrong with a contract that was written or imported: by its pattern, in any language.

Systems read the English sentence; its pattern is the key by which people get theirs. A figure in it, such
as a code or the greatest length, comes with it (`Said`).
"""

from typing import Final

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from kernel.errors import Fault, Said
from refundportal.web.refusals import WORDS

FAULTS: Final = frozenset(
    {
        _("a delivery is either accepted or objected to"),
        _("a prepayment is never delivered and has no acceptance items"),
        _("a prepayment needs at least one stage of work that it prepays"),
        _("a termination needs a reason"),
        _("cannot be combined with the day rule “elapsed”"),
        _("changes nothing"),
        _("differs from what an earlier contract says about it"),
        _("has been imported already"),
        _("is missing"),
        _("is no file that can be read beside the import"),
        _("is not a field that exists here"),
        _("is there more than once"),
        _("is too large"),
        _("lies outside the years 0001 to 9999 in UTC"),
        _(
            "must be 1 to 40 letters, digits, points, hyphens or underscores, "
            "beginning with a letter or digit"
        ),
        _('must be a decimal number in quotation marks, such as "2.5"'),
        _("must be a decimal number such as 1234.50"),
        _("must be a decimal number such as 1234.50, with at most 18 digits on either side of the point"),
        _("must be a decimal number with at most %(digits)s decimals"),
        _("must be a list"),
        _("must be a string"),
        _("must be a string that is not empty"),
        _("must be a whole number from %(least)s to %(most)s"),
        _("must be above 0"),
        _("must be an active ISO 4217 currency code in upper case, such as EUR"),
        _('must be an amount in quotation marks, such as "1234.50"'),
        _("must be an e-mail address"),
        _("must be an instant with offset such as 2026-06-02T14:05:00+02:00 (RFC 3339)"),
        _("must be an object"),
        _("must be an object of stage codes and amounts"),
        _("must be an owner or requester among the client's members"),
        _("must be more than window_days"),
        _("must be null or an ISO country with optional subdivision that is known, such as DE or DE-BE"),
        _("must be objected to, since the stage was delivered again"),
        _("must be one of: %(allowed)s"),
        _("must be the e-mail address of an owner among the client's members"),
        _("must be the exact name of an IANA time zone, such as Europe/Berlin"),
        _("must be the id of an object (a UUID)"),
        _("must be the sum of the stages, %(wanted)s"),
        _("must be the title of an acceptance protocol among the documents"),
        _("must be true or false"),
        _("must have %(least)s to %(most)s entries"),
        _("must have at most %(digits)s decimals: %(currency)s has no smaller unit"),
        _("must have at most %(most)s characters"),
        _("must have at most %(most)s entries"),
        _("must have no decimals: %(currency)s has none"),
        _("must hold text only"),
        _("must lie between the signature and now"),
        _("must not be below 0"),
        _("must not be earlier than what came before it"),
        _("must not be empty"),
        _("must not hold control characters or line breaks"),
        _("must not lie in the future"),
        _("must sum to more than 0"),
        _("must sum to the prepayment, %(wanted)s"),
        _("names a date, time or offset that does not exist"),
        _("needs accepted_at"),
        _("needs either accepted_by or protocol"),
        _("needs objected_at"),
        _("needs objections"),
        _("needs signed_at"),
        _("only a prepayment has shares"),
        _("only work is begun and delivered"),
        _("sum to more than a contract can hold"),
        _("the stage has no acceptance item “%(item)s”"),
        _("this client is known as a %(kind)s"),
        _("work begins when the contract is signed: signed_at is missing"),
        _("“%(code)s” is named more than once"),
        _("“%(value)s” is there already"),
    }
)


def fault_words(fault: Fault) -> str:
    """Say what is wrong; what has no words of its own is said by its code, and as the service says it."""
    said = fault.message
    pattern, figures = (said.pattern, said.figures) if isinstance(said, Said) else (said, {})
    if pattern in FAULTS:
        return gettext(pattern) % figures if figures else gettext(pattern)
    words = WORDS.get(fault.code)
    return str(said) if words is None else f"{words} {said}"
