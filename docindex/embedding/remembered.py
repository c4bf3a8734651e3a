"""Vectors of texts that are asked for again and again, as the sentences of passages are by questions about them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from docindex.protocols import Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 4096
"""At 384 dimensions, about 7 MB with the texts."""


class RememberedVectors:
    """Embeds what it has not embedded lately; threads may share it."""

    def __init__(self, embed: Callable[[Sequence[str]], Vectors], most: int = MOST) -> None:
        """`most` is how many texts are remembered, those that were asked for last."""
        self._embed = embed
        self._most = most
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """One row a text, as the embedder gives it."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing or not texts:
            vectors = self._embed(missing)
            if not texts:
                return vectors
            # Copies, so that a row that stays does not keep its whole batch.
            found.update((text, vector.copy()) for text, vector in zip(missing, vectors, strict=True))
        with self._lock:
            for text in texts:
                self._known[text] = found[text]
                self._known.move_to_end(text)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return np.stack([found[text] for text in texts])
