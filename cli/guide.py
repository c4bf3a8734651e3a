"""Help texts from docstrings, for terminals and for plain text."""

from __future__ import annotations

import inspect
from collections.abc import Callable


def help_of(command: Callable[..., object], *, rich: bool) -> str:
    """The command's docstring as Typer wants it: paragraphs to be filled, examples to be left as they are."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(_paragraph(text, rich=rich) for text in paragraphs)


def _paragraph(text: str, *, rich: bool) -> str:
    first, *rest = text.splitlines()
    if first != "Examples:":
        return _literal(" ".join([first, *rest])) if rich else " ".join([first, *rest])
    if rich:
        return "\n".join(["[not dim bold]Examples[/]", *(f"[not dim]{_literal(line)}[/]" for line in rest)])
    return "\n".join(["\b", text])


def _literal(text: str) -> str:
    return text.replace("[", "\\[")
