"""Questions that hold several, taken apart by rules."""

from __future__ import annotations

import re

from docindex.answering.engines.clauses import BARE, BEGINS, CLAUSE, HEAD, whole_questions
from docindex.answering.engines.sides import sides_of
from docindex.answering.terms import STOPWORDS, analyse, any_of

_PRONOUN = re.compile(
    r"\b(?P<one>it|its)\b|\b(?P<person>he|she|him|his|her)\b|\b(?P<many>they|them|their)\b"
    r"|\b(?P<this>this|that)\b(?=\W*$| (?:is|was|does|did|can|will|has|cost|work|mean|take)\b)"
    r"|\b(?P<these>these|those)\b(?=\W*$| (?:are|were|do|did|can|will|have|cost|work|mean|take)\b)",
    re.IGNORECASE,
)
_OWNERS = frozenset({"its", "their", "his"})
_NOUN_PHRASE = re.compile(r"\b(?:the|a|an|my|our|your) (?P<words>[\w'’-]+(?: [\w'’-]+){0,3})", re.IGNORECASE)
_PLURAL = re.compile(r"(?<!\bhow many )\b[\w-]{3,}(?<!s)(?<!u)(?<!i)s\b", re.IGNORECASE)
_VERB = re.compile(
    any_of(
        "last cover send keep mean work need cost weigh take have show store run start stop use make contain include "
        "support measure connect reset update find change expire apply require pay offer join leave turn blink go"
    ),
    re.IGNORECASE,
)
_BARE_SUBJECT = re.compile(
    r"\b(?:do|does|did) (?P<thing>(?!(?:I|you|we|it|they|he|she)\b)[\w'’-]+(?:\.? [\w'’-]+){0,3}) "
    rf"{_VERB.pattern}\W*$",
    re.IGNORECASE,
)
"""As in "what does error 5 mean"."""
_INVERTED = re.compile(r"\b(?:do|does|did|can|could|will|would|should|must|may) $", re.IGNORECASE)
_THING = r"(?:(?:the|a|an|my|our) [\w-]+(?: [\w-]+){0,2}|[A-Z][\w-]*\d[\w-]*|[A-Z]{2,})"
_EACH = any_of("mean cost weigh last measure take say contain include need")
_EACH_VERB = re.compile(
    rf"^(?P<head>(?:what|when|where|why|how(?: \w+)?|which \w+) )(?P<do>do|did) (?P<plural>[a-z][a-z ]*?s )?"
    rf"(?P<things>{_THING}(?:, {_THING})*,? and {_THING}) (?P<tail>{_EACH}\b.*)$",
    re.IGNORECASE,
)
_EACH_OF = re.compile(
    rf"^(?P<head>(?:what|how \w+|when|where) )(?P<be>are|were) the (?P<nouns>[\w -]+?s) of "
    rf"(?P<things>{_THING}(?:, {_THING})*,? and {_THING})$",
    re.IGNORECASE,
)
_AND = re.compile(r",? and |, ")
_FEWEST_WORDS_TO_SPLIT = 9


def split_question(question: str) -> list[str]:
    """The questions in it, each of which stands alone; none where the rules see only one."""
    text = " ".join(question.split())
    whole = whole_questions(text)
    parts: list[str] = []
    before: list[str] = []
    for piece in (piece for part in (whole if len(whole) > 1 else [text]) for piece in _pieces(part)):
        parts += _one_by_one(_standing(piece, before))
        before.append(piece)
    unique = {part.casefold(): part for part in parts}
    return list(unique.values()) if len(unique) > 1 else []


def may_hold_several(question: str) -> bool:
    """Whether it is worth asking a model to take the question apart."""
    words = question.casefold().split()
    return len(words) >= _FEWEST_WORDS_TO_SPLIT and bool({"and", "both", "as", "while", "or"} & set(words))


