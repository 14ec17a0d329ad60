"""Charts as drawings of rectangles and words, with the same figures as a table of links beside them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from babel.dates import format_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from refunds.wording import current_locale, number_words

WIDTH: Final = 520
LEFT: Final = 150
ROW: Final = 34
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in the drawing's units; `kind` is a class of the stylesheet."""

    x: int
    y: int
    width: int
    height: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Words in the drawing; `anchor` says which end of them stands at the place."""

    x: int
    y: int
    words: str
    anchor: str = "start"
    kind: str = "chart-words"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One figure of the table; with an address it leads to the list that it counts."""

    words: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing and its table; `summary` says in a sentence what is to be seen. Without rows it is empty."""

    name: str
    title: str
    summary: str
    height: int
    boxes: tuple[Box, ...]
    labels: tuple[Label, ...]
    legend: tuple[tuple[str, str], ...]
    """Kinds with their words."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    width: int = WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One kind of figure in a chart of stacked bars."""

    key: str
    words: str
    kind: str


def stacked_bars(
    *,
    name: str,
    title: str,
    summary: str,
    heads: Sequence[tuple[str, str]],
    series: Sequence[Series],
    counts: Mapping[tuple[str, str], int],
    urls: Mapping[tuple[str, str], str],
) -> Chart:
    """Draw one bar for each head (key, words), parted by the series; counts go by head and series."""
    totals = {key: sum(counts.get((key, one.key), 0) for one in series) for key, _words in heads}
    most = max(totals.values(), default=0)
    boxes: list[Box] = []
    labels: list[Label] = []
    for place, (key, words) in enumerate(heads):
        top = place * ROW
        labels.append(Label(x=LEFT - 10, y=top + 21, words=words, anchor="end"))
        parts = [(one, counts.get((key, one.key), 0)) for one in series]
        x = LEFT
        for one, many in parts:
            width = _scaled(many, most, WIDTH - LEFT - 50)
            if many:
                boxes.append(Box(x=x, y=top + 6, width=max(width - 2, 2), height=22, kind=one.kind))
                x += max(width, 4)
        labels.append(Label(x=x + 6, y=top + 21, words=str(totals[key]), kind="chart-figure"))
    return Chart(
        name=name,
        title=title,
        summary=summary,
        height=max(len(heads) * ROW, 1),
        boxes=tuple(boxes),
        labels=tuple(labels),
        legend=tuple((one.kind, one.words) for one in series if _occurs(one.key, counts)),
        columns=tuple(one.words for one in series),
        rows=tuple(
            (words, tuple(_counted(counts, urls, (key, one.key)) for one in series)) for key, words in heads
        ),
    )


def month_grid(
    *,
    name: str,
    title: str,
    summary: str,
    heads: Sequence[tuple[str, str]],
    months: Sequence[date],
    counts: Mapping[tuple[str, str], int],
    urls: Mapping[tuple[str, str], str],
) -> Chart:
    """Draw a row for each head with a column for each month, as high as its count; all on one scale."""
    most = max(counts.values(), default=0)
    step = (WIDTH - LEFT) // max(len(months), 1)
    boxes: list[Box] = []
    labels: list[Label] = []
    for place, (key, words) in enumerate(heads):
        foot = place * ROW + ROW
        labels.append(Label(x=LEFT - 10, y=foot - 6, words=words, anchor="end"))
        boxes.append(Box(x=LEFT, y=foot - 1, width=step * len(months) - 4, height=1, kind="chart-line"))
        for at, month in enumerate(months):
            many = counts.get((key, month.isoformat()), 0)
            height = max(_scaled(many, most, ROW - 8), 3) if many else 0
            boxes.append(
                Box(x=LEFT + at * step, y=foot - 1 - height, width=step - 4, height=height, kind="chart-1")
            )
    foot = len(heads) * ROW
    labels.extend(_month_labels(months, LEFT, step, foot + 16))
    return Chart(
        name=name,
        title=title,
        summary=summary,
        height=foot + 24,
        boxes=tuple(box for box in boxes if box.height),
        labels=tuple(labels),
        legend=(),
        columns=tuple(month_words(month) for month in months),
        rows=tuple(
            (words, tuple(_counted(counts, urls, (key, month.isoformat())) for month in months))
            for key, words in heads
        ),
    )


