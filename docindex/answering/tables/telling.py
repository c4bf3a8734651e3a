"""The answer to a question: sentences that carry the markers of the rows that they rest on."""

from __future__ import annotations

from collections.abc import Sequence

from docindex.answering.fencing import as_shown
from docindex.answering.tables.lexicon import ORDINALS
from docindex.answering.tables.plan import ColumnOf, Measure, QueryPlan
from docindex.answering.tables.running import Cells, Cited, Result
from docindex.answering.tables.wording import cell, described, group_name, measured, number, over
from docindex.answering.tables.wording import conditions as in_words
from docindex.schema import CellValue


class Telling:
    """Words for one result."""

    def __init__(self, result: Result, cited: Cited, shown: int) -> None:
        """What was found, its citations, and how many rows or groups are listed."""
        self._result = result
        self._plan = result.plan
        self._view = result.view
        self._markers = cited.markers
        self._header = () if cited.header is None else (cited.header,)
        self._shown = shown

    def answer(self) -> str:
        """The whole answer."""
        result = self._result
        if self._plan.part is not None:
            told = self._share()
        elif not self._plan.measures:
            told = self._rows()
        elif self._plan.group is not None:
            told = self._groups()
        else:
            told = self._values()
        if result.cut:
            told += f" There are more than the {len(result.rows):,} rows that one answer may have."
        return told

    def _all(self) -> str:
        """Every marker, once."""
        flat = dict.fromkeys((*self._header, *(marker for some in self._markers for marker in some)))
        return "".join(f"[{marker}]" for marker in flat)

    def _closed(self, sentence: str) -> str:
        markers = self._all()
        return f"{as_shown(sentence)} {markers}." if markers else f"{as_shown(sentence)}."

    def _rest(self) -> str:
        """How many of the rows are not cited."""
        return "" if self._result.matched <= len(self._markers) else f" {len(self._markers)} of them are cited."

    def _more(self) -> str:
        """How many of the rows or groups are not listed, where that is known."""
        further = len(self._result.rows) - self._shown
        if self._result.cut:
            return "; and more"
        return f"; and {further:,} more" if further > 0 else ""

    def _values(self) -> str:
        rows = self._result.matched
        values = self._result.rows[0]
        first = self._plan.measures[0]
        if first.function == "count" and len(self._plan.measures) == 1:
            count = values[0] if isinstance(values[0], int) else 0
            verb, noun = ("is", "row") if count == 1 else ("are", "rows")
            return self._closed(f"There {verb} {count:,} {noun} in {over(self._result)}") + self._rest()
        parts = [
            f"{described(measure, self._view)} is {measured(value, measure, self._view)}"
            for measure, value in zip(self._plan.measures, values, strict=True)
        ]
        sentence = " and ".join(parts)
        counted = f"{rows:,} row{'' if rows == 1 else 's'}"
        closed = self._closed(f"{_upper(sentence)}, in {counted} of {over(self._result)}")
        return closed if first.function in ("min", "max") else closed + self._rest()

    def _share(self) -> str:
        percent, part, whole = self._result.rows[0]
        share = "?" if not isinstance(percent, int | float) else number(round(percent, 2))
        what = in_words(self._plan.part or (), self._view)
        if self._plan.measures:
            column = described(self._plan.measures[0], self._view)
            sentence = f"{share} % ({_figure(part)} of {_figure(whole)}) of {column} in {over(self._result)}: {what}"
        else:
            sentence = f"{share} % ({_figure(part)} of {_figure(whole)} rows) of {over(self._result)}: {what}"
        return self._closed(sentence) + self._rest()

    def _groups(self) -> str:
        group = self._plan.group
        rows = self._result.rows
        what = " and ".join(described(measure, self._view) for measure in self._plan.measures)
        lines = [
            f"{group_name(row[0], self._plan, self._view)}: "
            + ", ".join(measured(value, measure, self._view) for measure, value in self._valued(row))
            for row in rows[: self._shown]
        ]
        if not lines or group is None:
            return self._closed(f"There are no rows in {over(self._result)}")
        by, listed = group.bucket or group.column.name, f"{'; '.join(lines)}{self._more()}"
        if self._plan.order is not None and self._plan.limit == 1:
            end = "highest" if self._plan.order.descending else "lowest"
            rank = "" if self._plan.rank is None else f"{_nth(self._plan.rank)} "
            sentence = f"{listed} (the {rank}{end} of {what} by {by}, in {over(self._result)})"
            return self._closed(sentence)
        return self._closed(f"{_upper(what)} by {by}, in {over(self._result)}: {listed}") + self._rest()

    def _valued(self, row: Cells) -> list[tuple[Measure, CellValue]]:
        return list(zip(self._plan.measures, row[1:], strict=True))

    def _rows(self) -> str:
        rows, plan = self._result.rows, self._plan
        if not rows:
            return self._closed(f"There is no such row in {over(self._result)}")
        lines = [self._line(row, at) for at, row in enumerate(rows[: self._shown])]
        listed = f"{'; '.join(lines)}{self._more()}"
        names = ", ".join(column.name for column in plan.columns)
        lead = f"{names}, in {over(self._result)}"
        if plan.order is not None and plan.order.column is not None and plan.limit is not None:
            end = self._end(plan, plan.order.column)
            which = end if plan.rank is None else f"{_nth(plan.rank)} {end}"
            lead = f"With the {which} {plan.order.column.name}, in {over(self._result)}"
        tail = "" if plan.distinct or len(rows) <= len(self._markers) or not self._markers else self._rest()
        if plan.distinct:
            return self._closed(f"{lead}: {listed}")
        lead = as_shown(lead)
        if self._header:
            lead += f" [{self._header[0]}]"
        return f"{lead}: {listed}.{tail}"

    def _end(self, plan: QueryPlan, column: ColumnOf) -> str:
        dated = self._view.seen(column).field.type == "date"
        descending = plan.order is not None and plan.order.descending
        return ("latest" if dated else "highest") if descending else ("earliest" if dated else "lowest")

    def _line(self, row: Cells, at: int) -> str:
        fields = [self._view.seen(column).field for column in self._plan.columns]
        first, *rest = (cell(value, field) for value, field in zip(row, fields, strict=True))
        markers = "".join(f"[{marker}]" for marker in self._markers[at]) if at < len(self._markers) else ""
        text = as_shown(f"{first} ({', '.join(rest)})" if rest else first)
        return f"{text} {markers}" if markers and not self._plan.distinct else text


def _nth(rank: int) -> str:
    names = {number: name for name, number in ORDINALS.items()}
    return names.get(rank, f"{rank}th")


def _figure(value: CellValue) -> str:
    return number(value) if isinstance(value, int | float) else "0"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def of_rivals(names: Sequence[str]) -> str:
    """That several tables could be meant."""
    return f"Several tables could answer this question: {', '.join(names)}. Name one of them, or use a filter."
