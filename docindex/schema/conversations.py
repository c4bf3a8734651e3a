"""What is kept of a conversation."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docindex.schema.answers import Citation


@dataclass(frozen=True, slots=True)
class SavedTurn:
    """A question of a conversation and what was answered."""

    at: datetime
    """In UTC."""
    question: str
    """As it was asked."""
    standalone: str
    """As it was looked up."""
    answer: str
    no_answer: bool
    citations: tuple[Citation, ...] = ()
    model: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The turn as `--json` prints it."""
        citations = [citation.as_dict() for citation in self.citations]
        return asdict(self) | {"at": self.at.isoformat(), "citations": citations}


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A conversation in a list of them."""

    name: str
    turns: int
    began: datetime
    last: datetime
    question: str
    """The first one."""

    def as_dict(self) -> dict[str, Any]:
        """The conversation as `--json` prints it."""
        return asdict(self) | {"began": self.began.isoformat(), "last": self.last.isoformat()}
