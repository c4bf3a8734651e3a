"""Rows as they are: lists, single values, and what is sorted or grouped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from docindex.answering.tables.asking import Asking, additive
from docindex.answering.tables.lexicon import line, stems
from docindex.answering.tables.plan import Measure, Order, QueryPlan, Test, tests_of
from docindex.answering.tables.view import Seen

_LISTING = stems("list show give name find display which what who print")
_SORTING = line("sort sorted order ordered ranked")


class Listing:
    """Rows as they are: lists, single values, and what is sorted or grouped."""

    def __init__(self, asking: Asking) -> None:
        self._ask = asking

    def ordered(self) -> QueryPlan | None:
        """The plan, if the rows are to be sorted."""
        items = self._ask.items
        at = next((at for at, item in enumerate(items) if item.lower in _SORTING and not item.used), None)
        if at is None or not any(item.lower == "by" for item in items[at:]):
            return None
        self._ask.begun = True
        self._ask.take(at)
        by = self._ask.find("by")
        seen = None
        if by is not None:
            self._ask.days()
            place = self._ask.next_item(by + 1, lambda one: one.kind == "word")
            if place is not None:
                seen = self._ask.column(self._ask.items[place], lambda _: True)
                self._ask.take(place)
        if seen is None:
            return None
        descending = self._ask.find("descending") is not None
        self._ask.find("ascending")
        columns = tuple(dict.fromkeys([*(one.column for one in self._ask.view.labels), seen.column]))
        return self._ask.with_conditions(replace(self._ask.plan, columns=columns, order=Order(seen.column, descending)))

    def grouped(self) -> QueryPlan | None:
        """“Rain by month”: a total, where one makes sense."""
        group = self._ask.group()
        if group is None:
            return None
        self._ask.begun = True
        called = {item.quantity for item in self._ask.items if item.kind == "noun" and item.quantity is not None}
        seen = self._ask.one_numeric() or self._ask.of_quantities(called)
        if seen is None or not additive(seen):
            return None
        return self._ask.with_conditions(replace(self._ask.plan, measures=(Measure("sum", seen.column),), group=group))

    def rows(self) -> QueryPlan | None:
        """The plan, if rows or values of them are asked for."""
        wanted: list[Seen] = []
        first = self._ask.items[0]
        for at, item in enumerate(self._ask.items):
            if item.used:
                continue
            if item.lower in ("who", "where", "when"):
                self._ask.take(at)
                named = [one for one in self._ask.items if not one.used and one.kind == "column"]
                if named and item.lower != "when":
                    continue  # "who is the manager of Finance?"
                dates = [seen for one in named if (seen := self._ask.column(one, lambda s: s.field.type == "date"))]
                found = dates[0] if len(dates) == 1 else None if dates else self._ask.asked_by(item.lower)
                if found is None:
                    return None
                for one in named:
                    one.used = one.used or found in one.seen
                wanted.append(found)
            elif item.key == "day" and item.kind == "word":
                date = self._ask.days()
                if date is not None:
                    wanted.append(date)
            elif item.kind in ("column", "quantity"):
                found = self._ask.column(item, lambda seen: not seen.field.truth)
                if found is None:
                    return None
                self._ask.take(at)
                wanted.append(found)
        fixed = {test.column for test in tests_of(self._ask.reading.where()) if _fixed(test)}
        if wanted and self._ask.asks_for_rows():
            wanted = [seen for seen in wanted if seen.column not in fixed]
        if wanted and not (len(wanted) == 1 and wanted[0] in self._ask.view.labels):
            if not self._ask.reading.conditions and not (
                len(wanted) == 1 and wanted[0].field.type == "text" and first.key in _LISTING
            ):
                return None
            return looked_up(self._ask, wanted)
        nouns = [item for item in self._ask.items if item.kind == "noun" and item.table == 0]
        listing = any(item.key in _LISTING for item in self._ask.items[:3])
        if not listing:
            return None
        if not wanted and self._ask.asks_for_rows(1):
            return self._others()
        if not (wanted or nouns):
            return None
        where = self._ask.reading.where()
        tested = [test.column for test in tests_of(where) if not _fixed(test)]
        columns = tuple(dict.fromkeys([*(seen.column for seen in self._ask.view.labels), *tested]))
        return self._ask.with_conditions(replace(self._ask.plan, columns=columns))

    def _others(self) -> QueryPlan | None:
        """Rows of the second relation, each once: "which customers ordered a lamp?"."""
        labels = self._ask.view.labels_of(1)
        if len(labels) != 1 or any(map(self._ask.totals, tests_of(self._ask.reading.where()))):
            return None
        return self._ask.with_conditions(replace(self._ask.plan, columns=(labels[0].column,), distinct=True))


def looked_up(ask: Asking, wanted: Sequence[Seen]) -> QueryPlan | None:
    """The values of columns in the rows that the conditions leave, and what tells those apart."""
    where = ask.reading.where()
    fixed = {test.column for test in tests_of(where) if _fixed(test)}
    if all(seen.column in fixed for seen in wanted):
        return None  # "what did customer C1 order" is not answered by "C1"
    only = wanted[0] if len(wanted) == 1 else None
    alone = only is not None and not only.field.unique and not ask.asks_for_rows()
    if alone and any(map(ask.totals, tests_of(where))):
        return None  # "which customers spent more than 100": in all, or at once?
    if only is not None and only.field.type == "text" and not only.field.unique:
        return ask.with_conditions(replace(ask.plan, columns=(only.column,), distinct=True))
    labels = [seen.column for seen in ask.view.labels if seen.column not in fixed]
    whole = len(ask.view.labels) > 1
    columns = [*(seen.column for seen in wanted), *([] if whole else labels)]
    if ask.asks_for_rows() and not whole:
        columns = [*labels, *columns]
    return ask.with_conditions(replace(ask.plan, columns=tuple(dict.fromkeys(columns))))


def _fixed(test: Test) -> bool:
    return test.operator == "is" and len(test.values) == 1 and not test.negated
