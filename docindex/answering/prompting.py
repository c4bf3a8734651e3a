"""The prompts: the files in `prompts/`, filled in by the sandboxed template engine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from docindex.protocols import Message
from docindex.schema import Hit

_FENCE = re.compile(r"<(?=\s*/?\s*source\b)", re.IGNORECASE)
"""What opens and closes a source; in the text of one, the bracket is replaced by one that looks alike."""
_BRACKET = "‹"
_LONGEST_HEADING = 120


@dataclass(frozen=True, slots=True)
class PromptSource:
    """A passage as the prompt shows it."""

    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class PromptTurn:
    """An earlier turn of a conversation as the prompt shows it."""

    question: str
    answer: str


def answer_prompt(question: str, hits: Sequence[Hit]) -> list[Message]:
    """System, sources, question, in that order: asked again about the same sources, most of it is in the KV cache."""
    sources = [PromptSource(_heading(hit), fenced(hit.text.strip())) for hit in hits]
    return [
        Message("system", template("system.txt").render().strip()),
        Message("user", template("question.txt").render(sources=sources, question=fenced(question.strip())).strip()),
    ]


def direct_prompt(question: str) -> list[Message]:
    """The question alone."""
    return [
        Message("system", template("direct_system.txt").render().strip()),
        Message("user", question.strip()),
    ]


def rewrite_prompt(question: str, turns: Sequence[PromptTurn]) -> list[Message]:
    """Asks for a question that stands alone."""
    return [
        Message("system", template("rewrite_system.txt").render().strip()),
        Message("user", template("rewrite.txt").render(turns=turns, question=question.strip()).strip()),
    ]


def _heading(hit: Hit) -> str:
    """One line that says where the passage is from."""
    parts = [hit.title, *hit.node.headings]
    unique = [part for at, part in enumerate(parts) if part and part not in parts[:at]]
    line = " ".join(" > ".join(unique).split()).replace(">>", ">")
    return fenced(line[:_LONGEST_HEADING]).replace("<", _BRACKET)


def fenced(text: str) -> str:
    """Text of a document or a user in which nothing opens or closes a source."""
    return _FENCE.sub(_BRACKET, text)


@cache
def template(name: str) -> jinja2.Template:
    """A file of `prompts/`, to be rendered with its values; what goes into it is text and never read as a template."""
    text = resources.files("docindex.answering").joinpath("prompts", name).read_text("utf-8")
    return ImmutableSandboxedEnvironment(keep_trailing_newline=True).from_string(text)
