from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from docindex.config import DEFAULT_LLM, Environment, LLMConfig
from docindex.errors import RequestCancelledError
from docindex.llm.gguf import GgufModel
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.llm.template import PromptEncoder
from docindex.protocols import Retriever
from docindex.schema import Document, Heading, Hit, Node, Page, Query, Scores, TokenCounts
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
