"""The choice of the next token, free or held to a grammar."""

from __future__ import annotations

import ctypes
import weakref
from types import TracebackType
from typing import Self

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from docindex.errors import QueryError
from docindex.llm import logs
from docindex.llm.gguf import GgufModel

_TOP_K, _TOP_P, _MIN_P = 40, 0.95, 0.05
_NEAREST = 2048
"""How many of the likeliest tokens a grammar is asked about before all of them: a fraction of a millisecond."""
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
"""The layout of `llama_token_data`."""


class Sampler:
    """Chooses the next token: the most likely one at temperature 0, else by chance among the likely ones.

    A grammar is costly to ask about a whole vocabulary, and most often the model's own choice fits it. So the likeliest
    token is chosen first and the grammar asked about that one alone, then about the next likeliest, and about all only
    when none of those fits: the token is the same as if all had been asked about.
    """

    def __init__(self, model: GgufModel, *, temperature: float = 0.0, grammar: str | None = None) -> None:
        """A fresh one; it serves one request.

        Raises:
            QueryError: The grammar can't be read.
        """
        self._rules = None if grammar is None else _rules(model, grammar)
        self._chance = None if temperature <= 0.0 else _chance(temperature)
        self._finalizer = weakref.finalize(self, _free, self._rules, self._chance)

    @property
    def greedy(self) -> bool:
        """It takes the likeliest token."""
        return self._chance is None

    def choose(self, logits: NDArray[np.float32]) -> int:
        """The next token, by the logits of the whole vocabulary.

        Raises:
            QueryError: No token fits the grammar.
        """
        if self._chance is not None:
            token = self._by_chance(logits)
        elif self._rules is None:
            return int(logits.argmax())
        else:
            likeliest = int(logits.argmax())
            token = likeliest if self._allows(likeliest) else self._likeliest_allowed(logits)
        if self._rules is not None:
            llama_cpp.llama_sampler_accept(self._rules, token)
        return token

    def _allows(self, token: int) -> bool:
        candidate = np.zeros(1, _CANDIDATE)
        candidate["id"] = token
        llama_cpp.llama_sampler_apply(self._rules, ctypes.byref(_array(candidate)))
        return bool(np.isfinite(candidate["logit"][0]))

    def _likeliest_allowed(self, logits: NDArray[np.float32]) -> int:
        near = np.argpartition(logits, -_NEAREST)[-_NEAREST:] if len(logits) > _NEAREST else np.arange(len(logits))
        near.sort()  # of equally likely tokens the first one is taken, as without a grammar
        left_out = logits[near].min() if len(near) < len(logits) else -np.inf
        candidates = self._judged(near, logits)
        best = int(candidates["logit"].argmax())
        if candidates["logit"][best] <= left_out:
            candidates = self._judged(np.arange(len(logits)), logits)
            best = int(candidates["logit"].argmax())
        if not np.isfinite(candidates["logit"][best]):
            raise QueryError("The grammar leaves the model no next token: write it in characters that the model knows.")
        return int(candidates["id"][best])

    def _judged(self, tokens: NDArray[np.intp], logits: NDArray[np.float32]) -> NDArray[np.void]:
        """The tokens with their logits; those that the grammar forbids have -inf."""
        candidates = np.zeros(len(tokens), _CANDIDATE)
        candidates["id"] = tokens
        candidates["logit"] = logits[tokens]
        if self._rules is not None:
            llama_cpp.llama_sampler_apply(self._rules, ctypes.byref(_array(candidates)))
        return candidates

    def _by_chance(self, logits: NDArray[np.float32]) -> int:
        candidates = self._judged(np.arange(len(logits)), logits)
        if not np.isfinite(candidates["logit"].max()):
            raise QueryError("The grammar leaves the model no next token: write it in characters that the model knows.")
        chosen = _array(candidates)
        llama_cpp.llama_sampler_apply(self._chance, ctypes.byref(chosen))
        return int(chosen.data[chosen.selected].id)

    def close(self) -> None:
        """Frees what llama.cpp holds for it."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _rules(model: GgufModel, grammar: str) -> llama_cpp.llama_sampler_p:
    with logs.captured() as log:
        text = grammar.encode() or b" "  # llama.cpp takes an empty text for no grammar at all
        rules: llama_cpp.llama_sampler_p = llama_cpp.llama_sampler_init_grammar(model.vocabulary, text, b"root")
    if not bool(rules):  # a null pointer
        reason = next((line.strip() for line in log if line.strip()), "it has no rule `root`")
        raise QueryError(f"The grammar can't be read ({reason}): give it in GBNF with a rule `root`.")
    return rules


def _chance(temperature: float) -> llama_cpp.llama_sampler_p:
    chain: llama_cpp.llama_sampler_p = llama_cpp.llama_sampler_chain_init(
        llama_cpp.llama_sampler_chain_default_params()
    )
    for stage in (
        llama_cpp.llama_sampler_init_top_k(_TOP_K),
        llama_cpp.llama_sampler_init_top_p(_TOP_P, 1),
        llama_cpp.llama_sampler_init_min_p(_MIN_P, 1),
        llama_cpp.llama_sampler_init_temp(temperature),
        llama_cpp.llama_sampler_init_dist(llama_cpp.LLAMA_DEFAULT_SEED),
    ):
        llama_cpp.llama_sampler_chain_add(chain, stage)
    return chain


def _array(candidates: NDArray[np.void]) -> llama_cpp.llama_token_data_array:
    """What llama.cpp's samplers take; it points into the candidates, which must outlive it."""
    data = candidates.ctypes.data_as(llama_cpp.llama_token_data_p)
    return llama_cpp.llama_token_data_array(data, len(candidates), -1, False)


def _free(*stages: llama_cpp.llama_sampler_p | None) -> None:
    for stage in stages:
        if stage is not None:
            llama_cpp.llama_sampler_free(stage)
