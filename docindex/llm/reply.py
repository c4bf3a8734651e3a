"""An answer while it is written: what the sampled tokens come to, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence

from docindex.llm.gguf import GgufModel
from docindex.llm.sampling import Sampler
from docindex.llm.text import TextStream


class Reply:
    """Takes one token after the other until the model ends it, a stop string is met, or it is long enough."""

    def __init__(self, model: GgufModel, sampler: Sampler, *, max_tokens: int, stop: Sequence[str]) -> None:
        self.sampler = sampler
        self.max_tokens = max_tokens
        self.tokens = 0
        """How many there are so far, the model's own end token left out."""
        self.done = False
        """No further token belongs to it."""
        self.ended = False
        """It is done because the model said so: its last token was no text."""
        self._model = model
        self._text = TextStream(stop)

    def add(self, token: int) -> str:
        """The text that may be shown now that the token is there; often empty."""
        if self._model.ends(token):
            self.done = self.ended = True
            return self._text.flush()
        self.tokens += 1
        shown = self._text.push(self._model.piece(token))
        if self.tokens >= self.max_tokens:
            self.done = True
            shown += self._text.flush()
        self.done = self.done or self._text.stopped
        return shown
