from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from docindex.answering.engines.exam import EXAM
from docindex.answering.piecewise import PiecewiseEngine
from docindex.answering.policy import NO_ANSWER
from docindex.errors import RequestCancelledError
from docindex.protocols import Message, Token
from docindex.schema import Citation, Hit, Node, Response, Scores, TokenCounts
from docindex.testing.scripted_llm import ScriptedLLM


class KnowingEngine(PiecewiseEngine):
    """Knows the answers to some questions, each a quote of a document of its own, and refuses all others."""

    def __init__(self, answers: dict[str, str]) -> None:
        """Takes answers by words that a question must all have; the first that fits is given."""
        self.answers = answers
        self.asked: list[str] = []

    def _answer(self, question: str, cancel: threading.Event | None) -> Generator[str, None, Response]:
        if cancel is not None and cancel.is_set():
            raise RequestCancelledError("cancelled")
        self.asked.append(question)
        response = self._response(question)
        yield response.answer
        return response

    def _response(self, question: str) -> Response:
        words = set(re.findall(r"[\w-]+", question.lower()))
        costs = TokenCounts(10, 5, 2)
        for key, text in self.answers.items():
            if set(key.split()) <= words:
                response = _cited(question, text)
                return replace(response, tokens=costs)
        return Response(question, NO_ANSWER, no_answer=True, tokens=costs, model="knowing")


class AbleLLM(ScriptedLLM):
    """Passes the exam, and says then what it is told to say."""

    def complete(self, messages: Sequence[Message], **options: Any) -> Iterator[Token]:
        question = messages[-1].content.removeprefix("Question: ")
        if question in dict(EXAM) and '"engine"' in messages[0].content:
            return iter([Token(json.dumps({"engine": dict(EXAM)[question]}), 7)])
        return super().complete(messages, **options)


def _cited(question: str, *sentences: str, first_marker: int = 1) -> Response:
    """A response that quotes the sentences, each from a document of its own."""
    citations, hits = [], []
    for marker, text in enumerate(sentences, first_marker):
        node = Node(f"node {text}", f"doc {text}", 0, 0, len(text), text)
        hits.append(Hit(marker, 1.0, Scores(), node, "source.txt"))
        citations.append(
            Citation(marker, node.node_id, node.doc_id, "source.txt", None, None, 0, len(text), text, verified=True)
        )
    answer = " ".join(f"{text} [{marker}]" for marker, text in enumerate(sentences, first_marker))
    return Response(
        question, answer, no_answer=False, citations=tuple(citations), hits=tuple(hits), model="knowing",
        timings_ms={"first_token": 1.0, "total": 2.0},
    )  # fmt: skip


@pytest.fixture(scope="session")
def knowing() -> Callable[[dict[str, str]], KnowingEngine]:
    return KnowingEngine


@pytest.fixture(scope="session")
def cited() -> Callable[..., Response]:
    return _cited


@pytest.fixture(scope="session")
def able() -> Callable[..., ScriptedLLM]:
    return AbleLLM
