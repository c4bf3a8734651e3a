"""The tokens of texts as the vocabulary in a GGUF file makes them, with their places in the text.

llama.cpp tells tokens and no places. Vocabularies of bytes give a text back to the letter, so the places follow from
the tokens' own lengths. WordPiece and unigrams change a text before they cut it: for these a tokenizer that keeps
account of places is made of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from docindex.embedding.tokens import TextTokenizer, spans_of
from docindex.errors import ModelError
from docindex.llm.entries import Entry, entries, vocabulary_kind
from docindex.llm.gguf import GgufModel
from docindex.schema import encodable

_SPACE = "▁"
_LONGEST_WORD = 100
"""Characters; BERT takes longer words for unknown ones."""
_FARTHEST = 64
"""Bytes that a vocabulary may leave out before a token's place is given up."""


class TextTokens(Protocol):
    """Tokens of texts, without those that a model wants before and after them."""

    def ids(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Each text's token ids, cut to the longest that the model takes."""
        ...

    def offsets(self, text: str) -> NDArray[np.int32]:
        """(n, 2) start and end of each token of the whole text in code points."""
        ...


def text_tokens(model: GgufModel, most: int) -> TextTokens:
    """The tokenizer of the model, which must stay open; texts are cut at `most` tokens.

    Raises:
        ModelError: There is none for this kind of vocabulary.
    """
    kind = vocabulary_kind(model)
    if kind in ("bytes", "pieces"):
        return BytePieces(model, most)
    if kind == "words":
        return TextTokenizer(_word_pieces(model), most)
    if kind == "unigrams":
        return TextTokenizer(_unigrams(model), most)
    raise ModelError(f"{model.path} has a vocabulary that embedders don't use: choose another embedding model.")


class BytePieces:
    """llama.cpp's own tokenizer, for vocabularies whose tokens are the bytes of the text. Threads may share it."""

    def __init__(self, model: GgufModel, most: int) -> None:
        self._model = model
        self._most = most
        self._known: dict[int, bytes] = {}

    def ids(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Each text's token ids, cut to the longest that the model takes."""
        return [np.array(self._model.tokenize(encodable(text))[: self._most], dtype=np.int32) for text in texts]

    def offsets(self, text: str) -> NDArray[np.int32]:
        """(n, 2) start and end of each token of the whole text in code points; a blank text has none."""
        text = encodable(text)
        found = [np.empty((0, 2), dtype=np.int32)]
        for start, end in spans_of(text) if text.strip() else ():
            part = text[start:end]
            tokens = self._model.tokenize(part)
            found.append(places(part, [self._piece(token) for token in tokens]) + np.int32(start))
        return np.concatenate(found)

    def _piece(self, token: int) -> bytes:
        piece = self._known.get(token)
        if piece is None:
            piece = self._known[token] = self._model.piece(token)
        return piece


def places(text: str, pieces: Sequence[bytes]) -> NDArray[np.int32]:
    """(n, 2) where in the text the pieces are that it was cut into, in code points, without the space before a word.

    Pieces may have a space that the text has not, and lack bytes that it has. One that is nowhere near has no length.
    """
    data = text.encode()
    begins = (np.frombuffer(data, dtype=np.uint8) & 0xC0) != 0x80
    number = np.append(np.cumsum(begins) - 1, len(text))  # of the code point that each byte belongs to
    spans = np.array(list(_byte_places(data, pieces)), dtype=np.int64).reshape(-1, 2)
    starts, ends = number[spans[:, 0]], number[np.maximum(spans[:, 1] - 1, 0)] + 1
    ends = np.where(spans[:, 1] > spans[:, 0], ends, starts)
    return np.maximum.accumulate(np.stack([starts, ends], axis=1), axis=0).astype(np.int32)


def _byte_places(data: bytes, pieces: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    at = 0
    for piece in pieces:
        bare = piece.lstrip()
        if data.startswith(piece, at):
            at += len(piece)
            yield at - len(bare) if bare else at - len(piece), at
            continue
        start = data.find(bare, at, at + _FARTHEST + len(bare)) if bare else -1
        if start < 0:
            yield at, at
        else:
            at = start + len(bare)
            yield start, at


def _word_pieces(model: GgufModel) -> Callable[[], Tokenizer]:
    """Makes the tokenizer of a BERT: words, and "##" before what goes on with one.

    GGUF has them the other way round, with a mark before what begins a word.
    """
    listed = entries(model)
    unknown = listed[_unknown(model, listed)].text
    vocabulary: dict[str, int] = {}
    for token, entry in enumerate(listed):
        vocabulary.setdefault(_word_piece(entry), token)
    lowercase = model.metadata("tokenizer.ggml.normalizer.lowercase") != "false"
    accents = model.metadata("tokenizer.ggml.normalizer.strip_accents")

    def make() -> Tokenizer:
        words = models.WordPiece(vocabulary, unk_token=unknown, max_input_chars_per_word=_LONGEST_WORD)
        made = Tokenizer(words)
        made.normalizer = normalizers.BertNormalizer(
            lowercase=lowercase, strip_accents=lowercase if accents is None else accents == "true"
        )
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        return made

    return make


def _word_piece(entry: Entry) -> str:
    if entry.control or entry.unknown:
        return entry.text
    return entry.text[1:] if entry.text.startswith(_SPACE) else f"##{entry.text}"


def _unigrams(model: GgufModel) -> Callable[[], Tokenizer]:
    """Makes the tokenizer of an XLM-RoBERTa, whose normalisation is NFKC but for a few rare characters."""
    listed = entries(model)
    unknown = _unknown(model, listed)
    # A text that spells a control token is text: with a space in it, no word is one.
    scores = [(f" {entry.text}" if entry.control else entry.text, entry.score) for entry in listed]

    def make() -> Tokenizer:
        made = Tokenizer(models.Unigram(scores, unk_id=unknown, byte_fallback=False))
        made.normalizer = normalizers.Sequence(
            [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
        )
        made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
        return made

    return make


def _unknown(model: GgufModel, listed: Sequence[Entry]) -> int:
    for token, entry in enumerate(listed):
        if entry.unknown:
            return token
    # Files list it as a control token, and name its number.
    token = int(model.metadata("tokenizer.ggml.unknown_token_id") or -1)
    if not 0 <= token < len(listed):
        raise ModelError(f"{model.path} has no token for unknown words: choose another embedding model.")
    return token
