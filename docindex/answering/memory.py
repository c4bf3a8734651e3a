"""What a conversation remembers when a question leans on what was said before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from docindex.answering.prompting import PromptTurn
from docindex.protocols import Vectors
from docindex.schema import Response

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECENT = 3
"""How many of the last turns are remembered word by word."""
_LONGEST_ANSWER = 400
"""Code points of an answer that are remembered."""
_RELEVANT = 2
_ALIKE = 0.35
"""The cosine from which an older turn is about the same thing."""
_CLEARLY = 0.10
"""How much more alike than the last turn an older one must be, to be what a question leans on."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what came of it."""

    question: str
    """As it was asked."""
    standalone: str
    """As it was looked up."""
    response: Response


@dataclass(frozen=True, slots=True)
class Recollection:
    """What of a conversation a question may lean on."""

    before: str
    """The question, as it was looked up, that it most likely follows."""
    turns: tuple[PromptTurn, ...]
    """What the model sees when it rewrites the question, oldest first."""


class Memory(Protocol):
    """Chooses what of a conversation is remembered."""

    def recall(self, text: str, turns: Sequence[Turn]) -> Recollection:
        """What the question may lean on; there is at least one turn."""
        ...


class RecentTurns:
    """Remembers the last turns."""

    def __init__(self, count: int = RECENT) -> None:
        self._count = count

    def recall(self, text: str, turns: Sequence[Turn]) -> Recollection:  # noqa: ARG002 - part of the protocol
        """The last turns, and the last question."""
        return Recollection(turns[-1].standalone, tuple(map(as_said, turns[-self._count :])))


class SummarisedTurns:
    """Remembers the last turns, and of those before them what is central."""

    def __init__(self, summarize: Callable[[Sequence[str]], str], count: int = RECENT) -> None:
        """`summarize` makes one text of several; it is called once for each turn that leaves the last ones."""
        self._summarize = summarize
        self._count = count
        self._summary = ""
        self._summarised: tuple[Turn, ...] = ()

    def recall(self, text: str, turns: Sequence[Turn]) -> Recollection:  # noqa: ARG002 - part of the protocol
        """A summary of what is older, then the last turns."""
        older, recent = tuple(turns[: -self._count]), tuple(map(as_said, turns[-self._count :]))
        if not older:
            return Recollection(turns[-1].standalone, recent)
        if older[: len(self._summarised)] != self._summarised:  # another conversation
            self._summary, self._summarised = "", ()
        added = older[len(self._summarised) :]
        new = [f"{turn.standalone} {turn.response.answer[:_LONGEST_ANSWER]}" for turn in added]
        if new:
            self._summary = self._summarize([self._summary, *new] if self._summary else new)
            self._summarised = older
        return Recollection(turns[-1].standalone, (PromptTurn("What was said so far?", self._summary), *recent))


class RelevantTurns:
    """Remembers the last turn, and of all before it those that are about the same as the question."""

    def __init__(self, embed: Callable[[Sequence[str]], Vectors]) -> None:
        """`embed` gives a unit vector a text; each turn is embedded once."""
        self._embed = embed
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def recall(self, text: str, turns: Sequence[Turn]) -> Recollection:
        """The turns that are most alike, the last one always, and the question among theirs that is clearly closest."""
        asked = self._embed([text])[0]
        likeness = [float(asked @ self._vector(turn)) for turn in turns]
        older = sorted(range(len(turns) - 1), key=lambda at: -likeness[at])[:_RELEVANT]
        chosen = sorted(at for at in older if likeness[at] >= _ALIKE)
        best = max(chosen, key=lambda at: likeness[at], default=len(turns) - 1)
        before = best if likeness[best] >= likeness[-1] + _CLEARLY else len(turns) - 1
        return Recollection(turns[before].standalone, tuple(as_said(turns[at]) for at in (*chosen, len(turns) - 1)))

    def _vector(self, turn: Turn) -> NDArray[np.float32]:
        text = f"{turn.standalone} {turn.response.answer[:_LONGEST_ANSWER]}"
        if text not in self._vectors:
            self._vectors[text] = self._embed([text])[0]
        return self._vectors[text]


def as_said(turn: Turn) -> PromptTurn:
    """A turn as the prompt shows it."""
    return PromptTurn(turn.standalone, turn.response.answer[:_LONGEST_ANSWER])
