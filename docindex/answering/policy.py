"""When an answer is good enough to be given: every threshold of the answering room, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from docindex.config import AnswerOptions
from docindex.errors import ConfigError
from docindex.retrieval.nulls import NullModel
from docindex.schema import Hit

NO_ANSWER = "The documents do not answer this question."
_SCORES, _SENTENCE, _SUBJECT = 0.3, 8.0, 1.0
"""What the evidence for an answer weighs, in log-odds: a unit of the null model's margin, a best sentence that is all
about the question, and a name of the question that nothing has. Rounded from logistic regressions on the questions of
`answer_quality.py` about the sample's documents; which rounding, and `_EVEN`, with those about Debian's in sight."""
_EVEN = 0.46
"""The relevance of the best sentence at which it speaks neither for an answer nor against one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPolicy:
    """Thresholds, from 0 to 1, and whether doubtful sentences are shown at all.

    The cosines are of all-MiniLM-L6-v2, by which the best passage for a question that the example documents answer is
    mostly above 0.4, and for a foreign one mostly below 0.28. Of an index with fitted null scores these decide.
    """

    nulls: NullModel | None = None
    """What the scores of this index look like with an answer and without one; None where that was not fitted."""
    false_refusals: float | None = None
    """The share of questions with an answer that may be refused for their scores, which alone decide then.

    With None they are weighed together with what the best sentence has to do with the question.
    """
    foreign_below: float = 0.30
    """Without a fit: the cosine of the best passage below which nothing is an answer."""
    sure_above: float = 0.45
    """Without a fit: the cosine above which the passages are surely about the question."""
    certain_above: float = 0.60
    """The cosine above which even a name that the passages lack is taken for another way to say it."""
    words_when_unsure: float = 0.35
    """Between these two, or without a cosine: the share of the question's words that a sentence must have."""
    quotable: float = 0.38
    """Without a fit: the relevance that a sentence must have to be quoted for want of a better answer."""
    verified_links: float = 0.70
    """A sentence is verified if its quote has every word and number of it, and this share of the words that stand
    side by side in the one stand close together in the other."""
    shown_support: float = 0.70
    """Below this, a sentence is left out of the answer."""
    off_topic: float = 0.65
    """A claim with its quote must be about the question this much of what the best sentence is, or it is left out."""
    doubtful_topic: float = 0.85
    """A sentence that can't be verified is shown only if its quote is this much of what the best sentence is."""
    strict: bool = False
    """Sentences that can't be verified are withheld, and so is what the stored documents no longer say."""
    least_entailment: float = 0.0
    """Where the model is asked whether the passages support what it wrote: a sentence of which it finds that less
    likely is not verified."""

    def __post_init__(self) -> None:
        if self.false_refusals is not None and not 0 < self.false_refusals < 1:
            raise ConfigError(f"The rate of false refusals is {self.false_refusals}: give a share between 0 and 1.")

    def under(self, answers: AnswerOptions) -> Self:
        """These thresholds with what the options of answers ask for: they make none looser."""
        return replace(
            self,
            strict=self.strict or answers.strict,
            least_entailment=max(self.least_entailment, answers.least_entailment),
        )

    def is_foreign(
        self, question: str, hits: Sequence[Hit], best_relevance: float, *, lacks_subject: bool, sharpened: bool
    ) -> bool:
        """Whether the hits have nothing to do with the question.

        Args:
            question: What is asked.
            hits: What was found.
            best_relevance: Of the sentence that is most about the question.
            lacks_subject: None of the hits has a name that the question is about.
            sharpened: The relevance is of meaning as well as of words. With a fit of cosines it then decides together
                with the scores: a good sentence makes up for a low score, and a poor one outweighs a high score.
        """
        if not hits:
            return True
        verdict = None if self.nulls is None else self.nulls.judge(question, hits, self.false_refusals)
        weighed = sharpened and self.false_refusals is None
        if weighed and verdict is not None and verdict.side == "dense" and verdict.margin is not None:
            odds = _SCORES * verdict.margin + _SENTENCE * (best_relevance - _EVEN) - _SUBJECT * lacks_subject
            return odds < 0
        cosine = max((hit.scores.dense for hit in hits if hit.scores.dense is not None), default=None)
        if lacks_subject and (cosine is None or cosine < self.certain_above):
            return True
        if verdict is not None and verdict.side is not None:
            return verdict.refused
        if cosine is not None and cosine < self.foreign_below:
            return True
        if cosine is not None and cosine >= self.sure_above:
            return False
        return best_relevance < self.words_when_unsure
