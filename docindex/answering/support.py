"""How far one sentence bears out another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from docindex.answering.terms import Quantity, Terms

_NUMBER_WEIGHT = 2.0
"""A number says more than a word."""
_IN_LEAD, _IN_LEAD_BEFORE, _IN_CONTEXT = 0.8, 0.6, 0.5
"""What a word of a question counts in the lead right before a sentence, in one further up, and in the title."""
_CLOSE = 4
"""How many words apart two neighbours of a claim may stand in the quote."""


@dataclass(frozen=True, slots=True)
class Support:
    """What a quote does for a claim."""

    score: float
    """From 0 to 1: the weighted share of what the claim says that the quote says too."""
    linked: float
    """From 0 to 1: the share of neighbours in the claim that stand close together in the quote too."""
    contradicts: bool
    """A number of the claim, its unit, what it counts, or a negation is not as in the quote."""
    strays: bool
    """A word, a name or a qualifier ("at least", "before") of the claim is not in the quote."""

    @property
    def sound(self) -> bool:
        """Whether nothing in the claim goes against or beyond the quote."""
        return not self.contradicts and not self.strays


NO_SUPPORT = Support(0.0, 0.0, contradicts=False, strays=False)


def support(claim: Terms, quote: Terms, context: Terms) -> Support:
    """How far the quote bears out the claim.

    The context is what the quote stands under, its title and headings: a word or name may come from there, a number
    may not.
    """
    if not claim.size:
        return NO_SUPPORT
    known = quote.words | context.words
    weight = len(claim.words) + _NUMBER_WEIGHT * len(claim.quantities)
    found = len(claim.words & known) + _NUMBER_WEIGHT * sum(_holds(quote, quantity) for quantity in claim.quantities)
    numbers_differ = not all(_holds(quote, quantity) for quantity in claim.quantities)
    linked, loose_number = _links(claim, quote)
    return Support(
        score=found / weight,
        linked=linked,
        contradicts=numbers_differ or loose_number or _turned_around(claim, quote),
        strays=not claim.facts <= known or not claim.qualifiers <= quote.qualifiers,
    )


def _links(claim: Terms, quote: Terms) -> tuple[float, bool]:
    """The share of the claim's neighbours that are close in the quote, and whether a number is close to neither.

    "The box holds two cells and a display unit" has all words of "The box holds two display units", and not its sense.
    """
    chain = [term for term in claim.order if term in quote.places]
    pairs = [_close(quote, one, other) for one, other in pairwise(chain)]
    numbers = {quantity.value for quantity in claim.quantities}
    loose = False
    for at, term in enumerate(chain):
        beside = pairs[max(0, at - 1) : at + 1]
        loose = loose or (term in numbers and bool(beside) and not any(beside))
    return (sum(pairs) / len(pairs) if pairs else 1.0), loose


def _close(quote: Terms, one: str, other: str) -> bool:
    return any(abs(a - b) <= _CLOSE for a in quote.places[one] for b in quote.places[other])


def _holds(quote: Terms, quantity: Quantity) -> bool:
    """Whether the quote has the number, and not with another unit."""
    units = {other.unit for other in quote.quantities if other.value == quantity.value}
    if not units:
        return False
    if quantity.unit is None or quantity.unit in units:
        return True
    return None in units and quantity.unit in quote.units | {other.unit for other in quote.quantities}


def _turned_around(claim: Terms, quote: Terms) -> bool:
    """Whether one of the two denies what the other says."""
    if claim.negates:
        return not quote.negates
    return bool(quote.negated & claim.words)


class Relevance:
    """How much of a question a sentence is about; words that many sentences have count less."""

    def __init__(self, question: Terms, sentences: Sequence[Terms]) -> None:
        """Weighs the question's words by how rare they are among the sentences."""
        self._question = question
        self._weights = _rarity(question.words, [sentence.words for sentence in sentences])
        self._total = sum(self._weights.values()) + len(question.quantities)

    def __call__(self, sentence: Terms, context: Terms, lead: Terms | None = None, *, follows: bool = False) -> float:
        """From 0 to 1.

        A word counts less where only the lead has it, that is the heading or question in front of the sentence, and
        half where it is in the title or headings further up.
        """
        if not self._total:
            return 0.0
        of_lead = _IN_LEAD if follows else _IN_LEAD_BEFORE
        found = sum(
            weight
            * (
                1.0
                if word in sentence.words
                else of_lead
                if lead is not None and word in lead.words
                else _IN_CONTEXT
                if word in context.words
                else 0.0
            )
            for word, weight in self._weights.items()
        )
        return (found + sum(_holds(sentence, quantity) for quantity in self._question.quantities)) / self._total


def _rarity(words: frozenset[str], sentences: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """BM25's inverse document frequency, with sentences for documents."""
    count = len(sentences)
    weights = {}
    for word in words:
        having = sum(word in sentence for sentence in sentences)
        weights[word] = math.log(1 + (count - having + 0.5) / (having + 0.5))
    return weights
