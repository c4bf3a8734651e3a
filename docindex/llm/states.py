"""States of the KV cache that outlive what the cache holds: a context that was read once is not read again.

A state is keys and values of a token sequence, as llama.cpp gives them: exact, and good for any prompt that begins with
some of its tokens.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from docindex.llm.prefixes import is_beginning, name_of, shared_length
from docindex.llm.state_files import StateFiles

_LEAST_TOKENS = 64
"""Fewer new ones are sooner decoded again than it is worth to keep them."""
_LEAST_GAIN = 32
"""Tokens that a state must spare to be restored; more for long ones, which take longer to load."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """A token sequence and what the cache holds for it."""

    tokens: NDArray[np.int32]
    data: NDArray[np.uint8]

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return int(self.tokens.nbytes + self.data.nbytes)


class SavedStates:
    """The states that were used last, in memory and, with files, on disk. One context uses it, from one thread."""

    def __init__(self, *, memory_bytes: int, most_tokens: int, files: StateFiles | None = None) -> None:
        """An empty one, or what there is on disk.

        Args:
            memory_bytes: The most that the states in memory take together; 0 keeps none.
            most_tokens: What the context can hold; longer states, of other processes, are left alone.
            files: States on disk, which other processes use too.
        """
        self.memory_bytes = memory_bytes
        self.most_tokens = most_tokens
        self._files = files
        self._kept: OrderedDict[str, SavedState] = OrderedDict()
        """By the digest of the tokens; the one that was used last is at the end."""

    @property
    def used_bytes(self) -> int:
        """What the states in memory take together."""
        return sum(state.bytes for state in self._kept.values())

    def find(self, tokens: Sequence[int], *, beyond: int) -> SavedState | None:
        """The state that shares most first tokens with these, if that is clearly more than `beyond` of them."""
        if not self._kept and self._files is None:
            return None
        wanted = np.asarray(tokens, np.int32)
        best, shared = None, beyond
        for name, state in self._kept.items():
            length = shared_length(state.tokens, wanted)
            if length > shared and length - beyond >= _gain(len(state.tokens)):
                best, shared = name, length
        if self._files is not None:
            name, length = self._files.longest(wanted, self.most_tokens)
            if length > shared and length - beyond >= _gain(length) and (found := self._files.load(name)) is not None:
                state = SavedState(*found)
                self._keep(name, state)
                return state
        if best is None:
            return None
        self._kept.move_to_end(best)
        if self._files is not None:
            self._files.touch(best)
        return self._kept[best]

    def offer(self, tokens: Sequence[int], read: Callable[[], NDArray[np.uint8] | None]) -> None:
        """Keeps the state of these tokens, if a good part of them is in no other; `read` gives it."""
        if not self.memory_bytes and self._files is None:
            return
        held = np.asarray(tokens, np.int32)
        known = max((shared_length(state.tokens, held) for state in self._kept.values()), default=0)
        if self._files is not None:
            known = max(known, self._files.longest(held, self.most_tokens)[1])
        if len(held) - known < max(_LEAST_TOKENS, len(held) // 4):
            return
        data = read()
        if data is None:
            return
        name = name_of(held)
        self._keep(name, SavedState(held, data))
        if self._files is not None:
            self._files.save(name, held, data)

    def discard(self, state: SavedState) -> None:
        """Forgets a state that could not be restored."""
        name = name_of(state.tokens)
        self._kept.pop(name, None)
        if self._files is not None:
            self._files.delete(name)

    def _keep(self, name: str, state: SavedState) -> None:
        for other in [key for key, kept in self._kept.items() if is_beginning(kept.tokens, state.tokens)]:
            del self._kept[other]  # the new one has all of it
        self._kept[name] = state
        while self._kept and self.used_bytes > self.memory_bytes:
            self._kept.popitem(last=False)


def _gain(length: int) -> int:
    return max(_LEAST_GAIN, length // 16)
