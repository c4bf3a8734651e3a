"""How an answer is made: the options of `query`, and what they come to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docindex.config import AnswerOptions
from docindex.schema import EngineName, SynthesisMode

EngineOption = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        help="How the question is gone about: from the passages that search finds (retriever), by questions that are "
        "parts of it (subquestions) or follow from each other (multi-step), from typed tables (tables), through the "
        "graph (graph), by summarising (summary) or comparing (compare) documents, with tools of its choice (agent), "
        "or by what fits the question (auto).",
    ),
]
SynthesisOption = Annotated[
    SynthesisMode,
    typer.Option(
        "--synthesis",
        help="How an answer is made of the passages: from the best in one prompt (compact), from a part of each "
        "(simple), prompt after prompt (refine), as answers over answers (tree-summarise), as one answer a passage "
        "(accumulate); without a model as verbatim sentences (extract) or as the passages themselves (context-only).",
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Withhold sentences that could not be verified.")]
EntailmentOption = Annotated[
    bool,
    typer.Option(
        "--entailment", help="Have the model judge whether the passage supports each sentence; it reads that again."
    ),
]
LeastEntailmentOption = Annotated[
    float,
    typer.Option(
        "--least-entailment",
        metavar="P",
        min=0,
        max=1,
        help="With --entailment: a sentence of which the model finds that less likely counts as not verified.",
    ),
]
StepsOption = Annotated[
    int, typer.Option("--steps", metavar="N", min=1, max=20, help="How many questions an engine may ask on its way.")
]
SentencesOption = Annotated[
    int, typer.Option("--sentences", metavar="N", min=1, max=100, help="How long the summary of a document is.")
]
DocumentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--document",
        metavar="ID",
        help="A document to summarise or compare, with an engine that does. Can be given more than once.",
        show_default="those that the question names",
    ),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="With an engine that asks tables: ask those of this database, by its SQLAlchemy URL, and nothing but read "
        "it.",
        show_default="the tables of the documents",
    ),
]
CacheOption = Annotated[
    bool,
    typer.Option("--cache/--no-cache", help="Answer a prompt that was answered before from what the index keeps."),
]


def answer_options(
    synthesis: SynthesisMode,
    strict: bool,
    entailment: bool,
    least_entailment: float,
    steps: int,
    sentences: int,
    documents: list[str] | None,
    database: str | None,
    cache: bool,
    prompts: Path | None,
) -> AnswerOptions:
    """What the options come to."""
    return AnswerOptions(
        synthesis=synthesis,
        strict=strict,
        entailment=entailment,
        least_entailment=least_entailment,
        steps=steps,
        sentences=sentences,
        documents=tuple(documents or ()),
        database=database,
        cache=cache,
        prompts=prompts,
    )