def time_ranges(
    *,
    name: str,
    title: str,
    summary: str,
    months: Sequence[date],
    times: Mapping[str, tuple[int, int, int]],
    urls: Mapping[str, str],
) -> Chart:
    """Draw a column up to the 95th percentile for each month, with its median: (answers, both in seconds)."""
    height, left = 170, 56
    longest = max((most for _many, _median, most in times.values()), default=0)
    top = _round_days(longest)
    step = (WIDTH - left) // max(len(months), 1)
    boxes: list[Box] = []
    labels: list[Label] = []
    for part in range(3):
        y = height - part * (height - 20) // 2
        boxes.append(Box(x=left, y=y - 1, width=WIDTH - left, height=1, kind="chart-line"))
        labels.append(
            Label(
                x=left - 8, y=y + 4, words=days_words(top * DAY_S * part // 2) if part else "0", anchor="end"
            )
        )
    for at, month in enumerate(months):
        found = times.get(month.isoformat())
        if found is None:
            continue
        _many, median, most = found
        tall, half = (_scaled(value, top * DAY_S, height - 20) for value in (most, median))
        x, width = left + at * step + 6, step - 12
        boxes.append(Box(x=x, y=height - 1 - max(tall, 2), width=width, height=max(tall, 2), kind="chart-3"))
        boxes.append(Box(x=x - 3, y=height - 2 - max(half, 1), width=width + 6, height=3, kind="chart-1"))
    labels.extend(_month_labels(months, left, step, height + 16))
    return Chart(
        name=name,
        title=title,
        summary=summary,
        height=height + 24,
        boxes=tuple(boxes),
        labels=tuple(labels),
        legend=(("chart-1", _("median")), ("chart-3", _("up to the 95th percentile"))),
        columns=(_("Answers"), _("Median"), _("95th percentile")),
        rows=tuple(
            (month_words(month), _times_cells(times[month.isoformat()], urls.get(month.isoformat(), "")))
            for month in months
            if month.isoformat() in times
        ),
    )


def _times_cells(found: tuple[int, int, int], url: str) -> tuple[Cell, ...]:
    many, median, most = found
    return Cell(words=str(many), url=url), Cell(words=days_words(median)), Cell(words=days_words(most))


def _counted(
    counts: Mapping[tuple[str, str], int], urls: Mapping[tuple[str, str], str], key: tuple[str, str]
) -> Cell:
    many = counts.get(key, 0)
    return Cell(words=str(many), url=urls.get(key, "") if many else "")


def _occurs(key: str, counts: Mapping[tuple[str, str], int]) -> bool:
    return any(one == key for _head, one in counts)


def _month_labels(months: Sequence[date], left: int, step: int, y: int) -> Iterable[Label]:
    for at, month in enumerate(months):
        words = format_date(month, "MMM", locale=current_locale()).rstrip(".")
        yield Label(x=left + at * step + (step - 4) // 2, y=y, words=words[:3], anchor="middle")


def _scaled(value: int, most: int, width: int) -> int:
    return value * width // most if most else 0


def _round_days(seconds: int) -> int:
    """Give an even number of days that holds so many seconds, two at least."""
    days = max(-(-seconds // DAY_S), 2)
    return days + days % 2


def month_words(month: date) -> str:
    """Name a month: `June 2026`."""
    return str(format_date(month, "LLLL y", locale=current_locale()))


def days_words(seconds: int) -> str:
    """Say a time as days with one decimal, or as hours below a day."""
    if seconds < 60:
        return _("under a minute")
    if seconds < DAY_S:
        hours = max((seconds + 1800) // 3600, 1)
        return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
    tenths = (seconds * 10 + DAY_S // 2) // DAY_S
    whole, tenth = divmod(tenths, 10)
    text = number_words(f"{whole}.{tenth}", 1) if tenth else str(whole)
    return ngettext("%(n)s day", "%(n)s days", 1 if tenths == 10 else 2) % {"n": text}


def months_between(first: date, last: date) -> list[date]:
    """Give the first days of the months from that of `first` to that of `last`."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    start: Any = first.year * 12 + first.month - 1
    return [date((start + at) // 12, (start + at) % 12 + 1, 1) for at in range(count)]
