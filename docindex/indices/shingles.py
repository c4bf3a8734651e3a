"""When two passages say the same: by the runs of words that they share.

Source: A. Broder, On the resemblance and containment of documents, 1997: the resemblance of two texts is the share of
their shingles, runs of w words, that both have (the Jaccard coefficient of the two sets).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docindex.schema import Node

THRESHOLD = 0.9
"""From this resemblance on, passages are near-duplicates. In 150 words, two may then differ."""
WIDTH = 3
"""Words of a shingle."""
SHORT = 30
"""Words. Below this a passage means too little by itself: what it stands under must be the same, too."""

_WORD = re.compile(r"\w+")

Shingle = tuple[str, ...]


def words_of(node: Node) -> list[str]:
    """The words by which a passage is compared: without case, spaces and punctuation."""
    words = _WORD.findall(node.text.casefold())
    return words if len(words) >= SHORT else [*words, "", *_WORD.findall(node.context.casefold())]


def shingles_of(words: list[str]) -> set[Shingle]:
    """The shingles of a text; of one that is shorter than a shingle, its words."""
    if len(words) < WIDTH:
        return {tuple(words)}
    return set(zip(*(words[start:] for start in range(WIDTH)), strict=False))


def numbers_of(words: list[str]) -> tuple[str, ...]:
    """The words with digits in them, sorted. Near-duplicates have the same: a price or a date is not a detail."""
    return tuple(sorted(word for word in words if not word.isalpha() and any(map(str.isdigit, word))))
