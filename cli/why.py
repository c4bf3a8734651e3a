"""`docindex why`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from docindex.cli.options import AtOption, FilterOption, IndexOption, JsonOption, KOption, ModeOption, PromptsOption
from docindex.cli.output import print_json
from docindex.cli.render import shortened
from docindex.cli.retrieving import (
    ExpandOption,
    RerankOption,
    SetOption,
    TransformOption,
    ViaOption,
    WindowOption,
    retrieval_options,
)
from docindex.cli.screen import Cell, Column
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.errors import QueryError

if TYPE_CHECKING:
    from docindex.retrieval.why import StageRank
    from docindex.retrieval.why_traced import Fate, WhyTraced

NEWEST = "last"
_STAGES = (Column("Stage"), Column("Rank", "count"), Column("Score"), Column("Of", "count"), Column("Condition"))
_FATES: dict[Fate, str] = {
    "hit": "a hit",
    "cited": "cited",
    "read": "in the prompt, not cited",
    "cut": "in the prompt with its first sentences, not cited",
    "dropped": "no room in the prompt",
}


def why(
    ctx: typer.Context,
    query: Annotated[
        str | None,
        typer.Argument(metavar="QUERY", help="What was searched for; none with --trace.", show_default=False),
    ] = None,
    doc_id: Annotated[
        str | None, typer.Argument(metavar="DOC", help="The document, by its id.", show_default=False)
    ] = None,
    index: IndexOption = None,
    trace: Annotated[
        str | None,
        typer.Option(
            "--trace",
            metavar="ID",
            help=f'Tell it of an earlier search or answer, by the id of its trace; "{NEWEST}" is the newest.',
            show_default=False,
        ),
    ] = None,
    k: KOption = None,
    mode: ModeOption = "hybrid",
    filter: FilterOption = None,  # noqa: A002 - the option's name
    via: ViaOption = "passages",
    expand: ExpandOption = "none",
    window: WindowOption = 0,
    transform: TransformOption = None,
    rerank: RerankOption = None,
    prompts: PromptsOption = None,
    settings: SetOption = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tells why a search finds a document, or why it does not.

    The search is made again, and each of its stages tells where it put the document's best passage. In a pipe, the
    first line is the reason; each other one holds a stage, the rank, the score, the number of hits and the condition
    under which the stage was asked, by tabs.

    With --trace, the trace of an earlier search or answer tells it, and nothing is searched: `docindex traces on` has
    them kept. The last lines are then the passages that were found, each with its rank and what became of it.

    Examples:
      docindex why "how long is the warranty" guide.pdf
      docindex why "oil change" manual.pdf --filter "page < 10" --json
      docindex why --trace last guide.pdf
    """
    if query is None or (doc_id is None) == (trace is None):
        raise QueryError("Give a QUERY and a DOC, or --trace ID and a DOC.")
    with Session.of(ctx).open(index, at) as opened:
        if trace is not None:
            _tell(opened.why_traced(query, _trace_id(trace)), as_json=as_json)  # the one argument is the document
            return
        options = retrieval_options(via, expand, window, transform, rerank, settings, prompts)
        found = opened.why(query, doc_id or "", k or opened.k, mode, filter, options)
    if as_json:
        print_json(found.as_dict())
        return
    screen = open_screen()
    screen.line(found.reason)
    sides = [("by meaning", found.dense), ("by words", found.lexical)]
    rows: list[list[Cell]] = [[name, side.rank, _shown(side.score), None, None] for name, side in sides]
    screen.table(_STAGES, rows + [_row(stage) for stage in found.stages])


def _trace_id(given: str) -> int | None:
    if given == NEWEST:
        return None
    if not given.isdecimal():
        raise QueryError(f'{given!r} is no id of a trace: give a number of `docindex traces list`, or "{NEWEST}".')
    return int(given)


def _tell(found: WhyTraced, *, as_json: bool) -> None:
    if as_json:
        print_json(found.as_dict())
        return
    screen = open_screen()
    screen.line(found.reason)
    screen.table(_STAGES, [_row(stage) for stage in found.stages])
    rows: list[list[Cell]] = [
        [one.rank, _FATES[one.fate], " ".join(f"[{marker}]" for marker in one.markers), one.node_id]
        for one in found.passages
    ]
    if rows:
        screen.table((Column("Hit", "count"), Column("What became of it"), Column("Cited"), Column("Passage")), rows)


def _row(stage: StageRank) -> list[Cell]:
    condition = None if stage.filter is None else shortened(stage.filter, 60)
    return [stage.stage, stage.rank, _shown(stage.score), stage.of, condition]


def _shown(score: float | None) -> str | None:
    return None if score is None else f"{score:.4f}"
