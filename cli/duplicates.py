"""`docindex duplicates`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from docindex.cli.options import AtOption, IndexOption, JsonOption
from docindex.cli.output import print_json
from docindex.cli.progress import show_progress
from docindex.cli.render import shortened
from docindex.cli.screen import Cell, Column
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.indices.shingles import THRESHOLD

if TYPE_CHECKING:
    from docindex.indices.duplicates import NearDuplicate
    from docindex.protocols import StoredNode

BEGINNING = 60
"""Characters of a passage that are shown."""
COLUMNS = (
    Column("Alike"),
    *(Column("Passage of"), Column("Page"), Column("Start", "count", on_terminal=False)),
    Column("End", "count", on_terminal=False),
    *(Column("And of"), Column("Page"), Column("Start", "count", on_terminal=False)),
    Column("End", "count", on_terminal=False),
    Column("Which begins"),
)


def duplicates(
    ctx: typer.Context,
    index: IndexOption = None,
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold",
            metavar="F",
            min=0.5,
            max=1.0,
            help="How much two passages must have in common, from 0.5 to 1.",
        ),
    ] = THRESHOLD,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Finds passages of the index that say nearly the same: copies, older drafts, boilerplate.

    Passages are compared by the runs of three words that they share, and by their numbers, which must be the same. Of
    many that are alike, each is listed with the first one. Search leaves such passages out by itself; this tells which
    documents to look at or to delete.

    In a pipe, a line holds the resemblance, of both passages the document's id, page, start and end, and how the
    second one begins, separated by tabs.

    Examples:
      docindex duplicates
      docindex duplicates --threshold 0.7 --json
    """
    with (
        Session.of(ctx).open(index, at) as opened,
        show_progress("Comparing") as on_progress,
    ):
        pairs = list(opened.near_duplicates(threshold, on_progress=on_progress))
    if as_json:
        print_json({"threshold": threshold, "pairs": [pair.as_dict() for pair in pairs]})
    elif pairs:
        open_screen().table(COLUMNS, [_row(pair) for pair in pairs])
    else:
        open_screen().line("No passage says nearly the same as another one.")


def _row(pair: NearDuplicate) -> list[Cell]:
    # Cut down, not rounded: what is 1.000 has the same words.
    alike = f"{math.floor(pair.resemblance * 1000) / 1000:.3f}"
    return [alike, *_place(pair.first), *_place(pair.second), shortened(pair.second.node.text, BEGINNING)]


def _place(stored: StoredNode) -> list[Cell]:
    node = stored.node
    return [node.doc_id, node.page_label or (None if node.page is None else str(node.page)), node.start, node.end]
