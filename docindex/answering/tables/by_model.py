"""Plans that the local model proposes where the rules lack a word: it says which column is meant, and is checked."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from docindex.answering.fencing import fenced
from docindex.answering.tables.conditions import read_conditions
from docindex.answering.tables.lexicon import CARRIERS, COMPARATIVES, FILLERS, LIGHT, NEGATORS, SUPERLATIVES, line
from docindex.answering.tables.marks import Item
from docindex.answering.tables.plan import Function, Group, Measure, QueryPlan, tests_of
from docindex.answering.tables.planner import Missed, Planned
from docindex.answering.tables.reading import Reading
from docindex.answering.tables.tokens import words_of
from docindex.answering.tables.view import Seen, View
from docindex.answering.usage import Clock, Usage
from docindex.llm.reading import reading as reading_tokens
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Message

_MAX_TOKENS = 96
_VIEWS = 2
"""So many of the nearest tables are shown to the model."""
_MOST_COLUMNS = 24
_NONSENSE = "zorblax"
"""What is put in the place of the word that the model is to read: it must make a difference."""
_FUNCTIONS: tuple[Function, ...] = ("distinct", "sum", "average", "median", "min", "max")
"""Rows are not counted: a word that the rules do not know could say which of them."""
_NUMERIC = line("sum average median")
_CUES: dict[str, frozenset[Function]] = {
    **dict.fromkeys(("total", "sum", "altogether", "combined", "together"), frozenset[Function](("sum",))),
    **dict.fromkeys(("average", "mean", "avg"), frozenset[Function](("average",))),
    "median": frozenset(("median",)),
    "many": frozenset(("distinct", "sum")),
    "much": frozenset(("sum", "average")),
    "different": frozenset(("distinct",)),
}
_GROUPING = line("per each every")
_ASIDE = line("how number value")
_TURNING = line("why or than percentage share proportion fraction difference besides compared ratio")
"""Words that make another question of it, which a proposal can't say."""


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table as the prompt shows it."""

    name: str
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the model wrote."""

    table: str
    function: str
    column: str | None
    group: str | None


@dataclass(frozen=True, slots=True)
class _Puzzle:
    """A question with one word that the rules do not know, in a view that knows the others."""

    view: View
    reading: Reading
    word: Item
    functions: tuple[Function, ...]
    """Those that agree with the words that the rules know."""
    grouped: bool


class ModelPlanner:
    """Asks the model which column is meant by the one word of a question that the rules do not know.

    The conditions stay those that the rules read. A proposal is taken only if the model makes it twice, with tables and
    columns shown in opposite orders, and if it makes another one when a meaningless word stands in the place of that
    word: a model that guesses does not pass. What is named in the question already can't be what the word means.
    """

    def __init__(self, llm: LLM, prompts: Prompts = SHIPPED) -> None:
        self._llm = llm
        self._prompts = prompts

    def plan(
        self, question: str, missed: Sequence[Missed], usage: Usage, clock: Clock, cancel: threading.Event | None
    ) -> Planned | None:
        """The plan that stands the tests, or None."""
        puzzles = [
            puzzle
            for one in missed
            if len(one.view.relations) == 1 and (puzzle := _puzzle(question, one.view)) is not None
        ][:_VIEWS]
        if not puzzles:
            return None

        def proposed(asked: str, shown: Sequence[_Puzzle], *, backwards: bool) -> Proposal | None:
            return self._proposed(asked, shown, usage, clock, cancel, backwards=backwards)

        first = proposed(question, puzzles, backwards=False)
        puzzle = next((one for one in puzzles if first is not None and first.table == one.view.names[0]), None)
        plan = planned(puzzle, first) if puzzle is not None and first is not None else None
        if puzzle is None or plan is None or proposed(question, puzzles[::-1], backwards=True) != first:
            return None
        blank = _without(question, puzzle.word)
        return None if proposed(blank, puzzles, backwards=False) == first else plan

    def _proposed(
        self,
        question: str,
        puzzles: Sequence[_Puzzle],
        usage: Usage,
        clock: Clock,
        cancel: threading.Event | None,
        *,
        backwards: bool,
    ) -> Proposal | None:
        tables = [ShownTable(one.view.names[0], _columns(one.view, backwards=backwards)) for one in puzzles]
        asked = self._prompts.render("tables", {"tables": tables, "question": fenced(question.strip())})
        messages = [Message("system", self._prompts.render("tables_system")), Message("user", asked)]
        if self._llm.count_tokens(messages) + _MAX_TOKENS > self._llm.context_tokens:
            return None
        grammar = grammar_of(puzzles)
        tokens = self._llm.complete(messages, max_tokens=_MAX_TOKENS, grammar=grammar, cancel=cancel)
        with reading_tokens(usage.counted(tokens, clock)) as counted:
            return parsed("".join(token.text for token in counted))


