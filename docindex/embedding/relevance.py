"""What cross-encoders have in common, whatever runs them: how long a pair is, and what their logits mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from docindex.errors import ModelError

PAIR_TOKENS = 512
"""The longest pair of a query and a text, where the model does not say less."""


def relevance(logits: NDArray[np.float64]) -> NDArray[np.float32]:
    """How likely each text is to answer the query, from 0 to 1, shape (n,).

    Args:
        logits: A row a pair: one label, or two of which the second is "relevant".

    Raises:
        ModelError: There are more.
    """
    labels = logits.shape[1]
    if labels > 2:
        raise ModelError(
            f"The reranker gives {labels} labels a pair, and docindex knows what one or two mean: "
            "use a cross-encoder that was trained to rank."
        )
    margin = logits[:, 0] if labels == 1 else logits[:, 1] - logits[:, 0]
    return (0.5 * (1 + np.tanh(margin / 2))).astype(np.float32)  # the logistic function, which can't overflow so
