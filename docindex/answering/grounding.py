"""What all ways to write an answer share: it is held against the sources sentence by sentence."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from docindex.answering.citations import CitationList, Judgement, Sources
from docindex.answering.contradictions import rival
from docindex.answering.orders import orders
from docindex.answering.policy import AnswerPolicy
from docindex.answering.quotes import SourceSentence
from docindex.answering.sentences import Sentence
from docindex.answering.terms import Terms, analyse
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


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that a source bears out."""

    sentence: Sentence
    judgement: Judgement


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
        self, grounding: Grounding, question: str, hits: Sequence[Hit], clock: Clock, *, apart: str = " "
    ) -> None:
        """Takes the hits apart. Of what is written later, only what these bear out goes into the answer.

        What is said after the statements, quotes and contradictions, begins with `apart`.
        """
        load_document = cache(grounding.load_document)
        self.sources = Sources(question, hits, load_document, grounding.policy, grounding.embed)
        self.citations = CitationList(load_document)
        self.written = Written(self.citations, apart)
        self._question = question
        self._hits = tuple(hits)
        self._policy = grounding.policy
        self._clock = clock
        self._usage = Usage()
        self._claims: list[tuple[Terms, SourceSentence]] = []

    @property
    def foreign(self) -> bool:
        """Whether the hits have nothing to do with the question."""
        return self.sources.foreign

    def statements(
        self, tokens: Iterator[Token], places: Sequence[int] | None = None, *, within: int | None = None
    ) -> Generator[Statement, None, None]:
        """The sentences of a completion that the sources bear out, as they come.

        Args:
            tokens: What the model writes; closed when it isn't read to its end.
            places: Which hits the numbers in the prompt stand for, from 1. Without them, the numbers are the hits'.
            within: The one hit that has to bear them out; any may where none is given.
        """

        def judge(sentence: Sentence) -> Judgement:
            cited = sentence.cited
            if places is not None:
                cited = frozenset(places[number - 1] for number in cited if 0 < number <= len(places))
            return self.sources.judge(sentence.text, cited, within)

        with reading(tokens):
            for sentence, judgement in judged(self._usage.counted(tokens, self._clock), judge):
                yield Statement(sentence, judgement)

    def statements_of(
        self, completion: Completion, places: Sequence[int] | None = None, *, within: int | None = None
    ) -> list[Statement]:
        """The same, of a whole completion."""
        self._clock.first_token()
        counts = TokenCounts(completion.prompt_tokens, completion.cached_tokens, completion.completion_tokens)
        before = self._usage.tokens
        found = list(self.statements(iter([Token(completion.text)]), places, within=within))
        self._usage.tokens = before + counts
        return found

    def add(self, statement: Statement) -> str:
        """A statement with its marker; returns what is new in the text."""
        said, quoted = statement.sentence, statement.judgement.sentence
        if statement.judgement.verified and quoted is not None:
            self._claims.append((analyse(said.text), quoted))
        similarity = None if quoted is None else self.sources.similarity(said.text, quoted)
        return self.written.add(said, statement.judgement, similarity)

    def quote(self, sentence: SourceSentence, opening: str = "") -> str:
        """A sentence of the sources as it stands, with its marker; returns what is new in the text."""
        self._claims.append((sentence.terms, sentence))
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
        """The whole response; the orders that were withheld from the model are among its steps."""
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
            steps=(*self._withheld(), *steps),
        )

    def _contradictions(self) -> Iterator[str]:
        remarks = 0
        told: set[int] = set()
        for claim, said in tuple(self._claims):
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

    def _withheld(self) -> Iterator[Step]:
        for hit in self._hits:
            for start, end in orders(hit.text):
                yield Step("withheld", " ".join(hit.text[start:end].split())[:_LONGEST_STEP], hit.source)
