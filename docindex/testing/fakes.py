"""Stand-ins for tests that need no model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from docindex.protocols import Vectors
from docindex.schema import digest

_TOKEN = re.compile(r"\w+|[^\w\s]")


class HashingEmbedder:
    """An embedder that hashes words: texts with the same words are near each other, and nothing else is understood.

    Needs no model, is the same on every machine, and embeds some 10,000 passages a second. Its tokens are words and
    single punctuation marks.
    """

    def __init__(self, dim: int = 256, max_tokens: int = 256) -> None:
        self.dim = dim
        self.max_tokens = max_tokens
        self.fingerprint = digest("hashing", str(dim), str(max_tokens))

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> Vectors:  # noqa: ARG002 (both alike)
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            words = _TOKEN.findall(text)[: self.max_tokens - 2]  # as if two special tokens were added
            for word in words or [""]:
                place, sign = self._place(word.lower())
                row[place] += sign
            if not row.any():  # the words cancelled each other out
                row[0] = 1.0
            row /= np.linalg.norm(row)
        return vectors

    def token_offsets(self, text: str) -> NDArray[np.int32]:
        spans = [match.span() for match in _TOKEN.finditer(text)]
        return np.array(spans, dtype=np.int32).reshape(-1, 2)

    def _place(self, word: str) -> tuple[int, float]:
        value = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
        return (value >> 1) % self.dim, 1.0 if value & 1 else -1.0
