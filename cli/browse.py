"""`docindex status`, `ls`, `show`, `rm` and `check`: what the index holds."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docindex.cli.options import AtOption, IndexOption, JsonOption, LeaseWaitOption, YesOption
from docindex.cli.output import counted, print_json
from docindex.cli.progress import show_progress
from docindex.cli.render import show_facts
from docindex.cli.screen import Column, Span
from docindex.cli.session import FAILED, Session
from docindex.cli.terminal import open_screen
from docindex.errors import QueryError, StoreError
from docindex.schema import Document, Page, plain_value

if TYPE_CHECKING:
    from docindex.index import Index
    from docindex.protocols import DocumentRecord, StoredNode


def status(ctx: typer.Context, index: IndexOption = None, at: AtOption = None, as_json: JsonOption = False) -> None:
    """Shows counts, sizes, versions and models of the index.

    Examples:
      docindex status
      docindex status -i ~/manuals --json
    """
    with Session.of(ctx).open(index, at) as opened:
        facts = opened.status()
    if as_json:
        print_json(facts)
    else:
        show_facts(open_screen(), facts)


def ls(ctx: typer.Context, index: IndexOption = None, at: AtOption = None, as_json: JsonOption = False) -> None:
    """Lists the documents of the index.

    In a pipe, a line holds the document's id, source, media type, size in bytes, pages, passages, state and the time
    it was added, separated by tabs.

    Examples:
      docindex ls
      docindex ls | cut -f 1 | sort
    """
    with Session.of(ctx).open(index, at) as opened:
        records = list(opened.documents())
    if as_json:
        print_json({"documents": [_listed(record) for record in records]})
        return
    many_from_one = any(record.source != record.doc_id for record in records)
    columns = [
        Column("Document"),
        Column("Source", on_terminal=many_from_one),
        Column("Type"),
        Column("Size", "bytes"),
        Column("Pages", "count"),
        Column("Passages", "count"),
        Column("State", on_terminal=False),
        Column("Added", "time"),
    ]
    open_screen().table(
        columns,
        [
            (
                record.doc_id,
                record.source,
                record.media_type,
                record.bytes,
                record.pages,
                record.nodes,
                record.state,
                record.added_at,
            )
            for record in records
        ],
    )


def show(
    ctx: typer.Context,
    doc_id: Annotated[
        str, typer.Argument(metavar="DOCUMENT", help="A document's id, as `docindex ls` lists it.", show_default=False)
    ],
    index: IndexOption = None,
    page: Annotated[
        str | None,
        typer.Option(
            "--page", metavar="PAGE", help="One page: the label that is printed on it, else its number in the file."
        ),
    ] = None,
    nodes: Annotated[bool, typer.Option("--nodes", help="The passages that the document was cut into.")] = False,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prints a document's text as the index holds it, one page of it, or its passages.

    The offsets of hits and citations count the characters of this text.

    Examples:
      docindex show guide.pdf --page 12
      docindex show notes/setup.md > setup.txt
      docindex show guide.pdf --nodes --json
    """
    if page is not None and nodes:
        raise QueryError("A page's passages can't be shown apart: give --page or --nodes.")
    with Session.of(ctx).open(index, at) as opened:
        document = opened.document(doc_id)
        if document is None:
            raise StoreError(_unknown(doc_id, opened))
        passages = opened.nodes(doc_id) if nodes else []
    screen = open_screen()
    if nodes:
        if as_json:
            print_json({"doc_id": doc_id, "nodes": [_passage(stored) for stored in passages]})
            return
        for stored in passages:
            node = stored.node
            where = f", page {node.page_label or node.page}" if node.page is not None else ""
            headings = " › ".join(node.headings)
            screen.line(Span(f"{node.order}", "strong"), Span(f"  {node.start}-{node.end}{where}  {headings}", "dim"))
            screen.text(node.text)
    elif page is not None:
        found = _find_page(document, page)
        text = document.text[found.start : found.end]
        if as_json:
            print_json({"doc_id": doc_id, "source": document.source} | _page(found) | {"text": text})
        else:
            screen.text(text)
    elif as_json:
        print_json(_whole(document))
    else:
        screen.text(document.text)


