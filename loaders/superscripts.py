"""Raised digits, which in plain text would become digits of the number before them: 10 to the power of 6 is no 106.

A mark of a note after a year looks alike. Then `2020^3` is a strange way to write it, but the year is still there;
where a link or a field tells the mark, nothing is put before it.
"""

from __future__ import annotations

import re

RAISED, LOWERED = "\ufdd0", "\ufdd1"
"""Characters that no text can hold: `with_exponents` takes them for where a superscript begins and ends."""

_NUMBER = re.compile("[-\u2212\u2013]?\\d+")
_FRACTION_BARS = ("/", "\u2044")
_SUPERSCRIPT = re.compile(f"{RAISED}([^{RAISED}{LOWERED}]*){LOWERED}")


def before_superscript(before: str, raised: str, after: str) -> str:
    """What has to be put between a text and the superscript after it: "^" where number follows number, else nothing.

    A fraction after a number, its numerator raised, is parted by a space.
    """
    if not before[-1:].isdecimal() or not _NUMBER.fullmatch(raised.strip()):
        return ""
    return " " if after.startswith(_FRACTION_BARS) else "^"


def with_exponents(text: str) -> str:
    """The text with each marked superscript as it can be read in plain text."""
    if RAISED not in text:
        return text
    text = text.replace(LOWERED + RAISED, "")

    def plain(mark: re.Match[str]) -> str:
        before, after = text[max(0, mark.start() - 1) : mark.start()], text[mark.end() : mark.end() + 1]
        return before_superscript(before, mark[1], after) + mark[1]

    return _SUPERSCRIPT.sub(plain, text)
