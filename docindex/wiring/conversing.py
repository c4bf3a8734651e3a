"""Conversations: what they remember, and where they are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

from docindex.errors import ConfigError
from docindex.schema import MemoryKind, Response, SavedTurn

if TYPE_CHECKING:
    from docindex.answering.chat import Chat
    from docindex.answering.memory import Memory, Turn
    from docindex.prompts.files import Prompts
    from docindex.protocols import StreamingEngine
    from docindex.wiring.parts import Parts


def chat(
    parts: Parts,
    engine: StreamingEngine,
    prompts: Prompts,
    memory: MemoryKind = "recent",
    conversation: str | None = None,
    version: Callable[[], int] | None = None,
) -> Chat:
    """A conversation that asks the engine; with a name it is kept, and goes on from what is kept of it.

    `version` gives the number of the index's newest version.
    """
    from docindex.answering.chat import Chat
    from docindex.answering.memory import Turn

    if conversation is None or version is None:
        return Chat(engine, parts.llm(), memory=_memory(parts, memory), prompts=prompts)
    turns = [
        Turn(saved.question, saved.standalone, _response(saved)) for saved in parts.conversations.turns(conversation)
    ]
    keep = _keeper(parts, conversation, version)
    return Chat(engine, parts.llm(), memory=_memory(parts, memory), turns=turns, keep=keep, prompts=prompts)


def _memory(parts: Parts, kind: MemoryKind) -> Memory:
    from docindex.answering.memory import RecentTurns, RelevantTurns, SummarisedTurns

    match kind:
        case "recent":
            return RecentTurns()
        case "summary":
            from docindex.indices.summarising import ExtractiveSummarizer

            return SummarisedTurns(ExtractiveSummarizer(parts.embedder()).summarize)
        case "relevant":
            return RelevantTurns(parts.vectors_of)
    raise ConfigError(f"There is no memory {kind!r}: choose {', '.join(get_args(MemoryKind))}.")


def _keeper(parts: Parts, conversation: str, version: Callable[[], int]) -> Callable[[Turn], None]:
    """What keeps each turn, with the version of the index before it was answered: a purge may have come in between."""
    before = version()

    def keep(turn: Turn) -> None:
        nonlocal before
        response = turn.response
        saved = SavedTurn(
            datetime.now(UTC),
            turn.question,
            turn.standalone,
            response.answer,
            response.no_answer,
            response.citations,
            response.model,
        )
        parts.conversations.add(conversation, saved, before)
        before = version()

    return keep


def _response(saved: SavedTurn) -> Response:
    return Response(
        saved.question, saved.answer, no_answer=saved.no_answer, citations=saved.citations, model=saved.model
    )
