"""Late interaction: each word of the query looks for its like in a passage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from docindex.protocols import Vectors

CANDIDATES = 12
"""Passages that are looked at."""
WEIGHT = 0.5
"""The share of late interaction against the score of the search."""


class TokenEncoder(Protocol):
    """Gives a vector for each token of a text."""

    def encode(self, texts: Sequence[str], *, kind: Literal["passage", "query"]) -> list[Vectors]:
        """For each text (tokens, dim), rows of unit norm."""
        ...


class LateInteractionReranker:
    """Judges passages by the token vectors of the index's own embedding model, which needs no further one.

    A passage is encoded anew for each query, which costs what embedding it does: about half a second for twelve
    passages of 200 tokens on two cores. The model was not trained for this: alone it ranks worse than the search whose
    hits it orders, and added to that one's score it ranks better than either.
    """

    def __init__(self, encoder: TokenEncoder) -> None:
        self._encoder = encoder

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """The mean over the query's tokens of the highest cosine that a token of the text has, shape (n,)."""
        question = self._encoder.encode([query], kind="query")[0]
        passages = self._encoder.encode(texts, kind="passage")
        return np.array([mean_of_best(question, passage) for passage in passages], dtype=np.float32)


def mean_of_best(query: Vectors, passage: Vectors) -> float:
    """The mean over the rows of the query of their best cosine to a row of the passage; 0 where either has none.

    Source: Khattab and Zaharia, "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction
    over BERT" (2020), equation 3, divided by the query's length.
    """
    if not len(query) or not len(passage):
        return 0.0
    return float((query @ passage.T).max(axis=1).mean())