def grammar_of(puzzles: Sequence[_Puzzle]) -> str:
    """GBNF for a proposal: it can name no table, column or function but those that there are and that fit."""
    rules = [f"root ::= {' | '.join(f't{at}' for at in range(len(puzzles)))}"]
    for at, puzzle in enumerate(puzzles):
        names = " | ".join(_literal(_literal(name)) for name in _columns(puzzle.view, backwards=False))
        functions = " | ".join(_literal(_literal(name)) for name in (*puzzle.functions, "none"))
        table = _literal(_literal(puzzle.view.names[0]))
        rules.append(f"c{at} ::= {names}")
        rules.append(f"f{at} ::= {functions}")
        rules.append(f"g{at} ::= {f'c{at}' if puzzle.grouped else _literal('null')}")
        rules.append(
            f't{at} ::= "{{\\"table\\": " {table} ", \\"function\\": " f{at} ", \\"column\\": " c{at} '
            f'", \\"group\\": " g{at} "}}"'
        )
    return "\n".join(rules) + "\n"


def planned(puzzle: _Puzzle, proposal: Proposal) -> Planned | None:
    """The proposal as a plan, if it contradicts nothing that the rules know of the question."""
    column, group = _seen(puzzle.view, proposal.column), _seen(puzzle.view, proposal.group)
    function = next((name for name in puzzle.functions if name == proposal.function), None)
    if function is None or column is None or puzzle.grouped != (group is not None):
        return None
    if function in _NUMERIC and (not column.field.numeric or column.field.identifier):
        return None
    for item in puzzle.reading.items:
        if item.kind == "column" and not item.used and not any(seen == group for seen in item.seen):
            return None  # the column that is named is not the one that the unknown word means
    where = puzzle.reading.where()
    if column.column in {test.column for test in tests_of(where)}:
        return None
    plan = QueryPlan(tables=puzzle.view.names, where=where, measures=(Measure(function, column.column),))
    return Planned(plan if group is None else replace(plan, group=Group(group.column)), puzzle.view, 0.0)


def parsed(written: str) -> Proposal | None:
    """What the model wrote, if it is whole."""
    try:
        said = json.loads(written)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    table, function, column, group = (said.get(name) for name in ("table", "function", "column", "group"))
    if not isinstance(table, str) or not isinstance(function, str):
        return None
    if not all(value is None or isinstance(value, str) for value in (column, group)):
        return None
    return Proposal(table, function, column, group)


def _puzzle(question: str, view: View) -> _Puzzle | None:
    """The question as a puzzle of one word; None where there are more of them, or where it is of another kind."""
    reading = Reading(words_of(question), view)
    read_conditions(reading)
    reading.where()
    if reading.failed:
        return None
    unknown: list[Item] = []
    functions = frozenset(_FUNCTIONS)
    grouped = cued = led = False
    for item in reading.items:
        word = item.lower
        if item.used or item.kind in ("mark", "noun", "title", "column"):
            led = False
            continue
        if item.kind not in ("word", "quantity") or word in NEGATORS or word in COMPARATIVES or word in _TURNING:
            return None
        if word in _CUES:
            functions, cued, led = functions & _CUES[word], True, True
        elif word in SUPERLATIVES:
            functions, cued, led = functions & {SUPERLATIVES[word][0]}, True, True
        elif word in _GROUPING:
            grouped = True
        elif not (word in FILLERS or word in _ASIDE or item.key in LIGHT or item.key in CARRIERS):
            if not led:
                return None  # it does not stand where the name of the column would
            unknown.append(item)
            led = False
    fitting = tuple(name for name in _FUNCTIONS if name in functions)
    if len(unknown) != 1 or not cued or not fitting:
        return None
    return _Puzzle(view, reading, unknown[0], fitting, grouped)


def _without(question: str, item: Item) -> str:
    start, end = item.words[0].start, item.words[-1].end
    return f"{question[:start]}{_NONSENSE}{question[end:]}"


def _columns(view: View, *, backwards: bool) -> list[str]:
    names = [seen.field.name for seen in view.columns][:_MOST_COLUMNS]
    return names[::-1] if backwards else names


def _seen(view: View, name: str | None) -> Seen | None:
    return next((seen for seen in view.columns if seen.field.name == name), None)


def _literal(text: str) -> str:
    """A text as GBNF has it."""
    return json.dumps(text, ensure_ascii=False)
