"""`docindex conversations`: the talks that were given a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from docindex.cli.groups import add_group
from docindex.cli.options import IndexOption, JsonOption
from docindex.cli.output import counted, print_json
from docindex.cli.render import shortened
from docindex.cli.screen import Column, Span
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.stores.conversations import ConversationLog, unknown

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The conversation.", show_default=False)]


def add_conversation_commands(app: typer.Typer, *, rich: bool) -> None:
    """Adds the group to the app."""
    commands: dict[str, Callable[..., None]] = {"list": list_, "show": show, "rm": rm}
    summary = "Lists, shows and deletes the conversations of `docindex chat --conversation NAME`."
    add_group(app, "conversations", summary, commands, panel="Ask", rich=rich)


def list_(ctx: typer.Context, index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Lists the conversations, the one with the newest turn first.

    Examples:
      docindex conversations list
      docindex conversations list --json
    """
    with _log(ctx, index) as log:
        kept = log.summaries()
    if as_json:
        print_json({"conversations": [one.as_dict() for one in kept]})
        return
    screen = open_screen()
    if not kept:
        screen.line("No conversation is kept: `docindex chat --conversation NAME` begins one.")
        return
    columns = (Column("Name"), Column("Turns", "count"), Column("Last", "time"), Column("First question"))
    screen.table(columns, [[one.name, one.turns, one.last, shortened(one.question, 80)] for one in kept])


def show(ctx: typer.Context, name: NameArgument, index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Shows what was said in a conversation.

    Examples:
      docindex conversations show warranty
    """
    with _log(ctx, index) as log:
        turns = log.turns(name)
    if not turns:
        raise unknown(name)
    if as_json:
        print_json({"name": name, "turns": [turn.as_dict() for turn in turns]})
        return
    screen = open_screen()
    for turn in turns:
        screen.line(Span("› ", "dim"), Span(turn.question, "strong"))
        screen.line(turn.answer)
        for citation in turn.citations:
            page = f", page {citation.page_label or citation.page}" if citation.page else ""
            screen.line(Span(f"  [{citation.marker}] {citation.source}{page}", "dim"))


def rm(ctx: typer.Context, name: NameArgument, index: IndexOption = None, as_json: JsonOption = False) -> None:
    """Deletes a conversation; what is deleted is overwritten.

    Examples:
      docindex conversations rm warranty
    """
    with _log(ctx, index) as log:
        gone = log.delete(name)
    if as_json:
        print_json({"deleted": gone})
    else:
        open_screen().line(f"Deleted {counted(gone, 'turn')}.")


@contextmanager
def _log(ctx: typer.Context, index: Path | None) -> Iterator[ConversationLog]:
    with Session.of(ctx).open(index) as opened:
        yield opened.conversations
