"""How documents travel from a parser process: framed, without pickle, every value coming out as it went in.

A frame is a header of JSON and a body of text. The text of a document, which is most of it, is the body: it is not
escaped and not searched for quotes. The nodes of a document that comes cut are columns of numbers in the header.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from docindex.indices.cut import CutDocument, with_nodes
from docindex.protocols import Loaded
from docindex.schema import (
    CellValue,
    Column,
    Document,
    DocumentTable,
    Heading,
    Limits,
    LoadOptions,
    MetadataValue,
    Node,
    Page,
    Problem,
    Source,
    TableRow,
    Unread,
)

Signature = tuple[int, int, int, int]
"""Device, inode, size and time of change in nanoseconds: another one is another state of the file."""

OUT_OF_MEMORY = 77
"""The exit code of a parser process that reached its memory limit."""
NOTE = struct.Struct("<q")
"""The index of the request that a process begins with: written to a pipe of its own, where a crash leaves it."""
IDLE = -1
"""What it writes there between two files."""

_LENGTHS = struct.Struct("<IQ")
_CODING = "utf-8", "surrogatepass"  # lone surrogates are no reason to lose a document here; the stores decide
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

_Header = dict[str, Any]
"""Read from JSON that this module wrote."""


def signature(path: Path) -> Signature:
    """The state that a file is in.

    Raises:
        OSError: It is gone.
    """
    status = path.stat()
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What makes an object in another process."""

    factory: str
    """`module:callable`."""
    arguments: tuple[str | int, ...] = ()
    """What it is called with."""


@dataclass(frozen=True, slots=True)
class Request:
    """A file to parse."""

    index: int
    source: Source
    signature: Signature | None = None
    """The file must still be as it was then: a part of it has been delivered already."""
    cut: bool = False
    """Its documents are to be cut, too."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that a loader gave."""

    index: int
    """The request's."""
    loaded: Loaded


@dataclass(frozen=True, slots=True)
class Ended:
    """A file is done with."""

    index: int
    """The request's."""
    reason: str | None
    """Why it could not be read to its end."""
    cpu_seconds: float
    """What the process has used up to here, in all."""


class FrameBuffer:
    """Takes bytes as they come and gives whole frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Adds bytes."""
        self._buffer += data

    def frames(self) -> Iterator[tuple[_Header, str]]:
        """The frames that are whole, as header and body; each is given once."""
        buffer = self._buffer
        while len(buffer) >= _LENGTHS.size:
            header, body = _LENGTHS.unpack_from(buffer)
            middle = _LENGTHS.size + header
            if len(buffer) < middle + body:
                return
            head = buffer[_LENGTHS.size : middle].decode(*_CODING)
            text = buffer[middle : middle + body].decode(*_CODING)
            del buffer[: middle + body]
            yield json.loads(head), text


def encode(message: Request | Item | Ended) -> bytes:
    """The message as a frame.

    Raises:
        TypeError: A loader gave something that is none of `Loaded`, or with fields that are not of their type.
    """
    match message:
        case Request():
            return _frame({"kind": "request"} | _request(message))
        case Ended():
            return _frame(
                {"kind": "ended", "index": message.index, "reason": message.reason, "cpu": message.cpu_seconds}
            )
        case Item(index, Document() as document):
            plain = document_as_json(document)
            text = plain.pop("text")
            nodes = _columns(document.nodes) if isinstance(document, CutDocument) else None
            return _frame({"kind": "document", "index": index, "nodes": nodes} | plain, text)
        case Item(index, Problem() | Unread() as loaded):
            kind = "problem" if isinstance(loaded, Problem) else "unread"
            return _frame({"kind": kind, "index": index, "source": loaded.source, "reason": loaded.reason})
    raise TypeError(f"a loader gives documents, problems and unread parts, and not {type(message.loaded).__name__}")


def encode_recipe(recipe: Recipe | None) -> str:
    """The recipe as an argument of a process."""
    return _JSON.encode([] if recipe is None else [recipe.factory, *recipe.arguments])


def decode_recipe(argument: str) -> Recipe | None:
    """The recipe that an argument tells."""
    factory, *arguments = json.loads(argument) or [None]
    return None if factory is None else Recipe(factory, tuple(arguments))


def decode_request(header: _Header) -> Request:
    """The request that a frame holds."""
    source = header["source"]
    options = source["options"]
    return Request(
        header["index"],
        Source(
            source["name"],
            Path(source["path"]),
            source["media_type"],
            LoadOptions(**options | {"limits": Limits(**options["limits"])}),
            source["depth"],
        ),
        tuple(header["signature"]) if header["signature"] else None,
        header["cut"],
    )


