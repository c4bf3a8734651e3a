"""Sources that say different things of the same: found by rules that miss many and seldom raise a false alarm.

Two sentences contradict each other where every word of the one is in the other too, or in what that stands under or was
asked for, and one number differs, or one denies what the other says. A word more would say that it speaks of something
else: of children's tickets, of winter, of another model.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from docindex.answering.quotes import SourceSentence
from docindex.answering.terms import Quantity, Terms, stem

_IDLE_WORDS = frozenset(
    stem(word)
    for words in (
        "exactly precisely total full currently now always also need use",
        "cover last run take come amount equal measure provide offer give grant set keep start begin period time",
        "day date purchase",
    )
    for word in words.split()
)
"""They make no other matter of a sentence."""
_LOOSE = re.compile(
    r"\b(?:up to|about|around|approximately|approx|roughly|nearly|almost|between|or (?:more|less|later)"
    r"|and (?:more|over)|at (?:least|most)|average)\b|[~≈≥≤<>±]",
    re.IGNORECASE,
)
"""A number with one of these is compatible with others that have none."""
_NOT_ALWAYS = re.compile(r"\b(?:some|sometimes|often|usually|typically|may|might|for example|e\.g)\b", re.IGNORECASE)
_LETTER = re.compile(r"(?<!^)(?<![.!?] )\b[A-Z]\b(?!['’.])")
"""Names things, as in "pump A"; as words, some of them carry no meaning."""
_HALF_OF_DAY = re.compile(r"(?<![^\W\d])[ap]\.?m\b", re.IGNORECASE)
_CLOCK = re.compile(r"0?(\d{1,2}):(\d{2})$")
_IN_COMMON = 2
"""Fewer words are too few to tell that two sentences speak of the same, unless they are all that there is."""


def rival(
    claim: Terms, said: SourceSentence, others: Iterable[SourceSentence], question: Terms
) -> SourceSentence | None:
    """The first of the other sentences that goes against a claim made from what was said.

    Only sentences of other documents do: within one, the same words stand under other headings for good reason.
    """
    for other in others:
        if other.hit.doc_id != said.hit.doc_id and _same_matter(said, other, question) and _differ(claim, said, other):
            return other
    return None


def _same_matter(said: SourceSentence, other: SourceSentence, question: Terms) -> bool:
    common = said.terms.words & other.terms.words
    alike = said.terms.words == other.terms.words
    return (
        (len(common) >= _IN_COMMON or (alike and bool(common & question.words)))
        and not _words_beyond(other, said, question)
        and not _words_beyond(said, other, question)
        and said.terms.qualifiers == other.terms.qualifiers
        and _covers(said, question) <= _covers(other, question)
        and not _marks_differ(said, other)
        and set(_LETTER.findall(said.text)) == set(_LETTER.findall(other.text))
        and not _NOT_ALWAYS.search(said.text)
        and not _NOT_ALWAYS.search(other.text)
    )


def _words_beyond(one: SourceSentence, other: SourceSentence, question: Terms) -> frozenset[str]:
    """What the one says and the other does not, nor what that stands under, nor the question."""
    return one.terms.words - other.terms.words - other.context.words - question.words - _IDLE_WORDS


def _covers(sentence: SourceSentence, question: Terms) -> set[str]:
    """What of the question the sentence has, with what it stands under; numbers of the question count, too."""
    own = sentence.terms.words | sentence.context.words
    values = {quantity.value for quantity in sentence.terms.quantities | sentence.context.quantities}
    return {*(question.words & own), *({quantity.value for quantity in question.quantities} & values)}


def _marks_differ(one: SourceSentence, other: SourceSentence) -> bool:
    """Whether their titles or headings name other models, versions or years."""
    first, second = _marks(one.context), _marks(other.context)
    return bool(first and second) and first != second


def _marks(context: Terms) -> set[str]:
    codes = {name for name in context.names if any(character.isdigit() for character in name)}
    versions = {
        q.value for q in context.quantities if q.value.count(".") > 1 or (q.value.isdigit() and len(q.value) == 4)
    }
    return codes | versions


def _differ(claim: Terms, said: SourceSentence, other: SourceSentence) -> bool:
    if said.terms.negates != other.terms.negates:
        return _denies(claim, said, other)
    contested = _contested(said, other)
    return contested is not None and contested.value in {quantity.value for quantity in claim.quantities}


def _denies(claim: Terms, said: SourceSentence, other: SourceSentence) -> bool:
    """Whether the one says of the very words what the other denies, and the claim takes a side."""
    denying, affirming = (said.terms, other.terms) if said.terms.negates else (other.terms, said.terms)
    return (
        len(said.terms.words & other.terms.words) >= _IN_COMMON
        and said.terms.quantities == other.terms.quantities
        and bool(denying.negated)
        and denying.negated <= affirming.words
        and claim.negates == said.terms.negates
        and bool(denying.negated & claim.words)
    )


def _contested(said: SourceSentence, other: SourceSentence) -> Quantity | None:
    """The one number of what was said that is another in the other sentence."""
    mine, theirs = _by_unit(said.terms), _by_unit(other.terms)
    if mine.keys() != theirs.keys() or _found(_LOOSE, said.text) != _found(_LOOSE, other.text):
        return None
    if _found(_HALF_OF_DAY, said.text) != _found(_HALF_OF_DAY, other.text):
        return None
    differing = [unit for unit in mine if mine[unit].keys() != theirs[unit].keys()]
    if len(differing) != 1 or len(mine[differing[0]]) != 1 or len(theirs[differing[0]]) != 1:
        return None
    return next(iter(mine[differing[0]].values()))


def _found(pattern: re.Pattern[str], text: str) -> set[str]:
    return {match.lower() for match in pattern.findall(text)}


def _by_unit(terms: Terms) -> dict[str | None, dict[str, Quantity]]:
    """Its numbers in one spelling, by their units."""
    found: dict[str | None, dict[str, Quantity]] = defaultdict(dict)
    for quantity in terms.quantities:
        clock = _CLOCK.match(quantity.value)
        value = quantity.value if clock is None else clock[1] if clock[2] == "00" else f"{clock[1]}:{clock[2]}"
        found[quantity.unit][value] = quantity
    return dict(found)
