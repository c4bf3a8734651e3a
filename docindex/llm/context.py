"""One llama.cpp context: a KV cache for several sequences, and the logits of what was decoded last."""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Sequence
from typing import NamedTuple

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from docindex.config import CacheType
from docindex.errors import ModelError
from docindex.llm import logs
from docindex.llm.gguf import GgufModel

GPU_BATCH = 512
CPU_BATCH = 48
"""Nearly as fast as larger ones on a CPU, and a request can be cancelled after each. From 64 tokens on, llama.cpp
computes attention in another way, with other logits; smaller batches give the same ones however a prompt is cut."""
_FREE_WAIT_SECONDS = 2.0
_BYTES = ctypes.POINTER(ctypes.c_uint8)

_GGML_TYPES: dict[CacheType, tuple[int, int]] = {
    "f16": (llama_cpp.GGML_TYPE_F16, llama_cpp.GGML_TYPE_F16),
    "q8_0": (llama_cpp.GGML_TYPE_Q8_0, llama_cpp.GGML_TYPE_Q8_0),
    "q8_0/f16": (llama_cpp.GGML_TYPE_Q8_0, llama_cpp.GGML_TYPE_F16),
}
"""Of keys, and of values."""

_WITH_FLASH = (llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED, llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO)
_WITHOUT_FLASH = (llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED,)


class Row(NamedTuple):
    """One token to decode."""

    token: int
    position: int
    sequence: int
    wanted: bool
    """Its logits are asked for."""


class KVContext:
    """A cache of `context_tokens` cells that its sequences share: what two of them begin with is held once.

    Not thread-safe: whoever uses it holds the `WaitingLine`.
    """

    def __init__(
        self,
        model: GgufModel,
        *,
        context_tokens: int,
        batch_tokens: int,
        threads: int,
        sequences: int = 1,
        cache_type: CacheType = "f16",
        flash_attention: bool = True,
    ) -> None:
        """Allocates the cache, with flash attention where the model can have it, unless it is switched off.

        Raises:
            ModelError: There is not enough memory, or no cache of this type for this model.
        """
        self.forgets_in_part = not model.recurrent
        """Sequences can be cut, and begun with another's first tokens."""
        self.sequences = sequences if self.forgets_in_part else 1
        log, handle = _create(model, context_tokens, batch_tokens, threads, self.sequences, cache_type, flash_attention)
        self.log = log
        self.context_tokens = min(context_tokens, int(llama_cpp.llama_n_ctx(handle)))
        self.batch_tokens = batch_tokens
        self.threads = threads
        self.cache_type = cache_type
        self._model = model
        self._handle = handle
        self._memory = llama_cpp.llama_get_memory(handle)
        self._batch = llama_cpp.llama_batch_init(batch_tokens, 0, 1)
        self._decoding = threading.Lock()
        self._finalizer = weakref.finalize(self, _free, handle, self._batch, self._decoding, model.pins)

    def append(self, tokens: Sequence[int]) -> None:
        """Decodes at most a batch of tokens after what sequence 0 holds; the logits are those of the last one.

        Raises:
            ModelError: llama.cpp can't; what the cache holds is uncertain.
        """
        batch = (llama_cpp.llama_token * len(tokens))(*tokens)
        self._decode(llama_cpp.llama_batch_get_one(batch, len(tokens)))

    def decode(self, rows: Sequence[Row]) -> None:
        """Decodes at most a batch of rows, those of one sequence in the order of their positions.

        Raises:
            ModelError: llama.cpp can't; what the cache holds is uncertain.
        """
        batch = self._batch
        for at, row in enumerate(rows):
            batch.token[at] = row.token
            batch.pos[at] = row.position
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = row.sequence
            batch.logits[at] = row.wanted
        batch.n_tokens = len(rows)
        self._decode(batch)

    def logits(self, row: int = -1) -> NDArray[np.float32]:
        """The logits after a row of the last batch; -1 is its last. They are llama.cpp's: gone with the next batch."""
        pointer = llama_cpp.llama_get_logits_ith(self._handle, row)
        found: NDArray[np.float32] = np.ctypeslib.as_array(pointer, (self._model.vocabulary_size,))
        return found

    def cut(self, sequence: int, length: int) -> bool:
        """Keeps the first tokens of a sequence; False where the model can't, and then all of them are still there."""
        return bool(llama_cpp.llama_memory_seq_rm(self._memory, sequence, length, -1))

    def share(self, source: int, target: int, length: int) -> None:
        """Begins an empty sequence with the first tokens of another. They take no room and no time."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def clear(self) -> None:
        """Empties all sequences."""
        llama_cpp.llama_memory_clear(self._memory, True)

    def state(self) -> NDArray[np.uint8] | None:
        """Keys and values of sequence 0, as `restore` takes them; None where llama.cpp can't give them."""
        with self._decoding:
            size = int(llama_cpp.llama_state_seq_get_size(self._handle, 0))
            data = np.empty(size, np.uint8)
            written = llama_cpp.llama_state_seq_get_data(self._handle, data.ctypes.data_as(_BYTES), size, 0)
        return data if size and int(written) == size else None

    def restore(self, data: NDArray[np.uint8]) -> bool:
        """Puts a state in the place of what sequence 0 holds; False where it does not fit, and then it is empty."""
        self.cut(0, 0)
        with self._decoding, logs.captured():
            read = llama_cpp.llama_state_seq_set_data(self._handle, data.ctypes.data_as(_BYTES), len(data), 0)
        if read == 0:
            self.clear()
        return bool(read)

    def close(self) -> None:
        """Frees the cache."""
        self._finalizer()

    def _decode(self, batch: llama_cpp.llama_batch) -> None:
        with self._decoding:
            code = llama_cpp.llama_decode(self._handle, batch)
        if code != 0:
            raise ModelError(
                f"{self._model.path.name} stopped with llama.cpp's code {code}: "
                "give it a shorter context or free some memory, and ask again."
            )


def _create(
    model: GgufModel,
    context_tokens: int,
    batch_tokens: int,
    threads: int,
    sequences: int,
    cache_type: CacheType,
    flash_attention: bool,
) -> tuple[Sequence[str], ctypes.c_void_p]:
    for attention in _WITH_FLASH if flash_attention else _WITHOUT_FLASH:
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = context_tokens
        params.n_batch = batch_tokens
        params.n_ubatch = batch_tokens
        params.n_seq_max = sequences
        params.kv_unified = True  # one buffer for all sequences, so that one alone may fill it
        params.n_threads = threads
        params.n_threads_batch = threads
        params.flash_attn_type = attention
        params.type_k, params.type_v = _GGML_TYPES[cache_type]
        params.swa_full = True  # sliding windows keep all cells, or a shared prefix could not be reused
        with logs.captured() as log:
            handle = llama_cpp.llama_init_from_model(model.handle, params)
        if handle is not None:
            return log, handle
    cure = "give it a smaller `context_tokens`" if cache_type == "f16" else 'take "f16" as `cache_type`'
    raise ModelError(
        f"{model.path.name} has no room for a context of {context_tokens} tokens in {cache_type}, or can't have one: "
        f"{cure}."
    )


def _free(handle: ctypes.c_void_p, batch: llama_cpp.llama_batch, decoding: threading.Lock, pins: list[object]) -> None:
    # At the end of a process a daemon thread may still be inside llama.cpp; then its memory must stay.
    if decoding.acquire(timeout=_FREE_WAIT_SECONDS):
        llama_cpp.llama_batch_free(batch)
        llama_cpp.llama_free(handle)
    else:
        pins.append(handle)
