"""Completions that are read to their end, or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from docindex.protocols import Token


@contextmanager
def reading(tokens: Iterator[Token]) -> Iterator[Iterator[Token]]:
    """Closes a completion at the end, also one that was not read to its end: that frees the model."""
    try:
        yield tokens
    finally:
        close = getattr(tokens, "close", None)
        if close is not None:
            close()
