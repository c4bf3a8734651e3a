"""What every Embedder must do, as tests: subclass the suite, override `embedder`, and pytest runs all of it.

```python
class TestMyEmbedder(EmbedderContract):
    @abstractmethod
    def embedder(self) -> Embedder:
        return MyEmbedder()
```
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np

from docindex.protocols import Embedder, Vectors

CLOSE = 1e-4
"""How far apart, an element, two embeddings of one text may be."""

ENGLISH = "Hold the button beside the power socket for ten seconds, until the light turns amber."
TEXTS = (
    ENGLISH,
    "short",
    "",
    "   \n\t ",
    "Crème brûlée, naïve façade, Straße, İstanbul, cafe\u0301",
    "机器如何重置？ 장치를 재설정하는 방법, كيف أعيد ضبط الجهاز",
    "Emoji 😀👩‍👩‍👧🏳️‍🌈 and \u200b zero widths \ufeff",
    "a lone surrogate \ud800 and a \x00 null",
    "[CLS] [SEP] <|im_start|> are text",
    "x" * 5000,
    "rain and wind, " * 2000,
)
KINDS: tuple[Literal["passage", "query"], ...] = ("passage", "query")


class EmbedderContract(ABC):
    """Tests that hold for every embedder."""

    close = CLOSE
    """Raise it for an engine that rounds more."""

    @abstractmethod
    def embedder(self) -> Embedder:
        """The embedder under test. Called once a test: keep a slow one in a fixture or a class attribute."""

    def test_vectors_are_unit_float32_rows(self) -> None:
        embedder = self.embedder()
        for kind in KINDS:
            vectors = embedder.embed(TEXTS, kind=kind)
            assert vectors.dtype == np.float32
            assert vectors.shape == (len(TEXTS), embedder.dim)
            assert np.isfinite(vectors).all()
            assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)

    def test_no_texts_give_no_rows(self) -> None:
        embedder = self.embedder()
        assert embedder.embed([], kind="passage").shape == (0, embedder.dim)

    def test_rows_are_in_the_order_of_the_texts(self) -> None:
        embedder = self.embedder()
        alone = [embedder.embed([text], kind="passage")[0] for text in TEXTS]
        assert np.abs(embedder.embed(TEXTS, kind="passage") - alone).max() < self.close
        backwards = embedder.embed(TEXTS[::-1], kind="passage")
        assert np.abs(backwards[::-1] - alone).max() < self.close

    def test_same_text_gives_same_vector(self) -> None:
        embedder = self.embedder()
        first, second = (embedder.embed([ENGLISH], kind="query") for _ in range(2))
        assert np.array_equal(first, second)

    def test_related_texts_are_closer(self) -> None:
        embedder = self.embedder()
        query = embedder.embed(["the button and the amber light"], kind="query")[0]
        related, unrelated = embedder.embed([ENGLISH, "Quarterly revenue grew by nine percent."], kind="passage")
        assert query @ related > query @ unrelated

    def test_long_texts_are_cut_at_max_tokens(self) -> None:
        embedder = self.embedder()
        start = "rain and wind, " * embedder.max_tokens
        ends = [start + "then came the sun", start + "an invoice for two pumps"]
        first, second = embedder.embed(ends, kind="passage")
        assert np.abs(first - second).max() < self.close
        offsets = embedder.token_offsets(start)
        assert len(offsets) > embedder.max_tokens
        fitting = start[: int(offsets[embedder.max_tokens // 2, 0])]
        assert len(embedder.token_offsets(fitting)) == embedder.max_tokens // 2

    def test_threads_may_share_it(self) -> None:
        embedder = self.embedder()
        groups = [[f"{text[:200]} {number}" for text in TEXTS] for number in range(6)]
        alone = [embedder.embed(group, kind="passage") for group in groups]

        def embed(group: list[str]) -> Vectors:
            return embedder.embed(group, kind="passage")

        with ThreadPoolExecutor(3) as pool:
            together = list(pool.map(embed, groups))
        for expected, found in zip(alone, together, strict=True):
            assert np.abs(expected - found).max() < self.close

    def test_fingerprint_and_sizes_are_fixed(self) -> None:
        embedder = self.embedder()
        assert embedder.fingerprint
        assert embedder.fingerprint == self.embedder().fingerprint
        assert embedder.dim > 0
        assert embedder.max_tokens > 2

    def test_offsets_are_code_points_in_order(self) -> None:
        embedder = self.embedder()
        for text in TEXTS:
            offsets = embedder.token_offsets(text)
            assert offsets.dtype == np.int32
            assert offsets.ndim == 2
            assert offsets.shape[1] == 2
            starts, ends = offsets[:, 0], offsets[:, 1]
            assert (starts >= 0).all()
            assert (ends <= len(text)).all()
            assert (starts <= ends).all()
            assert (np.diff(starts) >= 0).all()
            assert (np.diff(ends) >= 0).all()

    def test_offsets_cover_every_letter_and_digit(self) -> None:
        embedder = self.embedder()
        text = f"😀 {ENGLISH} Ünïcode 4711, 机器"
        covered = set[int]()
        for start, end in embedder.token_offsets(text).tolist():
            covered.update(range(start, end))
        assert {at for at, char in enumerate(text) if char.isalnum()} <= covered

    def test_blank_text_has_no_tokens(self) -> None:
        embedder = self.embedder()
        assert embedder.token_offsets("").shape == (0, 2)
        assert embedder.token_offsets(" \n\t ").shape == (0, 2)
