"""Options of several `docindex eval` commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docindex.errors import ConfigError

if TYPE_CHECKING:
    from docindex.evaluation.questions import QuestionSplit

DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="A collection in BEIR's layout.", show_default=False),
]

QuestionsOption = Annotated[
    Path | None,
    typer.Option("--questions", metavar="FILE", help="Questions of `docindex eval make`.", show_default=False),
]

QuestionSplitOption = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="NAME",
        help="Which judgements: qrels/NAME.tsv; of questions, train or test.",
        show_default="the only one; all questions",
    ),
]

NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="TEXT", help="What the result is called in tables.", show_default=False),
]

OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE",
        help="Keep the result in a file: JSON, or a TREC run when the name ends in .trec, .run or .txt.",
        show_default=False,
    ),
]

BaselineOption = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="FILE", help="An earlier result: exit with 1 when worse.", show_default=False),
]

MaxDropOption = Annotated[
    float,
    typer.Option("--max-drop", metavar="X", min=0, help="How much worse than --baseline a metric may be."),
]

PerQueryOption = Annotated[bool, typer.Option("--per-query", help="Show each query as well, the worst ones first.")]


def question_split(given: str | None) -> QuestionSplit:
    """The part of a file of questions that `--split` names.

    Raises:
        ConfigError: There is no such part.
    """
    match given:
        case None | "all":
            return "all"
        case "train":
            return "train"
        case "test":
            return "test"
        case _:
            raise ConfigError(f"Questions have no split {given!r}: give train, test or all.")
