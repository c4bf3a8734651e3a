"""Calibrated refusal: what the scores of an index look like when it has an answer, and when it has none.

A cosine of 0.35 is a good find among 200,000 abstracts of one field and a poor one in a manual of ten pages, and other
embedders have other scales. So every index is asked some hundred questions whose answers are known to be in it, which
are sentences of its own, and some whose answers are not: questions of many other fields, and words of its own thrown
together. The scores of the first kind say where to refuse so that only a stated share of good questions is lost; both
together say how probable it is that a score is of a question that has an answer.

On SciFact's train split and on the example documents the lower tail of a real question's best cosine is like that of
a sentence's, and of its best BM25, over the root of its number of words, roughly like that of three words of a
sentence. Scores of both sides together came out no better than the cosine alone, and the share of words that a passage
has is far too high for the index's own sentences to say anything of questions.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from docindex.errors import ConfigError
from docindex.retrieval.calibration import Logistic
from docindex.schema import Hit

VERSION = 1
SURE = 6.0
"""Log-odds beyond which a score says no more: it was fitted on too few questions for that."""
FALSE_REFUSALS = 0.05
"""The share of questions with an answer that are refused, unless another one is stated."""

Side = Literal["dense", "lexical"]

_WORD = re.compile(r"\w+")
_STALE = 0.25


@dataclass(frozen=True, slots=True)
class NullFeatures:
    """What the hits of a question say of whether it has an answer."""

    dense: float | None
    """The best cosine."""
    lexical: float | None
    """The best BM25, over the square root of the question's number of words."""

    @classmethod
    def of(cls, question: str, hits: Sequence[Hit]) -> Self:
        """From the hits of any retriever; None on a side that was not asked, or found nothing."""
        dense = [hit.scores.dense for hit in hits if hit.scores.dense is not None]
        lexical = [hit.scores.lexical for hit in hits if hit.scores.lexical is not None]
        return cls(max(dense, default=None), lexical_feature(question, max(lexical)) if lexical else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class NullSide:
    """The scores of one side."""

    known: tuple[float, ...]
    """Of questions whose answer is in the index, ascending."""
    foreign: tuple[float, ...]
    """Of questions of other fields, ascending."""
    random: tuple[float, ...]
    """Of words of the index thrown together, ascending."""
    answerable: Logistic
    """The probability of an answer at a score, where one question in two has one."""

    def threshold(self, false_refusals: float) -> float:
        """The score below which no more than that share of the questions with an answer are.

        Of so few questions the quantile may be off by its standard error either way, so that much is taken off: to
        refuse what could be answered is the worse mistake.
        """
        error = math.sqrt(false_refusals * (1 - false_refusals) / len(self.known))
        return float(np.quantile(self.known, max(0.0, false_refusals - error)))

    def margin(self, score: float, false_refusals: float) -> float:
        """How much likelier an answer is at the score than at the threshold, in log-odds; at most `SURE` either way."""
        return max(-SURE, min(SURE, self.answerable.slope * (score - self.threshold(false_refusals))))

    def power(self, false_refusals: float) -> float:
        """The share of foreign questions that are refused then, as far as those of the calibration go."""
        return float(np.mean(np.array(self.foreign) < self.threshold(false_refusals)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a question is refused, and why."""

    refused: bool
    probability: float | None
    """That the index has an answer, where one question in two has one; None where it can't be told."""
    side: Side | None
    """What decided; None where nothing was found, or the side is not calibrated."""
    score: float | None
    threshold: float | None
    margin: float | None
    """How much likelier an answer is at the score than at the threshold, in log-odds; at most `SURE` either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NullModel:
    """What tells a question that an index answers from one that it does not; saved with the index."""

    fingerprint: str
    """The embedder's. With another one the model says nothing."""
    nodes: int
    """How many passages the index had."""
    dense: NullSide | None = None
    lexical: NullSide | None = None
    false_refusals: float = FALSE_REFUSALS

    def __post_init__(self) -> None:
        if not 0 < self.false_refusals < 1:
            raise ConfigError(f"false_refusals is {self.false_refusals}: give a share between 0 and 1.")

    def refuses(self, features: NullFeatures, false_refusals: float | None = None) -> bool:
        """Whether the question is to be refused.

        The cosine decides; the words do where there is none. Without any score there are no hits, and so no answer.
        """
        rate = self.false_refusals if false_refusals is None else false_refusals
        side, score = self._told_by(features)
        return score is None or (side is not None and score < side.threshold(rate))

    def probability(self, features: NullFeatures) -> float | None:
        """The probability that the index has an answer, where one question in two has; None where it can't be told."""
        side, score = self._told_by(features)
        if score is None:
            return 0.0
        return None if side is None else side.answerable.probability(score)

    def judge(self, question: str, hits: Sequence[Hit], false_refusals: float | None = None) -> Verdict:
        """What the model makes of a question's hits, with what it rests on."""
        features = NullFeatures.of(question, hits)
        side, score = self._told_by(features)
        rate = self.false_refusals if false_refusals is None else false_refusals
        return Verdict(
            refused=self.refuses(features, rate),
            probability=self.probability(features),
            side=None if side is None or score is None else "dense" if side is self.dense else "lexical",
            score=score,
            threshold=None if side is None else side.threshold(rate),
            margin=None if side is None or score is None else side.margin(score, rate),
        )

    def is_stale(self, nodes: int) -> bool:
        """Whether the index has grown or shrunk so much that it should be asked again."""
        return abs(nodes - self.nodes) > _STALE * max(self.nodes, 1)

    def facts(self) -> dict[str, Any]:
        """What `docindex status` shows: below which scores a question is refused, and how many foreign ones that is."""
        rate = self.false_refusals
        sides = {"cosine": self.dense, "bm25": self.lexical}
        return {
            "false_refusals": rate,
            "fitted_at_nodes": self.nodes,
            "below": {name: round(side.threshold(rate), 3) for name, side in sides.items() if side is not None},
            "foreign_refused": {name: round(side.power(rate), 3) for name, side in sides.items() if side is not None},
        }

    def as_dict(self) -> dict[str, Any]:
        """The model as it is saved."""
        return {"version": VERSION, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The model back from its saved form.

        Raises:
            ConfigError: Another version wrote it, or it is damaged: fit it again.
        """
        if saved.get("version") != VERSION:
            raise ConfigError(f"The null scores have version {saved.get('version')!r}, not {VERSION}: fit them again.")
        try:
            return cls(
                fingerprint=str(saved["fingerprint"]),
                nodes=int(saved["nodes"]),
                dense=_side(saved["dense"]),
                lexical=_side(saved["lexical"]),
                false_refusals=float(saved["false_refusals"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"The null scores are damaged ({error!r}): fit them again.") from error

    def _told_by(self, features: NullFeatures) -> tuple[NullSide | None, float | None]:
        if features.dense is not None and (self.dense is not None or features.lexical is None):
            return self.dense, features.dense
        return self.lexical, features.lexical


def lexical_feature(question: str, best: float) -> float:
    """A best BM25 score that can be compared between questions: it grows with the root of the number of words."""
    return best / math.sqrt(max(1, len(set(_WORD.findall(question.lower())))))


def _side(saved: Mapping[str, Any] | None) -> NullSide | None:
    if saved is None:
        return None
    known, foreign, random = (tuple(float(value) for value in saved[name]) for name in ("known", "foreign", "random"))
    if not known or not foreign:
        raise ValueError("a side without scores")
    fit = saved["answerable"]
    return NullSide(
        known=known,
        foreign=foreign,
        random=random,
        answerable=Logistic(float(fit["slope"]), float(fit["middle"])),
    )
