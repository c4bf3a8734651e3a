"""How a search is made, beyond its mode: the options of `search`, `query` and `why`, and what they come to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docindex.cli.settings import settings_of
from docindex.schema import Expand, TransformName, Via

if TYPE_CHECKING:
    from docindex.retrieval.options import RetrievalOptions

ViaOption = Annotated[
    Via,
    typer.Option(
        "--via",
        help="Find passages through the graph, the summaries of documents, the tree of summaries (all at once, or "
        "walked from the top), or larger nodes. `docindex indexes add` makes the first three.",
    ),
]
ExpandOption = Annotated[
    Expand,
    typer.Option(
        "--expand",
        help="Give passages as the larger node that holds them: where they are most of it (merge), or always (parent).",
    ),
]
WindowOption = Annotated[
    int, typer.Option("--window", metavar="N", min=0, max=50, help="Give N sentences on either side of each passage.")
]
TransformOption = Annotated[
    TransformName | None,
    typer.Option("--transform", help="Have the local model turn the question into what is looked up."),
]
RerankOption = Annotated[
    str | None,
    typer.Option(
        "--rerank",
        metavar="MODEL",
        help='Judge the best hits anew: "late" by the tokens of the index\'s own model, or a cross-encoder: '
        "its folder, its GGUF file, or a name from `docindex models list`.",
        show_default=False,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Any other setting of a search, such as mmr=0.7, per_document=2, recency_half_life_days=90, "
        "auto_filter=true or fusion=rrf. Can be given more than once.",
        show_default=False,
    ),
]


def retrieval_options(
    via: Via,
    expand: Expand,
    window: int,
    transform: TransformName | None,
    rerank: str | None,
    settings: Sequence[str] | None,
    prompts: Path | None = None,
) -> RetrievalOptions | None:
    """What the options come to; None where none is given.

    Raises:
        ConfigError: A setting is unknown, or has no such value.
    """
    given: dict[str, object] = {
        name: value
        for name, value, default in (
            ("via", via, "passages"),
            ("expand", expand, "none"),
            ("window", window, 0),
            ("transform", transform, None),
            ("rerank", rerank, None),
            ("prompts", prompts, None),
        )
        if value != default
    }
    if not given and not settings:
        return None
    from docindex.retrieval.feedback import Feedback
    from docindex.retrieval.options import RetrievalOptions

    kinds = {field.name: str(field.type) for field in dataclasses.fields(RetrievalOptions)} | {"feedback": "bool"}
    given |= settings_of("--set", settings or (), kinds)
    if "feedback" in given:
        given["feedback"] = Feedback() if given["feedback"] else None
    options: RetrievalOptions = dataclasses.replace(RetrievalOptions(), **given)  # type: ignore[arg-type]
    return options
