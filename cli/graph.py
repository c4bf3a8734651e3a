"""`docindex graph`: what the passages speak of, and how it is connected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from docindex.cli.groups import add_group
from docindex.cli.options import MOST, AtOption, IndexOption, JsonOption
from docindex.cli.output import print_json
from docindex.cli.render import shortened
from docindex.cli.screen import Column
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.cli.writing import require_place
from docindex.errors import QueryError
from docindex.whole_files import written_whole

BEGINNING = 80
"""Characters of a passage that are shown."""
EntityArgument = Annotated[str, typer.Argument(metavar="ENTITY", help="Its name, in any case and number.")]


def add_graph_commands(app: typer.Typer, *, rich: bool) -> None:
    """Adds the group to the app."""
    commands: dict[str, Callable[..., None]] = {
        "entities": entities,
        "neighbours": neighbours,
        "path": path,
        "export": export,
    }
    summary = "Tells what the passages speak of, and how it is connected."
    add_group(app, "graph", summary, commands, panel="Ask", rich=rich)


def entities(
    ctx: typer.Context,
    like: Annotated[str, typer.Argument(metavar="[TEXT]", help="Only those that hold this text.")] = "",
    limit: Annotated[int, typer.Option("-n", "--limit", metavar="N", min=1, max=MOST, help="How many.")] = 50,
    index: IndexOption = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists entities, those of the most passages first.

    In a pipe, a line holds the entity and the number of passages, separated by a tab.

    Examples:
      docindex graph entities
      docindex graph entities pump -n 5
    """
    with Session.of(ctx).open(index, at) as opened:
        found = opened.graph().entities(like, limit)
    if as_json:
        print_json({"entities": [{"entity": key, "passages": count} for key, count in found]})
    elif found:
        open_screen().table((Column("Entity"), Column("Passages", "count")), found)
    else:
        open_screen().line("The graph has no such entity.")


def neighbours(
    ctx: typer.Context,
    entity: EntityArgument,
    limit: Annotated[int, typer.Option("-n", "--limit", metavar="N", min=1, max=MOST, help="How many.")] = 20,
    index: IndexOption = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lists the entities that stand beside one in passages, and what stands between them.

    In a pipe, a line holds the entity, the number of passages and what stands between, separated by tabs.

    Examples:
      docindex graph neighbours "factory settings"
    """
    with Session.of(ctx).open(index, at) as opened:
        found = opened.graph().neighbours(entity, limit)
    if as_json:
        print_json({"entity": entity, "neighbours": [asdict(one) for one in found]})
    elif found:
        columns = (Column("Entity"), Column("Passages", "count"), Column("Between"))
        open_screen().table(columns, [[one.label, one.passages, ", ".join(one.relations)] for one in found])
    else:
        open_screen().line(f"The graph has nothing beside {entity!r}: `docindex graph entities` lists what it has.")


def path(
    ctx: typer.Context,
    start: EntityArgument,
    end: EntityArgument,
    index: IndexOption = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows the shortest way from one entity to another, with a passage for each step.

    In a pipe, a line holds both ends of a step, what stands between them, the source and the passage, by tabs.

    Examples:
      docindex graph path pump battery
    """
    with Session.of(ctx).open(index, at) as opened:
        known = opened.graph()
        steps = known.path(start, end)
        passages = known.passages([step.node_id for step in steps])
    if as_json:
        shown = [
            asdict(step) | {"source": stored.source, "text": stored.node.text}
            for step, stored in zip(steps, passages, strict=True)
        ]
        print_json({"start": start, "end": end, "steps": shown})
    elif steps:
        rows = [
            [step.start, step.end, step.relation, stored.source, shortened(stored.node.text, BEGINNING)]
            for step, stored in zip(steps, passages, strict=True)
        ]
        open_screen().table(tuple(map(Column, ("From", "To", "Between", "Source", "Passage"))), rows)
    else:
        open_screen().line(f"No way of up to four steps leads from {start!r} to {end!r}.")


def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The GraphML file to write.")],
    index: IndexOption = None,
    at: AtOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Writes the graph as GraphML, for programs such as Gephi, yEd or NetworkX.

    Examples:
      docindex graph export graph.graphml
    """
    require_place(file)
    if file.is_file() and not force:
        raise QueryError(f"{file} is there already: choose another name, or add --force.")
    with Session.of(ctx).open(index, at) as opened:
        known = opened.graph()
        with written_whole(file) as out:
            nodes, edges = known.write_graphml(out)
    if as_json:
        print_json({"file": str(file), "entities": nodes, "edges": edges})
    else:
        open_screen().line(f"{file}: {nodes:,} entities, {edges:,} edges.")
