"""`docindex ingest`."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from docindex.cli.background import start_in_background
from docindex.cli.compact_memory import keep_memory_compact
from docindex.cli.limits import LIMIT_HELP, limits_of
from docindex.cli.opening import open_or_create
from docindex.cli.options import IndexOption, JsonOption
from docindex.cli.output import print_json
from docindex.cli.progress import show_progress
from docindex.cli.render import show_report
from docindex.cli.session import DONE, FAILED, PARTLY, Session
from docindex.cli.terminal import open_screen
from docindex.cli.watch import keep_watching
from docindex.config import DEFAULT_EMBEDDER, FirstIngest, IngestOptions, WebOptions
from docindex.errors import ConfigError
from docindex.schema import IngestReport, LoadOptions

STANDARD_INPUT = "-"
PATIENCE = 600.0
"""Seconds for which a watch waits for another writer: it has nothing else to do."""


class Wait(StrEnum):
    """What an ingest returns after."""

    NONE = "none"
    TEXT = "text"
    VECTORS = "vectors"


def ingest(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help='Files, folders, globs, web addresses, database URLs with --sql, or "-" for standard input.',
            show_default=False,
        ),
    ],
    index: IndexOption = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Also delete from the index what is gone from the sources.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="With --sync, mirror a source even when it is empty or missing.")
    ] = False,
    include: Annotated[
        list[str] | None,
        typer.Option("--include", metavar="GLOB", help="Read only files of such names. May be repeated."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", metavar="GLOB", help="Pass over files of such names. May be repeated."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be done, why, and about how long it would take.")
    ] = False,
    wait: Annotated[
        Wait,
        typer.Option(
            "--wait",
            help="Return when all is found by meaning too (vectors), by words (text), or at once (none).",
        ),
    ] = Wait.VECTORS,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on, and mirror every change of the files until Ctrl-C.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Also try again what could not be read before and has not changed since.")
    ] = False,
    checksum: Annotated[
        bool,
        typer.Option(
            "--checksum", "-c", help="Read every file to see whether it has changed, and trust no size and time."
        ),
    ] = False,
    ocr: Annotated[
        bool, typer.Option("--ocr", help="Read pages without text, and images, with tesseract (the extra ocr).")
    ] = False,
    max_seconds: Annotated[
        float | None,
        typer.Option(
            "--max-seconds",
            metavar="S",
            min=1,
            help="How many seconds a file may take to give its next document; each member of an archive has as many.",
            show_default="300",
        ),
    ] = None,
    limit: Annotated[
        list[str] | None, typer.Option("--limit", metavar="NAME=VALUE", help=LIMIT_HELP, show_default=False)
    ] = None,
    sql: Annotated[
        str | None,
        typer.Option(
            "--sql", metavar="SELECT", help="The rows to read from a database SOURCE; each becomes a document."
        ),
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Also fetch web pages from private and local addresses.")
    ] = False,
    lease_wait: Annotated[
        float | None,
        typer.Option(
            "--lease-wait",
            metavar="S",
            min=0,
            help="How many seconds to wait while another process writes to the index.",
            show_default="0, and 600 with --watch",
        ),
    ] = None,
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
        typer.Option(
            "--password", metavar="TEXT", help="Opens encrypted files. Other users may see it in the list of processes."
        ),
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
    levels: Annotated[
        str | None,
        typer.Option(
            "--levels",
            metavar="LIST",
            help="For a new index: tokens of larger nodes above the passages, such as 512,2048.",
            show_default="none",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Adds documents to the index, and brings changed ones up to date.

    The index is made when there is none. Files that have not changed cost next to nothing, and of changed ones only
    what is new is embedded. First all texts are taken up, which makes them found by words at once, then their vectors.
    After an interruption, the same command goes on where it stopped. Every path that was not taken is reported with the
    reason; a file .docindexignore in a folder says what to leave out, as .gitignore does.

    Reads PDF, Office and OpenDocument files, EPUB, RTF, HTML, Markdown, reStructuredText, LaTeX, notebooks, source
    code, mail, archives, tables, JSON, YAML, TOML, XML, subtitles and plain text; web pages, sitemaps and databases.

    Examples:
      docindex ingest docs/
      docindex ingest docs/ --sync --exclude '*.log'
      docindex ingest docs/ --watch
      docindex ingest corpus.jsonl --id-field _id --title-field title --text-field text
      docindex ingest https://docs.example.org/sitemap.xml
      docindex ingest sqlite:///shop.db --sql "SELECT id, name, notes FROM parts" --id-field id
    """
    session = Session.of(ctx)
    keep_memory_compact()
    path = session.index_path(index)
    in_background = wait is Wait.NONE and not dry_run
    if STANDARD_INPUT in sources and (in_background or watch):
        raise ConfigError("Standard input ends with this command: leave --watch and --wait none out, or save it first.")
    if lease_wait is None:
        lease_wait = PATIENCE if watch else 0.0
    options = IngestOptions(
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        sync=sync,
        allow_empty_sync=yes,
        dry_run=dry_run,
        wait="text" if wait is Wait.TEXT else "vectors",
        checksum=checksum,
        retry=retry,
        lease_seconds=lease_wait,
        load=LoadOptions(
            id_field=id_field,
            title_field=title_field,
            text_field=text_field,
            password=_password(password, password_file),
            ocr=ocr,
            query=sql,
            limits=limits_of(limit or (), max_seconds),
        ),
        web=WebOptions(allow_private=allow_private),
    )
    if in_background:
        start_in_background(path, as_json=as_json)
        return
    with ExitStack() as stack:
        opened = open_or_create(
            session,
            path,
            stack,
            embedder=embedder,
            chunk_tokens=chunk_tokens,
            levels=levels,
            first=FirstIngest(tuple(sources), options),
        )
        if watch and not dry_run:
            keep_watching(opened, sources, options, as_json=as_json)
            return
        with show_progress("Looking for changes") as on_progress:
            report = opened.ingest(*sources, options=options, on_progress=on_progress)
    if as_json:
        print_json(report.as_dict())
    else:
        show_report(open_screen(), report)
    raise typer.Exit(_exit_code(report))


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
        return PARTLY if report.behind else DONE
    return PARTLY if report.added or report.updated or report.unchanged or report.deleted else FAILED
