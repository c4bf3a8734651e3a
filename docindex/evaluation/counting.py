"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

OnCount = Callable[[str, int, int], None]
"""Hears what is counted, such as "queries", how many are done, and of how many."""


def unheard(what: str, done: int, total: int) -> None:
    """For those who did not ask."""
