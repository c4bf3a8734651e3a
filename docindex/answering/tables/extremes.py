"""The highest and the lowest: as values, as rows, and as groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docindex.answering.tables.asking import BUCKETS, FUNCTION_WORDS, Asking, additive
from docindex.answering.tables.lexicon import COMPARED, ORDINALS, SUPERLATIVES, line
from docindex.answering.tables.plan import Function, Measure, Order, QueryPlan
from docindex.answering.tables.ranking import Ranking, is_filler
from docindex.answering.tables.view import Seen

_MORE = line("most fewest least")
_COMMON = line("common frequent frequently often popular")
_MOST = 1000
"""A larger number is not how many are wanted."""


class Extremes:
    """The highest and the lowest."""

    def __init__(self, asking: Asking) -> None:
        self._ask = asking

    def plan(self) -> QueryPlan | None:
        """The plan, if a superlative is asked for."""
        at = self._superlative()
        if at is None:
            return None
        self._ask.begun = True
        word = self._ask.items[at].words[0].lower
        end, quantities = SUPERLATIVES[word]
        limit, rank = self._limit(at)
        functions = self._ask.functions()
        self._ask.find("how", "much")
        counted = self._ask.find("number", "of") is not None
        after = self._ask.next_item(at + 1, is_filler)
        adjective = self._ask.items[after] if after is not None else None
        if adjective is not None and word in ("most", "least") and adjective.lower in COMPARED:
            end_of, quantity = COMPARED[adjective.lower]
            end = end_of if word == "most" else ("min" if end_of == "max" else "max")  # type: ignore[assignment]
            quantities, adjective.used = frozenset((quantity,)), True
            word = "highest"
            after = self._ask.next_item(at + 1, is_filler)
        common = adjective is not None and word in ("most", "least") and adjective.lower in _COMMON
        if adjective is not None and common:
            adjective.used = True
        follows = self._ask.items[after] if after is not None else None
        counted = counted or (word in _MORE and follows is not None and follows.kind == "noun" and follows.table == 0)
        rows = word in _MORE and counted and not functions
        ranking = Ranking(self._ask)
        measure = None if common or rows else ranking.measure(at, after, quantities)
        descending = end == "max"
        head = self._asked_head(measure)
        if self._ask.reading.failed or (ranking.implied and not functions and self._repeats(head)):
            return None  # "the most expensive product" is not the product of the largest order
        if measure is None:
            if not (counted or word in _MORE):
                return None
            return self._most_rows(head, limit, rank, functions, descending=descending, named=common)
        return self._extreme_of(measure, head, functions, (limit, rank), word, descending=descending)

    def _repeats(self, head: int | None) -> bool:
        """Whether what is asked for is a thing that several rows may be of, and no row is."""
        if head is None or self._ask.items[head].kind != "column":
            return False
        seen = self._ask.column(self._ask.items[head], lambda one: one.field.type == "text")
        rows = any(item.kind == "noun" and item.table == 0 for item in self._ask.items)
        return seen is not None and not seen.field.unique and not rows

    def _superlative(self) -> int | None:
        """Where the first superlative stands; it is taken. A column that is called "Maximum" is none beside another."""
        found = [
            at
            for at, item in enumerate(self._ask.items)
            if not item.used and item.kind == "word" and item.words[0].lower in SUPERLATIVES
        ]
        if not found:
            alone = [
                at
                for at, item in enumerate(self._ask.items)
                if not item.used and item.kind == "column" and item.exact and item.words[0].lower in SUPERLATIVES
            ]
            others = any(item.words[0].lower in FUNCTION_WORDS for item in self._ask.items if not item.used)
            return alone[0] if alone and not others else None
        first = found[0]
        for at in found[1:]:
            if at == first + 1 or self._ask.items[at].lower in ("top",):
                continue
            return None  # two different ends
        if len(found) > 1 and self._ask.items[first].lower in ("top", "first", "last", "bottom"):
            self._ask.take(first)
            first = found[1]
        self._ask.take(first)
        return first

    def _limit(self, at: int) -> tuple[int | None, int | None]:
        """How many are asked for: "the three cheapest", "top 5"; or the which-th: "second highest"."""
        before = self._ask.items[at - 1] if at else None
        if before is not None and before.kind == "word" and ORDINALS.get(before.lower, 0) > 1:
            before.used = True
            return None, ORDINALS[before.lower]
        if before is not None and before.kind == "number" and before.words[0].kind == "ordinal" and before.number:
            before.used = True
            return None, int(before.number)
        numbers = [
            place
            for place, item in enumerate(self._ask.items)
            if item.kind == "number"
            and not item.used
            and item.number is not None
            and item.number == item.number.to_integral_value()
            and 0 < item.number <= _MOST
        ]
        if len(numbers) == 1:
            item = self._ask.items[numbers[0]]
            if item.unit is None or (len(item.words) > 1 and item.words[1].key in BUCKETS):
                item.used = True
                return int(item.number or 1), None
        return None, None

    def _asked_head(self, measure: Seen | None) -> int | None:
        """The item that says of what the extreme is wanted."""
        head = self._ask.head()
        while head is not None and measure is not None:
            seen = self._ask.items[head].seen
            if self._ask.items[head].kind == "column" and any(one.column == measure.column for one in seen):
                self._ask.take(head)
                head = self._ask.head()
            else:
                break
        return head

    def _most_rows(
        self,
        head: int | None,
        limit: int | None,
        rank: int | None,
        functions: Sequence[Function],
        *,
        descending: bool,
        named: bool,
    ) -> QueryPlan | None:
        """“Which department has the most employees?”: the group of the most rows."""
        if functions or head is None:
            return None
        group = self._ask.group_of(head)
        if group is None:
            return None
        counted = [
            item
            for place, item in enumerate(self._ask.items)
            if item.kind == "noun" and item.table == 0 and place != head
        ]
        if not (counted or named) or any(item.quantity not in (None, "people") for item in counted):
            return None  # "the most expenses" may be many of them, or much money
        self._ask.take(head)
        order = Order(None, descending)
        plan = replace(
            self._ask.plan, measures=(Measure("count"),), group=group, order=order, rank=rank, limit=limit or 1
        )
        return self._ask.with_conditions(plan)

    def _extreme_of(
        self,
        measure: Seen,
        head: int | None,
        functions: Sequence[Function],
        many: tuple[int | None, int | None],
        word: str,
        *,
        descending: bool,
    ) -> QueryPlan | None:
        limit, rank = many
        order = Order(None, descending)
        item = self._ask.items[head] if head is not None else None
        when = any(one.lower == "when" and not one.used for one in self._ask.items)
        asked = self._who(measure)
        if self._ask.reading.failed:
            return None
        if when and asked is None:
            item = None
        if item is not None and head is not None:
            row = item.kind == "noun" and item.table == 0
            group = None if row else self._ask.group_of(head)
            adds_up = functions == ["sum"] or (
                not functions and word in _MORE and group is not None and additive(measure)
            )
            if group is not None and (functions or adds_up):
                function: Function = functions[0] if functions else "sum"
                self._ask.take(head)
                value = Measure(function, measure.column)
                plan = replace(self._ask.plan, measures=(value,), group=group, order=order, rank=rank, limit=limit or 1)
                return self._ask.with_conditions(plan)
            if functions and functions != ["sum"]:
                return None
            if group is not None and group.bucket not in (None, "day"):
                return None
            if row or group is not None or item.kind == "noun":
                self._ask.take(head)
                column = self._ask.view.seen(group.column) if group is not None else None
                return self._extreme_rows(measure, column, limit, rank, descending=descending)
            if item.kind == "column":
                return None
        if functions:
            return None
        if asked is not None or limit is not None or rank is not None:
            return self._extreme_rows(measure, asked, limit, rank, descending=descending)
        function = "max" if descending else "min"
        return self._ask.with_conditions(replace(self._ask.plan, measures=(Measure(function, measure.column),)))

    def _who(self, measure: Seen) -> Seen | None:
        """The column that "who", "where" or "when" asks for, unless that is the measure itself."""
        for at, item in enumerate(self._ask.items):
            if item.used or item.lower not in ("who", "where", "when"):
                continue
            self._ask.take(at)
            if item.lower == "when" and measure.field.type == "date":
                return None
            found = self._ask.asked_by(item.lower)
            if found is None:
                self._ask.reading.failed = True
            return found
        return None

    def _extreme_rows(
        self, measure: Seen, asked: Seen | None, limit: int | None, rank: int | None, *, descending: bool
    ) -> QueryPlan:
        shown = [asked] if asked is not None else list(self._ask.view.labels)
        columns = [seen.column for seen in (*shown, measure)]
        return self._ask.with_conditions(
            replace(
                self._ask.plan,
                columns=tuple(dict.fromkeys(columns)),
                order=Order(measure.column, descending),
                limit=limit or 1,
                rank=rank,
            )
        )
