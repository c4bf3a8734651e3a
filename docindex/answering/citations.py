"""Ties the sentences of an answer to sentences of the sources, and checks them there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from docindex.answering.orders import cleared
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

_KNOWN = 0.5
"""The share of what a doubtful claim says beyond the question that its quote must have."""
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


UNFOUNDED = Judgement(None, NO_SUPPORT, verified=False, shown=False)


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
        """Takes the hits apart; with `embed`, a sentence's relevance is half its cosine to the question.

        Orders to a language model are not among the sentences.
        """
        self.question = question
        self.kind = kind_of(question)
        self.about = analyse_question(question)
        """What the question is about."""
        self._hits = tuple(hits)
        self._policy = policy
        self._embed = embed
        self.sentences = [
            sentence
            for place, hit in enumerate(hits, 1)
            for sentence in self._sentences(place, hit, load_document(hit.doc_id))
        ]

    def judge(self, claim: str, cited: Collection[int] = (), within: int | None = None) -> Judgement:
        """Whether a sentence of the answer is borne out by the sources.

        Args:
            claim: The sentence, without its markers.
            cited: The sources that the model gave for it; they win where they are as good as others.
            within: The only source that may bear it out; any may where none is given.
        """
        terms = analyse(claim)
        if adds_nothing(self.kind, self.about, claim, terms):
            return UNFOUNDED
        best: tuple[float, int, Support] | None = None
        for at, sentence in enumerate(self.sentences):
            if within is not None and sentence.place != within:
                continue
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
                best = (merit, at, found)
        if best is None:
            return UNFOUNDED
        _, at, found = best
        sentence = self.sentences[at]
        on_topic = self._aim(at, terms) >= self._policy.off_topic * self.best_relevance
        shown = (
            on_topic
            and not found.contradicts
            and found.score >= self._policy.shown_support
            and _has_part_of(sentence.terms, terms)
        )
        verified = shown and found.sound and found.linked >= self._policy.verified_links
        if not verified:
            about = self._relevance[at] >= self._policy.doubtful_topic * self.best_relevance
            shown = shown and about and not self._policy.strict and not self._invents(terms, sentence)
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
        return priceless or not subjects(self.question, self.about) <= known

    @cached_property
    def foreign(self) -> bool:
        """Whether they have nothing to do with the question."""
        return self._policy.is_foreign(
            self.question,
            self._hits,
            self.best_relevance,
            lacks_subject=self.lacks_subject,
            sharpened=self._embed is not None,
        )

    def quotable(self) -> SourceSentence | None:
        """The sentence that answers the question best as it stands, where one does at all."""
        best = next(iter(self.ranked()), None)
        if best is None or self.foreign:
            return None
        weighed = self._policy.nulls is not None and self._embed is not None
        return best[1] if weighed or best[0] >= self._policy.quotable else None

    def ranked(self) -> list[tuple[float, SourceSentence]]:
        """How well each sentence could answer the question, and the sentence: best first, then as they stand."""
        return sorted(zip(self._relevance, self.sentences, strict=True), key=lambda pair: (-pair[0], pair[1].place))

    def relevance(self, sentence: SourceSentence) -> float:
        """How well a sentence of the sources could answer the question."""
        return next(value for value, one in zip(self._relevance, self.sentences, strict=True) if one is sentence)

    def similarity(self, claim: str, sentence: SourceSentence) -> float | None:
        """The cosine of a claim and a sentence of the sources; None without an embedder."""
        if self._embed is None:
            return None
        one, other = self._embed([claim, sentence.text])
        return float(one @ other)

    def _sentences(self, place: int, hit: Hit, document: Document | None) -> Iterator[SourceSentence]:
        for sentence in quotable_sentences(place, cleared(hit), document, self.kind, self.about):
            if not self._policy.strict or _holds(document, sentence.start, sentence.text):
                yield sentence

    def _aim(self, at: int, claim: Terms) -> float:
        """How much a claim and the sentence that it rests on have to do with the question: half each."""
        sentence = self.sentences[at]
        # A name that begins a sentence looks like any word: one is only missed in a long claim whose quote has one.
        unnamed = self.kind is Kind.NAME and (claim.size < _SHORT_CLAIM or not could_answer(self.kind, sentence.terms))
        worth = 1.0 if unnamed or could_answer(self.kind, claim) else _WRONG_KIND
        if claim.size < _SHORT_CLAIM:
            return self._relevance[at] * worth if self._relevance[at] >= self._policy.quotable else 0.0
        own = self._measure(claim, sentence.context, sentence.lead, follows=sentence.follows)
        return (self._relevance[at] + own * worth) / 2

    def _invents(self, claim: Terms, sentence: SourceSentence) -> bool:
        """Whether what a claim says beyond the question is mostly not in the sentence, or a name that is not there.

        The words of the question are in any claim: they say nothing for it.
        """
        known = sentence.terms.words | sentence.context.words
        new = claim.words - self.about.words
        return len(new & known) < _KNOWN * len(new) or not claim.names <= known | self.about.words

    @cached_property
    def _measure(self) -> Relevance:
        return Relevance(self.about, [sentence.terms for sentence in self.sentences])

    @cached_property
    def _relevance(self) -> list[float]:
        """How well each sentence could answer the question."""
        values = [
            self._measure(sentence.terms, sentence.context, sentence.lead, follows=sentence.follows)
            for sentence in self.sentences
        ]
        if self._embed is not None and self.sentences:
            vectors = self._embed([self.question, *(sentence.meant for sentence in self.sentences)])
            values = [
                (value + max(0.0, float(cosine))) / 2
                for value, cosine in zip(values, vectors[1:] @ vectors[0], strict=True)
            ]
        asks_for_none = self.about.negates
        return [
            value
            * (1.0 if could_answer(self.kind, sentence.terms) else _WRONG_KIND)
            * (_WRONG_SIDE if asks_for_none and not sentence.terms.negates else 1.0)
            for value, sentence in zip(values, self.sentences, strict=True)
        ]


def _has_part_of(quote: Terms, claim: Terms) -> bool:
    """Whether the quote has a word or number of the claim: what only stands in a title is borne out by no sentence."""
    values = {quantity.value for quantity in quote.quantities}
    return bool(quote.words & claim.words or values & {quantity.value for quantity in claim.quantities})


def _holds(document: Document | None, start: int, text: str) -> bool:
    """Whether the stored document has the text at its place, to the character."""
    return document is not None and document.text.startswith(text, start)


class CitationList:
    """The citations of one answer, numbered in the order in which they come up."""

    def __init__(self, load_document: Callable[[str], Document | None], *, least_entailment: float = 0.0) -> None:
        self._load_document = load_document
        self._least_entailment = least_entailment
        self._citations: dict[int, Citation] = {}
        self._markers: dict[tuple[str, int, int, bool], int] = {}

    def cite(
        self,
        sentence: SourceSentence,
        *,
        verified: bool,
        support: float | None = None,
        similarity: float | None = None,
    ) -> int:
        """The marker of a sentence's citation, with the scores of what rests on it.

        It counts as verified only where the stored document says at that place, to the character, what the hit says.
        """
        hit, start, end, text = sentence.hit, sentence.start, sentence.end, sentence.text
        return self._cite(hit, start, end, text, verified=verified, support=support, similarity=similarity)

    def weigh(self, sentence: SourceSentence, entailment: float, *, verified: bool) -> None:
        """Adds how likely the model finds what rests on a sentence; `verified` is as it was cited."""
        marker = self._markers[self._key(sentence.hit, sentence.start, sentence.end, sentence.text, verified)]
        self._citations[marker] = self._citations[marker].cited_again(entailment=entailment)

    def doubt(self) -> None:
        """Takes back that those are verified which are entailed too little.

        Where such a sentence is quoted later on, that is another citation.
        """
        for key, marker in tuple(self._markers.items()):
            citation = self._citations[marker]
            if citation.verified and not self.is_entailed(citation.entailment):
                self._citations[marker] = replace(citation, verified=False)
                del self._markers[key]

    def is_entailed(self, likelihood: float | None) -> bool:
        """Whether what the model finds, if it was asked, is enough."""
        return likelihood is None or likelihood >= self._least_entailment

    def quote(self, sentence: SourceSentence) -> int:
        """The marker of a sentence that is given as it stands."""
        return self.cite(sentence, verified=True, support=1.0)

    def cite_passage(self, hit: Hit) -> int:
        """The marker of a whole passage, which is given as it stands."""
        return self._cite(hit, hit.node.start, hit.node.end, hit.text, verified=True, support=1.0, similarity=None)

    def marker_of(self, sentence: SourceSentence) -> int | None:
        """The marker under which a sentence is cited, where it is."""
        for citation in self._citations.values():
            if (citation.doc_id, citation.start, citation.end) == (sentence.hit.doc_id, sentence.start, sentence.end):
                return citation.marker
        return None

    def is_stored(self, hit: Hit) -> bool:
        """Whether the stored document has the passage at its place."""
        return _holds(self._load_document(hit.doc_id), hit.node.start, hit.text)

    def _cite(
        self,
        hit: Hit,
        start: int,
        end: int,
        text: str,
        *,
        verified: bool,
        support: float | None,
        similarity: float | None,
    ) -> int:
        key = self._key(hit, start, end, text, verified)
        if key not in self._markers:
            document = self._load_document(hit.doc_id)
            page = document.page_at(start) if document else None
            marker = len(self._citations) + 1
            self._markers[key] = marker
            self._citations[marker] = Citation(
                marker=marker,
                node_id=hit.node_id,
                doc_id=hit.doc_id,
                source=hit.source,
                page=page.number if page else hit.node.page,
                page_label=page.label if page else hit.node.page_label,
                start=start,
                end=end,
                quote=text,
                verified=key[-1],
            )
        marker = self._markers[key]
        self._citations[marker] = self._citations[marker].cited_again(support, similarity)
        return marker

    def _key(self, hit: Hit, start: int, end: int, text: str, verified: bool) -> tuple[str, int, int, bool]:
        return hit.doc_id, start, end, verified and _holds(self._load_document(hit.doc_id), start, text)

    def as_tuple(self) -> tuple[Citation, ...]:
        """All of them, by marker."""
        return tuple(self._citations.values())
