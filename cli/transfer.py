"""`docindex export`, `import` and `merge`: a whole index in one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from docindex.cli.models import bring_model
from docindex.cli.options import AtOption, IndexOption, JsonOption, LeaseWaitOption
from docindex.cli.output import counted, print_json, readable_bytes
from docindex.cli.progress import show_progress
from docindex.cli.render import show_report
from docindex.cli.session import PARTLY, Session
from docindex.cli.terminal import open_screen

BundleArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A bundle, made by `docindex export`.", show_default=False)
]


def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make.", show_default=False)],
    index: IndexOption = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Writes the index to one file, a bundle: texts, structure, passages and vectors, with checksums.

    Another machine, or a later version of docindex, makes the same index of it by `docindex import`.

    Examples:
      docindex export manuals.bundle
      docindex export before.bundle --at before-cleanup
    """
    with Session.of(ctx).open(index, at) as opened:
        with show_progress("Exporting") as on_progress:
            opened.export(file, on_progress=on_progress)
        status = opened.status()
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "bytes": size, "documents": status["documents"], "nodes": status["nodes"]})
    else:
        open_screen().line(f"Wrote {_contents(status)} to {file} ({readable_bytes(size)}).")


def import_(
    ctx: typer.Context,
    file: BundleArgument,
    index: IndexOption = None,
    lease_wait: LeaseWaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Makes a new index of a bundle, without reading or embedding anything anew.

    The embedding model is not in the bundle; one that is missing is downloaded.

    Examples:
      docindex import manuals.bundle --index manuals
    """
    from docindex.index import Index
    from docindex.ingest.bundle_reading import read_about

    session = Session.of(ctx)
    bring_model(session, read_about(file).config.embedder)
    path = session.index_path(index)
    with (
        show_progress("Importing") as on_progress,
        Index.from_bundle(
            file, path, environment=session.environment, on_progress=on_progress, wait_seconds=lease_wait
        ) as made,
    ):
        status = made.status()
    if as_json:
        print_json({"index": str(path), "documents": status["documents"], "nodes": status["nodes"]})
    else:
        open_screen().line(f"The index {path} now holds {_contents(status)}.")


def merge(
    ctx: typer.Context,
    file: BundleArgument,
    index: IndexOption = None,
    lease_wait: LeaseWaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Adds what a bundle holds to the index. Of what both hold, the document of the newer file stays.

    The report names those of which the index has a newer one as skipped, and the ids that are in use for another file
    as failed. Indexes on top of the passages follow.

    Examples:
      docindex export more.bundle --index more
      docindex merge more.bundle
    """
    with (
        Session.of(ctx).open(index) as opened,
        show_progress("Merging") as on_progress,
    ):
        report = opened.merge(file, on_progress=on_progress, wait_seconds=lease_wait)
    if as_json:
        print_json(report.as_dict())
    else:
        show_report(open_screen(), report)
    if report.failed or report.behind:
        raise typer.Exit(PARTLY)


def _contents(status: Mapping[str, Any]) -> str:
    return f"{counted(status['documents'], 'document')} with {counted(status['nodes'], 'passage')}"
