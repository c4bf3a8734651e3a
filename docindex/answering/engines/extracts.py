"""Sentences of a document as an answer."""

from __future__ import annotations

from collections.abc import Sequence

from docindex.answering.citations import CitationList
from docindex.answering.engines.key_sentences import KeySentence
from docindex.answering.engines.readable import hit_of, plain
from docindex.answering.extract import MODEL
from docindex.answering.orders import orders, without_orders
from docindex.answering.quotes import SourceSentence
from docindex.answering.terms import analyse
from docindex.protocols import StoredNode
from docindex.schema import Document, DocumentTable, Hit, Response

_LONGEST_LABEL = 70


def extract(question: str, keys: Sequence[KeySentence], document: Document, *, bullets: bool) -> Response:
    """The sentences, each with its citation; under its heading where it has none of the heading's words."""
    citations = CitationList(lambda doc_id: document if doc_id == document.doc_id else None)
    shown = [f"{_label(key)}{plain(key.source.text)} [{citations.quote(key.source)}]" for key in keys]
    text = "\n".join(f"- {sentence}" for sentence in shown) if bullets else " ".join(shown)
    hits = {key.source.hit.node_id: key.source.hit for key in keys}
    return Response(
        question, text, no_answer=False, citations=citations.as_tuple(), hits=tuple(hits.values()), model=MODEL
    )


def describe_tables(question: str, document: Document, stored: Sequence[StoredNode]) -> Response | None:
    """What a document that is nothing but tables holds, each with a citation of its head."""
    citations = CitationList(lambda doc_id: document if doc_id == document.doc_id else None)
    shown: list[str] = []
    hits: dict[str, Hit] = {}
    for table in document.tables:
        end = document.text.find("\n", table.start, table.end)
        start, end = table.start, table.end if end < 0 else end
        hit = next((hit_of(1, found) for found in stored if found.node.start <= start < found.node.end), None)
        if hit is not None:
            text, nothing = document.text[start:end], analyse("")
            head = SourceSentence(1, hit, start, end, text, analyse(text), nothing, nothing, follows=False)
            shown.append(f"{_described(table, document.title)} [{citations.cite(head, verified=True)}]")
            hits[hit.node_id] = hit
    if not shown:
        return None
    text = "\n".join(shown)
    return Response(
        question, text, no_answer=False, citations=citations.as_tuple(), hits=tuple(hits.values()), model=MODEL
    )


def _label(key: KeySentence) -> str:
    heading = plain(key.heading)
    if (
        not heading
        or orders(heading)
        or len(heading) > _LONGEST_LABEL
        or analyse(heading).words & key.source.terms.words
    ):
        return ""
    return f"{heading.rstrip(':.')}: "


def _described(table: DocumentTable, title: str) -> str:
    names = [plain(without_orders(column.name)) for column in table.columns]
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
    rows = f"{len(table.rows)} row{'s' if len(table.rows) != 1 else ''}"
    name = f"{plain(without_orders(table.name))}: " if table.name and table.name != title else ""
    return f"{name}A table of {rows} with {listed}."
