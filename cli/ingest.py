"""`docindex ingest`."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from docindex.cli.models import bring_model
from docindex.cli.options import IndexOption, JsonOption
from docindex.cli.output import print_json
from docindex.cli.progress import show_progress
from docindex.cli.render import show_report
from docindex.cli.session import DONE, FAILED, PARTLY, Session
from docindex.cli.terminal import open_screen
from docindex.config import DEFAULT_EMBEDDER, IndexConfig, IngestOptions
from docindex.errors import ConfigError, IndexNotFoundError
from docindex.schema import IngestReport, LoadOptions

if TYPE_CHECKING:
    from docindex.index import Index


def ingest(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help='Files, folders, globs, or "-" for standard input.', show_default=False),
    ],
    index: IndexOption = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Also delete from the index what is gone from the given folders.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --sync, mirror a folder even when it is empty or missing.")
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option("--include", metavar="GLOB", help="Read only files of such names. May be repeated."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="GLOB", help="Pass over files of such names. May be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would be done, and do nothing.")] = False,
    id_field: Annotated[
        str | None,
        typer.Option(
            "--id-field", metavar="FIELD", help="The field of a JSON or CSV record that is its document's id."
        ),
    ] = None,
    title_field: Annotated[
        str | None, typer.Option("--title-field", metavar="FIELD", help="The field of a record that is its title.")
    ] = None,
    text_field: Annotated[
        str | None,
        typer.Option("--text-field", metavar="FIELD", help="The field of a record that is its text; else all are."),
    ] = None,
    password: Annotated[
        str | None,
        typer.Option("--password", help="Opens encrypted files. Other users may see it in the list of processes."),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", metavar="FILE", help="The password is the first line of this file."),
    ] = None,
    embedder: Annotated[
        str | None,
        typer.Option(
            "--embedder",
            metavar="MODEL",
            help="For a new index: the embedding model, by name or as a folder.",
            show_default=DEFAULT_EMBEDDER,
        ),
    ] = None,
    chunk_tokens: Annotated[
        int | None,
        typer.Option(
            "--chunk-tokens", metavar="N", help="For a new index: the most tokens of a passage.", show_default="200"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Adds documents to the index, and brings changed ones up to date.

    The index is made when there is none. Files that have not changed cost next to nothing, and of changed ones only
    what is new is embedded. After an interruption, the same command goes on where it stopped. Every path that was not
    taken is reported with the reason. Reads text, Markdown, HTML, PDF, JSON, JSON Lines and CSV.

    Examples:
      docindex ingest docs/
      docindex ingest docs/ --sync --exclude '*.log'
      docindex ingest corpus.jsonl --id-field _id --title-field title --text-field text
    """
    session = Session.of(ctx)
    options = IngestOptions(
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        sync=sync,
        allow_empty_sync=yes,
        dry_run=dry_run,
        load=LoadOptions(
            id_field=id_field,
            title_field=title_field,
            text_field=text_field,
            password=_password(password, password_file),
        ),
    )
    with ExitStack() as stack:
        on_progress = stack.enter_context(show_progress("Looking for changes"))
        opened = _open_or_create(session, session.index_path(index), embedder, chunk_tokens, options, stack)
        report = opened.ingest(*sources, options=options, on_progress=on_progress)
    if as_json:
        print_json(report.as_dict())
    else:
        show_report(open_screen(), report)
    raise typer.Exit(_exit_code(report))


def _open_or_create(
    session: Session,
    path: Path,
    embedder: str | None,
    chunk_tokens: int | None,
    options: IngestOptions,
    stack: ExitStack,
) -> Index:
    from docindex.index import Index

    try:
        index = stack.enter_context(Index.open(path, environment=session.environment))
    except IndexNotFoundError:
        if options.dry_run:  # which must leave no trace
            path = Path(stack.enter_context(TemporaryDirectory(prefix="docindex-"))) / "index"
        config = IndexConfig()
        if embedder is not None:
            config = dataclasses.replace(config, embedder=embedder)
        if chunk_tokens is not None:
            overlap = min(config.overlap_tokens, chunk_tokens // 2)
            config = dataclasses.replace(config, chunk_tokens=chunk_tokens, overlap_tokens=overlap)
        bring_model(session, config.embedder)
        return stack.enter_context(Index.create(path, config, environment=session.environment))
    _keep("--embedder", embedder, index.config.embedder)
    _keep("--chunk-tokens", chunk_tokens, index.config.chunk_tokens)
    return index


def _keep(option: str, wanted: object, built_with: object) -> None:
    if wanted is not None and wanted != built_with:
        raise ConfigError(
            f"The index was built with {option} {built_with} and keeps it: leave {option} out, "
            "or make a new index with --index."
        )


def _password(given: str | None, file: Path | None) -> str | None:
    if file is None:
        return given
    if given is not None:
        raise ConfigError("There are two passwords: give --password or --password-file.")
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The password file {file} can't be read: {error}.") from error
    return lines[0] if lines else ""


def _exit_code(report: IngestReport) -> int:
    if not report.failed:
        return DONE
    return PARTLY if report.added or report.updated or report.unchanged or report.deleted else FAILED
