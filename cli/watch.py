"""`docindex ingest --watch`: round after round, until Ctrl-C."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from docindex.cli.output import print_json_line
from docindex.cli.progress import Rounds
from docindex.cli.render import show_report
from docindex.cli.session import interruptible
from docindex.cli.terminal import open_screen

if TYPE_CHECKING:
    from docindex.config import IngestOptions
    from docindex.index import Index
    from docindex.schema import Behind, Duplicate, IngestReport, Problem


def keep_watching(index: Index, sources: Sequence[str], options: IngestOptions, *, as_json: bool) -> None:
    """Ingests, and takes up every change until Ctrl-C: that is how a watch ends, and no failure."""
    news = News()
    with Rounds("Looking for changes") as rounds:

        def tell(report: IngestReport) -> None:
            rounds.end_round()
            if as_json:
                print_json_line(report.as_dict())
            elif (said := news.of(report)) is not None:
                show_report(open_screen(), said)
                sys.stdout.flush()

        if sys.stderr.isatty():
            typer.echo("Watching for changes. Ctrl-C ends.", err=True)
        try:
            with interruptible():
                index.watch(*sources, options=options, on_report=tell, on_progress=rounds.show)
        except KeyboardInterrupt:  # in the middle of a round
            return


class News:
    """What people have not read yet: a file that is passed over is passed over in every round."""

    def __init__(self) -> None:
        self._first = True
        self._told: frozenset[Problem | Duplicate | Behind] = frozenset()

    def of(self, report: IngestReport) -> IngestReport | None:
        """The report without what the round before has said; None when nothing is left of it."""
        told = self._told
        news = replace(
            report,
            skipped=tuple(problem for problem in report.skipped if problem not in told),
            failed=tuple(problem for problem in report.failed if problem not in told),
            duplicates=tuple(duplicate for duplicate in report.duplicates if duplicate not in told),
            behind=tuple(index for index in report.behind if index not in told),
        )
        said = self._first or news.skipped or news.failed or news.duplicates or news.behind
        self._first = False
        self._told = frozenset((*report.skipped, *report.failed, *report.duplicates, *report.behind))
        nodes = report.nodes
        changed = report.added or report.updated or report.deleted or nodes.added or nodes.embedded or nodes.deleted
        return news if said or changed else None
