"""The sentences of a text that is still being written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docindex.chunking.sentences import split_sentences
from docindex.protocols import Token

_MARKER = re.compile(r"\s*(?:\[(?:source )?(\d{1,2})\]|\((?:source|see source) (\d{1,2})\))", re.IGNORECASE)
_LONGEST_MARKER = 16
ITEM = "- "
"""What stands in front of an item of a list."""
_LABEL = re.compile(r"^(?:the )?(?:answer|a)(?: is| of other sources)?\s*:\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A whole sentence of an answer."""

    gap: str
    """What stands between it and the one before: a space, or a line break."""
    text: str
    """Without the model's own markers."""
    cited: frozenset[int]
    """The sources that the model named."""


def sentences_of(tokens: Iterable[Token]) -> Iterator[Sentence]:
    """Each sentence as soon as the next one begins, and the last one at the end."""
    text = ""
    for token in tokens:
        text += token.text
        while (end := _first_end(text, whole=False)) is not None:
            yield from _sentence(text[:end])
            text = text[end:]
    while (end := _first_end(text, whole=True)) is not None:
        yield from _sentence(text[:end])
        text = text[end:]
    yield from _sentence(text)


def _first_end(text: str, *, whole: bool) -> int | None:
    """Where the first sentence and the markers after it end; None while that isn't clear yet."""
    spans = split_sentences(text)
    if len(spans) < 2:
        return None
    end = spans[0][1]
    while marker := _MARKER.match(text, end):
        end = marker.end()
    rest = text[end:].lstrip()
    if not rest or (not whole and rest[0] in "[(" and len(rest) < _LONGEST_MARKER):
        return None
    return end


def _sentence(raw: str) -> Iterator[Sentence]:
    cited = frozenset(int(match.group(1) or match.group(2)) for match in _MARKER.finditer(raw))
    bare = _MARKER.sub("", raw)
    text = _LABEL.sub("", bare.strip()).strip()
    if text:
        yield Sentence("\n" if "\n" in bare[: len(bare) - len(bare.lstrip())] else " ", text, cited)
