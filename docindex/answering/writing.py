"""An answer that grows sentence by sentence: what of the model's text goes into it, and with which marker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from docindex.answering.citations import CitationList, Judgement, Sources
from docindex.answering.fencing import as_shown
from docindex.answering.policy import NO_ANSWER
from docindex.answering.questions import is_refusal
from docindex.answering.sentences import Sentence, sentences_of
from docindex.protocols import Token

_PATIENCE = 2
"""After so many sentences in a row that no source bears out, the rest is not waited for."""


def checked(tokens: Iterator[Token], sources: Sources) -> Iterator[tuple[Sentence, Judgement]]:
    """The sentences that a source bears out, as they come; of those that can't be verified, one for each quote."""
    return judged(tokens, lambda sentence: sources.judge(sentence.text, sentence.cited))


def judged(tokens: Iterator[Token], judge: Callable[[Sentence], Judgement]) -> Iterator[tuple[Sentence, Judgement]]:
    """The same, for a judge of one's own."""
    seen: set[str] = set()
    doubtful: set[int] = set()
    astray = 0
    for sentence in sentences_of(tokens):
        key = " ".join(sentence.text.lower().split())
        if key in seen:
            return  # it goes round in circles
        seen.add(key)
        judgement = judge(sentence)
        repeats = not judgement.verified and id(judgement.sentence) in doubtful
        if judgement.shown and not repeats and not is_refusal(sentence.text):
            astray = 0
            if not judgement.verified:
                doubtful.add(id(judgement.sentence))
            yield sentence, judgement
        elif (astray := astray + 1) >= _PATIENCE:
            return


class Written:
    """The answer so far."""

    def __init__(self, citations: CitationList, apart: str = " ") -> None:
        """Begins with nothing; `apart` stands in front of quotes and remarks."""
        self._citations = citations
        self._apart = apart
        self.text = ""
        self.verified = False
        """A citation in it is."""
        self.refused = False

    def add(self, sentence: Sentence, judgement: Judgement, similarity: float | None = None) -> str:
        """A sentence with its marker, and how near it is to its quote; returns what is new in the text."""
        if judgement.sentence is None:
            raise ValueError("Only a sentence with a source is shown.")
        marker = self._citations.cite(
            judgement.sentence,
            verified=judgement.verified,
            support=judgement.support.score,
            similarity=similarity,
        )
        self.verified = self.verified or judgement.verified
        return self._append(sentence.gap, f"{as_shown(sentence.text)} [{marker}]")

    def quote(self, text: str, marker: int, opening: str = "") -> str:
        """A source sentence as it stands, after some words of introduction."""
        self.verified = True
        return self._append(self._apart, f"{opening}“{as_shown(' '.join(text.split()))}” [{marker}]")

    def remark(self, text: str) -> str:
        """Something to know about what was said."""
        return self._append(self._apart, text)

    def passage(self, marker: int, place: str, text: str) -> str:
        """A paragraph of its own, under its marker and where it is from."""
        self.verified = True
        return self._append("\n\n", f"[{marker}] {as_shown(place)}\n{as_shown(text)}")

    def refuse(self) -> str:
        """Says that there is no answer."""
        self.refused = True
        return self._append("", NO_ANSWER)

    def _append(self, gap: str, text: str) -> str:
        piece = (gap if self.text else "") + text
        self.text += piece
        return piece
