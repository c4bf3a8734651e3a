"""Questions that hold several, taken apart by rules."""

from __future__ import annotations

import re

from docindex.answering.engines.sides import sides_of
from docindex.answering.terms import STOPWORDS, analyse

_ASKING = "who whom whose what when where which why how"
_AUXILIARY = "is are was were does do did can could will would should shall must may has have had"


def _any(words: str) -> str:
    return "(?:" + "|".join(words.split()) + ")"


_WHOLE = re.compile(r"[^?？]*[?？]+")
_STATEMENT = re.compile(r"^.*[.!]\s+(?=\S)", re.DOTALL)
_BEFORE_ASKING = "(?:(?:by|for|from|in|of|on|to|with|under|at) )?"
_CLAUSE = re.compile(
    rf",? (?:and|or|but)(?: also| then)? (?={_BEFORE_ASKING}{_any(_ASKING)} |{_any(_AUXILIARY)} )",
    re.IGNORECASE,
)
_BARE = re.compile(rf"^{_any(_ASKING)}(?: (?:often|long|much|many|far))?$", re.IGNORECASE)
_HEAD = re.compile(rf"^{_any(_ASKING)}(?: (?:often|long|much|many|far))? ", re.IGNORECASE)
_BEGINS = re.compile(
    rf"^{_BEFORE_ASKING}(?:{_any(_ASKING)}|{_any(_AUXILIARY)}|tell me|explain|list)\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(?P<one>it|its)\b|\b(?P<many>they|them|their)\b"
    r"|\b(?P<this>this|that)\b(?=\W*$| (?:is|was|does|did|can|will|has|cost|work|mean|take)\b)"
    r"|\b(?P<these>these|those)\b(?=\W*$| (?:are|were|do|did|can|will|have|cost|work|mean|take)\b)",
    re.IGNORECASE,
)
_OWNERS = frozenset({"its", "their"})
_NOUN_PHRASE = re.compile(r"\b(?:the|a|an|my|our|your) (?P<words>[\w'’-]+(?: [\w'’-]+){0,3})", re.IGNORECASE)
_PLURAL = re.compile(r"(?<!\bhow many )\b[\w-]{3,}(?<!s)(?<!u)(?<!i)s\b", re.IGNORECASE)
_VERB = re.compile(
    _any(
        "last cover send keep mean work need cost weigh take have show store run start stop use make contain include "
        "support measure connect reset update find change expire apply require pay offer join leave turn blink go"
    ),
    re.IGNORECASE,
)
_INVERTED = re.compile(r"\b(?:do|does|did|can|could|will|would|should|must|may) $", re.IGNORECASE)
_THING = r"(?:(?:the|a|an|my|our) [\w-]+(?: [\w-]+){0,2}|[A-Z][\w-]*\d[\w-]*|[A-Z]{2,})"
_EACH = _any("mean cost weigh last measure take say contain include need")
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
_MOST = 5
_FEWEST_WORDS_TO_SPLIT = 9


def split_question(question: str) -> list[str]:
    """The questions in it, each of which stands alone; none where the rules see only one."""
    text = " ".join(question.split())
    if (sides := sides_of(text)) is not None:
        return [sides.question(name) for name in sides.names][:_MOST]
    whole = [_STATEMENT.sub("", part.strip()) for part in _WHOLE.findall(text)]
    parts = [piece for part in (whole if len(whole) > 1 else [text]) for piece in _pieces(part)]
    alone = [_standing(part, parts[:at]) for at, part in enumerate(parts)]
    unique = {part.casefold(): part for part in alone}
    return list(unique.values())[:_MOST] if len(unique) > 1 else []


def may_hold_several(question: str) -> bool:
    """Whether it is worth asking a model to take the question apart."""
    words = question.casefold().split()
    return len(words) >= _FEWEST_WORDS_TO_SPLIT and bool({"and", "both", "as", "while", "or"} & set(words))


def _pieces(question: str) -> list[str]:
    """The questions that one sentence holds."""
    text = question.rstrip(" ?？")
    for pattern in (_EACH_VERB, _EACH_OF):
        if match := pattern.match(text):
            return _one_by_one(match)
    pieces: list[str] = []
    for clause in _CLAUSE.split(text):
        if pieces and _BARE.match(pieces[-1]):  # "when and how is it done"
            head = _HEAD.match(clause)
            pieces[-1] = f"{pieces[-1]} {clause[head.end() :] if head else clause}"
        elif pieces and not _BEGINS.match(pieces[0]):
            return [question]  # "... and do ..." in what is no question
        pieces.append(clause)
    return [f"{piece[0].upper()}{piece[1:]}?" for piece in pieces if piece] if len(pieces) > 1 else [question]


def _one_by_one(match: re.Match[str]) -> list[str]:
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
    for earlier in reversed(before):
        if phrase := (_several(earlier) if several else _subject(earlier)):
            owner = match[0].lower() in _OWNERS
            return f"{part[: match.start()]}{phrase}{'’s' if owner else ''}{part[match.end() :]}"
    missing = analyse(before[-1]).names - analyse(part).words
    names = [word for word in re.findall(r"[\w'’-]+", before[-1]) if analyse(word).words & missing]
    return f"{part.rstrip('?')} ({' '.join(names)})?" if names else part


def _several(question: str) -> str:
    """The last things that the question names in the plural."""
    found = _plurals(question)
    return f"the {found[-1]}" if found else _subject(question)


def _plurals(text: str) -> list[str]:
    return [word for word in _PLURAL.findall(text) if word.lower() not in STOPWORDS]


def _subject(question: str) -> str:
    """The first thing with an article that the question names."""
    match = _NOUN_PHRASE.search(question)
    if match is None:
        return ""
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
