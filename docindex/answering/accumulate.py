"""One answer a hit, as a list."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from docindex.answering.completing import completions
from docindex.answering.entailment import Entailment
from docindex.answering.grounding import GroundedAnswer, Grounding, Statement
from docindex.answering.packing import answer_room, fill_all, room_for
from docindex.answering.piecewise import PiecewiseSynthesizer
from docindex.answering.policy import AnswerPolicy
from docindex.answering.prompting import answer_prompt
from docindex.answering.sentences import ITEM
from docindex.answering.usage import Clock
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, BatchingLLM, Vectors
from docindex.schema import Document, Hit, Response


class AccumulateSynthesizer(PiecewiseSynthesizer):
    """Asks the model about each hit alone and lists what it says; each item is borne out by its own hit.

    Hits that say nothing about the question have no item. A hit that is too long for the context is read in parts. The
    items come one at a time, or a batch of them.
    """

    def __init__(
        self,
        llm: LLM,
        load_document: Callable[[str], Document | None],
        *,
        batching: BatchingLLM | None = None,
        embed: Callable[[Sequence[str]], Vectors] | None = None,
        max_tokens: int = 160,
        policy: AnswerPolicy | None = None,
        prompts: Prompts = SHIPPED,
        entailment: Entailment | None = None,
    ) -> None:
        """Puts the parts together; they are those of `CompactSynthesizer`, but `max_tokens` is of each item.

        With `batching`, the same model as `llm`, several hits are answered together.
        """
        self._llm = llm
        self._batching = batching
        self._grounding = Grounding(load_document, policy or AnswerPolicy(), embed, entailment)
        self._max_tokens = max_tokens
        self._prompts = prompts

    def _answer(
        self, question: str, hits: Sequence[Hit], cancel: threading.Event | None
    ) -> Generator[str, None, Response]:
        clock = Clock()
        max_tokens = answer_room(self._llm, self._max_tokens)
        parts, dropped = fill_all(hits, room_for(self._llm, question, max_tokens, self._prompts), 1)
        answer = GroundedAnswer(self._grounding, question, hits, clock, apart="\n", cancel=cancel)
        if not answer.foreign:
            chats = [answer_prompt(question, part.hits, self._prompts) for part in parts]
            found = completions(self._llm, self._batching, chats, max_tokens=max_tokens, cancel=cancel)
            for part, completion in zip(parts, found, strict=True):
                (place,) = part.places
                for number, statement in enumerate(answer.statements_of(completion, part.places, within=place)):
                    yield answer.add(_item(statement) if number == 0 else statement)
        yield from answer.finish()
        lost = {hit.node_id for hit in dropped}
        read = [hit for hit in hits if hit.node_id not in lost]
        return answer.response(self._llm.name, read, dropped=dropped)


def _item(statement: Statement) -> Statement:
    """The first sentence of an item."""
    sentence = replace(statement.sentence, gap="\n", text=f"{ITEM}{statement.sentence.text}")
    return replace(statement, sentence=sentence)
