"""A question word by word: what each one names in a view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from docindex.answering.tables.dates import Stretch, stretch_at
from docindex.answering.tables.lexicon import (
    ASKED_QUANTITIES,
    COMPARATIVES,
    COMPARED,
    FILLERS,
    NEGATORS,
    ROW_WORDS,
    SHORT_UNITS,
    SUPERLATIVES,
    UNITS,
    Unit,
    line,
)
from docindex.answering.tables.plan import ColumnOf
from docindex.answering.tables.tokens import Word, said_words
from docindex.answering.tables.view import Named, Seen, View

ItemKind = Literal["word", "value", "column", "noun", "title", "quantity", "number", "date", "quote", "mark"]

OPERATIONS = line(
    "many total sum altogether combined together average avg mean median variance deviation standard count number per "
    "each every by which what who whom where when how difference percentage share proportion fraction ratio different "
    "distinct unique sort sorted order ordered rank ranked top bottom and or than at between exactly equal or"
)
_SMALL = line("a an am as at be by do he i if in is me my of on so to up we")
_GIVING = line("give show tell let")
_YEAR_DIGITS = 4
_WEIGHTS = {"value": 3.0, "noun": 2.0, "date": 1.0, "quantity": 1.0, "title": 0.5}


@dataclass(slots=True)
class Item:
    """Some words that belong together, and what they are."""

    kind: ItemKind
    words: Sequence[Word]
    seen: tuple[Seen, ...] = ()
    """The columns that may be meant."""
    exact: bool = False
    """The words are the whole name of the column."""
    named: tuple[Named, ...] = ()
    """The values that may be meant."""
    table: int | None = None
    """Whose rows a noun means."""
    titled: bool = False
    """A noun that stands in a title, not only in the name of the column that tells the rows apart."""
    quantity: str | None = None
    number: Decimal | None = None
    unit: Unit | None = None
    stretch: Stretch | None = None
    generic: bool = False
    """A noun for the rows of any table."""
    used: bool = field(default=False)
    """The plan accounts for it."""

    @property
    def lower(self) -> str:
        """Its words in small letters."""
        return " ".join(word.lower for word in self.words)

    @property
    def key(self) -> str:
        """The key of its only word."""
        return self.words[0].key if len(self.words) == 1 else ""

    @property
    def weight(self) -> float:
        """How much it says for the view that it names something in it."""
        if self.generic:
            return 0.25
        if self.kind == "column":
            return (2.0 if self.exact else 1.0) * len(self.words)
        if self.titled:
            return 2.5
        return _WEIGHTS.get(self.kind, 0.0) * (len(self.words) if self.kind in ("value", "noun") else 1)


def mark(words: Sequence[Word], view: View) -> list[Item]:
    """The question's words in order, each in one item."""
    dated = any(seen.field.type == "date" or seen.field.values.yearly for seen in view.columns)
    items: list[Item] = []
    at = 0
    while at < len(words):
        item = _item(words, at, view, dated=dated)
        items.append(item)
        at += len(item.words)
    return items


def _item(words: Sequence[Word], at: int, view: View, *, dated: bool) -> Item:
    word = words[at]
    if word.kind == "mark":
        return Item("mark", (word,), used=True)
    if word.kind == "quote":
        named = view.spelt(said_words(word.text))
        return Item("value" if named else "quote", (word,), named=named)
    size, named = view.values(words, at)
    run = view.column_run(words, at, _skipped)
    if size > 1 and size >= run.size:
        return Item("value", words[at : at + size], named=named)
    length, stretch = stretch_at(words, at) if dated else (0, None)
    if stretch is not None and not (run.exact and run.size >= length):
        return Item("date", words[at : at + length], stretch=stretch)
    if size == 1 and run.size <= 1 and not (_operates(word) or _is_small(words, at)):
        return Item("value", (word,), named=named)
    if word.kind == "number" and view.titled(word) and len(word.text) == _YEAR_DIGITS:
        return Item("title", (word,))  # "in 2024", of a table that is called so
    if word.number is not None:
        return _number(words, at)
    column = _column(words, at, view)
    return column if column is not None else _word(words, at, view)


