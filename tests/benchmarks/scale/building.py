"""An index of synthetic documents, written through the store's own writer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from synthetic import NODES_OF_DOCUMENT, SHARES, Block, Corpus

from docindex.config import IndexConfig
from docindex.protocols import ChangeSet, DocumentChange
from docindex.schema import Document, Node, digest
from docindex.stores.commit import create_stores
from docindex.stores.manifest import Manifest


@dataclass(frozen=True)
class Built:
    """What the build took."""

    write_s: float
    maintain_s: float
    """Compaction and indexes."""
    bytes: int
    by_part: dict[str, int]


def build(folder: Path, corpus: Corpus, said: Callable[[str], None]) -> Built:
    """Makes the index; the last maintenance is counted apart."""
    manifest = Manifest(config=IndexConfig(), embedder="synthetic", fingerprint="synthetic", dim=corpus.dim)
    stores = create_stores(folder, manifest, keep_seconds=0.0)
    started = time.perf_counter()
    try:
        with stores.writer() as writer:
            for block in corpus.blocks():
                writer.commit(ChangeSet(documents=list(changes(block, corpus.documents))))
                writer.maintain()
                said(f"{(block.first * NODES_OF_DOCUMENT) + len(block.texts):,} nodes")
            written = time.perf_counter()
            writer.maintain(force=True)
            maintained = time.perf_counter()
        sizes = stores.snapshot().statistics()["bytes"]
    finally:
        stores.close()
    return Built(written - started, maintained - written, sizes.pop("total"), sizes)


def changes(block: Block, documents: int) -> Iterator[DocumentChange]:
    """The documents of a block, with a field for each share of them that a condition may ask for."""
    for place in range(len(block.texts) // NODES_OF_DOCUMENT):
        number = block.first + place
        rows = slice(place * NODES_OF_DOCUMENT, (place + 1) * NODES_OF_DOCUMENT)
        yield _change(number, block.texts[rows], block.vectors[rows])


def node_id(row: int) -> str:
    """The id of the node with that number: like those of real nodes, neighbours have nothing in common."""
    return f"{digest(str(row))[:24]}{row:08x}"


def row_of(node_id: str) -> int:
    """The number of the node with that id."""
    return int(node_id[24:], 16)


def value_of(number: int, share: int) -> int:
    """Which of the values of the field `of {share}` a document has, unrelated to its topic. At least one has 0."""
    return (number * 2_654_435_761 % (1 << 32) >> 7) % share


def _change(number: int, texts: list[str], vectors: np.ndarray) -> DocumentChange:
    doc_id = f"d{number:06}.txt"
    nodes, start = [], 0
    for place, text in enumerate(texts):
        node = Node(
            node_id=node_id(number * NODES_OF_DOCUMENT + place),
            doc_id=doc_id,
            order=place,
            start=start,
            end=start + len(text),
            text=text,
            context=f"Document {number}",
            page=place // 4 + 1,
        )
        nodes.append(node)
        start = node.end + 1
    whole = "\n".join(texts)
    return DocumentChange(
        document=Document(
            doc_id=doc_id,
            source=doc_id,
            text=whole,
            title=f"Document {number}",
            metadata={f"of {share}": str(value_of(number, share)) for share in SHARES} | {"number": number},
        ),
        location=f"/synthetic/{doc_id}",
        content_hash=digest(whole),
        bytes=len(whole),
        modified_at=None,
        nodes=tuple(nodes),
        vectors=vectors,
    )
