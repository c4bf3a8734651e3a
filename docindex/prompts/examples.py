"""Prompts of examples: turns of a chat that the model is shown before its own."""

from __future__ import annotations

from collections.abc import Iterator

from docindex.protocols import Message


def turns(text: str) -> Iterator[Message]:
    """Questions and answers: of each paragraph, the last line is the answer."""
    for example in text.split("\n\n") if text else ():
        asked, _, answered = example.rpartition("\n")
        yield Message("user", asked)
        yield Message("assistant", answered)
