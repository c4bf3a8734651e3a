from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from docindex.answering.modes import synthesizer
from docindex.answering.policy import AnswerPolicy
from docindex.config import DEFAULT_LLM, Environment, LLMConfig
from docindex.errors import RequestCancelledError
from docindex.llm.gguf import GgufModel
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.llm.template import PromptEncoder
from docindex.protocols import LLM, Completion, Message, Retriever
from docindex.schema import Document, Heading, Hit, Node, Page, Query, Response, Scores, SynthesisMode, TokenCounts
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import model_store

HitMaker = Callable[..., Hit]

MANUAL_TEXT = (
    "1 Reset\n"
    "To reset the Nimbus R7 to its factory settings, press and hold the reset button for ten seconds. "
    "All saved Wi-Fi passwords are erased by a reset.\n"
    "2 Warranty\n"
    "The Nimbus R7 is covered by a warranty of three years from the day of purchase. "
    "The warranty does not cover damage by water.\n"
    "3 Data\n"
    "The router weighs 420 grams and serves up to 64 wireless clients. "
    "The adapter supplies 12 V at 2 A."
)


@pytest.fixture(scope="session")
def manual() -> Document:
    text = MANUAL_TEXT
    starts = [text.index(title) for title in ("1 Reset", "2 Warranty", "3 Data")]
    edges = [*starts, len(text)]
    return Document(
        "manual",
        "manual.pdf",
        text,
        title="Nimbus R7",
        pages=tuple(Page(at, edges[at - 1], edges[at], label) for at, label in ((1, "i"), (2, "1"), (3, "2"))),
        headings=tuple(Heading(1, start, text[start:].split("\n")[0]) for start in starts),
    )


@pytest.fixture(scope="session")
def make_hit() -> HitMaker:
    """A hit of a stretch of a document."""

    def make(document: Document, start: int, end: int, *, rank: int = 1, dense: float | None = 0.6) -> Hit:
        page = document.page_at(start)
        node = Node(
            f"{document.doc_id}-{start}",
            document.doc_id,
            rank,
            start,
            end,
            document.text[start:end],
            context=document.title,
            page=page.number if page else None,
            page_label=page.label if page else None,
        )
        return Hit(rank, 1 / rank, Scores(dense, 1.0), node, document.source, document.title)

    return make


@pytest.fixture(scope="session")
def manual_hits(manual: Document, make_hit: HitMaker) -> list[Hit]:
    """One hit a page."""
    return [make_hit(manual, page.start, page.end, rank=page.number) for page in manual.pages]


@pytest.fixture(scope="session")
def local_llm() -> Iterator[LlamaCppLLM]:
    path = model_store(Environment.read()).path(DEFAULT_LLM)
    with LlamaCppLLM(path, LLMConfig(context_tokens=1024), name=DEFAULT_LLM) as llm:
        yield llm


@pytest.fixture(scope="session")
def encoder() -> Iterator[PromptEncoder]:
    """The default model's template and tokenizer, without its weights."""
    with GgufModel(model_store(Environment.read()).path(DEFAULT_LLM), vocabulary_only=True) as model:
        yield PromptEncoder(model)


class Costly:
    """Finds what another retriever does, and says that a model was asked for it."""

    def __init__(self, inner: Retriever) -> None:
        self._inner = inner

    def retrieve(self, query: Query) -> list[Hit]:
        assert query.count is not None
        query.count(TokenCounts(7, 2, 1))
        if query.cancel is not None and query.cancel.is_set():
            raise RequestCancelledError("cancelled")
        return self._inner.retrieve(query)


@pytest.fixture
def costly() -> Callable[[Retriever], Retriever]:
    return Costly


@pytest.fixture(scope="session")
def many(make_hit) -> Callable[[int], tuple[list[Document], list[Hit]]]:
    """Documents that each have one fact of their own about the pumps, and their hits."""

    def make(count: int) -> tuple[list[Document], list[Hit]]:
        texts = [f"Pump {chr(65 + at)} delivers {10 + at} litres of water in a minute." for at in range(count)]
        documents = [Document(f"p{at}", f"p{at}.txt", text) for at, text in enumerate(texts)]
        return documents, [make_hit(one, 0, len(one.text), rank=at) for at, one in enumerate(documents, 1)]

    return make


class Batching(ScriptedLLM):
    """Answers many at once, and keeps how many."""

    def __init__(self, *replies: str, context_tokens: int = 4096) -> None:
        super().__init__(*replies, context_tokens=context_tokens)
        self.batches: list[int] = []

    def complete_many(
        self,
        chats: Sequence[Sequence[Message]],
        *,
        max_tokens: int,
        grammar: str | None = None,
        stop: Sequence[str] = (),
        cancel: threading.Event | None = None,
    ) -> list[Completion]:
        self.batches.append(len(chats))
        done = []
        for chat in chats:
            tokens = list(self.complete(chat, max_tokens=max_tokens, stop=stop, cancel=cancel))
            text = "".join(token.text for token in tokens)
            done.append(Completion(text, tokens[0].prompt_tokens if tokens else 0, 0, len(tokens)))
        return done


@pytest.fixture
def batching_llm() -> type[Batching]:
    return Batching


def no_model() -> LLM:
    raise AssertionError("this mode needs no model")


@pytest.fixture(scope="session")
def answered() -> Callable[..., tuple[Response, list[str]]]:
    """What a mode makes of a question and hits of the documents: the response and its pieces."""

    def make(
        mode: SynthesisMode,
        llm: LLM | None,
        question: str,
        hits: Sequence[Hit],
        *documents: Document,
        policy: AnswerPolicy | None = None,
    ) -> tuple[Response, list[str]]:
        load = {document.doc_id: document for document in documents}.get
        stream = synthesizer(mode, (lambda: llm) if llm else no_model, load, policy=policy).synthesize(question, hits)
        pieces = list(stream)
        assert "".join(pieces) == stream.response.answer
        return stream.response, pieces

    return make
