"""`docindex why`."""

from __future__ import annotations

from typing import Annotated

import typer

from docindex.cli.options import AtOption, FilterOption, IndexOption, JsonOption, ModeOption, at_version
from docindex.cli.output import print_json
from docindex.cli.retrieving import (
    ExpandOption,
    RerankOption,
    SetOption,
    TransformOption,
    ViaOption,
    WindowOption,
    retrieval_options,
)
from docindex.cli.screen import Column
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen


def why(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What was searched for.")],
    doc_id: Annotated[str, typer.Argument(metavar="DOC", help="The document, by its id.")],
    index: IndexOption = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many passages the search gives.")] = 10,
    mode: ModeOption = "hybrid",
    filter: FilterOption = None,  # noqa: A002 - the option's name
    via: ViaOption = "passages",
    expand: ExpandOption = "none",
    window: WindowOption = 0,
    transform: TransformOption = None,
    rerank: RerankOption = None,
    settings: SetOption = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tells why a search finds a document, or why it does not.

    The search is made again, and each of its stages tells where it put the document's best passage. In a pipe, the
    first line is the reason; each other one holds a stage, the rank, the score and the number of hits, by tabs.

    Examples:
      docindex why "how long is the warranty" guide.pdf
      docindex why "oil change" manual.pdf --filter "page < 10" --json
    """
    from docindex.index import Index

    session = Session.of(ctx)
    options = retrieval_options(via, expand, window, transform, rerank, settings)
    with Index.open(session.index_path(index), at_version(at), environment=session.environment) as opened:
        found = opened.why(query, doc_id, k, mode, filter, options)
    if as_json:
        print_json(found.as_dict())
        return
    screen = open_screen()
    screen.line(found.reason)
    sides = [("by meaning", found.dense), ("by words", found.lexical)]
    rows = [[name, side.rank, _shown(side.score), None] for name, side in sides]
    rows += [[stage.stage, stage.rank, _shown(stage.score), stage.of] for stage in found.stages]
    columns = (Column("Stage"), Column("Rank", "count"), Column("Score"), Column("Of", "count"))
    screen.table(columns, rows)


def _shown(score: float | None) -> str | None:
    return None if score is None else f"{score:.4f}"
