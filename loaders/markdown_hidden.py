"""What of the HTML in Markdown no reader sees: comments, and elements that are not shown."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from itertools import accumulate
from operator import itemgetter

from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from docindex.loaders.html_look import Look, look_of
from docindex.loaders.html_sheets import StyleSheets

_VALUE = r"""(?:"[^"]{0,5000}"|'[^']{0,5000}'|[^\s"'=<>`]{1,5000})"""
_SAID = rf"(?:\s+[a-zA-Z_:][\w:.-]*(?:\s*=\s*{_VALUE})?)*+"
_TAG = re.compile(rf"<(?P<ends>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9-]*)(?P<said>{_SAID})\s*/?>")
_CODE = r"(?<!`)(?P<ticks>`++)(?:[^\n]|\n(?!\s*\n)){1,2000}?(?<!`)(?P=ticks)(?!`)"
_PIECE = re.compile(rf"\\.|<!--|{_CODE}|{_TAG.pattern}")
"""What is escaped, the beginning of a comment, code in a line, a tag."""
_ATTRIBUTE = re.compile(rf"([a-zA-Z_:][\w:.-]*)(?:\s*=\s*({_VALUE}))?")
_BLANK = re.compile(r"\n[ \t]*(?=\n)")
_EMPTY = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"))

Span = tuple[int, int]


def without_hidden(text: str, tokens: Sequence[Token]) -> tuple[str, int]:
    """The text without what is hidden, whose line ends stay; and how many characters that held.

    `tokens` are the blocks of the text: what is in code stays.
    """
    if "<" not in text:
        return text, 0
    code = _code(text, tokens)
    parts: list[str] = []
    at = hidden = 0
    for start, end in _Scan(text, code).hidden():
        parts += [text[at:start], "\n" * text.count("\n", start, end)]
        hidden += len(" ".join(_TAG.sub(" ", text[start:end]).removeprefix("<!--").removesuffix("-->").split()))
        at = end
    return "".join([*parts, text[at:]]), hidden


def _code(text: str, tokens: Sequence[Token]) -> list[Span]:
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    blocks = [token.map for token in tokens if token.type in ("fence", "code_block") and token.map]
    return [(starts[first], starts[min(last, len(starts) - 1)]) for first, last in blocks]


class _Scan:
    """One pass over a text, which passes over its code."""

    def __init__(self, text: str, code: Sequence[Span]) -> None:
        self._text = text
        self._code = code
        self._sheets = StyleSheets(self._style_sheets())
        self._last_comment_ends = text.rfind("-->")
        self._paragraph_ends = 0

    def hidden(self) -> Iterator[Span]:
        """What is hidden, in order."""
        at = 0
        while (piece := self._next(_PIECE, at)) is not None:
            at = piece.end()
            if piece[0] == "<!--":
                if piece.start() + 2 <= self._last_comment_ends:
                    at = self._text.index("-->", piece.start() + 2) + 3
                elif self._opens_line(piece.start()):
                    at = len(self._text)
                else:
                    continue
                yield piece.start(), at
            elif piece["tag"] and not piece["ends"] and self._is_unseen(piece):
                at = self._end(piece)
                yield piece.start(), at

    def _next(self, pattern: re.Pattern[str], at: int, end: int | None = None) -> re.Match[str] | None:
        """The next match that does not begin in a block of code."""
        until = len(self._text) if end is None else end
        while (found := pattern.search(self._text, at, until)) is not None:
            block = bisect_right(self._code, found.start(), key=itemgetter(0)) - 1
            if block < 0 or self._code[block][1] <= found.start():
                return found
            at = self._code[block][1]
        return None

    def _style_sheets(self) -> Iterator[tuple[str, str]]:
        if "<style" not in self._text.lower():
            return
        starts = [0, *(end for _, end in self._code)]
        ends = [*(start for start, _ in self._code), len(self._text)]
        prose = "".join(self._text[start:end] for start, end in zip(starts, ends, strict=True))
        for style in LexborHTMLParser(prose).css("style"):
            yield style.text(), style.attributes.get("media") or ""

    def _is_unseen(self, opening: re.Match[str]) -> bool:
        tag = opening["tag"].lower()
        if tag in _EMPTY:
            return False
        attributes: Mapping[str, str] = {
            name.lower(): unescape(value[1:-1] if value[:1] in ("'", '"') else value)
            for name, value in _ATTRIBUTE.findall(opening["said"])
        }
        if attributes.get("aria-hidden") == "true":
            return True
        look = look_of(Look(), tag, attributes, self._sheets)
        return look is None or look.unseen

    def _end(self, opening: re.Match[str]) -> int:
        """Where an element ends: one that stands in a paragraph, with it at the latest."""
        tag = opening["tag"]
        block = self._opens_line(opening.start()) and tag.lower() != "p"
        last = len(self._text) if block else self._paragraph_end(opening.end())
        same = re.compile(rf"<(/?){re.escape(tag)}(?=[\s/>])[^<>]*>", re.IGNORECASE)
        at, depth = opening.end(), 1
        while depth and (found := self._next(same, at, last)) is not None:
            depth += -1 if found[1] else 1
            at = found.end()
        return last if depth else at

    def _paragraph_end(self, at: int) -> int:
        if self._paragraph_ends < at:
            blank = _BLANK.search(self._text, at)
            self._paragraph_ends = blank.start() if blank else len(self._text)
        return self._paragraph_ends

    def _opens_line(self, at: int) -> bool:
        while at and self._text[at - 1] in " \t":
            at -= 1
        return not at or self._text[at - 1] == "\n"
