"""RTF, made ready for striprtf, which reads the text with its code pages and escapes.

What is hidden is cut, and what stands apart from the text is set aside. The library knows neither tables nor headings,
so characters that no text can hold stand in for what tells of them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from striprtf.striprtf import charset_map, rtf_to_text

from docindex.loaders.office_rtf_symbols import (
    FONT,
    TOKEN,
    default_font,
    escaped,
    field_symbol,
    symbol_fonts,
    with_symbols,
)

PARAGRAPH_RESET, IN_TABLE, CELL, ROW, MARKER_START, MARKER_END, LINE = (chr(0xFDD0 + at) for at in range(7))
HEADINGS = "".join(chr(0xFDD0 + at) for at in range(7, 16))
"""The paragraph is a heading of level 1, 2, ..."""
DEPTHS = "".join(chr(0xFDD0 + at) for at in range(16, 25))
"""The paragraph is in a list of depth 0, 1, ..."""

_GROUP = re.compile(r"\\[^a-zA-Z]|\{\s*(?:\\\*\s*)?\\([a-zA-Z]+)(?:-?\d+)? ?", re.DOTALL)
_BINARY = re.compile(rb"(?<!\\)\\bin(\d{1,9}) ?")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}[\r\n]*){200,}")
_RESET = re.compile(r"\\pard(?![a-z])")
_RESULT = re.compile(r"\s*\{\s*\\fldrslt\b ?")
_LONGEST_RESULT = 500
"""Characters of markup in which the text of a result begins."""
_STYLE = re.compile(r"\{\s*\\s(\d+)\b([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_HEADING_NAME = re.compile(r"(?:heading|überschrift|titre|título|titolo|заголовок)\s*([1-9])", re.IGNORECASE)
_FONT_CHARSET = re.compile(r"\\fcharset(\d+)")
_TIME = re.compile(r"\\(yr|mo|dy|hr|min|sec)(\d{1,4})")
_CHARACTER_MARKS = {
    "pard": PARAGRAPH_RESET,
    "intbl": IN_TABLE,
    "cell": CELL,
    "row": ROW,
    "nestcell": LINE,
    "nestrow": LINE,
    "line": LINE,
}
_REPLACED = ("cell", "row", "nestcell", "nestrow", "line")
"""The library would write something for these, too."""
_DROPPED = frozenset(("pict", "shppict", "nonshppict", "objdata", "themedata", "datastore", "colorschememapping"))
_MARGINS = frozenset(f"{kind}{which}" for kind in ("header", "footer") for which in ("", "l", "r", "f"))
_TAKEN = (
    _DROPPED
    | _MARGINS
    | {
        *("footnote", "annotation", "atnauthor", "shptxt", "listtext", "pntext", "info", "stylesheet", "fonttbl"),
        "fldinst",
        *("title", "author", "subject", "keywords", "doccomm", "creatim", "revtim"),
    }
)
_OFF = "0"
_LEVELS = tuple("012345678")


@dataclass(slots=True)
class RtfGroups:
    """What stands apart from the text: markup, as in the file."""

    info: str = ""
    styles: str = ""
    fonts: str = ""
    notes: list[str] = field(default_factory=list)
    comments: list[tuple[str, str]] = field(default_factory=list)
    """Authors and texts."""
    margins: list[str] = field(default_factory=list)
    """Headers and footers."""
    boxes: list[str] = field(default_factory=list)


class RtfMarkup:
    """One RTF file, taken apart."""

    def __init__(self, data: bytes) -> None:
        markup = _HEX.sub("", _ascii(_without_binary(data)))
        self.groups = RtfGroups()
        self.body = self._set_apart(markup)
        self.hidden = 0
        """Characters of hidden or deleted text in what was made plain."""
        page = re.search(r"\\ansicpg(\d+)", markup)
        self._start = f"{{\\rtf1\\ansi{page[0] if page else ''}{_known_charsets(self.groups.fonts)}"
        self._headings = dict(_heading_styles(self.groups.styles))
        self._symbol_fonts = symbol_fonts(self.groups.fonts)
        self._default_font = default_font(markup)

    def plain(self, markup: str) -> str:
        r"""The text of the markup, with marks; paragraphs end with `\n`."""
        shown, hidden = _without_hidden(with_symbols(markup, self._symbol_fonts, self._default_font))
        for part in hidden:
            self.hidden += len("".join(_text(f"{self._start} {part}}}").split()))
        return _text(f"{self._start} {self._marked(shown)}}}")

    def words(self, markup: str) -> str:
        """The text of the markup on one line, without marks."""
        return " ".join(re.sub("[\ufdd0-\ufdef]", " ", self.plain(markup)).split())

    def info(self, name: str) -> str:
        """A text of the information group."""
        return self.words(next((content for kind, content, _ in _groups(self.groups.info) if kind == name), ""))

    def moment(self, name: str) -> datetime | None:
        """A time of the information group, which has no zone and is taken as UTC."""
        content = next((content for kind, content, _ in _groups(self.groups.info) if kind == name), "")
        parts = {unit: int(number) for unit, number in _TIME.findall(content)}
        try:
            day = (parts["yr"], parts["mo"], parts["dy"])
            return datetime(*day, parts.get("hr", 0), parts.get("min", 0), parts.get("sec", 0), tzinfo=UTC)
        except (KeyError, ValueError):
            return None

    def _set_apart(self, markup: str) -> str:
        """The markup without the groups that stand apart, which are kept."""
        parts: list[str] = []
        at = 0
        author = ""
        for kind, content, (start, end) in _groups(markup):
            replacement: str | None = ""
            if kind == "footnote":
                self.groups.notes.append("")
                number = len(self.groups.notes)
                self.groups.notes[number - 1] = self._set_apart(content)
                replacement = f"{{[^{number}]}}"
            elif kind == "annotation":
                self.groups.comments.append((author, self._set_apart(content)))
            elif kind == "atnauthor":
                author = content
            elif kind in _MARGINS:
                self.groups.margins.append(self._set_apart(content))
            elif kind == "shptxt":
                self.groups.boxes.append(self._set_apart(content))
            elif kind in ("listtext", "pntext"):
                inner = _RESET.sub("", content)
                replacement = f"{{{escaped(MARKER_START)}{inner}{escaped(MARKER_END)}}}"
            elif kind == "fldinst":
                symbol = field_symbol(content)
                replacement = escaped(symbol) if symbol and not _has_result(markup, end) else None
            elif kind == "info":
                self.groups.info = content
            elif kind == "stylesheet":
                self.groups.styles = content
            elif kind == "fonttbl":
                self.groups.fonts = markup[start:end]
            elif kind not in _DROPPED:
                replacement = None
            if replacement is not None:
                parts += [markup[at:start], replacement]
                at = end
        return "".join((*parts, markup[at:]))

    def _marked(self, markup: str) -> str:
        return TOKEN.sub(self._mark, markup)

    def _mark(self, token: re.Match[str]) -> str:
        word, number = token[1], token[2]
        mark = _CHARACTER_MARKS.get(word)
        if mark is None and number is not None:
            if word == "s":
                level = self._headings.get(number)
                mark = HEADINGS[level] if level is not None else None
            elif word == "outlinelevel" and number in _LEVELS:
                mark = HEADINGS[int(number)]
            elif word == "ilvl" and number in _LEVELS:
                mark = DEPTHS[int(number)]
        if word == "fldinst":
            return "\\datafield "  # an instruction, which the library would make a link of
        if mark is None:
            return token[0]
        return escaped(mark) if word in _REPLACED else f"{token[0]}{escaped(mark)}"


def is_cut_off(markup: str) -> bool:
    """Whether groups are left open at the end."""
    depth = 0
    for token in TOKEN.finditer(markup):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
            if depth <= 0:
                return False
    return True


def _without_binary(data: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while match := _BINARY.search(data, at):
        parts.append(data[at : match.start()])
        at = match.end() + int(match[1])
    return b"".join((*parts, data[at:]))


def _ascii(data: bytes) -> str:
    """The markup with all other bytes as escapes."""
    return re.sub(rb"[\x80-\xff]", lambda match: b"\\'%02x" % match[0][0], data.replace(b"\0", b"")).decode("ascii")


def _groups(markup: str) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """The groups that begin with a word, with their content and place; not those inside of one that was taken."""
    at = 0
    while match := _GROUP.search(markup, at):
        at = match.end()
        kind = match[1]
        if kind in _TAKEN:
            end = _end_of_group(markup, at)
            yield kind, markup[at : end - 1], (match.start(), end)
            at = end


def _end_of_group(markup: str, at: int) -> int:
    """The place after the brace that closes the group in which `at` is."""
    depth = 1
    for token in TOKEN.finditer(markup, at):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
            if not depth:
                return token.end()
    return len(markup)


def _has_result(markup: str, at: int) -> bool:
    """Whether the group at that place is the result of a field, and holds text."""
    result = _RESULT.match(markup, at)
    if result is None:
        return False
    start = markup[result.end() : result.end() + _LONGEST_RESULT]
    return bool(_text(f"{{\\rtf1 {start[: _end_of_group(start, 0)]}").strip())


def _without_hidden(markup: str) -> tuple[str, list[str]]:
    """The markup without what is hidden or deleted, and that."""
    parts: list[str] = []
    hidden: list[str] = []
    kept = 0
    depth = 0
    since: tuple[int, int, str] | None = None
    """Where hidden text began, at which depth, and the word that hides it."""
    for token in TOKEN.finditer(markup):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}":
            depth -= 1
        if since is None:
            if token[1] in ("v", "deleted") and token[2] != _OFF:
                since = (token.end(), depth, token[1])
                parts.append(markup[kept : token.end()])
            continue
        shows = token[1] == "plain" or (token[1] == since[2] and token[2] == _OFF)
        if depth < since[1] or (depth == since[1] and shows):
            hidden.append(markup[since[0] : token.start()])
            kept, since = token.start(), None
    if since is not None:
        hidden.append(markup[since[0] :])
        return "".join(parts), hidden
    return "".join((*parts, markup[kept:])), hidden


def _heading_styles(styles: str) -> Iterator[tuple[str, int]]:
    """The numbers of the styles that are headings, with their levels from 0."""
    for number, definition in _STYLE.findall(styles):
        level = re.search(r"\\outlinelevel([0-8])(?!\d)", definition)
        name = _text(f"{{\\rtf1 {definition}}}").strip().rstrip(";").strip()
        named = _HEADING_NAME.fullmatch(name)
        if named or level:
            yield number, int(named[1]) - 1 if named else int(level[1]) if level else 0
        elif name.lower() in ("title", "titel", "titre"):
            yield number, 0


def _known_charsets(fonts: str) -> str:
    """A font table of those fonts that have a character set, as Western European where Python has no codec for it.

    The library gives a font without one the next font's.
    """
    entries: list[str] = []
    for number, definition in FONT.findall(fonts):
        charset = _FONT_CHARSET.search(definition)
        if charset:
            entries.append(f"{{\\f{number}\\fcharset{charset[1] if _has_codec(charset[1]) else 0} x;}}")
    return f"{{\\fonttbl{''.join(entries)}}}" if entries else ""


def _has_codec(charset: str) -> bool:
    try:
        codecs.lookup(charset_map.get(int(charset), "cp1252"))
    except LookupError:
        return False
    return True


def _text(markup: str) -> str:
    text: str = rtf_to_text(markup, errors="replace")
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
