"""Speculative decoding by prompt lookup: an answer that copies from its prompt is computed several tokens at a time.

What followed the last tokens where they stood before is guessed to follow again, and decoded in one batch with the
token that is known. A guess only saves time: each token is chosen from the logits after all before it, as in plain
decoding, and what was guessed wrong is cut from the cache.

Source: prompt lookup decoding, https://github.com/apoorvumang/prompt-lookup-decoding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from docindex.llm.sequence import LiveSequence

_LOOKED_UP = 3
"""Tokens that must have stood together before."""
_GUESSED = 4
"""Tokens that are guessed to follow; each that is wrong costs its share of a batch."""


class PromptLookup:
    """What followed each few tokens of a text when they stood in it last."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._next: dict[tuple[int, ...], int] = {}
        """By some tokens, where what followed them begins."""
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        """The text goes on with this token."""
        if len(self._tokens) >= _LOOKED_UP:
            self._next[self._last()] = len(self._tokens)
        self._tokens.append(token)

    def guess(self, most: int) -> list[int]:
        """What may follow, at most so many tokens; none where the last ones have not stood there before."""
        start = self._next.get(self._last())
        return [] if start is None else self._tokens[start : start + min(most, _GUESSED)]

    def _last(self) -> tuple[int, ...]:
        return tuple(self._tokens[-_LOOKED_UP:])


class GuessingSequence:
    """A live sequence that holds a prompt, while its answer is written."""

    def __init__(self, live: LiveSequence, lookup: PromptLookup | None) -> None:
        """Guesses by what is looked up, or not at all."""
        self._live = live
        self._lookup = lookup
        self._known = len(live.tokens)
        """How many of the tokens in the cache are no guesses."""
        self._row = -1
        """Of the last batch, that of the last known token."""

    @property
    def logits(self) -> NDArray[np.float32]:
        """The logits after the last known token; gone when the next one is appended."""
        return self._live.context.logits(self._row)

    def append(self, token: int, *, most: int) -> None:
        """Goes on with a token. Unless it was guessed it is decoded, with a guess of at most so many others."""
        if self._lookup is not None:
            self._lookup.add(token)
        if self._live.tokens[self._known : self._known + 1] == [token]:
            self._row += 1
        else:
            guess = [] if self._lookup is None else self._lookup.guess(most)
            self._live.cut(self._known)
            self._live.append([token, *guess], every_row=True)
            self._row = 0
        self._known += 1

    def close(self) -> None:
        """Takes the guesses that are left out of the cache."""
        self._live.cut(self._known)
