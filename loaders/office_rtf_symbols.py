"""Text of RTF in symbol fonts, which striprtf reads as letters: put into the markup as the characters that it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from docindex.loaders.symbol_fonts import PRIVATE, is_symbol_font, symbol

TOKEN = re.compile(r"\\(?:([a-zA-Z]{1,32})(-?\d{1,10})? ?|.)|[{}]", re.DOTALL)
"""A control word with its number, a control symbol, or a brace."""

FONT = re.compile(r"\\f(\d+)(?!\d)((?:(?!\\f\d).)*)", re.DOTALL)
"""An entry of a font table: its number, and what is said of it."""
_NOT_A_NAME = re.compile(r"\{[^{}]*\}|\\[a-z*]+(?:-?\d+)? ?|[{}\r\n]")
_DEFAULT_FONT = re.compile(r"\\deff(\d+)")
_FIELD = re.compile(r"(?:[{\s]++|\\[a-z*]++-?\d*+)*+SYMBOL\s+(\d{1,5}|0[xX][0-9a-fA-F]{1,4})(?![^\s\\{}])")
_FIELD_FONT = re.compile(r"\\\\f\s*\"?([^\"{}\\]+)")


def escaped(character: str) -> str:
    """The character in markup, whatever the code page."""
    return f"{{\\uc0\\u{ord(character) - 0x10000} }}"


def default_font(markup: str) -> str:
    """The number of the font of text that names none."""
    found = _DEFAULT_FONT.search(markup)
    return found[1] if found else ""


def symbol_fonts(table: str) -> dict[str, str]:
    """The numbers of the symbol fonts in a font table, with their names."""
    names = ((number, _NOT_A_NAME.sub("", entry).partition(";")[0]) for number, entry in FONT.findall(table))
    return {number: name for number, name in names if is_symbol_font(name)}


def field_symbol(instruction: str) -> str:
    """The character that a field shows whose instruction is SYMBOL; empty for other fields."""
    found = _FIELD.match(instruction)
    if not found:
        return ""
    code = int(found[1], 16 if found[1][:2] in ("0x", "0X") else 10)
    font = _FIELD_FONT.search(instruction, found.end())
    if font and is_symbol_font(font[1]):
        return symbol(font[1], code)
    return bytes([code]).decode("cp1252", "replace") if code < 0x100 else chr(code)


def with_symbols(markup: str, fonts: Mapping[str, str], default: str) -> str:
    """The markup with what stands in the symbol fonts as the characters that they show.

    Args:
        markup: Without its font table.
        fonts: Numbers and names of the symbol fonts.
        default: The number of the font of text that names none.
    """
    return "".join(_pieces(markup, fonts, default)) if fonts else markup


def _pieces(markup: str, fonts: Mapping[str, str], default: str) -> Iterator[str]:
    font, replaces = default, 1
    outer: list[tuple[str, int]] = []
    skip = 0
    """How many characters are still read by programs alone that know no Unicode."""
    at = 0
    for token in TOKEN.finditer(markup):
        text, at = markup[at : token.start()], token.end()
        name = fonts.get(font, "")
        shown = len(text) if not name else _end_of(text, skip)
        yield text[:shown]
        yield from (_shown(name, ord(character), character) for character in text[shown:])
        skip = max(0, skip - sum(character not in "\r\n" for character in text))
        word, number = token[1], token[2] or ""
        piece = token[0]
        if piece == "\\'" and name:  # two hexadecimal digits follow
            digits = markup[at : at + 2]
            at += 2
            piece += digits
            if skip:
                skip -= 1
            elif re.fullmatch("[0-9a-fA-F]{2}", digits):
                piece = _shown(name, int(digits, 16), piece)
        elif piece == "{":
            outer.append((font, replaces))
        elif piece == "}" and outer:
            font, replaces = outer.pop()
        elif word == "f" and number:
            font = number
        elif word == "plain":
            font = default
        elif word == "uc" and number:
            replaces = max(0, int(number))
        elif word == "u" and number and name and int(number) % 0x10000 in PRIVATE:
            piece = f"\\u{ord(symbol(name, int(number) % 0x10000)) - 0x10000} "
        if word or piece in "{}":
            skip = replaces if word == "u" else 0
        yield piece
    yield markup[at:]


def _end_of(text: str, characters: int) -> int:
    """Where so many characters of the text end; line ends do not count."""
    at = 0
    while characters and at < len(text):
        characters -= text[at] not in "\r\n"
        at += 1
    return at


def _shown(font: str, code: int, markup: str) -> str:
    """What the font shows, in markup; as it stands there if that is the same."""
    shown = symbol(font, code)
    return markup if code < 0x20 or ord(shown) == code else escaped(shown)
