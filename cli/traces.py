"""`docindex traces`: what searches and answers came from, kept for whoever asks later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from docindex.cli.groups import add_group
from docindex.cli.options import MOST, IndexOption, JsonOption
from docindex.cli.output import counted, print_json, readable_ms
from docindex.cli.render import STAGE_COLUMNS, shortened, stage_row
from docindex.cli.screen import Cell, Column, Screen, Span
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.errors import QueryError
from docindex.schema import Trace, TracedAnswer, TraceSummary
from docindex.stores.traces import KEEP, TraceLog

LISTED = 20
"""Traces that are listed when nothing else is said."""
OFF = "Searches are not traced: `docindex traces on` switches that on."


def add_trace_commands(app: typer.Typer, *, rich: bool) -> None:
    """Adds the group to the app."""
    commands: dict[str, Callable[..., None]] = {"on": on, "off": off, "list": list_, "show": show, "prune": prune}
    summary = "Keeps what searches and answers came from, to ask later why they were what they were."
    add_group(app, "traces", summary, commands, panel="Ask", rich=rich)


def on(
    ctx: typer.Context,
    index: IndexOption = None,
    keep: Annotated[
        int, typer.Option("--keep", metavar="N", min=1, max=MOST, help="How many traces stay; older ones go.")
    ] = KEEP,
    as_json: JsonOption = False,
) -> None:
    """Has searches and answers traced from now on, in every process.

    A trace takes some kilobytes: the query, what each stage of the search gave, and of an answer its text, what the
    prompt held and what it had no room for. `docindex purge` erases all of them.

    Examples:
      docindex traces on
      docindex traces on --keep 5000
    """
    with _log(ctx, index) as log:
        log.switch_on(keep)
        _tell_state(log, as_json=as_json)


def off(ctx: typer.Context, index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Has nothing traced any more; the traces that there are stay until they are pruned.

    Examples:
      docindex traces off
    """
    with _log(ctx, index) as log:
        log.switch_off()
        _tell_state(log, as_json=as_json)


def list_(
    ctx: typer.Context,
    index: IndexOption = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=MOST, help="How many, newest first.")
    ] = LISTED,
    as_json: JsonOption = False,
) -> None:
    """Lists the traces, newest first.

    In a pipe, a line holds the id, what was asked for (search or query), when, the version of the index, the
    milliseconds, whether there was an answer, and the query, by tabs.

    Examples:
      docindex traces list
      docindex traces list --limit 100 --json
    """
    with _log(ctx, index) as log:
        state = log.state()
        traces = log.newest(limit)
    if as_json:
        listed = [trace.as_dict() for trace in traces]
        print_json({"on": state.on, "keep": state.keep, "kept": state.kept, "traces": listed})
        return
    screen = open_screen()
    if traces:
        columns = (
            Column("Id", "count"),
            Column("Kind"),
            Column("At", "time"),
            Column("Version", "count", on_terminal=False),
            Column("ms", "count"),
            Column("Answer"),
            Column("Query"),
        )
        screen.table(columns, [_listed(trace) for trace in traces])
    else:
        screen.line("No trace is kept yet." if state.on else OFF)


def show(
    ctx: typer.Context,
    trace_id: Annotated[
        int | None, typer.Argument(metavar="ID", min=1, help="The trace, by its id.", show_default="the newest")
    ] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shows a trace: what each stage gave, what the prompt held, what was cited.

    `docindex why --trace ID DOC` tells what became of one document.

    Examples:
      docindex traces show
      docindex traces show 12 --json
    """
    with _log(ctx, index) as log:
        trace = log.get(trace_id)
    if as_json:
        print_json(trace.as_dict())
    else:
        _show(open_screen(), trace)


def prune(
    ctx: typer.Context,
    index: IndexOption = None,
    keep: Annotated[
        int | None,
        typer.Option("--keep", metavar="N", min=0, max=MOST, help="Delete all but the newest N.", show_default=False),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than", metavar="DAYS", min=0, max=36_500, help="Delete those that are older.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Deletes traces; what is deleted is overwritten.

    Examples:
      docindex traces prune --older-than 30
      docindex traces prune --keep 0
    """
    if keep is None and older_than is None:
        raise QueryError("Say what is to go: --keep N, --older-than DAYS, or both.")
    with _log(ctx, index) as log:
        pruned = log.prune(keep, None if older_than is None else timedelta(days=older_than))
        kept = log.state().kept
    if as_json:
        print_json({"pruned": pruned, "kept": kept})
    else:
        open_screen().line(f"Deleted {counted(pruned, 'trace')}; {kept:,} left.")


@contextmanager
def _log(ctx: typer.Context, index: Path | None) -> Iterator[TraceLog]:
    with Session.of(ctx).open(index) as opened:
        yield opened.traces


def _tell_state(log: TraceLog, *, as_json: bool) -> None:
    state = log.state()
    if as_json:
        print_json({"on": state.on, "keep": state.keep, "kept": state.kept})
    elif state.on:
        open_screen().line(f"Searches and answers are traced; the newest {state.keep:,} traces stay.")
    else:
        kept = f"; {counted(state.kept, 'trace')} kept until `docindex traces prune`" if state.kept else ""
        open_screen().line(f"Searches and answers are not traced{kept}.")


def _listed(trace: TraceSummary) -> list[Cell]:
    answered = None if trace.no_answer is None else "no" if trace.no_answer else "yes"
    query = shortened(trace.query, 80)
    return [trace.trace_id, trace.kind, trace.at, trace.version, round(trace.milliseconds), answered, query]


def _show(screen: Screen, trace: Trace) -> None:
    screen.line(Span(f"Trace {trace.trace_id}, a {trace.kind}: ", "strong"), trace.query)
    took = readable_ms(trace.milliseconds)
    facts = [f"at {trace.at:%Y-%m-%d %H:%M:%S} UTC", f"version {trace.version}", f"mode {trace.mode}", f"k {trace.k}"]
    facts += [f"filter {trace.filter}"] if trace.filter is not None else []
    facts += [f"{name} {value}" for name, value in trace.options.items()]
    screen.line(Span(" · ".join([*facts, took]), "dim"))
    screen.table(
        STAGE_COLUMNS, [stage_row(stage, [(hit.doc_id, hit.score) for hit in stage.hits[:3]]) for stage in trace.stages]
    )
    if trace.answer is not None:
        _show_answer(screen, trace.answer)


def _show_answer(screen: Screen, answer: TracedAnswer) -> None:
    fates = {"whole": "in the prompt", "cut": "in the prompt, cut", "dropped": "no room"}
    rows: list[list[Cell]] = []
    for passage in answer.passages:
        markers = [f"[{one.marker}]" for one in answer.citations if one.node_id == passage.node_id]
        rows.append([passage.rank, passage.doc_id, fates[passage.part], " ".join(markers), passage.node_id])
    columns = (Column("Hit", "count"), Column("Document"), Column("Prompt"), Column("Cited"), Column("Passage"))
    screen.table(columns, rows)
    screen.line(Span("No answer: " if answer.no_answer else "Answer: ", "strong"), answer.text)
