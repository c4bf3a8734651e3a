"""What is asked and found: queries, hits, citations and responses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from docindex.errors import QueryError
from docindex.schema.documents import plain_value
from docindex.schema.unicode_text import encodable

if TYPE_CHECKING:
    from docindex.schema.conditions import Condition
    from docindex.schema.documents import MetadataValue, Node
    from docindex.schema.names import SearchMode


MOST_PASSAGES = 1_000_000_000
"""No index has more; LanceDB counts to four times as many."""


@dataclass(frozen=True, slots=True)
class Query:
    """One request to a retriever."""

    text: str
    k: int = 10
    mode: SearchMode = "hybrid"
    where: Condition | None = None
    cancel: threading.Event | None = field(default=None, repr=False, compare=False)
    """Set it from another thread to give up: the stages that ask a model heed it."""
    count: Callable[[TokenCounts], None] | None = field(default=None, repr=False, compare=False)
    """Is told what each request to a model has cost on the way to the hits."""

    def __post_init__(self) -> None:
        if self.k < 0 or self.k % 1:
            raise QueryError(f"k is {self.k}: give a whole number, 0 or more.")
        object.__setattr__(self, "k", min(self.k, MOST_PASSAGES))
        object.__setattr__(self, "text", encodable(self.text))  # half of a cut emoji is no text for the stores


@dataclass(frozen=True, slots=True)
class Scores:
    """What each side gave: cosine similarity and BM25; None where that side was not asked."""

    dense: float | None = None
    lexical: float | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found."""

    rank: int
    score: float
    scores: Scores
    node: Node
    source: str
    title: str = ""
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    """Further sources that hold the same bytes."""
    duplicates: tuple[str, ...] = ()
    """Ids of nodes that say nearly the same, ranked lower, and are left out for it."""
    merged: tuple[str, ...] = ()
    """Ids of the nodes that were found, where it is a larger part of the text that holds them."""

    @property
    def node_id(self) -> str:
        """The node's id."""
        return self.node.node_id

    @property
    def doc_id(self) -> str:
        """The id of the document that holds the node."""
        return self.node.doc_id

    @property
    def text(self) -> str:
        """The node's text."""
        return self.node.text

    def as_dict(self) -> dict[str, Any]:
        """The hit as `--json` prints it."""
        node = self.node
        return {
            "rank": self.rank,
            "score": round(self.score, 6),
            "scores": {"dense": _rounded(self.scores.dense), "lexical": _rounded(self.scores.lexical)},
            "node_id": node.node_id,
            "doc_id": node.doc_id,
            "source": self.source,
            "title": self.title,
            "page": node.page,
            "page_label": node.page_label,
            "start": node.start,
            "end": node.end,
            "text": node.text,
            "headings": list(node.headings),
            "also": list(self.also),
            "duplicates": list(self.duplicates),
            "merged": list(self.merged),
            "metadata": {key: plain_value(value) for key, value in self.metadata.items()},
        }


@dataclass(frozen=True, slots=True)
class Citation:
    """A claim of the answer tied to a span of a stored document."""

    marker: int
    node_id: str
    doc_id: str
    source: str
    page: int | None
    page_label: str | None
    start: int
    end: int
    quote: str
    verified: bool
    """The stored text holds the quote at this span, and the quote supports the sentence that cites it."""
    row: int | None = None
    """Of a table, as the program that shows the file counts: a sheet's row, a file's line."""
    support: float | None = None
    """From 0 to 1: the share of the words and numbers of the sentence that the quote or its headings have, too. Of
    several sentences it is the least; of what is quoted as it stands it is 1. None where a value is cited or a row."""
    similarity: float | None = None
    """The cosine of the sentence and the quote, likewise. None without an embedder, and of what is quoted as it is."""
    entailment: float | None = None
    """How likely the model finds that the cited passage supports the sentence, likewise: the share of "yes" in the
    probability of "yes" and "no". None where it was not asked, and of what is quoted as it is."""

    def cited_again(
        self, support: float | None = None, similarity: float | None = None, entailment: float | None = None
    ) -> Citation:
        """With the scores of one more sentence that cites it."""
        return replace(
            self,
            support=_least(self.support, support),
            similarity=_least(self.similarity, similarity),
            entailment=_least(self.entailment, entailment),
        )

    def as_dict(self) -> dict[str, Any]:
        """The citation as `--json` prints it; `row` and the scores are there where they are known."""
        told = asdict(self) | {name: _rounded(getattr(self, name)) for name in _SCORES}
        return {name: value for name, value in told.items() if value is not None or name not in _WHERE_KNOWN}


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Tokens of one answer; `prompt_cached` of `prompt` came from the KV cache."""

    prompt: int = 0
    prompt_cached: int = 0
    completion: int = 0

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts(
            self.prompt + other.prompt,
            self.prompt_cached + other.prompt_cached,
            self.completion + other.completion,
        )


@dataclass(frozen=True, slots=True)
class Step:
    """What an engine did on its way to an answer."""

    kind: str
    """Such as `question`, `sql` or `summary`."""
    text: str
    """What was asked or run."""
    answer: str = ""
    """What came of it."""

    def as_dict(self) -> dict[str, Any]:
        """The step as `--json` prints it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer and what it rests on."""

    question: str
    answer: str
    no_answer: bool
    """The documents do not hold an answer."""
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()
    """What the prompt held, best first."""
    dropped: tuple[Hit, ...] = ()
    """Found, but left out: the context window was full."""
    tokens: TokenCounts = TokenCounts()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    """`retrieve`, `first_token`, `total`; `entailment` where the model was asked for it."""
    model: str = ""
    route: str | None = None
    """The route that served it, where a router decides."""
    steps: tuple[Step, ...] = ()
    """What the engine did, where it takes more than one search and one answer."""

    def __str__(self) -> str:
        lines = [self.answer]
        for citation in self.citations:
            page = f", page {citation.page_label or citation.page}" if citation.page else ""
            doubt = "" if citation.verified else " (not verified)"
            lines.append(f"[{citation.marker}] {citation.source}{page}{doubt}: {citation.quote}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The response as `--json` prints it."""
        told: dict[str, Any] = {
            "question": self.question,
            "answer": self.answer,
            "no_answer": self.no_answer,
            "citations": [citation.as_dict() for citation in self.citations],
            "hits": [hit.as_dict() for hit in self.hits],
            "dropped": [hit.node_id for hit in self.dropped],
            "tokens": asdict(self.tokens),
            "timings_ms": {name: round(value, 1) for name, value in self.timings_ms.items()},
            "model": self.model,
        }
        if self.route is not None:
            told["route"] = self.route
        if self.steps:
            told["steps"] = [step.as_dict() for step in self.steps]
        return told


_SCORES = ("support", "similarity", "entailment")
_WHERE_KNOWN = ("row", *_SCORES)


def _least(one: float | None, other: float | None) -> float | None:
    known = [score for score in (one, other) if score is not None]
    return min(known, default=None)


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 6)
