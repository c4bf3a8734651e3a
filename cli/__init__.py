"""The command line. The commands call `docindex.Index`, and the rest of this room is asking and showing."""

from __future__ import annotations

import gc

FEWER_COLLECTIONS = 50_000
"""New objects between two looks for unreachable ones. What is imported stays; looking through it again and again, as
Python does by default, is an eighth of the time that a search takes in a new process."""


def main() -> None:
    """The entry point of the `docindex` command."""
    gc.set_threshold(FEWER_COLLECTIONS, 20, 20)
    try:
        from docindex.cli.app import run

        run()
    except KeyboardInterrupt:  # before a command has begun
        raise SystemExit(130) from None
    finally:
        gc.freeze()  # all that is left goes with the process, without another look through it
