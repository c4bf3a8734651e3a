"""What the model is shown when it has something to decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from docindex.answering.fencing import fenced
from docindex.answering.prompting import PromptSource
from docindex.prompts import examples
from docindex.prompts.files import SHIPPED, Prompts
from docindex.protocols import Message
from docindex.schema import Step

_LONGEST_FINDING = 240


@dataclass(frozen=True, slots=True)
class Choice:
    """What a model or a rule may choose, as the prompt names it."""

    name: str
    """One word."""
    description: str


def messages(
    task: str,
    question: str,
    *,
    choices: Sequence[Choice] = (),
    findings: Iterable[Step] = (),
    prompts: Prompts = SHIPPED,
) -> list[Message]:
    """The prompt for a decision: what is to be decided, how others were, and what this one is about.

    Args:
        task: The prompt that says what is to be decided. Beside it is one of examples, of which small models learn
            more.
        question: The user's.
        choices: What there is to choose from.
        findings: What was found so far: shown short and fenced, for text of documents stands in it.
        prompts: Where the prompts are from.
    """
    shown = [PromptSource(_heading(step), _line(step.answer, _LONGEST_FINDING)) for step in findings]
    return [
        Message("system", prompts.render(task, {"choices": choices})),
        *examples.turns(prompts.render(f"{task}_examples")),
        Message("user", prompts.render("decide_user", {"findings": shown, "question": _line(question)})),
    ]


def _heading(step: Step) -> str:
    return _line(f"{step.kind}: {step.text}", _LONGEST_FINDING).replace("<", "‹").replace(">", "›")


def _line(text: str, longest: int | None = None) -> str:
    return fenced(" ".join(text.split())[:longest])
