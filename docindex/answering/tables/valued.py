"""Values that a question names, what a text is to contain, and columns that are to be true or empty."""

from __future__ import annotations

from docindex.answering.tables.lexicon import NEGATORS, line
from docindex.answering.tables.marks import Item
from docindex.answering.tables.plan import AnyOf, Test
from docindex.answering.tables.reading import LINKING, REACH, Condition, Reading, numeric
from docindex.answering.tables.view import Named, Seen

_CONTAINING = line("contain contains containing mention mentions mentioning mentioned include includes")
_ASKING = line("which what per each every by many much number highest lowest average total")


class Values:
    """Reads values, parts of texts, and what is true or empty."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(self) -> None:
        """Finds them; parts of texts are read before anything else, by `read_texts`."""
        self._values()
        self._truths()

    def read_texts(self) -> None:
        """Finds what a text is to contain or to begin with."""
        for at, item in enumerate(self._reading.items):
            starts = (
                item.lower in ("starting", "starts", "start", "beginning", "begins")
                and self._reading.lower(at + 1) == "with"
            )
            if not (item.kind in ("word", "noun", "title") and (item.lower in _CONTAINING or starts)):
                continue
            place = at + 1 + starts
            while self._reading.lower(place) in ("the", "word", "text", "a", "an"):
                place += 1
            said = self._reading.item(place)
            before = self._reading.before(at, lambda seen: seen.field.type == "text")
            after = self._in_column(place + 1)
            if said is None or said.kind in ("number", "column", "date", "mark") or (before is None and after is None):
                continue
            column, start, end = (
                (before[1], before[0], place + 1) if before is not None else (after[1], at, after[0] + 1)  # type: ignore[index]
            )
            text = " ".join(word.text for word in said.words)
            self._reading.add(Test(column.column, "starts" if starts else "contains", (text,)), start, end)

    def _in_column(self, place: int) -> tuple[int, Seen] | None:
        """The column of "in the remarks"."""
        if self._reading.lower(place) not in ("in", "as"):
            return None
        while self._reading.lower(place) in ("in", "as", "the", "their", "its"):
            place += 1
        item = self._reading.item(place)
        found = self._reading.column_of(item, lambda seen: seen.field.type == "text") if item is not None else None
        return None if found is None else (place, found)

    def _values(self) -> None:
        at = 0
        while at < len(self._reading.items):
            item = self._reading.items[at]
            if item.kind != "value" or item.used:
                at += 1
                continue
            named = self._meant(at)
            if named is None:
                self._reading.failed = True
                return
            start, end = self._absorbed(at, named)
            values = [*named.values]
            while (further := self._listed(start, end, named)) is not None:
                end, more = further
                values.extend(more.values)
            self._reading.add(Test(named.seen.column, "is", tuple(dict.fromkeys(values))), start, end)
            at = max(end, at + 1)

    def _listed(self, start: int, end: int, named: Named) -> tuple[int, Named] | None:
        """A further value of the same column after "and", "or" or a comma."""
        place = end
        again = self._reading.lower(start - 1) if self._reading.lower(start - 1) in LINKING else ""
        joining = ("and", "or", "nor", ",", "the", "a", "an", again)
        while (item := self._reading.item(place)) is not None and item.kind != "value" and item.lower in joining:
            place += 1
        if place == end or item is None or item.kind != "value":
            return None
        same = next((one for one in item.named if one.seen.column == named.seen.column), None)
        return None if same is None else (place + 1, same)

    def _meant(self, at: int) -> Named | None:
        """Which column a value is meant in."""
        named = self._reading.items[at].named
        if len(named) == 1:
            return named[0]
        near = [self._reading.item(at - 1), self._reading.item(at - 2), self._reading.item(at + 1)]
        for item in near:
            if item is None:
                continue
            beside = [one for one in named if any(word.key in one.seen.field.words for word in item.words)]
            if len(beside) == 1:
                return beside[0]
        others = {
            word.key for one in self._reading.items if one.kind == "column" and len(one.seen) == 1 for word in one.words
        }
        shared = [one for one in named if others & set(one.seen.field.words)]
        if len(shared) == 1:
            return shared[0]
        first = [one for one in named if one.seen.column.table == 0]
        return first[0] if len(first) == 1 and len(self._reading.view.relations) > 1 else None

    def _absorbed(self, at: int, named: Named) -> tuple[int, int]:
        """The value with its column's name beside it, as in "the Public segment" and "status is open"."""
        start, end = at, at + 1
        following = self._reading.item(end)
        same = following is not None and any(seen.column == named.seen.column for seen in following.seen)
        if following is not None and same and not following.used and following.kind in ("column", "noun"):
            end += following.table in (None, 0) and not (
                following.kind == "noun" and self._reading.lower(end + 1) == "of"
            )
        for place in range(at - 1, max(-1, at - 1 - REACH), -1):
            item = self._reading.items[place]
            if item.kind in ("column", "noun") and any(seen.column == named.seen.column for seen in item.seen):
                asked = {self._reading.lower(place - 1), self._reading.lower(place - 2)} & _ASKING
                if not asked and item.kind == "column":
                    start = place
                return start, end
            if not (item.kind == "word" and (item.lower in LINKING or item.lower in NEGATORS)):
                break
        return start, end

    def _truths(self) -> None:
        """Columns that say yes or no, and "no delay", "out of stock", "not returned"."""
        for at, item in enumerate(self._reading.items):
            if item.kind != "column" or item.used or self._is_asked(at):
                continue
            out = self._reading.lower(at - 1) == "of" and self._reading.lower(at - 2) == "out"
            truth = self._reading.column_of(item, lambda seen: seen.field.truth)
            if truth is not None:
                yes = tuple(text for text, meant in (truth.field.values.truth or {}).items() if meant)
                test = Test(truth.column, "is", yes or (True,), negated=out)
                self._reading.add(test, at - 2 * out, at + 1)
            elif (none := self._none_of(at, item, out=out)) is not None:
                negator = self._reading.negator(at)
                if negator is not None:
                    negator.used = True
                self._keep(none, at - 2 * out, at + 1)

    def _none_of(self, at: int, item: Item, *, out: bool) -> Test | AnyOf | None:
        """That there is nothing in a column: 0 or no value where it has numbers, else no value."""
        number = self._reading.column_of(item, numeric)
        if number is not None and (out or self._reading.lower(at - 1) in ("no", "without")):
            nothing = Test(number.column, "is", (0,))
            if out or number.field.values.filled == number.field.rows:
                return nothing
            return AnyOf((nothing, Test(number.column, "empty")))
        other = self._reading.column_of(item, lambda seen: not seen.field.numeric)
        if other is None or self._reading.negator(at) is None or other.field.values.filled == other.field.rows:
            return None
        return Test(other.column, "empty")

    def _keep(self, test: Test | AnyOf, start: int, end: int) -> None:
        self._reading.conditions.append(Condition(test, start, end))
        for item in self._reading.items[start:end]:
            item.used = True

    def _is_asked(self, at: int) -> bool:
        return bool({self._reading.lower(at - 1), self._reading.lower(at - 2)} & _ASKING)
