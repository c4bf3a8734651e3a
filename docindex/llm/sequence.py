"""What was read last, and what of it the next request need not read again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from docindex.errors import ModelError
from docindex.llm.context import KVContext, Row
from docindex.llm.prefixes import common_prefix
from docindex.llm.states import SavedStates


class LiveSequence:
    """Sequence 0 of a context. It stays between requests, and what gives way to another prompt is saved."""

    def __init__(self, context: KVContext, states: SavedStates) -> None:
        self.context = context
        self.tokens: list[int] = []
        """What the cache holds."""
        self._states = states

    def fill(self, prompt: Sequence[int], check: Callable[[], None]) -> int:
        """Makes the cache hold the prompt and nothing else, ready to sample; returns how many tokens were not decoded.

        `check` is called between batches and ends the work by raising.

        The last token is decoded by itself, so that a prompt that was there already, one that was restored, and one
        that was neither give the same logits bit by bit.
        """
        known = self.hold(prompt[:-1], check)
        check()
        self.append(prompt[-1:])
        return known

    def hold(self, tokens: Sequence[int], check: Callable[[], None]) -> int:
        """Makes the cache hold these tokens and nothing else; returns how many of them were not decoded.

        They were there, or a saved state had more of them and was restored.
        """
        known = common_prefix(self.tokens, tokens)
        if self.context.forgets_in_part and (saved := self._states.find(tokens, beyond=known)) is not None:
            if self.context.restore(saved.data):
                self.tokens = saved.tokens.tolist()
                known = common_prefix(self.tokens, tokens)
            else:
                self._states.discard(saved)
                self.tokens = []
                known = 0
        if len(tokens) - known == 1 and self.context.forgets_in_part:
            known = max(0, known - 1)  # never one alone: llama.cpp computes a single token in another way
        known = start = self.cut(known)
        while start < len(tokens):
            check()
            end = min(start + self.context.batch_tokens, len(tokens))
            end -= len(tokens) - end == 1
            self.append(tokens[start:end])
            start = end
        return known

    def append(self, tokens: Sequence[int], *, every_row: bool = False) -> None:
        """Decodes at most a batch of tokens after what the cache holds; the logits are those of the last or of each."""
        try:
            if every_row:
                self.context.decode([Row(token, at, 0, True) for at, token in enumerate(tokens, len(self.tokens))])
            else:
                self.context.append(tokens)
        except ModelError:
            self.forget()
            raise
        self.tokens += tokens

    def cut(self, length: int) -> int:
        """Keeps the first tokens; models that can't forget in part forget everything. Returns how many are there."""
        if length < len(self.tokens):
            if not self.context.cut(0, length):
                self.forget()
                return 0
            del self.tokens[length:]
        return length

    def forget(self) -> None:
        """Empties the cache, the other sequences too."""
        self.context.clear()
        self.tokens = []

    def save(self) -> None:
        """Saves what the cache holds, if much of it is new."""
        if self.context.forgets_in_part:
            self._states.offer(self.tokens, self.context.state)
