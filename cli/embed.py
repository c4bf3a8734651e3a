"""`docindex embed`."""

from __future__ import annotations

import typer

from docindex.cli.compact_memory import keep_memory_compact
from docindex.cli.options import IndexOption, JsonOption, LeaseWaitOption
from docindex.cli.output import print_json
from docindex.cli.progress import show_progress
from docindex.cli.render import show_embedding
from docindex.cli.session import PARTLY, Session
from docindex.cli.terminal import open_screen


def embed(
    ctx: typer.Context,
    index: IndexOption = None,
    lease_wait: LeaseWaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Embeds what is found by words only: after `ingest --wait text`, or an ingest that was interrupted.

    It can be stopped at any time, and goes on from there the next time.

    Examples:
      docindex ingest docs/ --wait text
      docindex embed
    """
    keep_memory_compact()
    with (
        Session.of(ctx).open(index) as opened,
        show_progress("Embedding") as on_progress,
    ):
        report = opened.embed(on_progress=on_progress, wait_seconds=lease_wait)
    if as_json:
        print_json(report.as_dict())
    else:
        show_embedding(open_screen(), report)
    if report.behind:
        raise typer.Exit(PARTLY)
