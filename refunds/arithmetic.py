"""How the parts of a statement came about, in facts and in sums that a pencil can check."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kernel.currencies import digits_of
from kernel.exact import decimal_text
from kernel.money import Money
from refunds.wording import instant_words, money_words, number_words

_NEARLY: Final = "≈ "
_DECIMALS_SHOWN_MAX: Final = 9


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a part is kept: a note beside its name, facts (name and value), and the arithmetic line by line."""

    note: str
    facts: tuple[tuple[str, str], ...] = ()
    arithmetic: tuple[str, ...] = ()


def money_of(text: str, currency: str) -> Money:
    return Money.parse(text, currency)


def explain_stage(
    stage: Mapping[str, Any], items: Mapping[str, str], kept: str, currency: str, zone: str
) -> Explanation:
    """Explain the conforming work of one stage, as the finding `conformity` holds it."""
    state = stage["state"]
    notes = {
        "accepted": _("you accepted this work"),
        "deemed_accepted": _("this work counts as accepted: nobody objected in time"),
        "assessed": _("the part of this work that does what was agreed"),
    }
    return Explanation(
        note=notes.get(state, ""),
        facts=tuple(_stage_facts(stage, items, zone)),
        arithmetic=tuple(_stage_sums(stage, kept, currency)),
    )


def _stage_facts(stage: Mapping[str, Any], items: Mapping[str, str], zone: str) -> Iterator[tuple[str, str]]:
    instants = {
        "delivered_at": _("Delivered"),
        "accepted_at": _("Accepted"),
        "objected_at": _("Objected to"),
        "deemed_accepted_at": _("Counts as accepted from"),
    }
    for name, words in instants.items():
        if stage.get(name):
            yield words, _instant(stage[name], zone)
    if stage.get("hidden_defect"):
        yield _("Hidden defect"), _("found: acceptance does not count")
    if stage["state"] != "assessed":
        return
    for item in stage["items"]:
        words = items.get(item["code"], "")
        yield f"{item['code']} {words}".strip(), _fulfilment(item)


def _fulfilment(item: Mapping[str, Any]) -> str:
    if item["fulfilled"] is None:
        return _("not tested, left out")
    return _("weight %(weight)s, fulfilled %(share)s") % {
        "weight": plain_number(item["weight"]),
        "share": share_words(item["fulfilled"]),
    }


def _stage_sums(stage: Mapping[str, Any], kept: str, currency: str) -> Iterator[str]:
    amount, share = _money(stage["amount"], currency), stage["share"]
    tested = [item for item in stage["items"] if item["fulfilled"] is not None]
    if stage["state"] == "assessed" and tested:
        over = " + ".join(
            f"{plain_number(item['weight'])} × {share_words(item['fulfilled'])}" for item in tested
        )
        under = " + ".join(plain_number(item["weight"]) for item in tested)
        yield f"({over}) ÷ ({under}) = {share_words(share)}"
    yield f"{amount} × {share_words(share)} = {exact_words(stage['value'], currency)}"
    yield from _rounded(stage["value"], kept, currency)


def explain_meters(
    meters: Iterable[Mapping[str, Any]], stages: Mapping[str, str], kept: str, currency: str, zone: str
) -> Explanation:
    """Explain the usage of one meter, for one stage or several, as the finding `usage` holds it."""
    found = list(meters)
    count = sum(meter["records"] for meter in found)
    sums = [line for meter in found for line in _meter_sums(meter, currency, zone)]
    counted = sum((_read(meter["counted"]) or Fraction(0) for meter in found), Fraction(0))
    return Explanation(
        note=_("use made of the service"),
        facts=(
            (_("Records"), ngettext("%(n)s record", "%(n)s records", count) % {"n": count}),
            *(
                (_("Used for stage"), _stage_name(meter["stage"], stages))
                for meter in found
                if meter["stage"]
            ),
        ),
        arithmetic=(*sums, *_rounded(decimal_text(counted), kept, currency)),
    )


def _stage_name(code: str, stages: Mapping[str, str]) -> str:
    return f"{code} {stages.get(code, '')}".strip()


def _meter_sums(meter: Mapping[str, Any], currency: str, zone: str) -> Iterator[str]:
    for entry in meter["entries"]:
        yield _entry_sum(entry, currency, zone)
    hidden = meter["records"] - len(meter["entries"])
    if hidden > 0:
        yield ngettext("and %(n)s more record", "and %(n)s more records", hidden) % {"n": hidden}
    if meter["records"] > 1:
        yield _("together %(value)s") % {"value": exact_words(meter["value"], currency)}
    if meter["factor"] != "1":
        yield _("of this only the part counts that is not kept as good work: %(sum)s") % {
            "sum": f"× {share_words(meter['factor'])} = {exact_words(meter['counted'], currency)}"
        }


def _entry_sum(entry: Mapping[str, Any], currency: str, zone: str) -> str:
    value = exact_words(entry["value"], currency)
    if "quantity" in entry:
        return f"{plain_number(entry['quantity'])} × {plain_number(entry['unit_price'])} = {value}"
    return _("%(price)s for the time from %(start)s to %(end)s; used until the application: %(value)s") % {
        "price": plain_number(entry["price"]),
        "start": _instant(entry["start"], zone),
        "end": _instant(entry["end"], zone),
        "value": value,
    }


def _rounded(exact: str, kept: str, currency: str) -> Iterator[str]:
    """Say that a figure is rounded or limited, where it is not the exact one."""
    if _read(exact) != _read(kept):
        yield _("rounded, so that all parts add up: %(amount)s") % {"amount": _money(kept, currency)}


def _read(text: str) -> Fraction | None:
    """Read a figure of a finding, however many digits it has; told nearly, it counts as it is told."""
    try:
        return Fraction(text.removeprefix(_NEARLY))
    except ValueError:
        return None


def exact_words(text: str, currency: str) -> str:
    """Write an exact amount in major units: all its decimals if they end soon, else nearly."""
    number = _read(text)
    if number is None:
        return text
    written = decimal_text(number)
    decimals = len(written.partition(".")[2])
    if "/" not in written and decimals <= _DECIMALS_SHOWN_MAX and not text.startswith(_NEARLY):
        return number_words(written, max(decimals, digits_of(currency)))
    scale = 10**_DECIMALS_SHOWN_MAX
    return _NEARLY + number_words(decimal_text(Fraction(int(number * scale), scale)), _DECIMALS_SHOWN_MAX)


def share_words(text: str) -> str:
    """Write a share from 0 to 1 as a percentage if that is exact, else as the fraction it is."""
    number = _read(text)
    if number is None:
        return text
    percent = decimal_text(number * 100)
    decimals = len(percent.partition(".")[2])
    if "/" in percent or decimals > 2:
        return text
    return f"{number_words(percent, decimals)}\N{NO-BREAK SPACE}%"


def plain_number(text: str) -> str:
    """Write an exact number as the reader's locale does, with the decimals it has."""
    if "/" in text:
        return text
    trimmed = text.rstrip("0").rstrip(".") if "." in text else text
    return number_words(trimmed, len(trimmed.partition(".")[2]))


def _money(text: str, currency: str) -> str:
    return money_words(money_of(text, currency).text, currency)


def _instant(text: str, zone: str) -> str:
    return instant_words(datetime.fromisoformat(text), zone)
