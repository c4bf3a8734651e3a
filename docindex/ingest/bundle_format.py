"""How a whole index lies in one file: texts, structure, passages and vectors, with checksums.

A ZIP archive. `bundle.json` says what built it, `documents.jsonl` has a document with its nodes a line, `vectors.f32`
the nodes' vectors in the same order (little-endian, zeros where a node waits for its vector), `sources.jsonl` the
files, and `checksums.json` the SHA-256 of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from docindex.config import IndexConfig

BUNDLE_FORMAT = 1

ABOUT, DOCUMENTS, VECTORS, SOURCES, CHECKSUMS = (
    "bundle.json",
    "documents.jsonl",
    "vectors.f32",
    "sources.jsonl",
    "checksums.json",
)
BLOCK = 1 << 20
FLOAT = np.dtype("<f4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a bundle says of itself."""

    config: IndexConfig
    fingerprint: str
    """Of the embedder that made the vectors."""
    dim: int
    documents: int
    nodes: int
