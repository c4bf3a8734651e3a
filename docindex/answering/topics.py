"""What a question is about, without what it asks of it: English, by its form."""

from __future__ import annotations

import re

from docindex.answering.terms import IRREGULAR, analyse, any_of

_ARTICLE = any_of("the a an my our your his her its their this that these those every each some any no all most many")
_SPEAKER = any_of("I we you")
_PAST = rf"(?:\w+ed|{'|'.join(IRREGULAR)})"
_NAMED = rf"(?!{_SPEAKER}\b)(?:{_ARTICLE} )?(?!{_ARTICLE}\b)"
_END = r"(?P<after>\W*$)"
_PREDICATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # "where was the pump BUILT", "is the pump COVERED by the warranty"
        r"(?P<before>\b(?:is|are|was|were|been|be) .+ )"
        rf"{_PAST}(?P<after>\W*$| (?:by|in|at|on|for|from|with|to|of|as|before|after|during|under)\b.*)",
        # "what does the pump of the cellar WEIGH", "how much did the pump COST"
        r"(?P<before>\b(?:what|which|who|whom|how (?:much|many|long|far))\b.* "
        rf"(?:do|does|did|can|will|would|should|must) {_NAMED}(?:[\w-]+ ){{1,8}}?)[\w-]+{_END}",
        # "when does the museum OPEN", but not "when does the pump need oil"
        rf"(?P<before>\b(?:when|where|how|why) (?:do|does|did|can|will|would|should) {_NAMED}[\w-]+ )[\w-]+{_END}",
        # "who INVENTED the pump"
        rf"(?P<before>^\W*(?:who|what|which \w+) ){_PAST}(?P<after> {_ARTICLE} .+)",
    )
)
_COMPLETED = re.compile(r"\((?P<topic>[^()]+)\)\W*$")
_STANDS_FOR_A_THING = re.compile(r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers)\b", re.IGNORECASE)


def topic(question: str) -> str:
    """The question without its verb, where its form shows which word that is.

    One that was completed is about what completed it.

    Example:
        >>> topic("Where was the Alpha pump built?")
        'Where was the Alpha pump ?'
    """
    if completed := _COMPLETED.search(question):
        return completed["topic"]
    for predicate in _PREDICATES:
        found = predicate.search(question)
        if found is not None and analyse(rest := f"{found['before']}{found['after']}").size:
            return rest
    return question


def asks_of_a_thing(question: str) -> bool:
    """Whether a question says what it asks, of a thing that it only points at: "what does it weigh", not "and why"."""
    return _STANDS_FOR_A_THING.search(question) is not None and analyse(question).size > 0
