"""Summaries of passages: the most central sentences, or the local model's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from docindex.chunking.sentences import split_sentences
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import LLM, Embedder, Message

WORDS = 120
"""About how long a summary is."""
PROMPTS = ("summary_system", "summary")
"""What the model is asked with for one."""

_MOST_SENTENCES = 96
"""Sentences that are compared for one summary; of longer texts the first sentences of each passage are."""
_SHORTEST, _LONGEST = 4, 60
"""Words of a sentence that can stand for others."""
_REDUNDANCY = 0.5
"""How much the likeness to a chosen sentence counts against another one."""


class Summarizer(Protocol):
    """Makes one short text of several."""

    name: str
    """Changes with what would change the summaries."""
    together: int
    """So many summaries at once are made sooner than one after another; 1 if that saves nothing."""

    def summarize(self, texts: Sequence[str]) -> str:
        """What the texts say, in about 120 words; their own words if they are no longer than that."""
        ...

    def summarize_all(self, groups: Sequence[Sequence[str]]) -> list[str]:
        """As `summarize`, for each group of texts."""
        ...


class ExtractiveSummarizer:
    """Picks the sentences that are nearest to all others, and not too near to each other, in the order of the texts.

    Source: centrality of embedded sentences as in C-LexRank (Erkan and Radev, 2004), with the redundancy of maximal
    marginal relevance (Carbonell and Goldstein, 1998).
    """

    together = 32

    def __init__(self, embedder: Embedder, words: int = WORDS) -> None:
        self.name = f"extractive-{words}"
        self._embedder = embedder
        self._words = words

    def summarize(self, texts: Sequence[str]) -> str:
        """At most about so many words, all of them the texts' own."""
        return self.summarize_all([texts])[0]

    def summarize_all(self, groups: Sequence[Sequence[str]]) -> list[str]:
        """As `summarize`, for each group of texts; what several groups say is embedded once."""
        return [
            summary
            for start in range(0, len(groups), self.together)
            for summary in self._at_once(groups[start : start + self.together])
        ]

    def _at_once(self, groups: Sequence[Sequence[str]]) -> Iterator[str]:
        said = [_sentences(texts) for texts in groups]
        lengths = [list(map(_length, sentences)) for sentences in said]
        too_long = [sum(words) > self._words for words in lengths]
        distinct = list(
            dict.fromkeys(text for texts, long in zip(said, too_long, strict=True) if long for text in texts)
        )
        rows = {text: row for row, text in enumerate(distinct)}
        vectors = self._embedder.embed(distinct, kind="passage") if distinct else np.zeros((0, 0), np.float32)
        for sentences, words, long in zip(said, lengths, too_long, strict=True):
            chosen = _central(vectors[[rows[text] for text in sentences]], words, self._words) if long else None
            yield " ".join(sentences if chosen is None else [sentences[index] for index in chosen])


class LLMSummarizer:
    """Has the local model write the summary. Passages that do not fit its context are summarised in parts first."""

    together = 1

    def __init__(self, llm: LLM, fallback: Summarizer, words: int = WORDS, prompts: Prompts = SHIPPED) -> None:
        """`fallback` serves where the model says nothing, or a single passage is too long for it."""
        own = prompts.own_version(*PROMPTS)
        self.name = f"{llm.name}-{words}{f'-{own}' if own else ''}"
        self._llm = llm
        self._fallback = fallback
        self._words = words
        self._prompts = prompts

    def summarize_all(self, groups: Sequence[Sequence[str]]) -> list[str]:
        """As `summarize`, for each group of texts."""
        return [self.summarize(texts) for texts in groups]

    def summarize(self, texts: Sequence[str]) -> str:
        """The model's summary; deterministic."""
        if sum(map(_length, texts)) <= self._words:
            return " ".join(text.strip() for text in texts)
        messages = self._messages(texts)
        room = self._llm.context_tokens - 2 * self._words
        if self._llm.count_tokens(messages) > room:
            if len(texts) < 2:
                return self._fallback.summarize(texts)
            middle = len(texts) // 2
            return self.summarize([self.summarize(texts[:middle]), self.summarize(texts[middle:])])
        tokens = self._llm.complete(messages, max_tokens=2 * self._words)
        written = "".join(token.text for token in tokens).strip()
        return written or self._fallback.summarize(texts)

    def _messages(self, texts: Sequence[str]) -> list[Message]:
        return [
            Message("system", self._prompts.render("summary_system", {"words": self._words})),
            Message("user", self._prompts.render("summary", {"passages": [text.strip() for text in texts]})),
        ]


def _sentences(texts: Sequence[str]) -> list[str]:
    """Sentences of all texts, the first ones of each where there are too many; each of them once."""
    most = max(1, _MOST_SENTENCES // max(1, len(texts)))
    found: dict[str, None] = {}
    for text in texts:
        spans = split_sentences(text)
        sentences = [" ".join(text[start:end].split()) for start, end in spans]
        fit = [sentence for sentence in sentences if _SHORTEST <= _length(sentence) <= _LONGEST]
        found.update(dict.fromkeys((fit or sentences)[:most]))
    return [sentence for sentence in found if sentence]


def _central(vectors: np.ndarray[tuple[int, ...], np.dtype[np.float32]], lengths: list[int], words: int) -> list[int]:
    """The numbers of the sentences that a summary consists of, in their order."""
    alike = vectors @ vectors.T
    central = alike.mean(axis=1)
    nearest = np.zeros(len(lengths), dtype=np.float32)
    chosen: list[int] = []
    room = words
    open_ = np.ones(len(lengths), dtype=bool)
    while room > 0 and open_.any():
        worth = np.where(open_, central - _REDUNDANCY * nearest, -np.inf)
        best = int(worth.argmax())
        open_[best] = False
        if lengths[best] <= room or not chosen:
            chosen.append(best)
            room -= lengths[best]
            nearest = np.maximum(nearest, alike[best])
    return sorted(chosen)


def _length(text: str) -> int:
    return len(text.split())
