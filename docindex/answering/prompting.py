"""The prompts: the files in `prompts/`, filled in by the sandboxed template engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from docindex.answering.fencing import fenced as fenced
from docindex.answering.fencing import tag
from docindex.answering.orders import without_orders
from docindex.protocols import Message
from docindex.schema import Hit

STOP = ("\n\n", "\nQuestion:", "\nSource", "<source", "</source")
"""Where a small model begins to ramble, of what these prompts ask for."""
_BRACKET = "‹"
_LONGEST_HEADING = 120


@dataclass(frozen=True, slots=True)
class PromptSource:
    """A passage as the prompt shows it, between fences."""

    heading: str
    text: str

    @property
    def tag(self) -> str:
        """What its fences are known by."""
        return tag(f"{self.heading}\n{self.text}")


@dataclass(frozen=True, slots=True)
class PromptTurn:
    """An earlier turn of a conversation as the prompt shows it."""

    question: str
    answer: str


def answer_prompt(question: str, hits: Sequence[Hit]) -> list[Message]:
    """System, sources, question, in that order: asked again about the same sources, most of it is in the KV cache."""
    return _prompt(question, [_source(hit) for hit in hits])


def refine_prompt(question: str, hits: Sequence[Hit], answer: str) -> list[Message]:
    """Asks for a better answer than the one that other sources gave."""
    return _prompt(question, [_source(hit) for hit in hits], answer)


def combine_prompt(question: str, answers: Sequence[str]) -> list[Message]:
    """Asks for one answer of several."""
    return _prompt(question, [PromptSource("", fenced(answer)) for answer in answers])


def direct_prompt(question: str) -> list[Message]:
    """The question alone."""
    return [
        Message("system", template("direct_system.txt").render().strip()),
        Message("user", question.strip()),
    ]


def rewrite_prompt(question: str, turns: Sequence[PromptTurn]) -> list[Message]:
    """Asks for a question that stands alone."""
    said = [PromptTurn(turn.question, fenced(turn.answer)) for turn in turns]
    return [
        Message("system", template("rewrite_system.txt").render().strip()),
        Message("user", template("rewrite.txt").render(turns=said, question=question.strip()).strip()),
    ]


def _prompt(question: str, sources: Sequence[PromptSource], answer: str = "") -> list[Message]:
    asked = template("question.txt").render(
        sources=sources, question=fenced(question.strip()), answer=fenced(answer.strip())
    )
    return [Message("system", template("system.txt").render().strip()), Message("user", asked.strip())]


def _source(hit: Hit) -> PromptSource:
    return PromptSource(_heading(hit), fenced(without_orders(hit.text)).strip())


def _heading(hit: Hit) -> str:
    """One line that says where the passage is from."""
    parts = [without_orders(part) for part in (hit.title, *hit.node.headings)]
    unique = [part for at, part in enumerate(parts) if part and part not in parts[:at]]
    line = " ".join(" > ".join(unique).split()).replace(">>", ">")
    return fenced(line[:_LONGEST_HEADING]).replace("<", _BRACKET)


@cache
def template(name: str) -> jinja2.Template:
    """A file of `prompts/`, to be rendered with its values; what goes into it is text and never read as a template."""
    text = resources.files("docindex.answering").joinpath("prompts", name).read_text("utf-8")
    return ImmutableSandboxedEnvironment(keep_trailing_newline=True).from_string(text)
