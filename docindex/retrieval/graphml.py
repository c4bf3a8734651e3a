"""The graph as GraphML, for programs that draw and measure graphs."""

from __future__ import annotations

import re
from collections import Counter
from typing import IO, cast
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from docindex.indices.graph import KIND
from docindex.protocols import Snapshot

_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEYS = (
    ("label", "node", "string"),
    ("passages", "node", "int"),
    ("passages", "edge", "int"),
    ("relation", "edge", "string"),
)


def write_graphml(snapshot: Snapshot, file: IO[bytes]) -> tuple[int, int]:
    """Writes entities as nodes and what stands side by side as edges; returns how many of each."""
    labels: dict[str, Counter[str]] = {}
    edges: Counter[tuple[str, str]] = Counter()
    relations: dict[tuple[str, str], Counter[str]] = {}
    for record in snapshot.derived(KIND):
        for key, label in cast("dict[str, str]", record.data["labels"]).items():
            labels.setdefault(key, Counter())[label] += 1
        for left, predicate, right in cast("list[list[str]]", record.data["relations"]):
            edges[left, right] += 1
            if predicate:
                relations.setdefault((left, right), Counter())[predicate] += 1
    out = XMLGenerator(file, encoding="utf-8")
    out.startDocument()
    out.startElement("graphml", AttributesImpl({"xmlns": "http://graphml.graphdrawing.org/xmlns"}))
    for name, of, kind in _KEYS:
        _empty(out, "key", {"id": f"{of}-{name}", "for": of, "attr.name": name, "attr.type": kind})
    out.startElement("graph", AttributesImpl({"edgedefault": "directed"}))
    for key in sorted(labels):
        out.startElement("node", AttributesImpl({"id": _clean(key)}))
        _data(out, "node-label", labels[key].most_common(1)[0][0])
        _data(out, "node-passages", str(labels[key].total()))
        out.endElement("node")
    for (left, right), count in sorted(edges.items()):
        out.startElement("edge", AttributesImpl({"source": _clean(left), "target": _clean(right)}))
        _data(out, "edge-passages", str(count))
        if said := relations.get((left, right)):
            _data(out, "edge-relation", said.most_common(1)[0][0])
        out.endElement("edge")
    out.endElement("graph")
    out.endElement("graphml")
    out.endDocument()
    return len(labels), len(edges)


def _data(out: XMLGenerator, key: str, text: str) -> None:
    out.startElement("data", AttributesImpl({"key": key}))
    out.characters(_clean(text))
    out.endElement("data")


def _empty(out: XMLGenerator, name: str, attributes: dict[str, str]) -> None:
    out.startElement(name, AttributesImpl(attributes))
    out.endElement(name)


def _clean(text: str) -> str:
    """The text without what XML can't hold."""
    return "".join(
        character
        for character in text
        if character in "\t\n\r" or (character >= " " and character not in "\ufffe\uffff")
    )
