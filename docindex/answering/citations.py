"""Ties the sentences of an answer to sentences of the sources, and checks them there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from docindex.answering.policy import AnswerPolicy
from docindex.answering.questions import Kind, adds_nothing, analyse_question, could_answer, kind_of, subjects
from docindex.answering.quotes import SourceSentence, quotable_sentences
from docindex.answering.support import NO_SUPPORT, Relevance, Support, support
from docindex.answering.terms import Terms, analyse
from docindex.protocols import Vectors
from docindex.schema import Citation, Document, Hit

_SHORT_CLAIM = 3
"""An answer that says fewer things than this, such as "64.", is read together with the question."""
_WRONG_KIND = 0.5
"""What a sentence without a number is still worth where a number is asked for."""

_WRONG_SIDE = 0.8
"""What a sentence that denies nothing is still worth where the question asks what is not."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found for a sentence of the answer."""

    sentence: SourceSentence | None
    """The source sentence that bears it out best."""
    support: Support
    verified: bool
    shown: bool
    """Good enough to be part of the answer."""


class Sources:
    """The sentences of the packed hits, and what they have to do with the question."""

    def __init__(
        self,
        question: str,
        hits: Sequence[Hit],
        load_document: Callable[[str], Document | None],
        policy: AnswerPolicy,
        embed: Callable[[Sequence[str]], Vectors] | None = None,
    ) -> None:
        """Takes the hits apart; with `embed`, a sentence's relevance is half its cosine to the question."""
        self.question = question
        self.kind = kind_of(question)
        self._question_terms = analyse_question(question)
        self.sentences = [
            sentence
            for place, hit in enumerate(hits, 1)
            for sentence in quotable_sentences(place, hit, load_document(hit.doc_id), self.kind, self._question_terms)
        ]
        self._policy = policy
        self._embed = embed

    def judge(self, claim: str, cited: Collection[int] = ()) -> Judgement:
        """Whether a sentence of the answer is borne out by the sources.

        Args:
            claim: The sentence, without its markers.
            cited: The sources that the model gave for it; they win where they are as good as others.
        """
        terms = analyse(claim)
        if adds_nothing(self.kind, self._question_terms, claim, terms):
            return Judgement(None, NO_SUPPORT, verified=False, shown=False)
        best: tuple[float, SourceSentence, Support] | None = None
        for at, sentence in enumerate(self.sentences):
            found = support(terms, sentence.terms, sentence.context)
            merit = (
                found.score
                - 0.5 * found.contradicts
                - 0.2 * found.strays
                + 0.1 * found.linked
                + 0.05 * (sentence.place in cited)
                + 0.05 * self._relevance[at]
            )
            if best is None or merit > best[0]:
                best = (merit, sentence, found)
        if best is None:
            return Judgement(None, NO_SUPPORT, verified=False, shown=False)
        _, sentence, found = best
        at = self.sentences.index(sentence)
        on_topic = self._aim(at, terms) >= self._policy.off_topic * self.best_relevance
        shown = on_topic and not found.contradicts and found.score >= self._policy.shown_support
        verified = shown and found.sound and found.linked >= self._policy.verified_links
        if not verified:
            shown = shown and self._relevance[at] >= self._policy.doubtful_topic * self.best_relevance
        return Judgement(sentence, found, verified=verified, shown=shown)

    @property
    def best_relevance(self) -> float:
        """Of the sentence that is most about the question; 0 where there is none."""
        return max(self._relevance, default=0.0)

    @property
    def lacks_subject(self) -> bool:
        """Whether the question has a name, or asks for a price, that none of the sources has."""
        known = frozenset[str]().union(*(s.terms.words | s.context.words | s.lead.words for s in self.sentences))
        priceless = self.kind is Kind.MONEY and not any(could_answer(Kind.MONEY, s.terms) for s in self.sentences)
        return priceless or not subjects(self.question, self._question_terms) <= known

    def quotable(self) -> SourceSentence | None:
        """The sentence that answers the question best as it stands, where one does at all."""
        best = max(
            zip(self._relevance, self.sentences, strict=True),
            key=lambda pair: (pair[0], -pair[1].place),
            default=(0.0, None),
        )
        return best[1] if best[0] >= self._policy.quotable else None

    def _aim(self, at: int, claim: Terms) -> float:
        """How much a claim and the sentence that it rests on have to do with the question: half each."""
        if claim.size < _SHORT_CLAIM:
            return self._relevance[at] if self._relevance[at] >= self._policy.quotable else 0.0
        sentence = self.sentences[at]
        own = self._measure(claim, sentence.context, sentence.lead, follows=sentence.follows)
        if could_answer(self.kind, sentence.terms) and not could_answer(self.kind, claim):
            own *= _WRONG_KIND
        return (self._relevance[at] + own) / 2

    @cached_property
    def _measure(self) -> Relevance:
        return Relevance(self._question_terms, [sentence.terms for sentence in self.sentences])

    @cached_property
    def _relevance(self) -> list[float]:
        """How well each sentence could answer the question."""
        values = [
            self._measure(sentence.terms, sentence.context, sentence.lead, follows=sentence.follows)
            for sentence in self.sentences
        ]
        if self._embed is not None and self.sentences:
            vectors = self._embed([self.question, *(sentence.text for sentence in self.sentences)])
            values = [
                (value + max(0.0, float(cosine))) / 2
                for value, cosine in zip(values, vectors[1:] @ vectors[0], strict=True)
            ]
        asks_for_none = self._question_terms.negates
        return [
            value
            * (1.0 if could_answer(self.kind, sentence.terms) else _WRONG_KIND)
            * (_WRONG_SIDE if asks_for_none and not sentence.terms.negates else 1.0)
            for value, sentence in zip(values, self.sentences, strict=True)
        ]


class CitationList:
    """The citations of one answer, numbered in the order in which they come up."""

    def __init__(self, load_document: Callable[[str], Document | None]) -> None:
        self._load_document = load_document
        self._citations: dict[tuple[str, int, int, bool], Citation] = {}

    def cite(self, sentence: SourceSentence, *, verified: bool) -> int:
        """The marker of a sentence's citation.

        It counts as verified only where the stored document says at that place, to the character, what the hit says.
        """
        hit = sentence.hit
        document = self._load_document(hit.doc_id)
        stored = document.text[sentence.start : sentence.end] if document else ""
        verified = verified and stored == sentence.text
        key = (hit.doc_id, sentence.start, sentence.end, verified)
        if key not in self._citations:
            page = document.page_at(sentence.start) if document else None
            self._citations[key] = Citation(
                marker=len(self._citations) + 1,
                node_id=hit.node_id,
                doc_id=hit.doc_id,
                source=hit.source,
                page=page.number if page else hit.node.page,
                page_label=page.label if page else hit.node.page_label,
                start=sentence.start,
                end=sentence.end,
                quote=sentence.text,
                verified=verified,
            )
        return self._citations[key].marker

    def as_tuple(self) -> tuple[Citation, ...]:
        """All of them, by marker."""
        return tuple(self._citations.values())
