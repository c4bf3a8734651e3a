"""Stretches of time that a question names, such as "March 2025", "the 21st" or "Q2 2024"."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from docindex.answering.tables.lexicon import MONTHS, ORDINALS, line
from docindex.answering.tables.tokens import Word

_FIRST, _LAST = 1000, 2100
_BEFORE_YEARS = line("in of since before after until till from during for by to between and or year")
_QUARTERS = {f"q{number}": number for number in range(1, 5)}
_LAST_MONTH = 12


@dataclass(frozen=True, slots=True)
class Stretch:
    """A year, month, day or the like; what is None is not said."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    months: int = 1
    """How many months it has from `month` on: 3 for a quarter."""
    years: int = 1

    @property
    def only_year(self) -> bool:
        """Whether it is whole years."""
        return self.year is not None and self.month is None

    def bounds(self, known: Collection[tuple[int, int]]) -> tuple[datetime, datetime] | None:
        """Its first moment and the first one after it; None if the data do not say which year or month is meant."""
        year, month = self.year, self.month
        if month is None and self.day is not None:
            if len(known) != 1:
                return None
            ((year, month),) = known
        if year is None:
            years = {one for one, other in known if month is not None and month <= other < month + self.months}
            if len(years) != 1:
                return None
            year = years.pop()
        try:
            if month is None:
                return _moment(year, 1, 1), _moment(year + self.years, 1, 1)
            if self.day is None:
                last = month + self.months
                return _moment(year, month, 1), _moment(year + (last > _LAST_MONTH), (last - 1) % _LAST_MONTH + 1, 1)
            start = _moment(year, month, self.day)
        except ValueError:
            return None
        return start, start + timedelta(days=1)


def stretch_at(words: Sequence[Word], at: int) -> tuple[int, Stretch | None]:
    """The stretch that begins at a word, and how many words it has."""
    word = words[at]
    if word.date is not None:
        return 1, Stretch(word.date.year, word.date.month, word.date.day)
    if word.kind == "decade" and word.number is not None:
        return 1, Stretch(int(word.number), years=10)
    if word.lower in _QUARTERS:
        size, year = _year_after(words, at + 1)
        return 1 + size, Stretch(year, 3 * _QUARTERS[word.lower] - 2, months=3)
    for name, months in (("quarter", 3), ("half", 6)):
        number = ORDINALS.get(word.lower)
        if number and at + 1 < len(words) and words[at + 1].lower == name and number <= _LAST_MONTH // months:
            size, year = _year_after(words, at + 2)
            return 2 + size, Stretch(year, months * (number - 1) + 1, months=months) if size else None
    if _is_month(words, at):
        return _from_month(words, at)
    if word.kind in ("number", "ordinal") and word.number is not None and 1 <= word.number <= 31:
        following = at + 1 + (at + 1 < len(words) and words[at + 1].lower == "of")
        if following < len(words) and _is_month(words, following):
            size, year = _year_after(words, following + 1)
            return following + 1 - at + size, Stretch(year, MONTHS[words[following].lower], int(word.number))
        if word.kind == "ordinal" and at and words[at - 1].lower in ("the", "and", "to"):
            return 1, Stretch(day=int(word.number))
    if _is_year(word) and at and words[at - 1].lower in _BEFORE_YEARS:
        return 1, Stretch(int(word.number or 0))
    return 0, None


def _from_month(words: Sequence[Word], at: int) -> tuple[int, Stretch]:
    month = MONTHS[words[at].lower]
    if at + 1 < len(words):
        day = words[at + 1]
        if (
            day.number is not None
            and day.kind in ("number", "ordinal")
            and 1 <= day.number <= 31
            and "." not in day.text
        ):
            size, year = _year_after(words, at + 2)
            return 2 + size, Stretch(year, month, int(day.number))
    size, year = _year_after(words, at + 1)
    return 1 + size, Stretch(year, month)


def _year_after(words: Sequence[Word], at: int) -> tuple[int, int | None]:
    size = 0
    while at + size < len(words) and words[at + size].lower in (",", "of", "in") and size < 1:
        size += 1
    if at + size < len(words) and _is_year(words[at + size]):
        return size + 1, int(words[at + size].number or 0)
    return 0, None


def _is_month(words: Sequence[Word], at: int) -> bool:
    word = words[at]
    if word.kind != "word" or word.lower not in MONTHS:
        return False
    if word.lower in ("may", "march", "mar", "jun", "sept", "dec", "jan", "feb", "apr"):
        return word.text[:1].isupper() or (at > 0 and words[at - 1].lower in ("in", "of", "since", "until"))
    return True


def _is_year(word: Word) -> bool:
    return word.kind == "number" and word.text.isdecimal() and len(word.text) == 4 and _FIRST <= int(word.text) <= _LAST


def _moment(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)