def decode_reply(header: _Header, body: str) -> Item | Ended:
    """The item or the end that a frame holds."""
    index = header["index"]
    match header["kind"]:
        case "ended":
            return Ended(index, header["reason"], header["cpu"])
        case "problem":
            return Item(index, Problem(header["source"], header["reason"]))
        case "unread":
            return Item(index, Unread(header["source"], header["reason"]))
        case _:
            document = document_from_json(header | {"text": body})
            nodes = header["nodes"]
            return Item(index, document if nodes is None else with_nodes(document, _from_columns(nodes, document)))


def document_as_json(document: Document) -> dict[str, Any]:
    """The document as JSON can hold it; `document_from_json` gives it back as it was.

    Raises:
        TypeError: Its text is none.
    """
    if not isinstance(document.text, str):
        raise TypeError(f"the text of a document is {type(document.text).__name__}")
    return {
        "doc_id": document.doc_id,
        "source": document.source,
        "text": document.text,
        "media_type": document.media_type,
        "title": document.title,
        "metadata": {name: _plain(value) for name, value in document.metadata.items()},
        "pages": [(page.number, page.start, page.end, page.label) for page in document.pages],
        "headings": [(heading.level, heading.start, heading.text) for heading in document.headings],
        "tables": [_table(table) for table in document.tables],
        "hidden": document.hidden,
    }


def document_from_json(plain: Mapping[str, Any]) -> Document:
    """The document that `document_as_json` was given."""
    return Document(
        doc_id=plain["doc_id"],
        source=plain["source"],
        text=plain["text"],
        media_type=plain["media_type"],
        title=plain["title"],
        metadata=cast("dict[str, MetadataValue]", {name: _value(value) for name, value in plain["metadata"].items()}),
        pages=tuple(Page(*page) for page in plain["pages"]),
        headings=tuple(Heading(*heading) for heading in plain["headings"]),
        tables=tuple(map(_to_table, plain["tables"])),
        hidden=plain["hidden"],
    )


def _frame(header: Mapping[str, object], body: str = "") -> bytes:
    head, text = _JSON.encode(header).encode(*_CODING), body.encode(*_CODING)
    return b"".join((_LENGTHS.pack(len(head), len(text)), head, text))


def _request(request: Request) -> dict[str, object]:
    source = request.source
    return {
        "index": request.index,
        "source": {
            "name": source.name,
            "path": str(source.path),
            "media_type": source.media_type,
            "options": dataclasses.asdict(source.options),
            "depth": source.depth,
        },
        "signature": request.signature,
        "cut": request.cut,
    }


def _columns(nodes: Sequence[Node]) -> dict[str, object]:
    """The nodes without what their document tells; what many of them have in common is written once."""
    shared: dict[tuple[object, ...], int] = {}
    kinds = [
        shared.setdefault(
            (node.context, node.headings, node.page, node.page_label, node.level, node.parent_id), len(shared)
        )
        for node in nodes
    ]
    return {
        "ids": [node.node_id for node in nodes],
        "orders": [node.order for node in nodes],
        "starts": [node.start for node in nodes],
        "ends": [node.end for node in nodes],
        "kinds": kinds,
        "shared": list(shared),
    }


def _from_columns(columns: _Header, document: Document) -> tuple[Node, ...]:
    doc_id, text = document.doc_id, document.text
    shared = [(context, tuple(headings), *rest) for context, headings, *rest in columns["shared"]]
    rows = zip(
        *(columns[name] for name in ("ids", "orders", "starts", "ends", "kinds")),
        strict=True,
    )
    return tuple(
        Node(node_id, doc_id, order, start, end, text[start:end], *shared[kind])
        for node_id, order, start, end, kind in rows
    )


def _table(table: DocumentTable) -> dict[str, object]:
    return {
        "name": table.name,
        "columns": [(column.name, column.type) for column in table.columns],
        "rows": [(row.number, row.start, row.end, list(map(_plain, row.cells))) for row in table.rows],
        "start": table.start,
        "end": table.end,
    }


def _to_table(table: _Header) -> DocumentTable:
    return DocumentTable(
        table["name"],
        tuple(Column(*column) for column in table["columns"]),
        tuple(
            TableRow(number, start, end, cast("tuple[CellValue, ...]", tuple(map(_value, cells))))
            for number, start, end, cells in table["rows"]
        ),
        table["start"],
        table["end"],
    )


def _plain(value: object) -> object:
    """The value as JSON holds it: datetimes as objects, the one kind of value that is none otherwise."""
    return {"at": value.isoformat()} if isinstance(value, datetime) else value


def _value(plain: object) -> object:
    match plain:
        case {"at": str(written)}:
            return datetime.fromisoformat(written)
        case list():
            return tuple(plain)
        case _:
            return plain
