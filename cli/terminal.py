"""Which screen suits standard output."""

from __future__ import annotations

import sys

from docindex.cli.screen import PlainScreen, Screen


def open_screen() -> Screen:
    """Rich on a terminal, plain text elsewhere."""
    if not sys.stdout.isatty():
        return PlainScreen()
    from docindex.cli.rich_screen import RichScreen

    return RichScreen()
