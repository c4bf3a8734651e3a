"""A Hugging Face tokenizer as embedders need it: token ids cut to a length, and offsets of a whole document."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from docindex.errors import ModelError
from docindex.schema import encodable

_TEXTS_AT_ONCE = 256
_PIECE = 16_384
"""Code points of a document that are tokenised as one; bounds the memory that its tokens take meanwhile."""
_PIECES_AT_ONCE = 32

# Where a document may be cut without changing its tokens: after what every tokenizer takes for a word boundary. Other
# white space, such as a form feed, is dropped by BERT's, and joins the words on both sides.
_BREAK = re.compile(r"[ \t\r\n]")


class TextTokenizer:
    """Tokens of texts; safe to use from several threads."""

    def __init__(self, source: Path | Callable[[], Tokenizer], max_tokens: int) -> None:
        """Takes the path of a `tokenizer.json`, or what makes a tokenizer."""
        try:
            make = _reader(source) if isinstance(source, Path) else source
            self._whole, self._cut = make(), make()
        except Exception as error:  # the library raises nothing narrower
            what = str(source) if isinstance(source, Path) else "The model's vocabulary"
            raise ModelError(f"{what} is not a tokenizer that can be read ({error}): get the model again.") from error
        # The file may ask for either, as its author used it.
        self._whole.no_truncation()
        self._whole.no_padding()
        self._cut.no_padding()
        self._cut.enable_truncation(max_tokens)

    def ids(self, texts: Sequence[str], prefix: str = "") -> list[NDArray[np.int32]]:
        """Each text's token ids, special tokens included, cut to the longest that the model takes."""
        found: list[NDArray[np.int32]] = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            group = [prefix + encodable(text) for text in texts[start : start + _TEXTS_AT_ONCE]]
            found += [np.array(tokens.ids, dtype=np.int32) for tokens in self._cut.encode_batch_fast(group)]
        return found

    def offsets(self, text: str, piece: int = _PIECE) -> NDArray[np.int32]:
        """(n, 2) start and end of each token of the whole text in code points, special tokens left out."""
        text = encodable(text)
        spans = spans_of(text, piece)
        found = [np.empty((0, 2), dtype=np.int32)]
        for first in range(0, len(spans), _PIECES_AT_ONCE):
            group = spans[first : first + _PIECES_AT_ONCE]
            tokenised = self._whole.encode_batch([text[start:end] for start, end in group], add_special_tokens=False)
            for (start, _), tokens in zip(group, tokenised, strict=True):
                found.append(np.array(tokens.offsets, dtype=np.int32).reshape(-1, 2) + np.int32(start))
        return np.concatenate(found)


def _reader(path: Path) -> Callable[[], Tokenizer]:
    definition = path.read_text(encoding="utf-8")
    return lambda: Tokenizer.from_str(definition)


def spans_of(text: str, size: int = _PIECE) -> list[tuple[int, int]]:
    """Stretches of about so many code points that can be tokenised apart."""
    spans, start = [], 0
    while start < len(text):
        gap = _BREAK.search(text, start + size - 1)
        end = gap.end() if gap else len(text)
        spans.append((start, end))
        start = end
    return spans
