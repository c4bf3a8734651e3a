"""What the readers of a question's shape have in common: looking for words, columns and groups, and taking them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from docindex.answering.tables.lexicon import PLACES, RATES, line
from docindex.answering.tables.marks import Item
from docindex.answering.tables.plan import Bucket, Function, Group, QueryPlan, Test
from docindex.answering.tables.reading import Reading, numeric
from docindex.answering.tables.view import Seen

FUNCTION_WORDS: dict[str, Function] = {
    "total": "sum", "sum": "sum", "altogether": "sum", "combined": "sum", "overall": "sum", "together": "sum",
    "average": "average", "avg": "average", "mean": "average", "median": "median", "variance": "variance",
}  # fmt: skip
BUCKETS: dict[str, Bucket] = {"day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year"}
_BESIDE = line("the each every kind kinds type of")
"""What may stand between "per" and what is grouped by."""
_PERIODS: dict[str, Bucket] = {
    "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter", "yearly": "year", "annual": "year",
}  # fmt: skip


class Asking:
    """The items of a reading, and the plan that is to be filled in."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.view = reading.view
        self.items = reading.items
        self.plan = QueryPlan(tables=self.view.names, join=self.view.join)
        self.begun = False
        """What is asked for is known: what can't be made of it now is not tried as something else."""

    @property
    def failed(self) -> bool:
        """Whether something in the question can't be meant, or could be meant in several ways."""
        return self.reading.failed

    @property
    def ended(self) -> bool:
        """Whether nothing else is to be tried."""
        return self.begun or self.failed

    def free(self, at: int) -> bool:
        """Whether nothing accounts for the item at a place yet."""
        return 0 <= at < len(self.items) and not self.items[at].used

    def find(self, *phrase: str) -> int | None:
        """Where unused words stand in a row; they are taken."""
        for at in range(len(self.items) - len(phrase) + 1):
            if all(self.free(at + k) and self.items[at + k].lower == word for k, word in enumerate(phrase)):
                for k in range(len(phrase)):
                    self.items[at + k].used = True
                return at
        return None

    def next_item(self, at: int, skip: Callable[[Item], bool]) -> int | None:
        """The first item from a place on that is not skipped."""
        while at < len(self.items) and (self.items[at].used or skip(self.items[at])):
            at += 1
        return at if at < len(self.items) else None

    def column(self, item: Item, wanted: Callable[[Seen], bool]) -> Seen | None:
        """The one column that an item names and that is so."""
        return self.reading.column_of(item, wanted)

    def take(self, at: int) -> None:
        """Marks an item as accounted for."""
        self.items[at].used = True

    def with_conditions(self, plan: QueryPlan) -> QueryPlan:
        """The plan over the rows that the conditions leave."""
        return replace(plan, where=self.reading.where())

    def numeric_left(self) -> list[tuple[int, Seen]]:
        """The numeric columns that are named and not accounted for."""
        found = []
        for at, item in enumerate(self.items):
            if not item.used and item.kind in ("column", "quantity"):
                seen = self.column(item, numeric)
                if seen is not None:
                    found.append((at, seen))
        return found

    def one_numeric(self) -> Seen | None:
        """The single numeric column that is left; taken. None if there is none or more than one."""
        left = self.numeric_left()
        if len({seen.column for _, seen in left}) != 1:
            return None
        if sum(self.items[at].kind == "column" for at, _ in left) > 1:
            return None  # "the average fee of the loans with a fee": one of them was meant as a condition
        for at, _ in left:
            self.take(at)
        return left[0][1]

    def functions(self) -> list[Function]:
        """The aggregates that are asked for; their words are taken."""
        found: list[Function] = []
        for at, item in enumerate(self.items):
            if item.used or item.kind not in ("word", "column"):
                continue
            lower = item.words[0].lower
            if item.kind == "column" and not item.exact:
                continue
            if lower == "standard" and at + 1 < len(self.items) and self.items[at + 1].lower == "deviation":
                self.take(at)
                self.take(at + 1)
                found.append("deviation")
            elif lower in FUNCTION_WORDS and item.kind == "word":
                self.take(at)
                found.append(FUNCTION_WORDS[lower])
        if self.find("add", "up") is not None or self.find("in", "all") is not None:
            found.append("sum")
        unique = list(dict.fromkeys(found))
        return [one for one in unique if one != "sum"] if len(unique) > 1 and "sum" in unique else unique

    def group(self, *, averaged: bool = False) -> Group | None:
        """What "per region", "by month" or "for each author" groups by; taken.

        Of what is `averaged`, "per order" says nothing where the rows are orders.
        """
        for at, item in enumerate(self.items):
            if item.lower in _PERIODS and not item.used:
                date = self.view.only(lambda seen: seen.field.type == "date")
                if date is not None:
                    self.take(at)
                    return Group(date.column, stretched(date, _PERIODS[item.lower]))
            if item.used or item.lower not in ("per", "by", "each", "every"):
                continue
            place = self.next_item(at + 1, lambda one: one.kind == "word" and one.lower in _BESIDE)
            if place is None or self.items[place].used:
                continue
            while (
                place + 1 < len(self.items)
                and self.items[place].kind in ("noun", "title")
                and self.items[place + 1].kind == "column"
            ):
                place += 1  # "per expense category"
            group = self.group_of(place, numbers=item.lower != "by")
            if group is not None:
                for one in range(at, place + 1):
                    self.take(one)
                return group
            target = self.items[place]
            if averaged and item.lower == "per" and target.kind == "noun" and target.table == 0:
                self.take(at)
        return None

    def group_of(self, at: int, *, numbers: bool = True) -> Group | None:
        """What an item would group by; numbers that are no years only if `numbers`."""
        item = self.items[at]
        if item.kind == "noun" and not numbers and item.lower.endswith("s"):
            return None  # "orders by customers from Oslo" names who did it
        bucket = BUCKETS.get(item.key) if item.kind in ("word", "quantity", "column", "noun") else None
        column = None
        if item.kind in ("column", "noun"):
            column = self.column(item, lambda seen: seen.field.type != "number")
        if column is not None and not (bucket and column.field.type != "date"):
            if column.field.unique and item.kind == "noun":
                return None
            if column.field.numeric and not numbers and not column.field.values.yearly:
                return None
            return Group(column.column, stretched(column, bucket))
        if bucket is None:
            return None
        date = self.view.only(lambda seen: seen.field.type == "date")
        return None if date is None else Group(date.column, stretched(date, bucket))

    def head(self, *, after: int = -1) -> int | None:
        """What "which ...", "name the ..." or "top 3 ..." asks for: the first noun or column that is left."""
        return self.next_item(
            after + 1,
            lambda one: (
                one.kind in ("mark", "number", "title", "date")
                or (one.kind == "word" and one.key not in BUCKETS)
                or (one.kind == "quantity" and one.key not in BUCKETS)
            ),
        )

    def days(self) -> Seen | None:
        """The column of dates that tells the rows apart, where the question calls them days; the word is taken."""
        labels = self.view.labels
        if len(labels) != 1 or labels[0].field.type != "date":
            return None
        for at, item in enumerate(self.items):
            if not item.used and item.kind == "word" and item.key == "day":
                self.take(at)
                return labels[0]
        return None

    def totals(self, test: Test) -> bool:
        """Whether a condition compares what could as well be meant in total."""
        compares = test.operator in ("<", "<=", ">", ">=", "between")
        return compares and additive(self.view.seen(test.column)) and test.column.table == 0

    def asks_for_rows(self, table: int = 0) -> bool:
        """Whether "which ..." or the like is followed by what the rows of a relation are called."""
        for at, item in enumerate(self.items[:3]):
            if item.lower in ("which", "what", "list", "show"):
                head = self.next_item(at + 1, lambda one: one.kind in ("word", "mark", "title", "number"))
                return head is not None and self.items[head].kind == "noun" and self.items[head].table == table
        return False

    def of_quantities(self, quantities: set[str]) -> Seen | None:
        """The one numeric column of one of the quantities."""
        found = [seen for name in quantities if (seen := self.reading.by_quantity(name, numeric)) is not None]
        return found[0] if len(found) == 1 else None

    def asked_by(self, lower: str) -> Seen | None:
        """The column that "who", "where" or "when" asks for."""
        if lower == "when":
            return self.view.only(lambda seen: seen.field.type == "date")
        labels = self.view.labels
        if lower == "who":  # any other column of people would have to be named
            return labels[0] if len(labels) == 1 and labels[0].field.type == "text" and self.view.persons else None
        return self.view.only(lambda seen: seen.field.type == "text" and bool(PLACES & set(seen.field.words)))


def additive(seen: Seen) -> bool:
    """Whether a total of the column says anything."""
    if not numeric(seen) or seen.field.identifier or seen.field.values.yearly:
        return False
    return not (RATES & set(seen.field.words)) and seen.field.quantity not in ("temperature", "speed", "share")


def stretched(date: Seen, bucket: Bucket | None) -> Bucket | None:
    """The stretches to group by: none where the dates are days themselves."""
    if date.field.type != "date" or (bucket == "day" and not date.field.values.timed):
        return None
    return bucket
