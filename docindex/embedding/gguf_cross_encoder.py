"""A cross-encoder in a GGUF file, which llama.cpp runs: on a GPU where this build has one."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docindex.embedding.gguf import CPU_BATCH, GPU_BATCH, groups, longest_text
from docindex.embedding.gguf_tokens import text_tokens
from docindex.embedding.relevance import PAIR_TOKENS, relevance
from docindex.embedding.sessions import cores
from docindex.errors import ModelError
from docindex.llm.build import llama_build
from docindex.llm.entries import frame, vocabulary_kind
from docindex.llm.gguf import GgufModel
from docindex.llm.pooled import PooledContext, require_ranking

_UNCUT = 1 << 30
"""Texts are cut when it is known how long the other one is."""


class GgufCrossEncoder:
    """A cross-encoder of XLM-RoBERTa's kind, such as BGE's rerankers. Threads may share it: they take turns.

    The model has one label, or two of which the second is "relevant".
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        """Loads the model, with all layers that the build and the device can take on the GPU.

        Raises:
            ModelError: The file is missing or damaged, or its model does not rank pairs, or not as llama.cpp computes.
        """
        self._model = GgufModel(path)
        require_ranking(self._model)
        self._before, self._between, self._after = _pair_frame(self._model)
        self.max_tokens = longest_text(self._model, PAIR_TOKENS)
        """Of a pair: the longer of the two loses its end."""
        self._tokens = text_tokens(self._model, _UNCUT)
        self._batch_tokens = GPU_BATCH if llama_build().gpu else CPU_BATCH
        self._context = PooledContext(
            self._model,
            pooling="rank",
            batch_tokens=max(self.max_tokens, self._batch_tokens),
            threads=threads or cores(),
        )
        self._using = threading.Lock()

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """How likely each text is to answer the query, by the model: from 0 to 1, shape (n,)."""
        first, *others = self._tokens.ids([query, *texts])
        pairs = [self._framed(first, other) for other in others]
        logits = np.empty((len(pairs), self._context.dim), dtype=np.float64)
        with self._using:
            for members in groups([len(pair) for pair in pairs], self._batch_tokens, self._context.most_texts):
                logits[members] = self._context.pooled([pairs[member] for member in members])
        return relevance(logits)

    def _framed(self, query: NDArray[np.int32], text: NDArray[np.int32]) -> list[int]:
        room = self.max_tokens - len(self._before) - len(self._between) - len(self._after)
        asked, read = _shares(len(query), len(text), room)
        return [*self._before, *query[:asked].tolist(), *self._between, *text[:read].tolist(), *self._after]


def _shares(first: int, second: int, room: int) -> tuple[int, int]:
    """How many tokens of each fit: the longer one gives way, until both are as long."""
    if first > second:
        longer, shorter = _shares(second, first, room)
        return shorter, longer
    if first + second <= room:
        return first, second
    if 2 * first <= room:
        return first, room - first
    return room // 2, room - room // 2


def _pair_frame(model: GgufModel) -> tuple[list[int], list[int], list[int]]:
    """The tokens that the model wants before, between and after the two texts.

    Raises:
        ModelError: The model is one that llama.cpp does not compute as it was trained.
    """
    before, after = frame(model)
    if not after:
        raise ModelError(f"{model.path} has no token that ends a text: choose another cross-encoder.")
    if vocabulary_kind(model) != "words":
        return before, after * 2, after  # as RoBERTa has it
    if int(model.metadata("tokenizer.ggml.token_type_count") or 1) > 1:
        raise ModelError(
            f"{model.path} is a BERT, which tells query and passage apart by types of tokens, and llama.cpp gives all "
            "tokens one type: use the model's folder, with model.safetensors or model.onnx."
        )
    return before, after, after