def rm(
    ctx: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME",
            help="Ids of documents, or sources of which all documents go.",
            show_default=False,
        ),
    ],
    index: IndexOption = None,
    yes: YesOption = False,
    lease_wait: LeaseWaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Deletes documents from the index. The files that they came from stay.

    On a terminal it asks first. When one of the names is unknown, nothing is deleted.

    Examples:
      docindex rm old/guide.pdf
      docindex rm corpus.jsonl --yes
    """
    with Session.of(ctx).open(index) as opened:
        if not yes and sys.stdin.isatty():
            wanted = set(names)
            count = sum(record.doc_id in wanted or record.source in wanted for record in opened.documents())
            if count and not typer.confirm(f"Delete {counted(count, 'document')} from the index?", err=True):
                deleted = 0
                _say_deleted(deleted, as_json=as_json)
                return
        with show_progress("Deleting") as on_progress:
            deleted = opened.delete(*names, on_progress=on_progress, wait_seconds=lease_wait)
    _say_deleted(deleted, as_json=as_json)


def check(
    ctx: typer.Context,
    index: IndexOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what is found, and say what was done.")] = False,
    lease_wait: LeaseWaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Checks that the two stores of the index agree, and that nothing in them is damaged.

    The exit code is 0 when they do, and 1 when there are problems; each is one line. With --repair it is 0 when no
    problem is left; documents that can't be mended are read again by the next ingest of their files.

    Examples:
      docindex check
      docindex check --repair
    """
    repaired: list[str] = []
    with Session.of(ctx).open(index) as opened:
        if repair:
            with show_progress("Mending") as on_progress:
                repaired = opened.repair(on_progress=on_progress, wait_seconds=lease_wait)
        problems = opened.check()
    if as_json:
        print_json({"problems": problems} | ({"repaired": repaired} if repair else {}))
    else:
        screen = open_screen()
        for sentence in repaired:
            screen.line(sentence)
        for problem in problems:
            screen.line(Span(problem, "bad"))
        if not problems:
            screen.line(Span("No problems.", "good"))
    if problems:
        raise typer.Exit(FAILED)


def _listed(record: DocumentRecord) -> dict[str, Any]:
    return {
        "doc_id": record.doc_id,
        "source": record.source,
        "media_type": record.media_type,
        "bytes": record.bytes,
        "pages": record.pages,
        "nodes": record.nodes,
        "state": record.state,
        "added_at": record.added_at.isoformat(),
    }


def _whole(document: Document) -> dict[str, Any]:
    return {
        "doc_id": document.doc_id,
        "source": document.source,
        "title": document.title,
        "media_type": document.media_type,
        "metadata": {key: plain_value(value) for key, value in document.metadata.items()},
        "pages": [_page(page) for page in document.pages],
        "headings": [
            {"level": heading.level, "start": heading.start, "text": heading.text} for heading in document.headings
        ],
        "text": document.text,
    }


def _page(page: Page) -> dict[str, Any]:
    return {"page": page.number, "page_label": page.label, "start": page.start, "end": page.end}


def _passage(stored: StoredNode) -> dict[str, Any]:
    node = stored.node
    return {
        "node_id": node.node_id,
        "order": node.order,
        "level": node.level,
        "parent_id": node.parent_id,
        "page": node.page,
        "page_label": node.page_label,
        "start": node.start,
        "end": node.end,
        "headings": list(node.headings),
        "context": node.context,
        "text": node.text,
    }


def _find_page(document: Document, wanted: str) -> Page:
    by_label = {page.label: page for page in reversed(document.pages) if page.label}
    by_number = {str(page.number): page for page in document.pages}
    found = by_label.get(wanted) or by_number.get(wanted)
    if found is None:
        known = f"it has {counted(len(document.pages), 'page')}" if document.pages else "it has no pages"
        raise QueryError(f"{document.doc_id} has no page {wanted!r}: {known}.")
    return found


def _unknown(doc_id: str, index: Index) -> str:
    known = [record.doc_id for record in index.documents()]
    near = difflib.get_close_matches(doc_id, known, n=3) or [name for name in known if doc_id and doc_id in name][:3]
    hint = f"did you mean {' or '.join(near)}?" if near else "`docindex ls` lists them."
    return f"The index holds no document {doc_id!r}: {hint}"


def _say_deleted(deleted: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"deleted": deleted})
    else:
        open_screen().line(f"{counted(deleted, 'document')} deleted.")
