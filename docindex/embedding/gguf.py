"""Embeds with llama.cpp: on a GPU where this build has one, and from the quantised files that others make."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from docindex.embedding.derived import file_digest
from docindex.embedding.gguf_tokens import TextTokens, text_tokens
from docindex.embedding.sessions import cores
from docindex.llm.build import llama_build
from docindex.llm.entries import frame
from docindex.llm.gguf import GgufModel
from docindex.llm.pooled import PooledContext, pooling_of
from docindex.protocols import Vectors
from docindex.schema import digest

_LONGEST = 2048
"""Tokens. Some models take far longer texts, in memory that grows with the square of the length."""
CPU_BATCH = 256
"""Every token of a batch is held against all others of it, its own text's or not: larger ones are slower."""
GPU_BATCH = 2048
_CONTEXT = 512
"""Room for the longest text of most models; it is made larger when a longer text comes."""


class GgufEmbedder:
    """An embedding model in a GGUF file. May be used from several threads: they take turns.

    Nothing is put before a text: the files don't say what their models were trained to find there.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        """Loads the model, with all layers that the build and the device can take on the GPU.

        Args:
            path: The GGUF file. It says how the tokens' vectors become one.
            threads: CPU threads; None is one a core that this process may use.

        Raises:
            ModelError: The file is missing or damaged, or its model makes no vectors of texts.
        """
        self._threads = threads or cores()
        self._model = GgufModel(path)
        self._pooling = pooling_of(self._model)
        self._before, self._after = frame(self._model)
        self.max_tokens = longest_text(self._model, _LONGEST)
        self._tokens = text_tokens(self._model, _room(self._model))
        self._batch_tokens = GPU_BATCH if llama_build().gpu else CPU_BATCH
        self._context = self._open(max(_CONTEXT, self._batch_tokens))
        self._using = threading.Lock()
        self.dim = self._context.dim
        self.fingerprint = digest("gguf", file_digest(path), self._pooling, repr(self.max_tokens))

    def embed(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> Vectors:  # noqa: ARG002
        """One unit vector a text, float32, shape (n, dim), in the order of the texts; both kinds alike.

        A text's vector depends on its company by rounding alone.
        """
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        tokens = [self._framed(ids) for ids in self._tokens.ids(texts)]
        with self._using:
            longest = max(map(len, tokens), default=0)
            if longest > self._context.batch_tokens:
                self._context = self._open(self.max_tokens)
            for members in groups([len(ids) for ids in tokens], self._batch_tokens, self._context.most_texts):
                vectors[members] = self._context.vectors([tokens[member] for member in members])
        return vectors

    def token_offsets(self, text: str) -> NDArray[np.int32]:
        """(n, 2) start and end of each token in code points, special tokens left out, never truncated."""
        return self._tokens.offsets(text)

    def _open(self, batch_tokens: int) -> PooledContext:
        return PooledContext(self._model, pooling=self._pooling, batch_tokens=batch_tokens, threads=self._threads)

    def _framed(self, ids: NDArray[np.int32]) -> list[int]:
        # Of nothing at all no vector can be made: where a text has no tokens and gets none, the first there is stands.
        return [*self._before, *ids.tolist(), *self._after] or [0]


def read_tokens(path: Path) -> tuple[TextTokens, int]:
    """The tokenizer of the model in the file and the longest text it takes, without reading the weights.

    Raises:
        ModelError: The file is missing or damaged, or its model makes no vectors of texts.
    """
    model = GgufModel(path, vocabulary_only=True)
    return text_tokens(model, _room(model)), longest_text(model, _LONGEST)


def longest_text(model: GgufModel, most: int) -> int:
    """How many tokens the model takes; `most` where it says more or nothing."""
    architecture = model.metadata("general.architecture") or ""
    return min(most, int(model.metadata(f"{architecture}.context_length") or most))


def _room(model: GgufModel) -> int:
    """How many tokens of a text itself the model takes."""
    before, after = frame(model)
    return max(1, longest_text(model, _LONGEST) - len(before) - len(after))


def groups(lengths: Sequence[int], most_tokens: int, most_texts: int) -> Iterator[list[int]]:
    """Groups of indices of neighbouring texts, none larger than it may be; a text that is longer is alone."""
    group: list[int] = []
    tokens = 0
    for place, length in enumerate(lengths):
        if group and (tokens + length > most_tokens or len(group) == most_texts):
            yield group
            group, tokens = [], 0
        group.append(place)
        tokens += length
    if group:
        yield group
