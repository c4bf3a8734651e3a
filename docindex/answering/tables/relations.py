"""Tables as questions see them: what their columns are called, measured in, and hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from docindex.answering.tables.lexicon import FILLERS, IDENTIFIERS, QUANTITIES, SHORT_UNITS, UNITS, Unit, line
from docindex.answering.tables.tokens import keys_of, root, words_of
from docindex.loaders.cell_types import shown
from docindex.schema import CellValue, ColumnType

MOST_VALUES = 5000
"""A text column with more different values is not matched by value."""
_LONGEST_VALUE = 80
_MOST_WORDS = 8
_BRACKETS = re.compile(r"[(\[]([^)\]]*)[)\]]\s*$")
_YES = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
_FIRST_YEAR, _LAST_YEAR = 1000, 2100
_ADDED_TO_NAMES = frozenset(("in", "of", "on", "the", "a", "at", "for", "and", "by", "per"))

Texts = Mapping[tuple[str, ...], tuple[str, ...]]
"""The spellings of values by the keys of their words."""


@dataclass(frozen=True, slots=True)
class ValueSummary:
    """What the values of a column are, in short."""

    filled: int = 0
    distinct: int = 0
    """Counted up to `MOST_VALUES` for text; one more stands for all above."""
    texts: Texts = field(default_factory=dict)
    months: frozenset[tuple[int, int]] = frozenset()
    """The years and months of dates."""
    decimals: int = 0
    yearly: bool = False
    """Whole numbers that could all be years."""
    timed: bool = False
    """Dates that have a time of day."""
    truth: Mapping[str, bool] | None = None
    """What each value means, where the values are yes and no."""
    fractions: bool = False
    """Numbers of which none is more than 1."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its name taken apart, and its values in short."""

    name: str
    type: ColumnType
    words: tuple[str, ...]
    """The stems of its name, without its unit."""
    unit: Unit | None
    quantity: str | None
    values: ValueSummary
    rows: int

    @property
    def numeric(self) -> bool:
        """Whether it can be added up."""
        return self.type in ("integer", "number")

    @property
    def unique(self) -> bool:
        """Whether each row has a value of its own."""
        return self.values.distinct == self.rows and self.values.filled == self.rows > 0

    @property
    def identifier(self) -> bool:
        """Whether its name says that it only numbers things."""
        return bool(IDENTIFIERS & set(self.words))

    @property
    def truth(self) -> bool:
        """Whether it says yes or no."""
        return self.type == "boolean" or self.values.truth is not None


@dataclass(frozen=True, slots=True)
class Part:
    """A stored table, or a table of a database, whose rows a relation holds."""

    doc_id: str
    source: str
    number: int
    label: str
    rows: int
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Relation:
    """What questions are asked of: one table, or several that go on from each other."""

    name: str
    """Unique in the catalogue, and its name in statements."""
    title: str
    """What answers call it."""
    parts: tuple[Part, ...]
    fields: tuple[Field, ...]
    nouns: frozenset[str]
    """The stems of what its rows are called by its titles."""
    title_words: frozenset[str]
    rows: int
    part_field: str | None = None
    """The column that says which part a row is from, where there are several."""
    vocabulary: frozenset[str] = field(init=False)
    """The stems of names and titles, their roots, and the words of values: a question about it has one of them."""
    quantities: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        words = {word for one in self.fields for word in one.words} | self.nouns | self.title_words
        of_values = {word for one in self.fields for keys in one.values.texts for word in keys}
        object.__setattr__(self, "vocabulary", frozenset(words | set(map(root, words)) | of_values))
        quantities = frozenset(one.quantity for one in self.fields if one.quantity is not None)
        object.__setattr__(self, "quantities", quantities)

    def field(self, name: str) -> Field:
        """The column of that name."""
        return next(one for one in self.fields if one.name == name)

    @property
    def labels(self) -> tuple[Field, ...]:
        """The columns by which a row is told from the others, the best one first."""
        unique = [one for one in self.fields if one.unique and one.type != "number" and not one.truth]
        ranked = sorted(unique, key=_label_rank)
        if ranked and _label_rank(ranked[0]) < _Rank.whole:
            return (ranked[0],)
        return tuple(one for one in self.fields if one.name != self.part_field)


class _Rank:
    name, code, date, whole = 0, 1, 2, 3


def _label_rank(one: Field) -> int:
    if one.type == "text":
        return _Rank.code if one.identifier else _Rank.name
    return _Rank.date if one.type == "date" else _Rank.code if one.identifier else _Rank.whole


def field_of(name: str, kind: ColumnType, values: ValueSummary, rows: int) -> Field:
    """A column by its name in the header, as "Price in euros" or "Rain (mm)", and its values."""
    bare, unit = _without_unit(name)
    words = tuple(
        word.key for word in words_of(bare) if word.kind in ("word", "number") and word.lower not in _ADDED_TO_NAMES
    ) or tuple(word.key for word in words_of(bare) if word.kind == "word")
    by_name = [QUANTITIES[word] for word in words if word in QUANTITIES]
    quantity = by_name[-1] if by_name and kind in ("integer", "number") else unit.quantity if unit else None
    return Field(name, kind, words, unit, quantity, values, rows)


