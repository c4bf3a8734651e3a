"""As many prompts as it takes, one after another: each improves on the answer of those before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence

from docindex.answering.entailment import Entailment
from docindex.answering.grounding import GroundedAnswer, Grounding, Statement, beyond, improves, text_of
from docindex.answering.packing import Fit, answer_room, fill, fits, is_short, parts_of, room_for
from docindex.answering.piecewise import PiecewiseSynthesizer
from docindex.answering.policy import AnswerPolicy
from docindex.answering.prompting import STOP, refine_prompt
from docindex.answering.usage import Clock
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Vectors
from docindex.schema import Document, Hit, Response, Step


class RefineSynthesizer(PiecewiseSynthesizer):
    """Reads all hits, a few a prompt, the best first; from the second prompt on the model sees the answer so far.

    An answer without a verified sentence never replaces one that has some, nor does one that says nothing new. What the
    last prompt gives is streamed; the drafts before it are the steps of the response.
    """

    def __init__(
        self,
        llm: LLM,
        load_document: Callable[[str], Document | None],
        *,
        embed: Callable[[Sequence[str]], Vectors] | None = None,
        max_tokens: int = 160,
        max_hits: int = 4,
        policy: AnswerPolicy | None = None,
        prompts: Prompts = SHIPPED,
        entailment: Entailment | None = None,
    ) -> None:
        """Puts the parts together; they are those of `CompactSynthesizer`, but `max_hits` is of each prompt."""
        self._llm = llm
        self._grounding = Grounding(load_document, policy or AnswerPolicy(), embed, entailment)
        self._max_tokens = max_tokens
        self._max_hits = max_hits
        self._prompts = prompts

    def _answer(
        self, question: str, hits: Sequence[Hit], cancel: threading.Event | None
    ) -> Generator[str, None, Response]:
        clock = Clock()
        max_tokens = answer_room(self._llm, self._max_tokens)
        alone = room_for(self._llm, question, max_tokens, self._prompts)
        answer = GroundedAnswer(self._grounding, question, hits, clock, cancel=cancel)
        lost: dict[int, Hit] = {}
        steps: list[Step] = []
        draft: list[Statement] = []
        queue = () if answer.foreign else parts_of(hits)
        while queue:
            filling = fill(queue, self._beside(question, text_of(draft), max_tokens), self._max_hits)
            shown = bool(filling.parts)
            filling = filling if shown else fill(queue, alone, self._max_hits)
            if not filling.parts:
                lost[queue[0].place] = hits[queue[0].place - 1]
                queue = filling.rest
                continue
            messages = refine_prompt(question, filling.hits, text_of(draft) if shown else "", self._prompts)
            tokens = self._llm.complete(messages, max_tokens=max_tokens, stop=STOP, cancel=cancel)
            statements = answer.statements(tokens, filling.places)
            queue = filling.rest
            if queue:
                draft = _improved(list(statements), draft, shown=shown)
                steps.append(Step("draft", f"after {filling.places[-1]} of {len(hits)} passages", text_of(draft)))
            else:
                yield from answer.replaced(statements, draft) if shown else answer.extended(draft, statements)
        if not answer.written.text:  # where nothing of the last hits found room
            yield from map(answer.add, draft)
        yield from answer.finish()
        read = [hit for place, hit in enumerate(hits, 1) if place not in lost]
        return answer.response(self._llm.name, read, dropped=tuple(lost.values()), steps=steps)

    def _beside(self, question: str, draft: str, max_tokens: int) -> Fit:
        def fit(chosen: Sequence[Hit]) -> bool:
            messages = refine_prompt(question, chosen, draft, self._prompts)
            return is_short(self._llm, chosen) and fits(self._llm, messages, max_tokens)

        return fit


def _improved(new: list[Statement], draft: list[Statement], *, shown: bool) -> list[Statement]:
    """The next draft; where the model was not shown the one before, for want of room, both together."""
    if not shown:
        return [*draft, *beyond(draft, new)]
    return new if new and improves(new, draft) else draft
