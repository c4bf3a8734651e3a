"""`docindex route`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docindex.cli.options import IndexOption, JsonOption
from docindex.cli.output import print_json
from docindex.cli.screen import Screen, Span
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.config import DEFAULT_EMBEDDER, LLMConfig
from docindex.errors import IndexNotFoundError, QueryError

if TYPE_CHECKING:
    from docindex.retrieval.router import RouteDecision, Router

_MOST_SHOWN = 20
"""Of the utterances that went astray."""


@dataclass(frozen=True, slots=True)
class _Labelled:
    text: str
    route: str


def route(
    ctx: typer.Context,
    utterance: Annotated[
        str | None, typer.Argument(metavar="UTTERANCE", help="What somebody says.", show_default=False)
    ] = None,
    routes: Annotated[
        Path | None, typer.Option("--routes", metavar="FILE", help="The YAML file of routes.", show_default=False)
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            metavar="FILE",
            help='How many of many go where they should: JSON Lines with "text" and "route".',
            show_default=False,
        ),
    ] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tells what is to be done about an utterance: retrieve, answer, refuse, or ask the model directly.

    One embedding decides, without a language model. The routes and what is said on each are in a YAML file; where there
    is an index, its embedder and its words are used.

    Examples:
      docindex route "how long is the warranty?" --routes routes.yaml
      docindex route --check labelled.jsonl --routes routes.yaml --json
    """
    if routes is None:
        raise QueryError("There are no routes: give a YAML file of them, --routes FILE.")
    if (utterance is None) == (check is None):
        raise QueryError('Give one utterance, as in `docindex route "hello" --routes FILE`, or --check FILE.')
    labelled = _read(check) if check is not None else []
    router = _open(Session.of(ctx), routes, index)
    screen = open_screen()
    if check is None:
        decision = router.route(utterance or "")
        if as_json:
            print_json({"utterance": utterance, **decision.as_dict()})
        else:
            _show(screen, decision)
        return
    names = {one.name for one in router.routes.routes}
    for row in labelled:
        if row.route not in names:
            raise QueryError(f"{check} has the route {row.route!r}, which {routes} has not: correct one of them.")
    decisions = [router.route(row.text) for row in labelled]
    if as_json:
        print_json(_report(router, labelled, decisions))
    else:
        _show_check(screen, labelled, decisions)


def _open(session: Session, routes: Path, index: Path | None) -> Router:
    from docindex import wiring
    from docindex.retrieval.router import Router

    path = session.index_path(index)
    try:
        parts = wiring.open(path, LLMConfig(model=session.environment.llm), session.environment)
    except IndexNotFoundError:
        if index is not None:
            raise
        return Router.open(routes, wiring.open_embedder(DEFAULT_EMBEDDER, session.environment))
    try:
        return wiring.router(parts, routes)
    finally:
        parts.close()


def _read(path: Path) -> list[_Labelled]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"The utterances in {path} can't be read: {error}.") from error
    rows = [_row(line, number, path) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise QueryError(f'{path} is empty: give lines such as {{"text": "hello", "route": "courtesy"}}.')
    return rows


def _row(line: str, number: int, path: Path) -> _Labelled:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise QueryError(f"Line {number} of {path} is not JSON: {error}.") from error
    values = [record.get(key) for key in ("text", "route")] if isinstance(record, dict) else []
    match values:
        case [str(text), str(name)] if text.strip():
            return _Labelled(text, name)
    raise QueryError(
        f'Line {number} of {path} has no "text" or no "route": each line is {{"text": ..., "route": ...}}.'
    )


def _report(router: Router, labelled: Sequence[_Labelled], decisions: Sequence[RouteDecision]) -> dict[str, object]:
    astray = _astray(labelled, decisions)
    return {
        "utterances": len(labelled),
        "correct": len(labelled) - len(astray),
        "accuracy": round(1 - len(astray) / len(labelled), 4),
        "left_out_accuracy": round(router.left_out_accuracy, 4),
        "confusions": [
            {"route": right, "taken_for": wrong, "count": count} for (right, wrong), count in _confusions(astray)
        ],
        "astray": [{"text": row.text, "route": row.route, **decision.as_dict()} for row, decision in astray],
    } | {"fell_back": sum(decision.fell_back for decision in decisions)}


def _astray(labelled: Sequence[_Labelled], decisions: Sequence[RouteDecision]) -> list[tuple[_Labelled, RouteDecision]]:
    pairs = zip(labelled, decisions, strict=True)
    return [(row, decision) for row, decision in pairs if decision.route != row.route]


def _confusions(astray: Sequence[tuple[_Labelled, RouteDecision]]) -> list[tuple[tuple[str, str], int]]:
    return Counter((row.route, decision.route) for row, decision in astray).most_common()


def _show(screen: Screen, decision: RouteDecision) -> None:
    action = decision.as_dict()["action"]
    options = ", ".join(f"{name} {value}" for name, value in action.items() if name != "do" and value is not None)
    screen.line(
        Span(decision.route, "name"),
        Span(f"  {decision.score:.2f}", "dim"),
        Span(f"  before {decision.runner_up} by {decision.margin:.2f}" if not decision.fell_back else "", "dim"),
        Span("  nothing in the file is like this" if decision.fell_back else "", "warn"),
    )
    screen.line(Span(action["do"], "strong"), f": {options}" if options else "", indent=4)


def _show_check(screen: Screen, labelled: Sequence[_Labelled], decisions: Sequence[RouteDecision]) -> None:
    astray = _astray(labelled, decisions)
    correct = len(labelled) - len(astray)
    screen.line(
        Span(f"{correct / len(labelled):.1%}", "strong"), f"  {correct:,} of {len(labelled):,} go where they should"
    )
    for (right, wrong), count in _confusions(astray):
        screen.line(Span(f"{count:>4}  ", "strong"), Span(right, "name"), " taken for ", Span(wrong, "name"))
    for row, decision in astray[:_MOST_SHOWN]:
        screen.line(Span(f"{decision.score:.2f}  ", "dim"), f"{row.route} → {decision.route}: {row.text}", indent=4)
    if len(astray) > _MOST_SHOWN:
        screen.line(Span(f"… and {len(astray) - _MOST_SHOWN:,} more; --json lists them all.", "dim"))
