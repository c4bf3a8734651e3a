"""What the vocabulary in a model's file lists, for tokenizers that are made of it."""

from __future__ import annotations

from typing import Literal, NamedTuple

import llama_cpp

from docindex.errors import ModelError
from docindex.llm.gguf import GgufModel

VocabularyKind = Literal["pieces", "bytes", "words", "unigrams", "other"]
"""SentencePiece's with bytes to fall back on, GPT-2's, BERT's WordPiece, and SentencePiece's unigrams."""

_KINDS: dict[int, VocabularyKind] = {
    llama_cpp.LLAMA_VOCAB_TYPE_SPM: "pieces",
    llama_cpp.LLAMA_VOCAB_TYPE_BPE: "bytes",
    llama_cpp.LLAMA_VOCAB_TYPE_WPM: "words",
    llama_cpp.LLAMA_VOCAB_TYPE_UGM: "unigrams",
}


class Entry(NamedTuple):
    """A token of the vocabulary."""

    text: str
    """As it is written there, "▁" for a space."""
    score: float
    control: bool
    unknown: bool
    """It stands for what the vocabulary lacks."""


def vocabulary_kind(model: GgufModel) -> VocabularyKind:
    """The kind of tokenizer that the vocabulary is for."""
    return _KINDS.get(int(llama_cpp.llama_vocab_type(model.vocabulary)), "other")


def entries(model: GgufModel) -> list[Entry]:
    """Every token, in the order of their numbers."""
    found = []
    vocabulary = model.vocabulary
    for token in range(model.vocabulary_size):
        text = llama_cpp.llama_vocab_get_text(vocabulary, token) or b""
        attributes = llama_cpp.llama_vocab_get_attr(vocabulary, token)
        found.append(
            Entry(
                text.decode("utf-8", "replace"),
                float(llama_cpp.llama_vocab_get_score(vocabulary, token)),
                control=bool(attributes & llama_cpp.LLAMA_TOKEN_ATTR_CONTROL),
                unknown=bool(attributes & llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN),
            )
        )
    return found


def frame(model: GgufModel) -> tuple[list[int], list[int]]:
    """The tokens that the model wants before and after a text.

    Raises:
        ModelError: The vocabulary lacks one; llama.cpp ends the process when it misses one.
    """
    vocabulary = model.vocabulary
    words = vocabulary_kind(model) == "words"
    before: int | None = None
    after: int | None = None
    if words or llama_cpp.llama_vocab_get_add_bos(vocabulary):
        before = int(llama_cpp.llama_vocab_bos(vocabulary))
    if words:
        after = int(llama_cpp.llama_vocab_sep(vocabulary))
    elif llama_cpp.llama_vocab_get_add_eos(vocabulary):
        after = int(llama_cpp.llama_vocab_eos(vocabulary))
    for token in (before, after):
        if token is not None and not 0 <= token < model.vocabulary_size:
            raise ModelError(f"{model.path} lacks a token that begins or ends texts: choose another embedding model.")
    return [] if before is None else [before], [] if after is None else [after]
