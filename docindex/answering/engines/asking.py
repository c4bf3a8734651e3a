"""What the model is shown when it has something to decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from docindex.answering.fencing import fenced
from docindex.answering.prompting import PromptSource, template
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
    task: str, question: str, *, choices: Sequence[Choice] = (), findings: Iterable[Step] = ()
) -> list[Message]:
    """The prompt for a decision: what is to be decided, how others were, and what this one is about.

    Args:
        task: The file of `prompts/` that says what is to be decided, without its ending. Beside it is one of examples,
            of which small models learn more.
        question: The user's.
        choices: What there is to choose from.
        findings: What was found so far: shown short and fenced, for text of documents stands in it.
    """
    shown = [PromptSource(_heading(step), _line(step.answer, _LONGEST_FINDING)) for step in findings]
    return [
        Message("system", template(f"{task}.txt").render(choices=choices).strip()),
        *_examples(task),
        Message("user", template("decide_user.txt").render(findings=shown, question=_line(question)).strip()),
    ]


def _examples(task: str) -> Iterator[Message]:
    """Turns of a chat: of each paragraph of the file, the last line is the answer."""
    for example in template(f"{task}_examples.txt").render().strip().split("\n\n"):
        asked, _, decided = example.rpartition("\n")
        yield Message("user", asked)
        yield Message("assistant", decided)


def _heading(step: Step) -> str:
    return _line(f"{step.kind}: {step.text}", _LONGEST_FINDING).replace("<", "‹").replace(">", "›")


def _line(text: str, longest: int | None = None) -> str:
    return fenced(" ".join(text.split())[:longest])
