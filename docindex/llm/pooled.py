"""One llama.cpp context that makes vectors or judgements: several texts a batch, the tokens of each pooled to one."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import Literal

import llama_cpp
import numpy as np

from docindex.errors import ModelError
from docindex.llm import logs
from docindex.llm.gguf import GgufModel
from docindex.protocols import Vectors

_MOST_TEXTS = 64
_FREE_WAIT_SECONDS = 2.0

Pooling = Literal["mean", "cls", "last", "rank"]
"""How the vectors of a text's tokens become one; "rank" is the head of a cross-encoder, which makes logits of them."""
_POOLING: dict[Pooling, int] = {
    "mean": llama_cpp.LLAMA_POOLING_TYPE_MEAN,
    "cls": llama_cpp.LLAMA_POOLING_TYPE_CLS,
    "last": llama_cpp.LLAMA_POOLING_TYPE_LAST,
    "rank": llama_cpp.LLAMA_POOLING_TYPE_RANK,
}


def pooling_of(model: GgufModel) -> Pooling:
    """How the model's file wants tokens pooled. Encoders whose files don't say so are pooled by the mean.

    Raises:
        ModelError: The model makes no vectors of texts.
    """
    named = _named_pooling(model)
    if named == "rank":
        raise ModelError(f"{model.path} ranks pairs of texts and makes no vectors: choose an embedding model.")
    if named is not None:
        return named
    if model.generates_text:
        raise ModelError(f"{model.path} generates text and makes no vectors: choose an embedding model.")
    return "mean"


def require_ranking(model: GgufModel) -> None:
    """Lets encoders pass that judge pairs of texts.

    Raises:
        ModelError: It is another model.
    """
    if _named_pooling(model) != "rank" or model.generates_text:
        raise ModelError(
            f"{model.path} is no cross-encoder that ranks pairs of texts: choose one, such as bge-reranker-v2-m3."
        )


def _named_pooling(model: GgufModel) -> Pooling | None:
    architecture = model.metadata("general.architecture") or ""
    wanted = int(model.metadata(f"{architecture}.pooling_type") or llama_cpp.LLAMA_POOLING_TYPE_NONE)
    return next((name for name, number in _POOLING.items() if number == wanted), None)


class PooledContext:
    """Takes batches of up to `batch_tokens` tokens and `most_texts` texts. Not thread-safe."""

    def __init__(self, model: GgufModel, *, pooling: Pooling, batch_tokens: int, threads: int) -> None:
        """Allocates the context.

        Raises:
            ModelError: There is not enough memory.
        """
        handle = _create(model, pooling, batch_tokens, threads)
        self.batch_tokens = batch_tokens
        self.most_texts = _MOST_TEXTS
        width = llama_cpp.llama_model_n_cls_out if pooling == "rank" else llama_cpp.llama_model_n_embd_out
        self.dim = int(width(model.handle))
        """Of a vector; of a cross-encoder the number of its labels."""
        self._model = model  # and by this the weights outlive the context
        self._handle = handle
        self._memory = llama_cpp.llama_get_memory(handle)
        self._batch = llama_cpp.llama_batch_init(batch_tokens, 0, 1)
        self._decoding = threading.Lock()
        self._finalizer = weakref.finalize(self, _free, handle, self._batch, self._decoding, model.pins)

    def vectors(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """One unit vector a text, (n, dim) float32; a text is its tokens, at least one.

        Raises:
            ModelError: llama.cpp can't.
        """
        vectors = self.pooled(texts)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
        return unit

    def pooled(self, texts: Sequence[Sequence[int]]) -> Vectors:
        """What the model makes of each text, of any length, (n, dim) float32.

        Raises:
            ModelError: llama.cpp can't.
        """
        batch = self._batch
        rows = ((token, position, text) for text, tokens in enumerate(texts) for position, token in enumerate(tokens))
        count = 0
        for token, position, text in rows:
            batch.token[count] = token
            batch.pos[count] = position
            batch.n_seq_id[count] = 1
            batch.seq_id[count][0] = text
            batch.logits[count] = True
            count += 1
        batch.n_tokens = count
        with self._decoding:
            if self._memory:
                llama_cpp.llama_memory_clear(self._memory, True)
            code = llama_cpp.llama_decode(self._handle, batch)
            if code != 0:
                raise ModelError(
                    f"{self._model.path.name} stopped with llama.cpp's code {code}: free some memory, and try again."
                )
            pooled = [
                np.array(
                    np.ctypeslib.as_array(llama_cpp.llama_get_embeddings_seq(self._handle, text), (self.dim,)),
                    dtype=np.float32,
                )
                for text in range(len(texts))
            ]
        return np.array(pooled, dtype=np.float32)

    def close(self) -> None:
        """Frees the context."""
        self._finalizer()


def _create(model: GgufModel, pooling: Pooling, batch_tokens: int, threads: int) -> int:
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = batch_tokens
    params.n_batch = batch_tokens
    params.n_ubatch = batch_tokens  # encoders take a batch whole, or abort the process
    params.n_seq_max = _MOST_TEXTS
    params.kv_unified = True  # one buffer for all texts, so that one alone may fill it
    params.n_threads = threads
    params.n_threads_batch = threads
    # On a CPU it adds up in 16 bits, and a text's vector would depend on its company in the third decimal.
    flash = llama_cpp.llama_supports_gpu_offload()
    params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO if flash else llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.pooling_type = _POOLING[pooling]
    params.embeddings = True
    with logs.captured():
        handle = llama_cpp.llama_init_from_model(model.handle, params)
    if handle is None:
        raise ModelError(f"{model.path.name} has no room for {batch_tokens} tokens at once: free some memory.")
    return int(handle)


def _free(handle: int, batch: llama_cpp.llama_batch, decoding: threading.Lock, pins: list[object]) -> None:
    # At the end of a process a daemon thread may still be inside llama.cpp; then its memory must stay.
    if decoding.acquire(timeout=_FREE_WAIT_SECONDS):
        llama_cpp.llama_batch_free(batch)
        llama_cpp.llama_free(handle)
    else:
        pins.append(handle)
