"""Questions, headers and values as words: all three are taken apart in one way, so that they can be compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from docindex.answering.tables.lexicon import NUMBERS, SCALES
from docindex.answering.terms import stem

Kind = Literal["word", "number", "ordinal", "date", "decade", "unit", "quote", "mark"]

_DATE = r"\d{4}-\d{2}-\d{2}(?!\d)|\d{1,2}\.\d{1,2}\.\d{4}(?!\d)"
_SIGN = rf"(?:(?<![^\s($€£¥])[-\N{{MINUS SIGN}}](?!{_DATE}))?"
"""A minus, which nothing goes right before: in "5-10" it is none."""
_TOKEN = re.compile(
    r"(?P<quote>\"[^\"\n]{1,80}\"|“[^”\n]{1,80}”)"
    rf"|(?P<date>\b(?:{_DATE}))"
    r"|(?P<decade>\b(?:1[5-9]|20)\d0s\b)"
    r"|(?P<ordinal>\b\d{1,2}(?:st|nd|rd|th)\b)"
    r"|(?P<unit>°[CFcf]\b|\b[kcm]?m[²³23](?![^\W_])|\bkm/h\b|\bm/s\b|[%€$£¥°])"
    rf"|(?P<number>{_SIGN}(?<![^\W_])(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?(?![^\W_]))"
    r"|(?P<word>[^\W_]+(?:['’][^\W_]+)?|(?<![^\s(])[-\N{MINUS SIGN}](?=[€$£¥]\d))"
    r"|(?P<mark>[,;:])"
)
_ENDINGS = (
    "ation", "ition", "ance", "anc", "ence", "enc", "ment", "ness", "ous", "ity", "iti", "ure", "ur", "ion", "ist",
    "ee", "er", "or", "al", "e", "i",
)  # fmt: skip
_SHORTEST_ROOT = 4


@dataclass(frozen=True, slots=True)
class Word:
    """A word, number or sign of a text."""

    kind: Kind
    text: str
    lower: str
    key: str
    """What equal things have alike: the stem, or the number in one spelling."""
    start: int
    end: int
    number: Decimal | None = None
    date: datetime | None = None


def words_of(text: str) -> list[Word]:
    """The words in order."""
    found: list[Word] = []
    for match in _TOKEN.finditer(text):
        kind: Kind = match.lastgroup  # type: ignore[assignment]
        word = _word(kind, match.group(), match.start(), match.end())
        if found and found[-1].number is not None and word.lower in SCALES:
            last = found.pop()
            number = (last.number or Decimal(0)) * SCALES[word.lower]
            word = Word("number", text[last.start : word.end], last.lower, plain(number), last.start, word.end, number)
        found.append(word)
    return found


def keys_of(text: str) -> tuple[str, ...]:
    """The keys of a value's words."""
    return tuple(word.key for word in said_words(text))


def said_words(text: str) -> list[Word]:
    """The words of a value: without commas and the like."""
    return [word for word in words_of(text) if word.kind != "mark"]


def plain(number: Decimal) -> str:
    """The number in one spelling."""
    return format(number.normalize(), "f") if number else "0"


@lru_cache(maxsize=4096)
def root(key: str) -> str:
    """A stem without the ending that makes a noun of a verb or the like: "driver" and "drives" come out alike."""
    for ending in _ENDINGS:
        rest = key.removesuffix(ending)
        if rest != key and len(rest) >= _SHORTEST_ROOT:
            return root(rest) if ending in ("e", "ee") else rest
    return key


@lru_cache(maxsize=65536)
def akin(one: str, other: str) -> bool:
    """Whether two stems are of one word: the same, or one of them what the other is made of.

    "Departed" and "departure" are; "department" and "departure" are not, since neither is made of the other.
    """
    if one == other:
        return True
    shared = root(one)
    if shared != root(other):
        return False
    return bool({shared, shared + "e"} & {one, other}) or one.endswith("ous") or other.endswith("ous")


def _word(kind: Kind, text: str, start: int, end: int) -> Word:
    lower = text.lower().replace("’", "'")
    match kind:
        case "number":
            number = Decimal(text.replace(",", "").replace("\N{MINUS SIGN}", "-"))
            return Word(kind, text, lower, plain(number), start, end, number)
        case "ordinal":
            return Word(kind, text, lower, lower, start, end, Decimal(text[:-2]))
        case "decade":
            return Word(kind, text, lower, lower, start, end, Decimal(text[:-1]))
        case "date":
            date = _date(text)
            return Word(kind if date else "word", text, lower, lower, start, end, None, date)
        case "quote":
            return Word(kind, text[1:-1], lower[1:-1], lower[1:-1], start, end)
        case "word":
            if lower in NUMBERS:
                number = Decimal(NUMBERS[lower])
                return Word("number", text, lower, plain(number), start, end, number)
            bare = lower.removesuffix("'s")
            return Word(kind, text, bare, stem(bare), start, end)
        case _:
            return Word(kind, text, lower, lower, start, end)


def _date(text: str) -> datetime | None:
    try:
        if "-" in text:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        day, month, year = map(int, text.split("."))
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
