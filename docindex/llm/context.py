"""One llama.cpp context: the KV cache, what is in it, and the sampling of the next token."""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from docindex.errors import ModelError, QueryError
from docindex.llm import logs
from docindex.llm.gguf import GgufModel

_TOP_K, _TOP_P, _MIN_P = 40, 0.95, 0.05
_FREE_WAIT_SECONDS = 2.0


class Sampler:
    """Chooses the next token: the most likely one at temperature 0, else by chance among the likely ones."""

    def __init__(self, model: GgufModel, *, temperature: float = 0.0, grammar: str | None = None) -> None:
        """A fresh chain; one serves one request.

        Raises:
            QueryError: The grammar can't be read.
        """
        self.chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        self._finalizer = weakref.finalize(self, llama_cpp.llama_sampler_free, self.chain)
        if grammar is not None:
            with logs.captured() as log:
                text = grammar.encode() or b" "  # llama.cpp takes an empty text for no grammar at all
                rules = llama_cpp.llama_sampler_init_grammar(model.vocabulary, text, b"root")
            if not rules:
                self.close()
                reason = next((line.strip() for line in log if line.strip()), "it has no rule `root`")
                raise QueryError(f"The grammar can't be read ({reason}): give it in GBNF with a rule `root`.")
            self._add(rules)
        if temperature <= 0.0:
            self._add(llama_cpp.llama_sampler_init_greedy())
        else:
            self._add(llama_cpp.llama_sampler_init_top_k(_TOP_K))
            self._add(llama_cpp.llama_sampler_init_top_p(_TOP_P, 1))
            self._add(llama_cpp.llama_sampler_init_min_p(_MIN_P, 1))
            self._add(llama_cpp.llama_sampler_init_temp(temperature))
            self._add(llama_cpp.llama_sampler_init_dist(llama_cpp.LLAMA_DEFAULT_SEED))

    def _add(self, stage: object) -> None:
        llama_cpp.llama_sampler_chain_add(self.chain, stage)

    def close(self) -> None:
        """Frees the chain."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class KVContext:
    """The KV cache of one sequence. Not thread-safe: whoever uses it holds the `WaitingLine`."""

    def __init__(self, model: GgufModel, *, context_tokens: int, batch_tokens: int, threads: int) -> None:
        """Allocates the cache for `context_tokens` tokens, with flash attention where the model can have it.

        Raises:
            ModelError: There is not enough memory.
        """
        log, handle = _create(model, context_tokens, batch_tokens, threads)
        self.log = log
        self.context_tokens = min(context_tokens, int(llama_cpp.llama_n_ctx(handle)))
        self.batch_tokens = batch_tokens
        self.threads = threads
        self._model = model
        self._handle = handle
        self._memory = llama_cpp.llama_get_memory(handle)
        self._tokens: list[int] = []
        """What the cache holds."""
        self._decoding = threading.Lock()
        self._finalizer = weakref.finalize(self, _free, handle, self._decoding, model.pins)

    def fill(self, prompt: Sequence[int], check: Callable[[], None]) -> int:
        """Makes the cache hold the prompt and nothing else, ready to sample; returns how many tokens it held before.

        `check` is called between batches and ends the work by raising.

        The last token is decoded by itself, so that a prompt that was there already and one that was not give the
        same logits bit by bit.
        """
        kept = self._keep(min(_common_prefix(self._tokens, prompt), len(prompt) - 1))
        last = len(prompt) - 1
        for start in range(kept, last, self.batch_tokens):
            check()
            self.append(prompt[start : min(start + self.batch_tokens, last)])
        check()
        self.append(prompt[last:])
        return kept

    def append(self, tokens: Sequence[int]) -> None:
        """Decodes at most a batch of tokens after what the cache holds."""
        batch = (llama_cpp.llama_token * len(tokens))(*tokens)
        with self._decoding:
            code = llama_cpp.llama_decode(self._handle, llama_cpp.llama_batch_get_one(batch, len(tokens)))
        if code != 0:
            self._forget()
            raise ModelError(
                f"{self._model.path.name} stopped with llama.cpp's code {code}: "
                "give it a shorter context or free some memory, and ask again."
            )
        self._tokens += tokens

    def sample(self, sampler: Sampler) -> int:
        """The next token, by the logits of the last one; it is not yet in the cache."""
        return int(llama_cpp.llama_sampler_sample(sampler.chain, self._handle, -1))

    def probabilities(self) -> NDArray[np.float32]:
        """How likely each token of the vocabulary comes next; they add up to 1."""
        count = self._model.vocabulary_size
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self._handle, -1), (count,))
        weights = np.exp(logits - logits.max())
        likely: NDArray[np.float32] = weights / weights.sum()
        return likely

    def close(self) -> None:
        """Frees the cache."""
        self._finalizer()

    def _keep(self, length: int) -> int:
        """Cuts the cache to its first tokens; models that can't forget in part forget everything."""
        if length < len(self._tokens):
            if not length or not llama_cpp.llama_memory_seq_rm(self._memory, 0, length, -1):
                self._forget()
                return 0
            del self._tokens[length:]
        return length

    def _forget(self) -> None:
        llama_cpp.llama_memory_clear(self._memory, True)
        self._tokens.clear()


def _create(
    model: GgufModel, context_tokens: int, batch_tokens: int, threads: int
) -> tuple[Sequence[str], ctypes.c_void_p]:
    for flash_attention in (llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED, llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO):
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = context_tokens
        params.n_batch = batch_tokens
        params.n_ubatch = batch_tokens
        params.n_threads = threads
        params.n_threads_batch = threads
        params.flash_attn_type = flash_attention
        params.swa_full = True  # sliding windows keep all cells, or a shared prefix could not be reused
        with logs.captured() as log:
            handle = llama_cpp.llama_init_from_model(model.handle, params)
        if handle is not None:
            return log, handle
    raise ModelError(
        f"{model.path.name} has no room for a context of {context_tokens} tokens: give it a smaller `context_tokens`."
    )


def _free(handle: ctypes.c_void_p, decoding: threading.Lock, pins: list[object]) -> None:
    # At the end of a process a daemon thread may still be inside llama.cpp; then its memory must stay.
    if decoding.acquire(timeout=_FREE_WAIT_SECONDS):
        llama_cpp.llama_free(handle)
    else:
        pins.append(handle)


def _common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