def _without_unit(name: str) -> tuple[str, Unit | None]:
    bracket = _BRACKETS.search(name)
    if bracket:
        inside = [word.lower for word in words_of(bracket[1])]
        known = [UNITS[word] for word in inside if word in UNITS]
        if known:
            return name[: bracket.start()], known[0]
    words = words_of(name)
    if len(words) > 1:
        last = words[-1]
        if last.lower in UNITS and last.lower not in SHORT_UNITS:
            before = words[-2].lower == "in"
            if before or last.kind == "unit" or last.lower in ("mm", "cm", "km", "kg", "eur", "usd", "gbp", "chf"):
                return name[: (words[-2] if before and len(words) > 2 else last).start], UNITS[last.lower]
    return name, None


class Summing:
    """The values of a column, summed up row by row."""

    def __init__(self, kind: ColumnType) -> None:
        self._kind = kind
        self.filled = 0
        """How many there are."""
        self._seen: set[CellValue] = set()
        self._decimals = 0
        self._months: set[tuple[int, int]] = set()
        self._timed = False

    def add(self, value: CellValue) -> None:
        """One more."""
        if value is None:
            return
        self.filled += 1
        if self._kind != "text" or len(self._seen) <= MOST_VALUES:
            self._seen.add(value)
        if isinstance(value, datetime):
            self._months.add((value.year, value.month))
            self._timed = self._timed or any((value.hour, value.minute, value.second, value.microsecond))
        elif isinstance(value, float):
            self._decimals = max(self._decimals, decimals(value))

    def as_text(self) -> Summing:
        """The same of a column that is text."""
        if self._kind == "text":
            return self
        texts = Summing("text")
        texts.filled = self.filled
        texts._seen = {shown(value) for value in self._seen}
        return texts

    def seen_texts(self) -> frozenset[str]:
        """The texts of a column in which each is there once; none of another column."""
        texts = [value for value in self._seen if isinstance(value, str)]
        return frozenset(texts) if len(texts) == self.filled else frozenset()

    def summary(self, *, filled: int | None = None, distinct: int | None = None, known: bool = True) -> ValueSummary:
        """What there was; of values that are only some of all (not `known`), what is said of all."""
        texts = [value for value in self._seen if isinstance(value, str)]
        truth = {text: _YES[text.casefold()] for text in texts if text.casefold() in _YES}
        whole = [value for value in self._seen if isinstance(value, int) and not isinstance(value, bool)]
        return ValueSummary(
            self.filled if filled is None else filled,
            len(self._seen) if distinct is None else distinct,
            by_keys(texts) if known and self._kind == "text" and len(self._seen) <= MOST_VALUES else {},
            frozenset(self._months),
            self._decimals,
            known
            and self._kind == "integer"
            and bool(whole)
            and all(_FIRST_YEAR <= one <= _LAST_YEAR for one in whole),
            self._timed,
            truth
            if known and truth and len(truth) == len(self._seen) and len(set(truth.values())) == len(truth)
            else None,
            self._kind == "number" and all(abs(value) <= 1 for value in self._seen if isinstance(value, float)),
        )


def by_keys(texts: Iterable[str]) -> Texts:
    """The values that a question can name."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for text in sorted(texts):
        if len(text) <= _LONGEST_VALUE:
            keys = keys_of(text)
            if 0 < len(keys) <= _MOST_WORDS:
                found[keys] = (*found.get(keys, ()), text)
    return found


def decimals(value: float) -> int:
    """How many digits stand after the point of a number as it was written."""
    text = repr(value)
    if "e" in text:
        return 0 if "e+" in text else 15
    return len(text.partition(".")[2].rstrip("0"))


_PLAIN_SHEET = re.compile(r"(?:sheet|table|tabelle|feuil|hoja|data|daten|export|column)\s*\d*", re.IGNORECASE)
_ENDS_NOUN = frozenset(("of", "by", "for", "per", "from", "in", "since", "with"))


def title_words(titles: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The stems of the nouns that files and sheets are called by, and those of all of their words."""
    nouns: set[str] = set()
    keys: set[str] = set()
    for title in titles:
        if _PLAIN_SHEET.fullmatch(title.strip()):
            continue
        words = [word for word in words_of(title) if word.kind in ("word", "number")]
        keys.update(word.key for word in words if word.lower not in FILLERS)
        head = None
        for word in words:
            if word.lower in _ENDS_NOUN:
                break
            if not (word.lower in TIME_WORDS | _VERSIONS | FILLERS or word.kind == "number"):
                head = word
        if head is not None:
            nouns.add(head.key)
    return frozenset(nouns), frozenset(keys)


TIME_WORDS = line(
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep oct nov dec q1 q2 q3 q4 spring summer autumn winter"
)
"""What tells the parts of a series apart."""
_VERSIONS = line("final draft new old copy v1 v2 v3 version")
"""What tells versions of one thing apart, and is not what its rows are called."""