def _pieces(question: str) -> list[str]:
    """The questions that one sentence asks one after another."""
    if sides_of(question) is not None:
        return [question]
    pieces: list[str] = []
    for clause in CLAUSE.split(question.rstrip(" ?？")):
        if pieces and BARE.match(pieces[-1]):  # "when and how is it done"
            head = HEAD.match(clause)
            pieces[-1] = f"{pieces[-1]} {clause[head.end() :] if head else clause}"
        elif pieces and not BEGINS.match(pieces[0]):
            return [question]  # "... and do ..." in what is no question
        pieces.append(clause)
    return [f"{piece[0].upper()}{piece[1:]}?" for piece in pieces if piece] if len(pieces) > 1 else [question]


def _one_by_one(question: str) -> list[str]:
    """A question for each thing that one asks about; only itself where that is one."""
    if (sides := sides_of(question)) is not None:
        return [sides.question(name) for name in sides.names]
    text = question.rstrip(" ?？")
    match = _EACH_VERB.match(text) or _EACH_OF.match(text)
    return [question] if match is None else _of_each(match)


def _of_each(match: re.Match[str]) -> list[str]:
    """A question for each thing in its list."""
    found = match.groupdict()
    things = [thing for thing in _AND.split(found["things"]) if thing]
    if "be" in found:
        be = {"are": "is", "were": "was"}[found["be"].lower()]
        noun = found["nouns"][:-3] + "y" if found["nouns"].endswith("ies") else found["nouns"][:-1]
        return [f"{found['head']}{be} the {noun} of {thing}?" for thing in things]
    singular = (found["plural"] or "").strip()
    kind = f"{singular[:-1]} " if singular else ""
    questions = []
    for thing in things:
        plural = thing.endswith("s") and not thing.isupper()
        do = "did" if found["do"].lower() == "did" else "do" if plural else "does"
        questions.append(f"{found['head']}{do} {kind}{thing} {found['tail']}?")
    return questions


def _standing(part: str, before: list[str]) -> str:
    """The question with what its pronoun stands for, where a question before it says that."""
    match = _PRONOUN.search(part)
    if match is None or not before:
        return part
    several = bool(match["many"] or match["these"])
    if _plurals(part[: match.start()]) if several else _NOUN_PHRASE.search(part, 0, match.start()):
        return part  # it stands for what the part itself names
    names = _names_beyond(part, before[-1])
    for earlier in () if match["person"] and names else reversed(before):
        if phrase := (_several(earlier) if several else _subject(earlier)):
            owner = match[0].lower() in _OWNERS or (match[0].lower() == "her" and part[match.end() :][1:2].isalpha())
            return f"{part[: match.start()]}{phrase}{'’s' if owner else ''}{part[match.end() :]}"
    return f"{part.rstrip('?')} ({' '.join(names)})?" if names else part


def _names_beyond(part: str, earlier: str) -> list[str]:
    """The names of a question before that the part lacks."""
    terms = analyse(earlier)
    missing = terms.words - analyse(part).words
    return [
        word
        for at, word in enumerate(re.findall(r"[\w'’-]+", earlier))
        if analyse(word).words & missing and (analyse(word).words & terms.names or (at and word[0].isupper()))
    ]


def _several(question: str) -> str:
    """The things that the question sets side by side, or the last ones that it names in the plural."""
    if (sides := sides_of(question)) is not None:
        return " and ".join(sides.names)
    found = _plurals(question)
    return f"the {found[-1]}" if found else _subject(question)


def _plurals(text: str) -> list[str]:
    return [word for word in _PLURAL.findall(text) if word.lower() not in STOPWORDS]


def _subject(question: str) -> str:
    """The first thing with an article that the question names; without one, what stands in front of its verb."""
    match = _NOUN_PHRASE.search(question)
    if match is None:
        bare = _BARE_SUBJECT.search(question)
        return bare["thing"] if bare else ""
    inverted = _INVERTED.search(question[: match.start()]) is not None
    words: list[str] = []
    for word in match["words"].split():
        if word.lower() in STOPWORDS or (words and inverted and _VERB.fullmatch(word)):
            break
        words.append(word)
    ends_clause = question[match.start("words") + len(" ".join(words)) :].strip(" ?") == ""
    if len(words) > 1 and ends_clause and inverted:
        words.pop()  # "does the fan spin": the last word is the verb
    article = question[match.start() : match.start("words")].strip().lower()
    return f"{'the' if article in ('a', 'an') else article} {' '.join(words)}" if words else ""
