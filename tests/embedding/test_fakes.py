from __future__ import annotations

from docindex.protocols import Embedder
from docindex.testing.embedder_contract import EmbedderContract
from docindex.testing.fakes import HashingEmbedder


class TestHashingEmbedder(EmbedderContract):
    def embedder(self) -> Embedder:
        return HashingEmbedder()


def test_sizes_are_part_of_the_fingerprint() -> None:
    assert HashingEmbedder(64).fingerprint != HashingEmbedder(128).fingerprint
    assert HashingEmbedder(64).embed(["one"], kind="query").shape == (1, 64)
