"""The command line. The commands call `docindex.Index`, and the rest of this room is asking and showing."""

from __future__ import annotations


def main() -> None:
    """The entry point of the `docindex` command."""
    try:
        from docindex.cli.app import run

        run()
    except KeyboardInterrupt:  # before a command has begun
        raise SystemExit(130) from None
