"""Totals, averages, counts, shares and differences."""

from __future__ import annotations

from dataclasses import replace

from docindex.answering.tables.asking import BUCKETS, Asking, additive
from docindex.answering.tables.lexicon import ACTORS, CARRIERS, LIGHT, SUPERLATIVES, line, stems
from docindex.answering.tables.listing import looked_up
from docindex.answering.tables.plan import Measure, QueryPlan, tests_of
from docindex.answering.tables.reading import numeric
from docindex.answering.tables.view import Seen
from docindex.answering.terms import stem

_SHARES = line("percentage percent share proportion fraction")
_DISTINCT = line("different distinct unique")
_VERBS = stems("is are was were has have had do does did work live come contain") | CARRIERS | LIGHT


class Amounts:
    """Totals, averages, counts, shares and differences."""

    def __init__(self, asking: Asking) -> None:
        self._ask = asking

    def share(self) -> QueryPlan | None:
        """The plan, if a percentage is asked for."""
        at = next((at for at, item in enumerate(self._ask.items) if item.lower in _SHARES and not item.used), None)
        if at is None:
            return None
        self._ask.begun = True
        self._ask.take(at)
        verb = next(
            (
                place
                for place in range(at + 1, len(self._ask.items))
                if self._ask.items[place].kind in ("word", "quantity")
                and self._ask.items[place].key in _VERBS
                and self._ask.items[place].lower not in ("cost",)
            ),
            None,
        )
        split = len(self._ask.items) if verb is None else verb
        whole = self._ask.reading.where(lambda one: one.start < split and verb is not None)
        part = self._ask.reading.where(lambda one: one.start >= split or verb is None)
        if not part or len(part) > 1:
            return None  # of two conditions after the verb, the second one may belong to either side
        functions = self._ask.functions()
        measure = self._ask.one_numeric() if functions in ([], ["sum"]) else None
        if functions and measure is None:
            return None
        measures = () if measure is None else (Measure("sum", measure.column),)
        return replace(self._ask.plan, where=whole, part=part, measures=measures)

    def difference(self) -> QueryPlan | None:
        """The distance of the highest and the lowest, or of two single values."""
        if self._ask.find("difference") is None and self._ask.find("range") is None:
            return None
        self._ask.begun = True
        self._ask.find("between")
        ends = [item for item in self._ask.items if not item.used and item.words[0].lower in SUPERLATIVES]
        directions = {SUPERLATIVES[item.words[0].lower][0] for item in ends if item.kind == "word"}
        pair = [test for test in tests_of(self._ask.reading.where()) if test.operator == "is" and len(test.values) == 2]
        if directions == {"max", "min"}:
            quantities = {q for item in ends for q in SUPERLATIVES[item.words[0].lower][1] or ()}
            for item in ends:
                item.used = True
            seen = self._ask.one_numeric() or self._ask.of_quantities(quantities)
        elif len(pair) == 1 and not directions:
            seen = self._ask.one_numeric()
        else:
            return None
        if seen is None:
            return None
        measure = Measure("range", seen.column)
        return self._ask.with_conditions(replace(self._ask.plan, measures=(measure,), pair=not directions))

    def aggregate(self) -> QueryPlan | None:
        """The plan, if a total, an average or the like is asked for."""
        before = [item.used for item in self._ask.items]
        functions = self._ask.functions()
        if not functions:
            return None
        self._ask.begun = True
        number = self._ask.find("number", "of")
        many = self._ask.find("how", "many")
        much = self._ask.find("how", "much")
        length = self._ask.find("how", "long")
        group = self._ask.group(averaged=functions == ["average"])
        seen = self._ask.one_numeric()
        if seen is None and self._ask.numeric_left():
            return None
        if seen is None and length is not None:
            seen = self._ask.reading.by_quantity("time", numeric)
        if seen is None:
            quantities = {
                item.quantity for item in self._ask.items if item.quantity is not None and item.kind != "column"
            }
            if much is not None and not quantities:
                return None
            seen = self._ask.of_quantities(quantities)
        if seen is None:
            if (many is not None or number is not None) and functions == ["sum"]:  # "how many orders in total"
                for item, used in zip(self._ask.items, before, strict=True):
                    if item.lower not in ("total", "sum", "altogether", "overall", "all", "in"):
                        item.used = used
                self._ask.begun = False
            return None
        if seen.field.identifier or (functions == ["sum"] and not _summable(seen)):
            return None
        measures = tuple(Measure(function, seen.column) for function in functions)
        return self._ask.with_conditions(replace(self._ask.plan, measures=measures, group=group))

    def count(self) -> QueryPlan | None:
        """The plan, if a number of rows or of different values is asked for."""
        at = self._ask.find("how", "many")
        if at is None:
            at = self._ask.find("number", "of")
        if at is None:
            at = self._ask.find("how", "often")
            if at is not None:
                return self._ask.with_conditions(
                    replace(self._ask.plan, measures=(Measure("count"),), group=self._ask.group())
                )
        if at is None and self._ask.items[0].lower == "count":
            at = self._ask.find("count")
        if at is None:
            return None
        self._ask.begun = True
        different = next((place for place, item in enumerate(self._ask.items) if item.lower in _DISTINCT), None)
        if different is not None:
            self._ask.take(different)
        target = self._ask.next_item(
            at + 1,
            lambda one: one.kind in ("word", "title", "mark") and one.key not in BUCKETS and one.quantity != "people",
        )
        if target is None:
            return None
        group = None
        measure = self._counted(target, distinct=different is not None)
        if measure is None or self._ask.reading.failed:
            return None
        self._ask.take(target)
        group = self._ask.group()
        if any(self._ask.items[place].kind == "column" for place, _ in self._ask.numeric_left()):
            return None
        return self._ask.with_conditions(replace(self._ask.plan, measures=(measure,), group=group))

    def _counted(self, at: int, *, distinct: bool) -> Measure | None:
        item = self._ask.items[at]
        if item.kind == "noun":
            if item.table and self._ask.view.join is not None:
                if not distinct and not ACTORS & self._ask.view.relations[1].nouns:
                    return None  # "how many books were borrowed" may ask how often, or which different ones
                return Measure("distinct", self._ask.view.join.many)
            label = self._ask.column(item, lambda seen: not seen.field.numeric)
            if distinct and label is not None:
                return Measure("distinct", label.column)
            return Measure("count")
        if item.kind == "column":
            number = self._ask.column(item, lambda seen: numeric(seen) and not seen.field.identifier)
            if number is not None and not distinct:
                return Measure("sum", number.column) if additive(number) else None
            other = self._ask.column(item, lambda seen: not seen.field.numeric or seen.field.identifier)
            return None if other is None else Measure("distinct", other.column)
        if item.quantity == "people":
            seen = self._ask.reading.by_quantity("people", numeric)
            if seen is not None:
                return Measure("sum", seen.column)
            return Measure("count") if self._ask.view.persons else None
        if item.key == "day":
            date = self._ask.view.only(lambda seen: seen.field.type == "date")
            if date is not None:
                return Measure("count") if date.field.unique else Measure("distinct", date.column)
        return None

    def how_much(self) -> QueryPlan | None:
        """“How much rain fell in May?” is a total, “how much does a lamp cost?” looks up."""
        at = self._ask.find("how", "much")
        if at is None:
            costs = next((item for item in self._ask.items if item.lower in ("cost", "costs") and not item.used), None)
            if costs is None or self._ask.items[0].lower != "what":
                return None
        self._ask.begun = True
        price = any(item.lower in ("cost", "costs", "worth") for item in self._ask.items)
        seen = self._ask.one_numeric()
        if seen is None:
            quantities = {item.quantity for item in self._ask.items if item.quantity and not item.used}
            seen = self._ask.of_quantities(quantities)
        if seen is None:
            return None
        if price or not additive(seen):
            return looked_up(self._ask, [seen]) if self._ask.reading.conditions else None
        return self._ask.with_conditions(
            replace(self._ask.plan, measures=(Measure("sum", seen.column),), group=self._ask.group())
        )


def _summable(seen: Seen) -> bool:
    """Whether a total makes sense where it is asked for in so many words: of prices, too, but not of ratings."""
    return additive(seen) or (numeric(seen) and stem("price") in seen.field.words)
