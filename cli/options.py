"""Options that several commands take, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docindex.schema import SearchMode

IndexOption = Annotated[
    Path | None,
    typer.Option(
        "--index",
        "-i",
        metavar="DIR",
        help="The folder of the index.",
        show_default="$DOCINDEX_INDEX, else .docindex",
    ),
]

IndexesOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--index",
        "-i",
        metavar="DIR",
        help="The folder of the index. Given more than once, all of them are read as one.",
        show_default="$DOCINDEX_INDEX, else .docindex",
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

LeaseWaitOption = Annotated[
    float,
    typer.Option(
        "--lease-wait", metavar="S", min=0, help="How many seconds to wait while another process writes to the index."
    ),
]

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

ModeOption = Annotated[
    SearchMode,
    typer.Option(
        "--mode",
        help="Search by meaning and by words (hybrid), by meaning alone (dense) or by words alone (lexical).",
    ),
]

KOption = Annotated[
    int | None,
    typer.Option(
        "-k",
        min=1,
        help="How many passages the search gives.",
        show_default="10, or what `docindex eval tune` found best for the index",
    ),
]

FilterOption = Annotated[
    str | None,
    typer.Option(
        "--filter",
        metavar="EXPR",
        help="Look only at passages for which this holds, such as \"page <= 3 AND source contains 'guide'\".",
        show_default=False,
    ),
]

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--llm",
        metavar="MODEL",
        help="The model that answers: a name from `docindex models list`, or the path of a GGUF file.",
        show_default="$DOCINDEX_LLM, else the catalogue's default",
    ),
]


def is_given(ctx: typer.Context, name: str) -> bool:
    """Whether an option is on the command line, be it with the value that it has anyway."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


MaxTokensOption = Annotated[
    int | None,
    typer.Option("--max-tokens", min=1, help="The longest answer, in tokens.", show_default="256"),
]

RequireGpuOption = Annotated[
    bool, typer.Option("--require-gpu", help="Fail where the model can't be offloaded, rather than run on the CPU.")
]

PromptsOption = Annotated[
    Path | None,
    typer.Option(
        "--prompts",
        metavar="DIR",
        help="A folder with prompts of your own: what has the name of a shipped one takes its place. `docindex prompts "
        "DIR` writes one.",
        show_default=False,
    ),
]

MOST = 1_000_000_000
"""The highest of the numbers that say how many are to be listed or kept."""

AtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="VERSION",
        help="Read the index as it was at a version: a tag, or the number of one that is still kept.",
        show_default="the newest",
    ),
]


def version_of(given: str) -> int | str:
    """The number of a version, or its tag."""
    return int(given) if given.isdecimal() else given


def at_version(given: str | None) -> int | str | None:
    """What `--at` says, as `Index.open` takes it."""
    return None if given is None else version_of(given)
