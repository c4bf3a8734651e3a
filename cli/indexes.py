"""`docindex indexes`: what is kept on top of the passages."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from docindex.cli.groups import add_group
from docindex.cli.options import IndexOption, JsonOption, LeaseWaitOption, PromptsOption
from docindex.cli.output import print_json
from docindex.cli.progress import show_progress
from docindex.cli.screen import Column
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen


class Kind(StrEnum):
    """The kinds of `docindex.indices.definitions`."""

    GRAPH = "graph"
    SENTENCES = "sentences"
    SUMMARIES = "summaries"
    TREE = "tree"


class By(StrEnum):
    """Who makes the records."""

    RULES = "rules"
    MODEL = "model"


class Group(StrEnum):
    """What the tree puts together."""

    ALIKE = "alike"
    ORDER = "order"


KindArgument = Annotated[Kind, typer.Argument(metavar="KIND", help="graph, sentences, summaries or tree.")]


def add_index_commands(app: typer.Typer, *, rich: bool) -> None:
    """Adds the group to the app."""
    commands: dict[str, Callable[..., None]] = {"list": list_, "add": add, "refresh": refresh, "drop": drop}
    summary = "Keeps indexes on top of the passages: summaries, a tree of them, a graph, sentences."
    add_group(app, "indexes", summary, commands, panel="Index", rich=rich)


def list_(ctx: typer.Context, index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Lists the indexes that there are and that there could be.

    In a pipe, a line holds the kind, the number of records, of documents, and of documents that wait, by tabs.

    Examples:
      docindex indexes list
    """
    from docindex.indices.definitions import KINDS

    with Session.of(ctx).open(index) as opened:
        states = opened.indexes()
    if as_json:
        print_json({"indexes": [state.as_dict() for state in states]})
        return
    screen = open_screen()
    if states:
        columns = (Column("Kind"), *(Column(name, "count") for name in ("Records", "Documents", "Waiting")))
        screen.table(columns, [[one.kind, one.records, one.documents, one.waiting] for one in states])
    else:
        for kind, what in KINDS.items():
            screen.line(f"`docindex indexes add {kind}` keeps {what}.")


def add(
    ctx: typer.Context,
    kind: KindArgument,
    index: IndexOption = None,
    by: Annotated[
        By, typer.Option("--by", help="Who makes it: rules, or the local model, which writes for each passage.")
    ] = By.RULES,
    fanout: Annotated[
        int, typer.Option("--fanout", metavar="N", min=2, max=64, help="Members of a summary in the tree.")
    ] = 8,
    grouping: Annotated[
        Group,
        typer.Option(
            "--grouping",
            help="What the tree puts together inside a document: passages that are alike, or that follow each other.",
        ),
    ] = Group.ALIKE,
    words: Annotated[
        int, typer.Option("--words", metavar="N", min=20, max=400, help="About how long a summary is.")
    ] = 120,
    prompts: PromptsOption = None,
    lease_wait: LeaseWaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Adds an index, and makes it for all documents.

    It can be stopped at any time, and goes on from there with `docindex indexes refresh` or the next ingest. An index
    of the kind that was made otherwise is made anew. Prompts go with --by model; ingests read them from their folder.

    Examples:
      docindex indexes add summaries
      docindex indexes add tree --fanout 6 --grouping order
      docindex indexes add graph --by model
    """
    from docindex.indices.definitions import definition_of

    session = Session.of(ctx)
    definition = definition_of(
        kind.value,
        by=by.value,
        fanout=fanout,
        grouping=grouping.value,
        words=words,
        llm=session.environment.llm,
        prompts=prompts,
    )
    with (
        session.open(index) as opened,
        show_progress("Making") as on_progress,
    ):
        made = opened.add_index(definition, on_progress=on_progress, wait_seconds=lease_wait)
    if as_json:
        print_json({"kind": kind.value, "made": made})
    else:
        open_screen().line(f"Added the index {kind.value}: {made:,} records.")


def refresh(
    ctx: typer.Context, index: IndexOption = None, lease_wait: LeaseWaitOption = 0.0, as_json: JsonOption = False
) -> None:
    """Brings the indexes up to date: what an interrupted ingest or `add` left to do.

    Examples:
      docindex indexes refresh
    """
    with (
        Session.of(ctx).open(index) as opened,
        show_progress("Making") as on_progress,
    ):
        made = opened.refresh_indexes(on_progress=on_progress, wait_seconds=lease_wait)
    if as_json:
        print_json({"made": made})
        return
    screen = open_screen()
    for kind, records in made.items():
        screen.line(f"{kind}: {records:,} records made.")
    if not made:
        screen.line("There is no index on top of the passages: `docindex indexes list` shows what there could be.")


def drop(
    ctx: typer.Context,
    kind: KindArgument,
    index: IndexOption = None,
    lease_wait: LeaseWaitOption = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Drops an index with all that it keeps; the passages stay.

    Examples:
      docindex indexes drop tree
    """
    with Session.of(ctx).open(index) as opened:
        opened.drop_index(kind.value, wait_seconds=lease_wait)
    if as_json:
        print_json({"kind": kind.value, "dropped": True})
    else:
        open_screen().line(f"Dropped the index {kind.value}.")
