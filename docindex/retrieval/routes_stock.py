"""Utterances that docindex ships: what is said to any assistant, whatever its documents are about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files


def stock_utterances() -> Mapping[str, tuple[str, ...]]:
    """By kind, what people say to any assistant."""
    questions = tuple(text for field in foreign_questions().values() for text in field)
    return {**_grouped("stock_utterances.txt"), "questions": questions}


def foreign_questions() -> Mapping[str, tuple[str, ...]]:
    """By field, questions that hardly any one collection of documents answers."""
    return _grouped("foreign_questions.txt")


def _grouped(name: str) -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    group: list[str] = []
    for line in _lines(name):
        if line.startswith("[") and line.endswith("]"):
            group = groups.setdefault(line[1:-1], [])
        else:
            group.append(line)
    return {title: tuple(lines) for title, lines in groups.items()}


def _lines(name: str) -> Iterator[str]:
    text = files("docindex.retrieval").joinpath(name).read_text(encoding="utf-8")
    return (line for line in map(str.strip, text.splitlines()) if line and not line.startswith("# "))