def _column(words: Sequence[Word], at: int, view: View) -> Item | None:
    word = words[at]
    run = view.column_run(words, at, _skipped)
    if run.size == 1 and word.lower in SUPERLATIVES:
        following = view.column_run(words, at + 1, _skipped)
        if following.size and not set(_columns(following.seen)) & set(_columns(run.seen)):
            return None  # the "maximum wind" is of the wind, though a column is called "Maximum °C"
    table = view.noun(word)
    quantity = ASKED_QUANTITIES.get(word.key)
    if run.size > 1 and (run.exact or table is None) and not (_operates(word) and not run.exact):
        return Item("column", words[at : at + run.size], run.seen, exact=run.exact)
    if table is not None and word.lower not in FILLERS:
        alone = run if run.size == 1 else view.column_run(words[: at + 1], at, _skipped)
        titled = word.key in view.relations[table].nouns
        return Item("noun", (word,), alone.seen, alone.exact, table=table, titled=titled, quantity=quantity)
    if run.size == 1 and (run.exact or not _operates(word)) and (word.lower not in FILLERS or run.exact):
        if word.lower in FILLERS and not word.text[:1].isupper():
            return None  # a column may be called "To", and the question has a "to"
        return Item("column", (word,), run.seen, exact=run.exact, quantity=quantity)
    return None


def _columns(seen: Sequence[Seen]) -> list[ColumnOf]:
    return [one.column for one in seen]


def _word(words: Sequence[Word], at: int, view: View) -> Item:
    word = words[at]
    if _operates(word) or word.lower in FILLERS:
        return Item("word", (word,), quantity=ASKED_QUANTITIES.get(word.key))
    if word.key in ROW_WORDS:
        return Item("noun", (word,), table=0, generic=True)
    if word.key in ASKED_QUANTITIES:
        quantity = ASKED_QUANTITIES[word.key]
        return Item("quantity", (word,), quantity=quantity)
    if word.lower in UNITS and word.lower not in SHORT_UNITS:
        return Item("word", (word,), unit=UNITS[word.lower])
    if len(word.text) > 2:
        size, named = view.part_of_label(words, at)
        if named is not None:
            return Item("value", words[at : at + size], named=(named,))
    if view.titled(word):
        return Item("title", (word,))
    return Item("word", (word,))


def _number(words: Sequence[Word], at: int) -> Item:
    """A number with its sign or unit."""
    word = words[at]
    size, unit = 1, None
    if at and words[at - 1].lower in ("$", "€", "£", "¥"):
        unit = UNITS[words[at - 1].lower]
    following = words[at + 1] if at + 1 < len(words) else None
    if following is not None and following.lower in UNITS:
        unit, size = UNITS[following.lower], 2
    return Item("number", words[at : at + size], number=word.number, unit=unit)


def _skipped(word: Word) -> bool:
    return word.lower in ("of", "the", "in", "on")


def _is_small(words: Sequence[Word], at: int) -> bool:
    """Whether an article, preposition or pronoun is meant, though a value may be called "A", "IN" or "ME".

    It is where it is written as such a word is, and something follows that it can belong to.
    """
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else None
    as_such = word.text == word.lower or word.text == "I" or at == 0
    asked = word.lower == "us" and at > 0 and words[at - 1].lower in _GIVING
    ends = following is None or following.kind == "mark" or following.lower in ("and", "or")
    return as_such and (asked or (word.lower in _SMALL and not ends))


def _operates(word: Word) -> bool:
    """Whether the word is one of an operation, whatever a table may call its columns."""
    lower = word.lower
    return (
        lower in OPERATIONS or lower in SUPERLATIVES or lower in COMPARATIVES or lower in COMPARED or lower in NEGATORS
    )
