"""The context header: where a passage stands, in one short line that is embedded with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

SEPARATOR = " > "
CONTEXT_TOKENS = 32
"""The longest context header."""

_MARKUP = str.maketrans("", "", "`*_")

TokenEnds = Callable[[str], Sequence[int]]
"""The end of each token of a text, in code points."""


def context_parts(title: str, path: Sequence[str], token_ends: TokenEnds, *, most: int) -> tuple[str, ...]:
    """Title and headings path, shortened to `most` tokens when joined with the separator.

    The outer headings between the title and the innermost one go first, then both of these lose their ends.
    """
    parts = [" ".join(part.split()) for part in (title, *path)]
    parts = [part for part in parts if part]
    if len(parts) > 1 and _key(parts[0]) == _key(parts[1]):
        del parts[0]

    def length(candidate: Sequence[str]) -> int:
        return len(token_ends(SEPARATOR.join(candidate)))

    while len(parts) > 2 and length(parts) > most:
        del parts[1]
    if len(parts) == 2 and length(parts) > most:
        inner = _clip(parts[1], token_ends, most // 2)
        room = most - len(token_ends(SEPARATOR)) - len(token_ends(inner))
        parts = [part for part in (_clip(parts[0], token_ends, room), inner) if part]
    if length(parts) > most:
        parts = [_clip(parts[0], token_ends, most)] if len(parts) == 1 else parts[1:]
    return tuple(part for part in parts if part)


def context_line(parts: Sequence[str], text: str) -> str:
    """The parts that the text does not itself begin with, joined."""
    beginning = _key(text[: 4 * max(map(len, parts), default=0) + 16])
    return SEPARATOR.join(part for part in parts if not beginning.startswith(_key(part)))


def _key(text: str) -> str:
    return " ".join(text.translate(_MARKUP).split()).lstrip("#=> ").rstrip(" .:").casefold()


def _clip(text: str, token_ends: TokenEnds, most: int) -> str:
    """The first words of the text that come to at most so many tokens; a first word that is longer is cut."""
    ends = token_ends(text)
    if len(ends) <= most:
        return text
    for keep in range(most, 0, -1):
        clipped = text[: ends[keep - 1]]
        if not text[len(clipped) : len(clipped) + 1].isspace():
            clipped = clipped.rpartition(" ")[0] or clipped
        if len(token_ends(clipped)) <= most:
            return clipped.rstrip()
    return ""
