"""What all ways to write an answer share: it is held against the sources sentence by sentence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from docindex.answering.citations import CitationList, Judgement, Sources
from docindex.answering.contradictions import rival
from docindex.answering.entailment import Entailment
from docindex.answering.orders import orders
from docindex.answering.policy import AnswerPolicy
from docindex.answering.quotes import SourceSentence
from docindex.answering.sentences import ITEM, Sentence
from docindex.answering.terms import analyse
from docindex.answering.usage import Clock, Usage
from docindex.answering.writing import Written, judged
from docindex.llm.reading import reading
from docindex.protocols import Completion, Token, Vectors
from docindex.schema import Document, Hit, Response, Step, TokenCounts

_MOST_REMARKS = 2
"""Contradictions that an answer tells of."""
_LONGEST_STEP = 300
"""Code points of a text that a step tells of."""


@dataclass(frozen=True, slots=True)
class Grounding:
    """What answers are held against."""

    load_document: Callable[[str], Document | None]
    """A stored document by its id, to verify quotes against."""
    policy: AnswerPolicy
    embed: Callable[[Sequence[str]], Vectors] | None = None
    """Sharpens what a sentence has to do with the question."""
    entailment: Entailment | None = None
    """Has the model say of each sentence of the answer whether its passage supports it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that a source bears out."""

    sentence: Sentence
    judgement: Judgement
    entailment: float | None = None
    """How likely the model finds that; None where it has not been asked."""


def text_of(statements: Iterable[Statement]) -> str:
    """The sentences in a row, without markers."""
    return " ".join(statement.sentence.text for statement in statements)


def any_verified(statements: Iterable[Statement]) -> bool:
    """Whether one of them is."""
    return any(statement.judgement.verified for statement in statements)


def improves(new: Iterable[Statement], draft: Sequence[Statement]) -> bool:
    """Whether new statements may take the place of a draft: one is verified and says what the draft does not.

    Where nothing in the draft is verified, any may.
    """
    if not any_verified(draft):
        return True
    known = analyse(text_of(draft))
    for statement in new:
        terms = analyse(statement.sentence.text)
        if statement.judgement.verified and not (terms.words <= known.words and terms.quantities <= known.quantities):
            return True
    return False


def beyond(known: Sequence[Statement], new: Iterable[Statement]) -> Iterator[Statement]:
    """The new statements that are not known already."""
    texts = {statement.sentence.text for statement in known}
    return (statement for statement in new if statement.sentence.text not in texts)


class GroundedAnswer:
    """An answer in the making: its text, what that rests on, and what it costs."""

    def __init__(
        self,
        grounding: Grounding,
        question: str,
        hits: Sequence[Hit],
        clock: Clock,
        *,
        apart: str = " ",
        cancel: threading.Event | None = None,
    ) -> None:
        """Takes the hits apart. Of what is written later, only what these bear out goes into the answer.

        What is said after the statements, quotes and contradictions, begins with `apart`. `cancel` ends what the model
        is asked on the way.
        """
        load_document = cache(grounding.load_document)
        self.sources = Sources(question, hits, load_document, grounding.policy, grounding.embed)
        self.citations = CitationList(load_document, least_entailment=grounding.policy.least_entailment)
        self.written = Written(self.citations, apart)
        self._question = question
        self._hits = tuple(hits)
        self._policy = grounding.policy
        self._clock = clock
        self._usage = Usage()
        self._entailment = grounding.entailment
        self._cancel = cancel
        self._given: list[Statement] = []
        self._quoted: list[SourceSentence] = []
        self._judgements: list[Step] = []

    @property
    def foreign(self) -> bool:
        """Whether the hits have nothing to do with the question."""
        return self.sources.foreign

    def statements(
        self, tokens: Iterator[Token], places: Sequence[int] | None = None, *, within: int | None = None
    ) -> Generator[Statement, None, None]:
        """The sentences of a completion that the sources bear out, as they come.

        Where the model is to withhold what is not entailed, they come once it has written all of them: it can't be
        asked about one while it writes the next.

        Args:
            tokens: What the model writes; closed when it isn't read to its end.
            places: Which hits the numbers in the prompt stand for, from 1. Without them, the numbers are the hits'.
            within: The one hit that has to bear them out; any may where none is given.
        """
        with reading(tokens):
            yield from self._borne_out(self._usage.counted(tokens, self._clock), places, within)

    def statements_of(
        self, completion: Completion, places: Sequence[int] | None = None, *, within: int | None = None
    ) -> list[Statement]:
        """The same, of a whole completion."""
        self._clock.first_token()
        counts = TokenCounts(completion.prompt_tokens, completion.cached_tokens, completion.completion_tokens)
        self._usage.add(counts)
        return list(self._borne_out(iter([Token(completion.text)]), places, within))

    def add(self, statement: Statement) -> str:
        """A statement with its marker; returns what is new in the text."""
        said, quoted = statement.sentence, statement.judgement.sentence
        self._given.append(statement)
        similarity = None if quoted is None else self.sources.similarity(said.text, quoted)
        return self.written.add(said, statement.judgement, similarity)

    def quote(self, sentence: SourceSentence, opening: str = "") -> str:
        """A sentence of the sources as it stands, with its marker; returns what is new in the text."""
        self._quoted.append(sentence)
        return self.written.quote(sentence.text, self.citations.quote(sentence), opening)

    def replaced(self, new: Iterator[Statement], draft: Sequence[Statement]) -> Iterator[str]:
        """Writes the new statements as they come, or the draft where they don't improve it.

        Until it is clear that they do, they are held back: what was given out can't be taken back.
        """
        held: list[Statement] = []
        sure = False
        for statement in new:
            held.append(statement)
            sure = sure or improves([statement], draft)
            if sure:
                yield from map(self.add, held)
                held = []
        if not self.written.text:
            yield from map(self.add, draft)

    def extended(self, draft: Sequence[Statement], new: Iterable[Statement]) -> Iterator[str]:
        """Writes the draft, and then what the new statements say beyond it, as they come."""
        yield from map(self.add, draft)
        yield from map(self.add, beyond(draft, new))

    def finish(self) -> Iterator[str]:
        """What is still to be said: a quote where nothing is verified, what contradicts, or that there is no answer."""
        if self._entailment is not None:
            self._weigh()
        if not self.written.verified and (best := self.sources.quotable()):
            yield self.quote(best)
        yield from self._contradictions()
        if not self.written.text:
            yield self.written.refuse()

    def response(
        self,
        model: str,
        hits: Sequence[Hit],
        *,
        dropped: Sequence[Hit] = (),
        steps: Sequence[Step] = (),
    ) -> Response:
        """The whole response.

        Among its steps are the orders that were withheld from the model, and what it was asked to judge.
        """
        return Response(
            question=self._question,
            answer=self.written.text,
            no_answer=self.written.refused,
            citations=self.citations.as_tuple(),
            hits=tuple(hits),
            dropped=tuple(dropped),
            tokens=self._usage.tokens,
            timings_ms=self._clock.timings(),
            model=model,
            steps=(*self._withheld(), *steps, *self._judgements),
        )

    def _contradictions(self) -> Iterator[str]:
        remarks = 0
        told: set[int] = set()
        claims = [(analyse(statement.sentence.text), quoted) for statement, quoted in self._founded()]
        for claim, said in [*claims, *((quoted.terms, quoted) for quoted in self._quoted)]:
            other = rival(claim, said, self._rivals(said), self.sources.about)
            if other is None or id(other) in told or remarks == _MOST_REMARKS:
                continue
            remarks += 1
            told |= {id(said), id(other)}
            marker = self.citations.marker_of(other)
            if marker is None:
                yield self.quote(other, "But another source says: ")
            else:
                yield self.written.remark(f"[{self.citations.marker_of(said)}] and [{marker}] contradict each other.")

    def _rivals(self, said: SourceSentence) -> Iterator[SourceSentence]:
        """The sentences that could answer the question about as well, best first."""
        least = self._policy.doubtful_topic * self.sources.relevance(said)
        return (sentence for relevance, sentence in self.sources.ranked() if relevance >= least)

    def _borne_out(
        self, tokens: Iterator[Token], places: Sequence[int] | None, within: int | None
    ) -> Iterator[Statement]:
        def judge(sentence: Sentence) -> Judgement:
            cited = sentence.cited
            if places is not None:
                cited = frozenset(places[number - 1] for number in cited if 0 < number <= len(places))
            return self.sources.judge(sentence.text, cited, within)

        found = (Statement(sentence, judgement) for sentence, judgement in judged(tokens, judge))
        return self._entailed(list(found)) if self._withholds else found

    def _founded(self) -> Iterator[tuple[Statement, SourceSentence]]:
        """The statements of the answer that are verified, each with what it rests on."""
        for statement in self._given:
            quoted = statement.judgement.sentence
            if statement.judgement.verified and quoted is not None and self.citations.is_entailed(statement.entailment):
                yield statement, quoted

    @property
    def _withholds(self) -> bool:
        """Whether the model has a say in what is given out."""
        return self._entailment is not None and self._policy.strict and self._policy.least_entailment > 0

    def _entailed(self, statements: Sequence[Statement]) -> Iterator[Statement]:
        """Those that the model finds likely enough."""
        asked = map(self._asked, statements)
        return (statement for statement in asked if self.citations.is_entailed(statement.entailment))

    def _weigh(self) -> None:
        """Has the model judge what was given out, and tells the citations."""
        self._given = [self._asked(statement) for statement in self._given]
        for statement in self._given:
            quoted = statement.judgement.sentence
            if statement.entailment is not None and quoted is not None:
                self.citations.weigh(quoted, statement.entailment, verified=statement.judgement.verified)
        self.citations.doubt()
        self.written.verified = any(citation.verified for citation in self.citations.as_tuple())

    def _asked(self, statement: Statement) -> Statement:
        """The statement with how likely the model finds that its passage supports it."""
        quoted = statement.judgement.sentence
        if self._entailment is None or quoted is None or statement.entailment is not None:
            return statement
        claim = statement.sentence.text.removeprefix(ITEM)
        with self._clock.stage("entailment"):
            entailed = self._entailment.judge(claim, quoted, cancel=self._cancel)
        if entailed is None:
            return statement
        self._usage.add(entailed.tokens)
        self._judgements.append(Step("entailment", claim[:_LONGEST_STEP], f"{entailed.likelihood:.3f}"))
        return replace(statement, entailment=entailed.likelihood)

    def _withheld(self) -> Iterator[Step]:
        for hit in self._hits:
            for start, end in orders(hit.text):
                yield Step("withheld", " ".join(hit.text[start:end].split())[:_LONGEST_STEP], hit.source)
