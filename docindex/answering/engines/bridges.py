"""Questions about a thing that the question does not name: what to ask first, and what to ask with what was learned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from docindex.answering.terms import STOPWORDS, analyse
from docindex.schema import Response

_PARTICIPLE = (
    r"(?:used|needed|required|made|sold|sent|shown|mentioned|described|recommended|called|named|affected|meant|given)"
)
_CLAUSE = re.compile(
    rf",? (?P<link>that|which|who|whose|with which|for which|on which|{_PARTICIPLE}) (?=(?P<clause>.+)$)", re.IGNORECASE
)
_ARTICLE = re.compile(r"\b(?:the|a|an) ", re.IGNORECASE)
_INVERTED = re.compile(r"\b(?:do|does|did|is|are|was|were|has|have|had|can|will|should) $", re.IGNORECASE)
"""After these, a verb follows the thing: "does the part cost", "was the feature introduced"."""
_LAST_VERB = re.compile(
    r"^(?P<clause>.+?)(?P<verb> (?:cost|weigh|mean|last|need|measure|contain|include|have|work|be|take|support))$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_](?:[\w'’.-]*\w)?|[^\w\s]")
_ARTICLES = frozenset({"a", "an", "the", "its", "their", "two", "three", "four", "five"})
_LONGEST = 4


@dataclass(frozen=True, slots=True)
class Bridge:
    """A question in two hops."""

    first: str
    """What finds out what the thing is."""
    then: str
    """The question with {} where the thing's name goes."""


def bridge_of(question: str) -> Bridge | None:
    """The two hops of a question that describes a thing by a clause, such as "the part that I need for an update"."""
    text = " ".join(question.split()).rstrip(" ?.!")
    for match in _CLAUSE.finditer(text):
        thing = _thing(text[: match.start()])
        if thing is not None:
            start, head, between = thing
            link, clause, verb = match["link"], match["clause"], ""
            if not between and (ending := _LAST_VERB.match(clause)):
                clause, verb = ending["clause"], ending["verb"]
            copula = "is" if re.fullmatch(_PARTICIPLE, link, re.IGNORECASE) else "is it"
            return Bridge(f"Which {head} {copula} {link} {clause}?", f"{text[:start]}the {{}}{between}{verb}?")
    return None


def _thing(text: str) -> tuple[int, str, str] | None:
    """The thing at the end of a text: where its article is, its words, and the verb between it and its clause."""
    articles = list(_ARTICLE.finditer(text))
    if not articles:
        return None
    article = articles[-1]
    words = text[article.end() :].split(" ")
    inverted = _INVERTED.search(text[: article.start()]) is not None
    between = f" {words.pop()}" if inverted and len(words) > 1 else ""
    if len(words) > _LONGEST or any(word.lower() in STOPWORDS for word in words):
        return None
    return article.start(), " ".join(words), between


def learned(question: str, response: Response) -> list[str]:
    """Names and things in what the response cites that the question has not: those first that other passages speak of.

    Other passages are the hits that are not cited: there is more to be found about those.
    """
    known = analyse(question).words
    quotes = [citation.quote for citation in response.citations if citation.verified]
    cited = {citation.node_id for citation in response.citations}
    others = [analyse(hit.node.full_text).words for hit in response.hits + response.dropped if hit.node_id not in cited]
    found: dict[str, tuple[int, str]] = {}
    for quote in quotes:
        for phrase in _phrases(quote):
            words = analyse(phrase).words
            if words and words - known:
                elsewhere = any(words <= other for other in others)
                found.setdefault(phrase.casefold(), (0 if elsewhere else 1, phrase))
    return [phrase for _, phrase in sorted(found.values(), key=lambda pair: pair[0])]


def mentions(response: Response, phrase: str) -> bool:
    """Whether what the response cites speaks of the thing."""
    words = analyse(phrase).words
    return any(words <= analyse(citation.quote).words for citation in response.citations if citation.verified)


def _phrases(text: str) -> Iterator[str]:
    """Runs of words that name something: those with a capital or a digit in them, and those after an article."""
    words = _WORD.findall(text)
    at = 0
    while at < len(words):
        word = words[at]
        after_article = at > 0 and words[at - 1].lower() in _ARTICLES
        is_name = at > 0 and _is_name(word) and words[at - 1] not in ".!?"
        if (after_article or is_name) and _is_content(word):
            end = at + 1
            while end < len(words) and end - at < _LONGEST and _is_content(words[end]):
                end += 1
            yield " ".join(words[at:end])
            at = end
        else:
            at += 1


def _is_name(word: str) -> bool:
    return word[0].isupper() or (word[0].isalpha() and any(character.isdigit() for character in word))


def _is_content(word: str) -> bool:
    return word[0].isalpha() and word.lower() not in STOPWORDS
