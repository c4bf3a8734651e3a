"""`docindex terms`."""

from __future__ import annotations

from typing import Annotated

import typer

from docindex.cli.options import AtOption, IndexOption, JsonOption
from docindex.cli.output import print_json
from docindex.cli.screen import Column
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen


def terms(
    ctx: typer.Context,
    like: Annotated[str, typer.Argument(metavar="[TEXT]", help="Only words that hold this text.")] = "",
    limit: Annotated[int, typer.Option("-n", "--limit", metavar="N", min=1, help="How many.")] = 50,
    index: IndexOption = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the words of the passages, those of the most passages first: what a search by words can find.

    In a pipe, a line holds the word and the number of passages, separated by a tab.

    Examples:
      docindex terms
      docindex terms valve -n 10
    """
    with Session.of(ctx).open(index, at) as opened:
        found = opened.terms(like, limit)
    if as_json:
        print_json({"terms": [{"term": word, "passages": count} for word, count in found]})
    elif found:
        open_screen().table((Column("Term"), Column("Passages", "count")), found)
    else:
        open_screen().line("No passage has such a word.")
