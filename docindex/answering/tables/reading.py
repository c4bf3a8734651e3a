"""A question as a view understands it: its items, and the conditions that were found in them so far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from docindex.answering.tables.lexicon import FILLERS, LIGHT, NEGATORS, line
from docindex.answering.tables.marks import Item, mark
from docindex.answering.tables.plan import AnyOf, Test, Where, tests_of
from docindex.answering.tables.tokens import Word
from docindex.answering.tables.view import Seen, View, first_table

LINKING = line(
    "of with is are was were has have had having a an the for by at on in be been being that which who whose their its "
    "level equal exactly to than costs cost from as does do did all it"
)
"""Words between a column and what is said of it."""
REACH = 5
"""So many of them there may be."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A test, and where in the question it stands."""

    test: Test | AnyOf
    start: int
    end: int


class Reading:
    """What is accounted for is marked in the items."""

    def __init__(self, words: Sequence[Word], view: View) -> None:
        self.view = view
        self.items = mark(words, view)
        self.failed = False
        """Something in it can't be meant, or could be meant in several ways."""
        self.conditions: list[Condition] = []

    def where(self, chosen: Callable[[Condition], bool] = lambda _: True) -> Where:
        """The conditions, with "or" between two of them read as such."""
        where: list[Test | AnyOf] = []
        last: Condition | None = None
        alternatives = False
        for one in self.conditions:
            if not chosen(one):
                continue
            between = self.items[last.end : one.start] if last is not None else []
            joined = next((item for item in between if item.lower == "or"), None)
            if joined is not None and where and isinstance(one.test, Test) and not one.test.negated:
                joined.used = alternatives = True
                where.append(AnyOf((*tests_of((where.pop(),)), one.test)))
            else:
                where.append(one.test)
            last = one
        # With "or", which of three conditions belong together can't be told; with "and", no row has two values.
        if (alternatives and len(where) > 1) or _contradictory(where):
            self.failed = True
        return tuple(where)

    def item(self, at: int) -> Item | None:
        """The item at a place, if there is one."""
        return self.items[at] if 0 <= at < len(self.items) else None

    def lower(self, at: int) -> str:
        """Its words, or nothing."""
        item = self.item(at)
        return item.lower if item is not None else ""

    def column_of(self, item: Item, wanted: Callable[[Seen], bool]) -> Seen | None:
        """The one column that an item names and that is so."""
        if item.kind in ("column", "noun") and item.seen:
            found = first_table(seen for seen in item.seen if wanted(seen))
            if len(found) == 1:
                return found[0]
            if found or (item.kind == "column" and item.exact):
                return None  # of what is named but not so, no other column is meant
        if item.quantity is not None and item.kind in ("quantity", "noun", "word", "column"):
            return self.by_quantity(item.quantity, wanted)
        return None

    def by_quantity(self, quantity: str, wanted: Callable[[Seen], bool]) -> Seen | None:
        """The one column of a quantity."""
        found = self.view.only(lambda seen: seen.field.quantity == quantity and wanted(seen))
        if found is None and quantity == "time":  # what is long may be so in either way
            return self.by_quantity("length", wanted)
        return found

    def add(self, test: Test, start: int, end: int) -> None:
        """Keeps what stands at some places as a condition, denied where a negation stands in it or goes before it."""
        if not test.negated:
            inside = [at for at in range(start, end) if self._denies(at)]
            negator = self.items[inside[0]] if inside else self.negator(start)
            if negator is not None:
                negator.used = True
                test = replace(test, negated=True)
            self.failed = self.failed or len(inside) > 1  # which of them denies the other can't be told
        self.conditions.append(Condition(test, start, end))
        for item in self.items[start:end]:
            item.used = True

    def negator(self, start: int) -> Item | None:
        """The unused negation that belongs to what begins at a place."""
        for at in range(start - 1, max(-1, start - 1 - REACH), -1):
            item = self.items[at]
            if negates(item) and not item.used:
                return item
            if item.lower == "other" and self.lower(at + 1) == "than":
                item.used = self.items[at + 1].used = True
                return item
            beside = item.kind in ("column", "noun") and not item.used and at == start - 1
            linking = item.kind == "word" and (item.lower in FILLERS or item.lower in LINKING or item.key in LIGHT)
            if not (linking or beside):
                return None
        return None

    def _denies(self, at: int) -> bool:
        """Whether an unused negation stands at a place; "nor" only goes on, and "no 5" is a number."""
        item, following = self.items[at], self.item(at + 1)
        numbering = item.lower == "no" and following is not None and following.kind == "number"
        return negates(item) and not item.used and item.lower != "nor" and not numbering

    def before(self, start: int, wanted: Callable[[Seen], bool]) -> tuple[int, Seen] | None:
        """The column that the words right before a place name."""
        for at in range(start - 1, max(-1, start - 1 - REACH), -1):
            item = self.items[at]
            if item.kind in ("column", "quantity") or (item.kind == "noun" and item.exact):
                found = self.column_of(item, wanted)
                return None if found is None else (at, found)
            if item.kind == "word" and item.quantity is not None and item.lower not in FILLERS:
                found = self.column_of(item, wanted)
                if found is not None:
                    return at, found
            if item.kind != "word" or not (item.lower in LINKING or item.key in LIGHT or negates(item)):
                return None
        return None


def negates(item: Item) -> bool:
    """Whether the item says no."""
    return item.kind == "word" and (item.lower in NEGATORS or item.lower.endswith("n't"))


def numeric(seen: Seen) -> bool:
    """Whether the column can be added up."""
    return seen.field.numeric


def _contradictory(where: Sequence[Test | AnyOf]) -> bool:
    """Whether one column would have to have two values at once."""
    fixed = [
        one.column
        for one in where
        if isinstance(one, Test) and one.operator in ("is", "within", "between") and not one.negated
    ]
    return len(set(fixed)) < len(fixed)
