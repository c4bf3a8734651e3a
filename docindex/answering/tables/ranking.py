"""The column by which the highest and the lowest are told."""

from __future__ import annotations

from docindex.answering.tables.asking import FUNCTION_WORDS, Asking
from docindex.answering.tables.lexicon import FILLERS, SUPERLATIVES
from docindex.answering.tables.marks import Item
from docindex.answering.tables.reading import numeric
from docindex.answering.tables.view import Seen

_REACH = 2
"""So far a column may stand behind the word that leads to it."""


class Ranking:
    """Looks for it beside the superlative, after "by", among what is named, and in what the adjective says."""

    def __init__(self, asking: Asking) -> None:
        self._ask = asking
        self._quantities: frozenset[str] | None = None
        self.implied = False
        """The column is not named: an adjective such as "cheapest" says what it is of."""

    def measure(self, at: int, after: int | None, quantities: frozenset[str] | None) -> Seen | None:
        """The column of which the highest or lowest is meant."""
        own = self._ask.items[at]
        self._quantities = quantities
        if own.kind == "column":
            return self._ask.column(own, self._ranked)
        named = self._beside(after, own) or self._by() or self._left()
        self.implied = named is None
        return named or self._of(quantities, SUPERLATIVES[own.words[0].lower][0])

    def _beside(self, after: int | None, superlative: Item) -> Seen | None:
        """Right after the superlative, as in "the lowest average rent"."""
        place = after
        while place is not None and self._ask.items[place].lower in FUNCTION_WORDS:
            place = self._ask.next_item(place + 1, is_filler)
        if place is None or self._ask.items[place].kind not in ("column", "quantity"):
            return None
        item = self._ask.items[place]
        seen = self._ask.column(item, self._ranked) or self._polar(item, superlative)
        if seen is not None:
            self._ask.take(place)
        return seen

    def _by(self) -> Seen | None:
        """After a small word, as in "top 3 by price"."""
        for place, item in enumerate(self._ask.items):
            following = self._ask.next_item(place + 1, lambda one: one.lower == "the")
            if item.lower not in ("by", "in", "with", "for") or item.used or following is None:
                continue
            if self._ask.items[following].kind in ("column", "quantity") and following - place <= _REACH:
                seen = self._ask.column(self._ask.items[following], self._ranked)
                if seen is not None:
                    self._ask.take(following)
                    return seen
        return None

    def _left(self) -> Seen | None:
        """The only one that is named at all."""
        left = self._ask.numeric_left()
        columns = {seen.column for _, seen in left}
        if len(columns) > 1 or any(not self._ranked(seen) for _, seen in left):
            self._ask.reading.failed = True
        if len(columns) != 1 or self._ask.reading.failed:
            return None
        self._ask.take(left[0][0])
        return left[0][1]

    def _of(self, quantities: frozenset[str] | None, end: str) -> Seen | None:
        """What the adjective says: "cheapest" is of money."""
        if quantities is None or self._ask.reading.failed:
            return None
        if "date" in quantities:
            date = self._ask.view.only(lambda seen: seen.field.type == "date")
            return date or self._ask.view.only(lambda seen: seen.field.values.yearly)
        return self._ask.of_quantities(set(quantities)) or self._pointing(quantities, end)

    def _polar(self, item: Item, superlative: Item) -> Seen | None:
        """“Highest temperature”, where there are columns of the highest and the lowest one of each day."""
        if item.quantity is None:
            return None
        return self._pointing(frozenset((item.quantity,)), SUPERLATIVES[superlative.words[0].lower][0])

    def _pointing(self, quantities: frozenset[str], end: str) -> Seen | None:
        """The one column of the quantities whose own name says which end it is."""

        def points(seen: Seen) -> bool:
            words = {word.lower() for word in seen.field.name.split()}
            return seen.field.quantity in quantities and any(
                SUPERLATIVES[word][0] == end for word in words if word in SUPERLATIVES
            )

        return self._ask.view.only(points)

    def _ranked(self, seen: Seen) -> bool:
        """Whether the superlative can be of the column: "last" is of dates, and "fastest" of no duration."""
        date = seen.field.type == "date" or seen.field.values.yearly
        if self._quantities is None:
            return numeric(seen) or date
        if "date" in self._quantities:
            return date
        return numeric(seen) and (seen.field.quantity is None or seen.field.quantity in self._quantities)


def is_filler(item: Item) -> bool:
    """Whether the item is a word that adds nothing."""
    return item.kind == "word" and item.lower in FILLERS
