"""What a question asks for, and whether a sentence could be the answer to it."""

from __future__ import annotations

import re
from enum import Enum

from docindex.answering.terms import Terms, analyse, any_of, stem


class Kind(Enum):
    """The kind of thing that answers a question."""

    MONEY = "money"
    NUMBER = "number"
    TIME = "time"
    NAME = "name"
    YES_NO = "yes or no"
    OPEN = "open"


def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


_MEASURES = any_of(
    "many much long far tall high old big deep often fast heavy wide large early late soon few hot cold warm"
)
_MEASURED = any_of(
    "port page version voltage temperature price weight size height width length number percentage distance frequency "
    "band speed capacity cost population rate"
)
_HOW = re.compile(rf"\bhow {_MEASURES}\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(
    rf"\bhow {_MEASURES}\b"
    rf"|\b(?:what|which)(?: is| are| was| were)?(?: the| its| their)?(?: \w+)? {_MEASURED}s?\b",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"\b(?:costs?|prices?|priced|fees?|charged?|pay)\b|\bhow (?:much money|expensive|cheap)\b", re.IGNORECASE
)
_CURRENCIES = frozenset({"euro", "dollar", "pound", "yen"})
_AUXILIARY = any_of("is are was were do does did can could may must should shall will would has have had am")
_TIME = re.compile(
    # "when it rains" asks for no time
    rf"\bwhen(?: exactly)? (?:{_AUXILIARY}|to)\b|\b(?:what|which) (?:time|year|date|day|month|season)\b|^\W*when\W*$",
    re.IGNORECASE,
)
_NAME = re.compile(r"\bwho(?:se|m)?\b", re.IGNORECASE)
_YES_NO = re.compile(rf"\s*{_AUXILIARY}\b", re.IGNORECASE)
_TIME_WORDS = _stems(
    "january february march april may june july august september october november december monday tuesday wednesday "
    "thursday friday saturday sunday spring summer autumn winter morning evening noon midnight night daily weekly "
    "monthly yearly annually always immediately today tomorrow yesterday"
)
_FREQUENCY_WORDS = _stems("daily weekly monthly yearly annually hourly twice always")
_FREE = _stems("free gratis charge")
_TIME_QUALIFIERS = frozenset({"before", "after", "until"})

_ENGLISH = re.compile(r"\b(?:the|does|how|what|who|when|where|which|why|do|are|can)\b", re.IGNORECASE)
_ECHO = re.compile(r"\?\W*$")
_REFUSAL = re.compile(
    r"\b(?:do|does|did|is|are|was|were|has|have|can|could)(?:\s*n[o'’]t|not)\b[^.]{0,60}?\b(?:contain|mention|provid|specif"
    r"|stat|answer|includ|giv|say|know|find|determin|information|sources?|available|clear)"
    r"|\bno (?:information|mention|answer|indication|details?)\b|\b(?:un(?:known|clear|able|specified))\b"
    r"|\bI (?:don['’]?t|do not) know\b|\bnot (?:in|part of) the (?:sources?|text|documents?)\b",
    re.IGNORECASE,
)


def kind_of(question: str) -> Kind:
    """What kind of thing the question asks for."""
    if _MONEY.search(question) and _NUMBER.search(question):
        return Kind.MONEY
    for pattern, kind in ((_NUMBER, Kind.NUMBER), (_TIME, Kind.TIME), (_NAME, Kind.NAME)):
        if pattern.search(question):
            return kind
    return Kind.YES_NO if _YES_NO.match(question) else Kind.OPEN


def could_answer(kind: Kind, sentence: Terms) -> bool:
    """Whether the sentence holds a thing of the kind."""
    match kind:
        case Kind.MONEY:
            return bool(sentence.quantities and (sentence.units & _CURRENCIES or sentence.words & _FREE))
        case Kind.NUMBER:
            counts = [quantity for quantity in sentence.quantities if quantity.value not in sentence.years]
            return bool(counts or sentence.words & _FREQUENCY_WORDS)
        case Kind.TIME:
            return bool(sentence.quantities or sentence.words & _TIME_WORDS or sentence.qualifiers & _TIME_QUALIFIERS)
        case Kind.NAME:
            return bool(sentence.names)
        case _:
            return True


def analyse_question(question: str) -> Terms:
    """What the question is about: without the measure in "how long", which no answer repeats."""
    return analyse(_HOW.sub("how", question))


def subjects(question: str, terms: Terms) -> frozenset[str]:
    """The names in an English question: what an answer must be about. None where everything is in capitals."""
    words = _WORD.findall(question)
    title_case = 5 * sum(word[0].isupper() for word in words) >= 4 * len(words) > 8
    if question.isupper() or title_case or not _ENGLISH.search(question):
        return frozenset()
    return terms.names


def adds_nothing(kind: Kind, question: Terms, sentence: str, terms: Terms) -> bool:
    """Whether a sentence only repeats the question."""
    if _ECHO.search(sentence) or not terms.size:
        return True
    return kind is not Kind.YES_NO and terms.words <= question.words and terms.quantities <= question.quantities


def is_refusal(sentence: str) -> bool:
    """Whether the model says that it has no answer."""
    return _REFUSAL.search(sentence) is not None
