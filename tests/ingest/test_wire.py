"""Whatever a loader may give, and whatever a file may be read with, arrives as it was sent."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.indices.cut import CutDocument, with_nodes
from docindex.ingest.wire import (
    Ended,
    FrameBuffer,
    Item,
    Recipe,
    Request,
    decode_recipe,
    decode_reply,
    decode_request,
    encode,
    encode_recipe,
)
from docindex.protocols import Loaded
from docindex.schema import (
    Column,
    Document,
    DocumentTable,
    Heading,
    Limits,
    LoadOptions,
    Node,
    Page,
    Problem,
    Source,
    TableRow,
    Unread,
)

# Text of every kind: with lone surrogates, also two that would be one character if they were joined.
TEXT = st.one_of(st.text(max_size=40), st.text(st.characters(categories=("Cs", "Cc", "L")), max_size=8))
COUNT = st.integers(0, 2**63)
ZONES = st.one_of(
    st.just(UTC),
    # In whole seconds: Python 3.11 itself reads "+00:00:00.000001" as UTC.
    st.integers(-23 * 3600, 23 * 3600).map(lambda seconds: timezone(timedelta(seconds=seconds))),
)
DATES = st.datetimes(timezones=ZONES) | st.datetimes()
NUMBERS = st.integers() | st.floats(allow_nan=False)
CELLS = st.none() | st.booleans() | NUMBERS | TEXT | DATES
TABLES = st.builds(
    DocumentTable,
    name=TEXT,
    columns=st.lists(
        st.builds(Column, TEXT, st.sampled_from(["text", "integer", "number", "boolean", "date"])), max_size=3
    ).map(tuple),
    rows=st.lists(st.builds(TableRow, COUNT, COUNT, COUNT, st.lists(CELLS, max_size=3).map(tuple)), max_size=3).map(
        tuple
    ),
    start=COUNT,
    end=COUNT,
)
DOCUMENTS = st.builds(
    Document,
    doc_id=TEXT,
    source=TEXT,
    text=TEXT,
    media_type=TEXT,
    title=TEXT,
    metadata=st.dictionaries(
        TEXT, st.booleans() | NUMBERS | TEXT | DATES | st.lists(TEXT, max_size=3).map(tuple), max_size=4
    ),
    pages=st.lists(st.builds(Page, COUNT, COUNT, COUNT, st.none() | TEXT), max_size=3).map(tuple),
    headings=st.lists(st.builds(Heading, COUNT, COUNT, TEXT), max_size=3).map(tuple),
    tables=st.lists(TABLES, max_size=2).map(tuple),
    hidden=COUNT,
)
OPTIONAL = st.none() | TEXT


@st.composite
def cut_documents(draw: st.DrawFn) -> CutDocument:
    document = draw(DOCUMENTS)
    nodes = []
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(document.text)))
        end = draw(st.integers(start, len(document.text)))
        nodes.append(
            Node(
                node_id=draw(TEXT),
                doc_id=document.doc_id,
                order=draw(COUNT),
                start=start,
                end=end,
                text=document.text[start:end],
                context=draw(st.sampled_from(["", "Title", "Title > Part"])),
                headings=tuple(draw(st.lists(TEXT, max_size=2))),
                page=draw(st.none() | COUNT),
                page_label=draw(OPTIONAL),
                level=draw(COUNT),
                parent_id=draw(OPTIONAL),
            )
        )
    return with_nodes(document, tuple(nodes))


LOADED = DOCUMENTS | cut_documents() | st.builds(Problem, TEXT, TEXT) | st.builds(Unread, TEXT, TEXT)
OPTIONS = st.builds(
    LoadOptions,
    id_field=OPTIONAL,
    title_field=OPTIONAL,
    text_field=OPTIONAL,
    password=OPTIONAL,
    ocr=st.booleans(),
    limits=st.builds(
        Limits, **{field.name: NUMBERS if field.name == "seconds" else COUNT for field in dataclasses.fields(Limits)}
    ),
)
PATHS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20).map(Path)
SOURCES = st.builds(Source, TEXT, PATHS | st.just(Path("not-\udcff-utf8")), TEXT, OPTIONS, COUNT)
SIGNATURES = st.none() | st.tuples(COUNT, COUNT, COUNT, st.integers())


def one_frame(data: bytes):
    frames = FrameBuffer()
    frames.feed(data)
    (frame,) = frames.frames()
    return frame


def type_tree(value: object) -> object:
    """The types of a value and of all in it: True equals 1 and 1 equals 1.0, but they are not the same."""
    if dataclasses.is_dataclass(value):
        return type(value), [type_tree(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, tuple | list):
        return type(value), [type_tree(item) for item in value]
    if isinstance(value, dict):
        return dict, [(key, type_tree(item)) for key, item in value.items()]
    return type(value), value.utcoffset() if isinstance(value, datetime) else None


@settings(deadline=None, max_examples=200)
@given(COUNT, LOADED)
def test_what_is_loaded_arrives_as_it_was(index: int, loaded: Loaded) -> None:
    item = decode_reply(*one_frame(encode(Item(index, loaded))))
    assert item == Item(index, loaded)
    assert type_tree(item) == type_tree(Item(index, loaded))


@settings(deadline=None, max_examples=100)
@given(COUNT, SOURCES, SIGNATURES, st.booleans())
def test_a_request_arrives_as_it_was(
    index: int, source: Source, signature: tuple[int, int, int, int] | None, cut: bool
) -> None:
    request = Request(index, source, signature, cut)
    header, _ = one_frame(encode(request))
    assert decode_request(header) == request
    assert type_tree(decode_request(header)) == type_tree(request)


@settings(deadline=None, max_examples=50)
@given(st.none() | st.builds(Recipe, TEXT, st.lists(TEXT | COUNT, max_size=3).map(tuple)))
def test_a_recipe_arrives_as_it_was(recipe: Recipe | None) -> None:
    assert decode_recipe(encode_recipe(recipe)) == recipe


@given(DOCUMENTS)
@settings(deadline=None, max_examples=50)
def test_a_document_with_nodes_is_the_document(document: Document) -> None:
    cut = with_nodes(document, ())
    assert {f.name: getattr(cut, f.name) for f in dataclasses.fields(document)} == {
        f.name: getattr(document, f.name) for f in dataclasses.fields(document)
    }


@settings(deadline=None)
@given(COUNT, OPTIONAL, st.floats(0, 1e9))
def test_an_end_arrives_as_it_was(index: int, reason: str | None, seconds: float) -> None:
    assert decode_reply(*one_frame(encode(Ended(index, reason, seconds)))) == Ended(index, reason, seconds)


@settings(deadline=None, max_examples=50)
@given(st.lists(LOADED, max_size=5), st.integers(1, 50))
def test_frames_are_found_however_the_bytes_come(items: list[Loaded], step: int) -> None:
    data = b"".join(encode(Item(n, loaded)) for n, loaded in enumerate(items))
    frames = FrameBuffer()
    found = []
    for at in range(0, len(data), step):
        frames.feed(data[at : at + step])
        found += [decode_reply(*frame) for frame in frames.frames()]
    assert found == [Item(n, loaded) for n, loaded in enumerate(items)]


def test_numbers_that_are_none_arrive_too() -> None:
    document = Document("a", "a", "", metadata={"nan": math.nan, "endless": -math.inf})
    item = decode_reply(*one_frame(encode(Item(0, document))))
    assert isinstance(item, Item)
    assert isinstance(item.loaded, Document)
    assert str(item.loaded.metadata) == "{'nan': nan, 'endless': -inf}"


@pytest.mark.parametrize(
    "wrong",
    [
        "a string",
        None,
        Document("a", "a", b"bytes"),  # type: ignore[arg-type]
        Document("a", "a", "", metadata={"path": Path("x")}),  # type: ignore[dict-item]
        Document("a", "a", "", metadata={"list": {1, 2}}),  # type: ignore[dict-item]
    ],
)
def test_what_is_no_document_is_refused_by_its_sender(wrong: object) -> None:
    with pytest.raises(TypeError):
        encode(Item(0, wrong))  # type: ignore[arg-type]


def test_every_field_is_sent() -> None:
    """A field that is added to these and not to the wire form would get lost unseen: this says where to add it."""
    names = {
        kind: tuple(field.name for field in dataclasses.fields(kind))
        for kind in (Document, DocumentTable, Node, Source)
    }
    assert names == {
        Document: (
            *("doc_id", "source", "text", "media_type", "title", "metadata"),
            *("pages", "headings", "tables", "hidden"),
        ),
        DocumentTable: ("name", "columns", "rows", "start", "end"),
        Node: (
            *("node_id", "doc_id", "order", "start", "end", "text", "context", "headings"),
            *("page", "page_label", "level", "parent_id"),
        ),
        Source: ("name", "path", "media_type", "options", "depth"),
    }
