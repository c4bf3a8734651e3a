"""Comparisons in a question: "more than 10 mm of rain", "stock below the reorder level"."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from docindex.answering.tables.lexicon import COMPARATIVES, MONEY, OPPOSITE, Unit, line
from docindex.answering.tables.marks import Item
from docindex.answering.tables.plan import Operator, Test
from docindex.answering.tables.reading import LINKING, Reading, numeric
from docindex.answering.tables.view import Seen
from docindex.schema import CellValue

_UPWARDS = line("more higher above over greater longer larger up upwards")
_DOWNWARDS = line("less fewer lower below under shorter smaller")


class Comparisons:
    """Reads comparisons with numbers, and of columns with each other."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(self) -> None:
        """Finds them."""
        self._numbers()
        self._column_pairs()

    def _numbers(self) -> None:
        at = 0
        while at < len(self._reading.items):
            item = self._reading.items[at]
            if item.kind == "number" and not item.used:
                self._comparison(at)
            at += 1

    def _comparison(self, at: int) -> None:
        item = self._reading.items[at]
        start, operator, quantity = self._operator_before(at)
        end = at + 1
        numbers = [item]
        if operator == "between":
            other = self._reading.item(at + 2)
            if self._reading.lower(at + 1) not in ("and", "to") or other is None or other.kind != "number":
                return
            numbers, end = [item, other], at + 3
        elif operator is None:
            operator, end = self._operator_after(at)
        bare = operator is None
        found = self._compared_column(start, end, numbers, quantity, bare=bare)
        if found is None:
            if not bare:
                self._reading.failed = True
            return
        seen, first, last = found
        if bare and self._reading.lower(last) == "or":  # "3 rooms or more"
            operator, last = self._operator_after(last - 1)
            if operator is None:
                return
        values = [self._value(number, seen, numbers[-1].unit) for number in numbers]
        if any(value is None for value in values):
            self._reading.failed = True
            return
        end = max(last, end)
        if self._goes_on(end, seen):
            self._reading.failed = True  # "less than 50 in English and Maths" is not read as of English alone
            return
        self._reading.add(Test(seen.column, operator or "is", tuple(values)), min(first, start), end)

    def _goes_on(self, end: int, seen: Seen) -> bool:
        """Whether a further column is compared with the same number."""
        following = self._reading.item(end + 1)
        if self._reading.lower(end) not in ("and", "or", ",") or following is None or following.kind != "column":
            return False
        other = self._reading.column_of(following, numeric)
        after = self._reading.item(end + 2)
        own = (
            after is not None
            and after.kind in ("word", "number")
            and (after.number is not None or after.lower in COMPARATIVES or after.lower in LINKING)
        )
        return other is not None and other.column != seen.column and not own

    def _operator_before(self, at: int) -> tuple[int, Operator | None, str | None]:
        """Where the comparison begins, what it is, and of what quantity its adjective is."""
        one, two, three = (self._reading.lower(at - back) for back in (1, 2, 3))
        if one in ("$", "€", "£", "¥"):
            at, one, two, three = at - 1, two, three, self._reading.lower(at - 4)
        if one == "than" and two in COMPARATIVES:
            return self._maybe_not(at - 2, COMPARATIVES[two])
        if one in ("than",) and two == "other":
            return at - 2, None, None
        if one in COMPARATIVES and one not in ("more", "less", "fewer"):
            return self._maybe_not(at - 1, COMPARATIVES[one])
        if two == "at" and one in ("least", "most"):
            return at - 2, ">=" if one == "least" else "<=", None
        if two == "up" and one == "to":
            return at - 2, "<=", None
        if one == "between" or (one == "from" and self._reading.lower(at + 1) == "to"):
            return at - 1, "between", None
        if one in ("exactly", "precisely"):
            return at - 1, "is", None
        if two == "equal" and one == "to":
            return at - 2, "is", None
        return at, None, None

    def _maybe_not(self, start: int, comparative: tuple[str, str | None]) -> tuple[int, Operator, str | None]:
        operator, quantity = comparative
        before = self._reading.item(start - 1)
        if before is not None and before.lower in ("no", "not"):
            before.used = True  # the operator says it
            return start - 1, OPPOSITE[operator], quantity  # type: ignore[return-value]
        return start, operator, quantity  # type: ignore[return-value]

    def _operator_after(self, at: int) -> tuple[Operator | None, int]:
        place = at + 1
        if self._reading.lower(place) == ",":
            place += 1
        if self._reading.lower(place) in ("or", "and"):
            word = self._reading.lower(place + 1)
            if word in _UPWARDS:
                return ">=", place + 2
            if word in _DOWNWARDS:
                return "<=", place + 2
        return None, at + 1

    def _compared_column(
        self, start: int, end: int, numbers: Sequence[Item], quantity: str | None, *, bare: bool
    ) -> tuple[Seen, int, int] | None:
        wanted = numeric if bare else self._comparable
        before = self._reading.before(start, wanted)
        if before is not None and (not bare or self._close(before[0], start)):
            return before[1], before[0], end
        after = end
        if self._reading.lower(after) in ("of", "in", "for", "on"):
            after += 1
        if self._reading.lower(after) in ("the", "a"):
            after += 1
        following = self._reading.item(after)
        if following is not None and following.kind in ("column", "quantity"):
            found = self._reading.column_of(following, wanted)
            if found is not None:
                return found, start, after + 1
        # "more than 10 days absent": the unit is the first word of the column's name
        for number in numbers:
            if len(number.words) > 1:
                run = self._reading.view.column_run(number.words, 1, lambda _: False)
                named = [seen for seen in run.seen if seen.field.numeric]
                if len(named) == 1:
                    return named[0], start, end
        if bare:
            return None
        if quantity is not None:
            found = next((one for part in quantity.split() if (one := self._reading.by_quantity(part, numeric))), None)
            return None if found is None else (found, start, end)
        unit = numbers[-1].unit
        if unit is not None:
            found = self._of_unit(unit)
            return None if found is None else (found, start, end)
        return None

    def _of_unit(self, unit: Unit) -> Seen | None:
        """The one column of a unit; or the one of money, where no other column without a unit could be of money."""
        columns = [seen for seen in self._reading.view.columns if self._comparable(seen)]
        if unit.quantity != "money" or any(_fits(seen, unit) for seen in columns):
            return self._reading.view.only(lambda seen: numeric(seen) and _fits(seen, unit))
        bare = [seen for seen in columns if seen.field.unit is None and seen.field.quantity in (None, *MONEY)]
        return bare[0] if len(bare) == 1 and bare[0].field.quantity else None

    def _close(self, before: int, start: int) -> bool:
        return all(
            self._reading.lower(at) in ("of", "is", "was", "are", "=", "number", "no")
            for at in range(before + 1, start)
        )

    def _value(self, number: Item, seen: Seen, unit: Unit | None) -> CellValue:
        value, own = number.number or Decimal(0), seen.field.unit
        unit = number.unit or unit
        if unit is not None and own is not None and unit.name != own.name:
            if unit.quantity != own.quantity or unit.factor is None or own.factor is None:
                return None
            value = value * unit.factor / own.factor
        elif unit is not None and own is None and not _agrees(seen.field.quantity, unit.quantity):
            named = any(word.key in seen.field.words for word in number.words[1:])
            if not named:
                return None
        elif unit is not None and own is None and unit.quantity == "share" and seen.field.values.fractions:
            return None  # 0.05 may be 5 %, as spreadsheet programs keep it, or a twentieth of one
        whole = value == value.to_integral_value()
        return int(value) if whole else float(value)

    def _comparable(self, seen: Seen) -> bool:
        return numeric(seen) and not seen.field.identifier and not self._reading.view.numbers_rows(seen)

    def _column_pairs(self) -> None:
        """“More home goals than away goals”, “stock below the reorder level”."""
        for at, item in enumerate(self._reading.items):
            if item.kind != "word" or item.used or item.lower not in COMPARATIVES:
                continue
            operator = COMPARATIVES[item.lower][0]
            left, than = self._reading.item(at + 1), self._reading.item(at + 2)
            if left is not None and than is not None and left.kind == "column" and than.lower == "than":
                self._pair(at, self._reading.column_of(left, numeric), operator, at + 3)
            elif (before := self._reading.before(at, numeric)) is not None:
                place = at + 1 + (self._reading.lower(at + 1) == "than")
                self._pair(before[0], before[1], operator, place)

    def _pair(self, start: int, left: Seen | None, operator: str, place: int) -> None:
        while self._reading.lower(place) in ("the", "their", "its", "a", "of"):
            place += 1
        right = self._reading.item(place)
        if left is None or right is None or right.kind != "column":
            return
        other = self._reading.column_of(right, numeric)
        if other is not None and other.column != left.column:
            self._reading.add(Test(left.column, operator, (other.column,)), start, place + 1)  # type: ignore[arg-type]


def _agrees(own: str | None, asked: str) -> bool:
    return own in (None, asked) or (asked == "money" and own in MONEY)


def _fits(seen: Seen, unit: Unit) -> bool:
    own = seen.field.unit
    if own is None:
        return False
    return own.name == unit.name or (own.quantity == unit.quantity and None not in (own.factor, unit.factor))
