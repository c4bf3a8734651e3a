"""`docindex tag`, `diff`, `rollback` and `purge`: older versions of an index."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from docindex.cli.options import IndexOption, JsonOption, LeaseWaitOption, YesOption, at_version, version_of
from docindex.cli.output import counted, print_json
from docindex.cli.progress import show_progress
from docindex.cli.screen import Column, Span
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.errors import QueryError

if TYPE_CHECKING:
    from docindex.protocols import VersionRecord

VersionArgument = Annotated[
    str, typer.Argument(metavar="VERSION", help="A tag, or the number of a version that is kept.", show_default=False)
]


def tag(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="One word. Without it, the versions are listed.", show_default=False),
    ] = None,
    index: IndexOption = None,
    version: Annotated[
        int | None,
        typer.Option("--version", metavar="N", help="The version to name.", show_default="the newest"),
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", "-d", help="Take the name back.")] = False,
    lease_wait: LeaseWaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Names a version of the index, which keeps it readable; or lists the versions that are kept.

    Without a tag, an older version stays for about ten minutes after the next one.

    Examples:
      docindex tag before-cleanup
      docindex tag
      docindex search warranty --at before-cleanup
      docindex tag before-cleanup --delete
    """
    if delete and (name is None or version is not None):
        raise QueryError("Give the NAME of the tag to delete, and no version.")
    if version is not None and name is None:
        raise QueryError("Give the version a NAME.")
    with Session.of(ctx).open(index) as opened:
        if name is not None and delete:
            opened.untag(name, wait_seconds=lease_wait)
        elif name is not None:
            opened.tag(name, version, wait_seconds=lease_wait)
        versions = opened.versions()
    if name is not None:
        versions = [record for record in versions if name in record.tags]
    elif not as_json:
        versions = versions[:1] + [record for record in versions[1:] if _differs(record)]
    if as_json:
        print_json({"versions": [_listed(record) for record in versions]})
        return
    screen = open_screen()
    if delete:
        screen.line(f"The tag {name} is deleted.")
    else:
        _show(versions)


def diff(
    ctx: typer.Context,
    old: VersionArgument,
    new: Annotated[
        str | None,
        typer.Argument(metavar="VERSION", help="The version to compare it with.", show_default="the newest"),
    ] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the documents in which two versions of the index differ.

    Examples:
      docindex diff before-cleanup
      docindex diff 12 15 --json
    """
    with Session.of(ctx).open(index) as opened:
        found = opened.diff(version_of(old), at_version(new))
    if as_json:
        print_json(found.as_dict())
        return
    screen = open_screen()
    marks = ((Span("+ ", "good"), found.added), (Span("~ ", "warn"), found.updated), (Span("- ", "bad"), found.deleted))
    for mark, doc_ids in marks:
        for doc_id in doc_ids:
            screen.line(mark, Span(doc_id, "name"))
    if not (found.added or found.updated or found.deleted):
        screen.line("No document differs.")


def rollback(
    ctx: typer.Context,
    version: VersionArgument,
    index: IndexOption = None,
    yes: YesOption = False,
    lease_wait: LeaseWaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Makes the index what it was at an older version. That is a new version: it can be rolled back in its turn.

    The files on disk stay as they are: the next ingest of a changed one brings its changes back.

    Examples:
      docindex rollback before-cleanup
      docindex rollback 12 --yes
    """
    with Session.of(ctx).open(index) as opened:
        if not yes and sys.stdin.isatty():
            lost = opened.diff(version_of(version))
            changed = len(lost.added) + len(lost.updated) + len(lost.deleted)
            if changed and not typer.confirm(f"Undo the changes of {counted(changed, 'document')}?", err=True):
                typer.echo("Nothing was changed.", err=True)
                return
        with show_progress("Rolling back") as on_progress:
            made = opened.rollback(version_of(version), on_progress=on_progress, wait_seconds=lease_wait)
    if as_json:
        print_json({"version": made})
    else:
        open_screen().line(f"The index is as it was at {version}; this is version {made}.")


def purge(
    ctx: typer.Context,
    index: IndexOption = None,
    yes: YesOption = False,
    lease_wait: LeaseWaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Erases what was deleted from the index, so that no byte of its folder holds it.

    All older versions and tags go. Texts in the files that were ingested are not touched.

    Examples:
      docindex rm secrets.txt --yes
      docindex purge --yes
    """
    with Session.of(ctx).open(index) as opened:
        if not yes and sys.stdin.isatty():
            count = len(opened.versions()) - 1
            if not typer.confirm(f"Erase {counted(count, 'older version')}, with what only they hold?", err=True):
                typer.echo("Nothing was erased.", err=True)
                return
        with show_progress("Erasing") as on_progress:
            opened.purge(on_progress=on_progress, wait_seconds=lease_wait)
        versions = opened.versions()
    if as_json:
        print_json({"versions": [_listed(record) for record in versions]})
    else:
        open_screen().line("Only the newest version is left.")


def _differs(record: VersionRecord) -> bool:
    """Whether people would name it: maintenance changes nothing that a reader sees."""
    return bool(record.tags) or record.kind != "maintained"


def _listed(record: VersionRecord) -> dict[str, object]:
    return dataclasses.asdict(record)


def _show(versions: list[VersionRecord]) -> None:
    columns = [
        Column("Version", "count"),
        Column("Made by"),
        Column("At", "time"),
        Column("Documents", "count"),
        Column("Passages", "count"),
        Column("Embedded", "count"),
        Column("Tags"),
    ]
    open_screen().table(
        columns,
        [
            (
                record.version,
                record.kind,
                record.created_at,
                record.documents,
                record.nodes,
                record.embedded,
                " ".join(record.tags),
            )
            for record in versions
        ],
    )
