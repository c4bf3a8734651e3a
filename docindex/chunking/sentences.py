"""Where text may be cut: paragraphs, list items, sentences and lines, found in one pass in linear time."""

from __future__ import annotations

import re
from enum import IntEnum

BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""The characters at which Python, too, ends a line."""


class Strength(IntEnum):
    """How natural a cut is, from the worst to the best."""

    TOKEN = 0
    WORD = 1
    CLAUSE = 2
    LINE = 3
    """A line break inside a sentence: hard-wrapped text, code, verse."""
    SENTENCE = 4
    ITEM = 5
    """The start of a list item, table row, quotation or heading line."""
    PARAGRAPH = 6
    SECTION = 7


_CLOSERS = "\"'”’»›)\\]}*_"
_SITE = re.compile(
    rf"(?P<line>[{BREAKS}]\s*+)"
    rf"|(?P<wide>[。！？｡︒]++[」』）】》〉”’\"')\]]*+)"
    rf"|(?P<end>[.!?…‽؟۔।॥።։။]++[{_CLOSERS}]*+(?:\[\d[\d,;–\- ]{{0,24}}\])?+)"
)
# Possessive throughout: a run is consumed once, whether or not it turns out to end a sentence.

_PARAGRAPH = re.compile(rf"[\f\u2029]|(?:\r\n|[{BREAKS}])[^\S{BREAKS}]*+[{BREAKS}]")
_SPACE = re.compile(r"\s*+")
_MARKER = re.compile(
    r"[-*+•‣◦▪●○·–—]\s"
    r"|(?:\d{1,3}[.)]|[a-z]\)|\([0-9a-zA-Z]{1,3}\))\s"
    r"|\#{1,6}\s|\||>\s|```|~~~"
)
_WHOLE_LINE = re.compile(r"#{1,6}\s|[|]|```|~~~|(?:=+|-+|_+|\*+)\s*$")
_LONGEST_MARKED_LINE = 400  # code points: headings and rules are shorter
_OPENERS = "\"'“‘«‹„([{¿¡*_`"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Before a name or a number: never the end of a sentence.
_LEADING = _words(
    "mr mrs ms mx dr prof st mt gen rep sen gov capt cmdr lt col sgt maj rev hon pres messrs mme mlle hr fr "
    "fig figs eq eqs eqn sect ch vol vols pp cf vs viz approx ca al e.g i.e z.b d.h bzw nr usw resp"
)
# The end of a sentence unless a number follows.
_NUMBERED = _words("no nos p art para sec ref refs tab app ex ver jan feb mar apr jun jul aug sep sept oct nov dec")
# The end of a sentence only where the next word begins one.
_TRAILING = _words("etc inc ltd co corp bros jr sr esq dept est ed eds ph.d m.d b.a m.a b.sc m.sc")
_STARTERS = _words(
    "a an the this these that those there then they their it its we our he she his her you your i in on at for from by "
    "with if when while where what why how who however but and or so yet as after before although because since to all "
    "some many most each both such thus here also another no not see use please note results two three one today"
)

_WORD_BEFORE = 24  # the longest word that is looked at in front of a full stop
_LAST_WORD = re.compile(r"[^\W_](?:[^\W_]|[.'’](?=[^\W_]))*+$")
_FIRST_WORD = re.compile(r"[^\W\d_]++")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)++[^\W\d_]$")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """The (start, end) of each sentence without the space around it; together they hold all that is not space.

    Headings, list items, table rows and paragraphs without a full stop count as sentences. A single line break does
    not end one, so hard-wrapped text stays whole.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for position in [place for place, strength in find_breaks(text) if strength >= Strength.SENTENCE] + [len(text)]:
        piece = text[start:position]
        content = piece.strip()
        if content:
            first = start + len(piece) - len(piece.lstrip())
            spans.append((first, first + len(content)))
        start = position
    return spans


def find_breaks(text: str) -> list[tuple[int, Strength]]:
    """Every place in ascending order where text may be cut at a line or better: the offset at which the next begins."""
    breaks: list[tuple[int, Strength]] = []
    opening = 0  # where the sentence that is being read began
    for match in _SITE.finditer(text):
        if match.lastgroup == "line":
            position = match.end()
            strength = _at_line(text, match.start(), position)
        else:
            space = _SPACE.match(text, match.end())
            position = space.end() if space else match.end()
            if match.lastgroup == "end" and not _ends_sentence(text, match, position, opening):
                continue
            strength = Strength.SENTENCE
        if position >= len(text):
            break
        if breaks and breaks[-1][0] == position:
            strength = max(strength, breaks.pop()[1])
        if position > 0:
            breaks.append((position, strength))
        if strength >= Strength.SENTENCE:
            opening = position
    return breaks


def _at_line(text: str, start: int, end: int) -> Strength:
    """What the line break that fills start..end with the space around it is worth."""
    if _PARAGRAPH.search(text, start, end):
        return Strength.PARAGRAPH
    if _MARKER.match(text, end):
        return Strength.ITEM
    line = text.rfind("\n", max(0, start - _LONGEST_MARKED_LINE), start) + 1
    if _WHOLE_LINE.match(text[line:start].lstrip()):
        return Strength.ITEM
    return Strength.LINE


def _ends_sentence(text: str, match: re.Match[str], position: int, opening: int) -> bool:
    """Whether the full stop, question or exclamation mark ends a sentence; what follows begins at `position`."""
    if position == match.end() and position < len(text):
        return False  # no space follows: 3.14, example.org, file.txt
    following = text[position : position + 32].lstrip(_OPENERS)
    if following[:1].islower():
        return False
    if not match.group().startswith(".") or match.group().startswith(".."):
        return True
    before = _LAST_WORD.search(text, max(opening, match.start() - _WORD_BEFORE), match.start())
    return before is None or _stops(before.group(), following, first=before.start() == opening)


def _stops(word: str, following: str, *, first: bool) -> bool:
    """Whether a sentence ends at the full stop after `word`."""
    lower = word.lower()
    if lower in _LEADING:
        return False
    if lower in _NUMBERED:
        return not following[:1].isdigit()
    if first and word.isdigit() and len(word) <= 3:
        return False  # "1. Press the button"
    initial = len(word) == 1 and word.isupper()
    if initial or lower in _TRAILING or _DOTTED.match(word):
        next_word = _FIRST_WORD.match(following)
        return not following or (next_word is not None and next_word.group().lower() in _STARTERS)
    return True
