from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.embedding.tokens import TextTokenizer
from docindex.errors import ModelError


@pytest.fixture(scope="module")
def tokenizer(minilm_folder: Path) -> TextTokenizer:
    return TextTokenizer(minilm_folder / "tokenizer.json", 256)


PIECES = st.sampled_from(
    [
        *" \t\n\r\x0b\x0c\x1c\x85\u00a0\u2028\u3000",
        *"aéẞ한机,.-'",
        "\u0301",
        "😀",
        "[SEP]",
        "[MASK] ",
        "word ",
        "unbelievable\n",
    ]
)


@settings(deadline=None, max_examples=150)
@given(st.lists(PIECES, max_size=60).map("".join), st.integers(1, 12))
def test_pieces_tokenise_as_the_whole(tokenizer: TextTokenizer, text: str, piece: int) -> None:
    assert np.array_equal(tokenizer.offsets(text, piece), tokenizer.offsets(text, len(text) + 1))


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(exclude_categories=[])))
def test_offsets_lie_in_the_text_in_order(tokenizer: TextTokenizer, text: str) -> None:
    offsets = tokenizer.offsets(text)
    assert ((offsets >= 0) & (offsets <= len(text))).all()
    assert (offsets[:, 0] < offsets[:, 1]).all()
    assert (np.diff(offsets, axis=0) >= 0).all()


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=300))
def test_ids_and_offsets_agree(tokenizer: TextTokenizer, text: str) -> None:
    [ids] = tokenizer.ids([text])
    assert len(ids) == min(256, len(tokenizer.offsets(text)) + 2)


def test_prefix_comes_first(tokenizer: TextTokenizer) -> None:
    assert np.array_equal(tokenizer.ids(["a b"], "query: ")[0], tokenizer.ids(["query: a b"])[0])


def test_time_grows_with_the_length_and_no_faster(tokenizer: TextTokenizer) -> None:
    sentence = "Hold the button for ten seconds, until the light turns amber.\n"

    def seconds(copies: int) -> float:
        text = sentence * copies
        start = time.process_time()
        assert len(tokenizer.offsets(text)) == 13 * copies
        return time.process_time() - start

    seconds(100)
    short = min(seconds(1_000) for _ in range(3))
    assert seconds(16_000) < 16 * 5 * short  # 1 MB; were it quadratic, 256 times as long


def test_damaged_file_is_a_model_error(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text('{"version": ')
    with pytest.raises(ModelError, match=str(path)):
        TextTokenizer(path, 256)
