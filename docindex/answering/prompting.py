"""The prompts as messages: what is put into the files of `docindex/prompts/`, and how it is fenced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from docindex.answering.fencing import fenced as fenced
from docindex.answering.fencing import tag
from docindex.answering.orders import without_orders
from docindex.prompts.files import SHIPPED, Prompts
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


def answer_prompt(question: str, hits: Sequence[Hit], prompts: Prompts = SHIPPED) -> list[Message]:
    """System, sources, question, in that order: asked again about the same sources, most of it is in the KV cache."""
    return _prompt(prompts, question, [_source(hit) for hit in hits])


def refine_prompt(question: str, hits: Sequence[Hit], answer: str, prompts: Prompts = SHIPPED) -> list[Message]:
    """Asks for a better answer than the one that other sources gave."""
    return _prompt(prompts, question, [_source(hit) for hit in hits], answer)


def combine_prompt(question: str, answers: Sequence[str], prompts: Prompts = SHIPPED) -> list[Message]:
    """Asks for one answer of several."""
    return _prompt(prompts, question, [PromptSource("", fenced(answer)) for answer in answers])


def entailment_prompt(claim: str, hit: Hit, prompts: Prompts = SHIPPED) -> list[Message]:
    """Asks whether a passage says what a sentence does; the passage comes first, for it is cached then."""
    values = {"source": _source(hit), "claim": fenced(claim.strip())}
    return [
        Message("system", prompts.render("entailment_system")),
        Message("user", prompts.render("entailment", values)),
    ]


def direct_prompt(question: str, prompts: Prompts = SHIPPED) -> list[Message]:
    """The question alone."""
    return [Message("system", prompts.render("direct_system")), Message("user", question.strip())]


def rewrite_prompt(question: str, turns: Sequence[PromptTurn], prompts: Prompts = SHIPPED) -> list[Message]:
    """Asks for a question that stands alone."""
    said = [PromptTurn(turn.question, fenced(turn.answer)) for turn in turns]
    asked = prompts.render("rewrite", {"turns": said, "question": question.strip()})
    return [Message("system", prompts.render("rewrite_system")), Message("user", asked)]


def _prompt(prompts: Prompts, question: str, sources: Sequence[PromptSource], answer: str = "") -> list[Message]:
    values = {"sources": sources, "question": fenced(question.strip()), "answer": fenced(answer.strip())}
    return [Message("system", prompts.render("system")), Message("user", prompts.render("question", values))]


def _source(hit: Hit) -> PromptSource:
    return PromptSource(_heading(hit), fenced(without_orders(hit.text)).strip())


def _heading(hit: Hit) -> str:
    """One line that says where the passage is from."""
    parts = [without_orders(part) for part in (hit.title, *hit.node.headings)]
    unique = [part for at, part in enumerate(parts) if part and part not in parts[:at]]
    line = " ".join(" > ".join(unique).split()).replace(">>", ">")
    return fenced(line[:_LONGEST_HEADING]).replace("<", _BRACKET)
