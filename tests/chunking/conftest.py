from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from docindex.config import Environment
from docindex.embedding.tokens import TextTokenizer
from docindex.models.acquire import ModelStore

TokenOffsets = Callable[[str], NDArray[np.int32]]

WORDS = "the pump starts and runs for ten minutes it is cold machine heading section ing ed tion ab cd ef"
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def tiny_tokenizer() -> TokenOffsets:
    """A WordPiece tokenizer of a few words and all letters, which works as BERT's does."""
    pieces = ["[UNK]", *LETTERS, *WORDS.split(), *".,:;!?-#()/'\"|>", "机", "器", "。"]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, *("##" + piece for piece in pieces[1:])])}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def token_offsets(text: str) -> NDArray[np.int32]:
        offsets = tokenizer.encode(text, add_special_tokens=False).offsets
        return np.array(offsets, dtype=np.int32).reshape(-1, 2)

    return token_offsets


@pytest.fixture(scope="session")
def token_offsets() -> TokenOffsets:
    return tiny_tokenizer()


@pytest.fixture(scope="session")
def minilm_offsets() -> TokenOffsets:
    environment = Environment.read()
    folder = ModelStore(environment.models, offline=environment.offline).path("all-minilm-l6-v2")
    return TextTokenizer(folder / "tokenizer.json", 256).offsets
