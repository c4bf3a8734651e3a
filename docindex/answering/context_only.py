"""The passages themselves: what a program gives to a model of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence

from docindex.answering.grounding import GroundedAnswer, Grounding
from docindex.answering.orders import without_orders
from docindex.answering.piecewise import PiecewiseSynthesizer
from docindex.answering.policy import AnswerPolicy
from docindex.answering.usage import Clock
from docindex.errors import RequestCancelledError
from docindex.protocols import Vectors
from docindex.schema import Document, Hit, Response

MODEL = "context-only"
"""What a response names as its model."""


class ContextSynthesizer(PiecewiseSynthesizer):
    """Gives the passages, each with its marker and place in front, where they have to do with the question at all.

    They come one at a time. The citation of each has it whole; orders to a model are left out of the text.
    """

    def __init__(
        self,
        load_document: Callable[[str], Document | None],
        *,
        embed: Callable[[Sequence[str]], Vectors] | None = None,
        policy: AnswerPolicy | None = None,
    ) -> None:
        """Puts the parts together; they are those of `CompactSynthesizer`, but there is no model."""
        self._policy = policy or AnswerPolicy()
        self._grounding = Grounding(load_document, self._policy, embed)

    def _answer(
        self, question: str, hits: Sequence[Hit], cancel: threading.Event | None
    ) -> Generator[str, None, Response]:
        clock = Clock()
        answer = GroundedAnswer(self._grounding, question, hits, clock)
        withheld = [hit for hit in hits if self._policy.strict and not answer.citations.is_stored(hit)]
        given = [] if answer.foreign else [hit for hit in hits if hit not in withheld]
        for hit in given:
            if cancel is not None and cancel.is_set():
                raise RequestCancelledError("The request was cancelled.")
            clock.first_token()
            marker = answer.citations.cite_passage(hit)
            yield answer.written.passage(marker, _place(hit), without_orders(hit.text).strip())
        if not given:
            yield answer.written.refuse()
        read = [hit for hit in hits if hit not in withheld]
        return answer.response(MODEL, read, dropped=withheld)


def _place(hit: Hit) -> str:
    """Where the passage is from, on one line."""
    page = hit.node.page_label or hit.node.page
    line = f"{hit.source}, page {page}" if page is not None else hit.source
    return " ".join(line.split())
