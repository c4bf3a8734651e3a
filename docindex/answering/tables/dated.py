"""Conditions on dates and years in a question: "in March 2025", "before 1980", "between the 3rd and the 9th"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from docindex.answering.tables.dates import Stretch
from docindex.answering.tables.plan import AnyOf, Operator, Test
from docindex.answering.tables.reading import Condition, Reading
from docindex.answering.tables.view import Seen
from docindex.schema import CellValue

_WHEN = {
    "before": "before", "until": "until", "till": "until", "to": "until", "after": "after", "since": "since",
    "from": "", "than": "", "in": "", "on": "", "during": "", "of": "", "for": "", "by": "until", "between": "",
}  # fmt: skip
_SPANNING = ("to", "until")
"""What stands between the ends of a span."""
_OPERATORS: Mapping[str, tuple[Operator, int]] = {
    "before": ("<", 0),
    "until": ("<", 1),
    "after": (">=", 1),
    "since": (">=", 0),
}
"""What a date column is compared with: the first moment of the stretch, or the first one after it."""
_YEAR_OPERATORS: Mapping[str, tuple[Operator, int]] = {
    "before": ("<", 0),
    "until": ("<=", 1),
    "after": (">", 1),
    "since": (">=", 0),
}
"""The same of a column of years: the first year, or the last."""


class Dates:
    """Reads stretches of time."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(self) -> None:
        """Finds them."""
        at = 0
        while at < len(self._reading.items):
            item = self._reading.items[at]
            at = self._date(at) if item.kind == "date" and not item.used else at + 1

    def _date(self, at: int) -> int:
        """Reads what begins at a date; returns where it ends."""
        lead = at - 1
        if self._reading.lower(lead) in ("the", "year", "month", "day"):
            lead -= 1
        before = self._reading.lower(lead)
        start = lead if before in _WHEN else at
        places = self._listed(at)
        end = places[-1] + 1
        stretches = [stretch for place in places if (stretch := self._reading.items[place].stretch) is not None]
        ranged = before == "between" or any(self._reading.lower(place) in _SPANNING for place in range(at, end))
        when = _WHEN.get(before, "")
        if before == "from" and not ranged:
            begun, end = end, self._onwards(end)
            when = "since" if end > begun or self._reading.lower(lead - 1) == "as" else ""
        seen = self._dated_column(start, stretches)
        if seen is None or (ranged and len(places) != 2) or (when and len(places) > 1):
            self._reading.failed = True
            return end
        bounds = [_span(seen, *stretches)] if ranged else _each(seen, stretches)
        known = [pair for pair in bounds if pair is not None]
        if len(known) != len(bounds):
            self._reading.failed = True
            return end
        tests = [_test(seen, pair, when) for pair in known]
        if len(tests) == 1:
            self._reading.add(tests[0], start, end)
        else:
            self._reading.conditions.append(Condition(AnyOf(tuple(tests)), start, end))
            for item in self._reading.items[start:end]:
                item.used = True
        return end

    def _listed(self, at: int) -> list[int]:
        """The places of the dates that follow each other with "and", "or", "to" or a comma between them."""
        places = [at]
        place = at + 1
        while self._reading.lower(place) in ("and", "or", "to", "until", ",", "the", "in", "on"):
            place += 1
            item = self._reading.item(place)
            if item is not None and item.kind == "date":
                places.append(place)
                place += 1
        return places

    def _onwards(self, at: int) -> int:
        """Where "on", "onwards" or "to now" ends, if such stands at a place; else the place."""
        word, following = self._reading.lower(at), self._reading.item(at + 1)
        aside = following is not None and (following.kind not in ("word", "mark") or following.lower in ("a", "the"))
        if word in ("onward", "onwards") or (word == "on" and not aside):  # "from 2023 on credit" is in that year
            return at + 1
        place = at
        while self._reading.lower(place) in ("up", "to", "until", "till"):
            place += 1
        return place + 1 if place > at and self._reading.lower(place) in ("now", "today") else at

    def _dated_column(self, start: int, stretches: Sequence[Stretch]) -> Seen | None:
        years = all(stretch.only_year for stretch in stretches)

        def fits(seen: Seen) -> bool:
            return seen.field.type == "date" or (years and seen.field.values.yearly)

        before = self._reading.before(start, fits)
        if before is not None:
            if self._reading.items[before[0]].kind == "column":
                self._reading.items[before[0]].used = True
            return before[1]
        named = [
            seen
            for one in self._reading.items
            if one.kind == "column" and (seen := self._reading.column_of(one, fits)) is not None
        ]
        if len({seen.column for seen in named}) == 1:
            return named[0]
        dates = self._reading.view.only(lambda seen: seen.field.type == "date")
        if dates is not None or any(seen.field.type == "date" for seen in self._reading.view.columns):
            return dates
        return self._reading.view.only(fits)


Bounds = tuple[CellValue, CellValue]


def _bounds(seen: Seen, stretch: Stretch) -> Bounds | None:
    """The first moment and the first one after it, or the first and the last year."""
    if seen.field.type == "date":
        return stretch.bounds(seen.field.values.months)
    if not stretch.only_year or stretch.year is None:
        return None
    return stretch.year, stretch.year + stretch.years - 1


def _each(seen: Seen, stretches: Sequence[Stretch]) -> list[Bounds | None]:
    """The bounds of each of those that are listed."""
    year = stretches[-1].year
    if stretches[-1].month is not None:  # "January and February 2024"
        stretches = [one if one.year else replace(one, year=year) for one in stretches]
    return [_bounds(seen, stretch) for stretch in stretches]


def _span(seen: Seen, first: Stretch, last: Stretch) -> Bounds | None:
    """From the beginning of the one to the end of the other; None where that lies before it."""
    if first.month is None and first.day is not None and last.day is not None:
        first = replace(first, month=last.month)  # "the 3rd to the 9th of May"
    if first.year is None and last.month is not None and last.year is not None:
        later = first.month is not None and first.month >= last.month + last.months
        first = replace(first, year=last.year - later)  # "January to March 2024", "from December to February 2025"
    since, until = _bounds(seen, first), _bounds(seen, last)
    if since is None or until is None or _backwards(since[0], until[1]):
        return None
    return since[0], until[1]


def _backwards(start: CellValue, end: CellValue) -> bool:
    """Whether nothing lies between them: the first moment and the one after the last, or the first and last year."""
    if isinstance(start, datetime) and isinstance(end, datetime):
        return start >= end
    return isinstance(start, int) and isinstance(end, int) and start > end


def _test(seen: Seen, bounds: Bounds, when: str) -> Test:
    date = seen.field.type == "date"
    operators = _OPERATORS if date else _YEAR_OPERATORS
    if when in operators:
        operator, end = operators[when]
        return Test(seen.column, operator, (bounds[end],))
    if date:
        return Test(seen.column, "within", bounds)
    return Test(seen.column, "is", bounds[:1]) if bounds[0] == bounds[1] else Test(seen.column, "between", bounds)
