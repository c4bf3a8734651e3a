"""The engine that answers questions about tables with exact numbers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from docindex.answering.fencing import as_shown
from docindex.answering.piecewise import PiecewiseEngine
from docindex.answering.policy import NO_ANSWER
from docindex.answering.tables.by_model import ModelPlanner
from docindex.answering.tables.catalogue import Catalogue
from docindex.answering.tables.index_tables import IndexTables
from docindex.answering.tables.limits import TableLimits
from docindex.answering.tables.loading import Loaded
from docindex.answering.tables.planner import Planned, Planning, plan_question
from docindex.answering.tables.relations import Relation
from docindex.answering.tables.running import Cited, Result, Runner
from docindex.answering.tables.telling import Telling, of_rivals
from docindex.answering.usage import Clock, Usage
from docindex.errors import QueryError, RequestCancelledError
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Snapshot
from docindex.schema import Condition, Response, Step

_RULES = "rules"
"""The model of an answer that no model had a part in."""
_NO_LIMITS = TableLimits()


class OpenTables(Protocol):
    """Tables that stay as they are while one question is answered."""

    @property
    def catalogue(self) -> Catalogue:
        """The relations."""
        ...

    def load(self, relations: Sequence[Relation]) -> Loaded:
        """The rows of relations, in a database."""
        ...

    def cite(self, result: Result) -> Cited:
        """The rows that a result rests on."""
        ...


class Tables(Protocol):
    """Where tables are: in an index, or in a database."""

    def opened(self) -> AbstractContextManager[OpenTables]:
        """The tables as they are now, for one question."""
        ...

    def close(self) -> None:
        """Frees what is loaded."""
        ...


@dataclass(frozen=True, slots=True)
class _Found:
    planning: Planning
    planned: Planned | None
    result: Result | None
    reason: str = ""
    by_model: str = ""
    """The model that made the plan, if one did."""


class TablesEngine(PiecewiseEngine):
    """Answers "how many", "how much" and "which" from tables: a question becomes a plan, and the plan a SELECT.

    By rule a plan has to account for every word of the question. Where none does, the model may propose one, which is
    checked; where that fails too, or two tables fit equally well, the answer says that there is none. The statements
    run on a connection that only reads, for a limited time. The answer comes in one piece.
    """

    def __init__(
        self,
        tables: Tables,
        llm: Callable[[], LLM] | None = None,
        *,
        limits: TableLimits = _NO_LIMITS,
        prompts: Prompts = SHIPPED,
    ) -> None:
        """Puts the parts together.

        Args:
            tables: What is asked: `IndexTables` or `DatabaseTables`.
            llm: The model that proposes plans where the rules have none, loaded when it is first needed; None for none.
            limits: What one question may cost.
            prompts: What the model is asked with.
        """
        self._tables = tables
        self._llm = llm
        self._limits = limits
        self._prompts = prompts

    @classmethod
    def over(
        cls,
        snapshot: Callable[[], Snapshot],
        llm: Callable[[], LLM] | None = None,
        *,
        where: Condition | None = None,
        limits: TableLimits = _NO_LIMITS,
        prompts: Prompts = SHIPPED,
    ) -> TablesEngine:
        """An engine over the tables of an index, or of its documents that meet a condition."""
        return cls(IndexTables(snapshot, limits, where=where), llm, limits=limits, prompts=prompts)

    def result(self, question: str, *, cancel: threading.Event | None = None) -> Result | None:
        """The values that the answer is made of, or None where there is none."""
        with self._tables.opened() as tables:
            return self._found(question, tables, Usage(), Clock(), cancel).result

    def close(self) -> None:
        """Frees the rows that are loaded."""
        self._tables.close()

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        clock, usage = Clock(), Usage()
        cited = Cited()
        with self._tables.opened() as tables:
            found = self._found(question, tables, usage, clock, cancel)
            if found.result is not None:
                cited = tables.cite(found.result)
        if found.result is None:
            answer = as_shown(self._refusal(found))
        else:
            answer = Telling(found.result, cited, self._limits.shown).answer()
        clock.first_token()
        yield answer
        return Response(
            question=question,
            answer=answer,
            no_answer=found.result is None,
            citations=cited.citations,
            tokens=usage.tokens,
            timings_ms=clock.timings(),
            model=found.by_model or _RULES,
            steps=self._steps(found),
        )

    def _found(
        self, question: str, tables: OpenTables, usage: Usage, clock: Clock, cancel: threading.Event | None
    ) -> _Found:
        if cancel is not None and cancel.is_set():
            raise RequestCancelledError("The request was cancelled.")
        planning = plan_question(question, tables.catalogue)
        planned, model = planning.planned, ""
        if planned is None and not planning.rivals and planning.missed and self._llm is not None:
            llm = self._llm()
            planned = ModelPlanner(llm, self._prompts).plan(question, planning.missed, usage, clock, cancel)
            model = llm.name if planned is not None else ""
        if planned is None:
            return _Found(planning, None, None)
        try:
            loaded = tables.load(planned.view.relations)
            result = Runner(loaded, self._limits.cited).run(planned.plan, planned.view, cancel)
        except QueryError as error:
            return _Found(planning, planned, None, str(error), model)
        if _says_nothing(result):
            return _Found(planning, planned, None, "No row meets the conditions.", model)
        return _Found(planning, planned, result, by_model=model)

    def _refusal(self, found: _Found) -> str:
        if found.planning.rivals:
            names = [
                f"{relation.parts[0].source} ({relation.title})" if len(relation.parts) == 1 else relation.title
                for relation in found.planning.rivals
            ]
            if len(names) > self._limits.shown:
                names = [*names[: self._limits.shown], f"and {len(names) - self._limits.shown:,} more"]
            return f"{NO_ANSWER} {of_rivals(names)}"
        return f"{NO_ANSWER} {found.reason}".rstrip()

    def _steps(self, found: _Found) -> tuple[Step, ...]:
        result = found.result
        if result is None:
            return ()
        rows = f"{len(result.rows):,} row{'' if len(result.rows) == 1 else 's'}"
        proposed = (Step("plan", f"proposed by {found.by_model}"),) if found.by_model else ()
        return (*proposed, Step("sql", result.statement, rows))


def _says_nothing(result: Result) -> bool:
    """Whether there is no value to tell: a total or the like of no rows, or the distance of other than two."""
    if result.plan.pair and result.matched != 2:
        return True
    if result.plan.part is not None:
        return result.rows[0][0] is None
    if result.plan.measures and result.plan.group is None:
        return all(value is None for value in result.rows[0])
    return False
