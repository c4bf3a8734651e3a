"""An answer that is written in a thread of its own, ahead of whoever reads it: a slow reader holds up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import closing
from queue import SimpleQueue

from docindex.protocols import Token

_ENDS_WITHIN_SECONDS = 5.0
"""A writer that is told to end does so after the batch or token that it is at."""


class EitherSet(threading.Event):
    """Set as soon as one of two others is."""

    def __init__(self, one: threading.Event | None, other: threading.Event) -> None:
        super().__init__()
        self._one = one
        self._other = other

    def is_set(self) -> bool:
        """Whether one of them is."""
        return self._other.is_set() or (self._one is not None and self._one.is_set())


def read_ahead(
    written: Generator[Token, None, None], given_up: threading.Event, check: Callable[[], None]
) -> Generator[Token, None, None]:
    """The tokens of `written`, which runs in a thread from the first one that is asked for.

    What is not read yet waits here, so the writer must be one that ends by itself.

    Args:
        written: The writer. It must end soon when `given_up` is set.
        given_up: Set when nobody reads any more.
        check: Called between two tokens; ends the reading by raising.
    """
    pieces: SimpleQueue[Token | BaseException | None] = SimpleQueue()

    def write() -> None:
        try:
            with closing(written):
                for token in written:
                    pieces.put(token)
        except BaseException as error:  # noqa: BLE001 - it is the reader's
            pieces.put(error)
        else:
            pieces.put(None)

    writer = threading.Thread(target=write, name="docindex-answer", daemon=True)
    writer.start()
    try:
        while (piece := pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
            check()
    finally:
        given_up.set()
        # The process may be about to end, which frees the model: nobody may be in it then.
        writer.join(_ENDS_WITHIN_SECONDS)
