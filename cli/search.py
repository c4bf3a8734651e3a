"""`docindex search`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from docindex.cli.opening_indexes import open_indexes
from docindex.cli.options import (
    AtOption,
    FilterOption,
    IndexesOption,
    JsonOption,
    KOption,
    ModeOption,
    PromptsOption,
)
from docindex.cli.output import print_json, print_json_line
from docindex.cli.render import show_hits, show_stages
from docindex.cli.retrieving import (
    ExpandOption,
    RerankOption,
    SetOption,
    TransformOption,
    ViaOption,
    WindowOption,
    retrieval_options,
)
from docindex.cli.session import Session
from docindex.cli.terminal import open_screen
from docindex.errors import QueryError
from docindex.schema import SearchMode

if TYPE_CHECKING:
    from docindex.retrieval.options import RetrievalOptions
    from docindex.searchable import Searchable


@dataclass(frozen=True, slots=True)
class GivenQuery:
    """A line of a file of queries."""

    query_id: str | int | None
    text: str


def search(
    ctx: typer.Context,
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="A question or some words.", show_default=False)
    ] = None,
    index: IndexesOption = None,
    k: KOption = None,
    mode: ModeOption = "hybrid",
    filter: FilterOption = None,  # noqa: A002 - the option's name
    queries: Annotated[
        Path | None,
        typer.Option(
            "--queries",
            metavar="FILE",
            help='Many queries: JSON Lines with "_id" and "text", or "-". Prints a line of JSON for each.',
            show_default=False,
        ),
    ] = None,
    via: ViaOption = "passages",
    expand: ExpandOption = "none",
    window: WindowOption = 0,
    transform: TransformOption = None,
    rerank: RerankOption = None,
    prompts: PromptsOption = None,
    settings: SetOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also show what each stage of the search gave, and under which condition.")
    ] = False,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Finds the passages that fit a query best.

    By meaning and by words, unless --mode says otherwise; nothing in a query is syntax. Conditions go into --filter:
    comparisons, IN, CONTAINS, AND, OR and NOT over source, page, title, dates and the metadata of the documents.

    Examples:
      docindex search "how do I reset the device?"
      docindex search warranty -k 3 --filter "source = 'guide.pdf' AND page <= 20"
      docindex search "pump maintenance" -i manuals -i letters
      docindex search "how is the pump cleaned?" --rerank late --window 2 --explain
      docindex search --queries questions.jsonl > hits.jsonl
    """
    if (query is None) == (queries is None):
        raise QueryError('Give one query, as in `docindex search "reset the device"`, or --queries FILE.')
    session = Session.of(ctx)
    many = _read_queries(queries) if queries is not None else None
    options = retrieval_options(via, expand, window, transform, rerank, settings, prompts)
    if explain and (many is not None or len(index or ()) > 1):
        raise QueryError("--explain goes with one query of one index: leave it out.")
    started = time.perf_counter()
    from docindex.index import Index

    with open_indexes(session, index, at) as opened:
        if options is not None and options.asks_model:
            from docindex.cli.models import bring_model

            bring_model(session, session.environment.llm)
        ready = time.perf_counter()
        k = k or opened.k
        if many is not None:
            _search_many(opened, many, k, mode, filter, options, started)
            return
        text = query or ""
        stages = opened.explain(text, k, mode, filter, options) if explain and isinstance(opened, Index) else []
        hits = list(stages[-1].hits) if stages else opened.search(text, k, mode, filter, options)
        done = time.perf_counter()
    if as_json:
        timings = _timings(open=ready - started, search=done - ready, total=done - started)
        shown = {"query": text, "mode": mode, "hits": [hit.as_dict() for hit in hits], "timings_ms": timings}
        print_json(shown | ({"stages": [stage.as_dict() for stage in stages]} if explain else {}))
        return
    screen = open_screen()
    if explain:
        show_stages(screen, stages)
    show_hits(screen, hits)


def _search_many(
    index: Searchable,
    queries: Sequence[GivenQuery],
    k: int,
    mode: SearchMode,
    where: str | None,
    options: RetrievalOptions | None,
    started: float,
) -> None:
    ready = before = time.perf_counter()
    answers = index.search_many((query.text for query in queries), k, mode, where, options)
    for query, hits in zip(queries, answers, strict=True):
        now = time.perf_counter()
        line: dict[str, Any] = {} if query.query_id is None else {"query_id": query.query_id}
        line |= {"query": query.text, "mode": mode, "hits": [hit.as_dict() for hit in hits]}
        print_json_line(line | {"timings_ms": _timings(open=ready - started, search=now - before, total=now - started)})
        before = time.perf_counter()


def _read_queries(path: Path) -> list[GivenQuery]:
    try:
        with nullcontext(sys.stdin) if str(path) == "-" else path.open(encoding="utf-8") as lines:
            return [_query(line, number, path) for number, line in enumerate(lines, 1) if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"The queries in {path} can't be read: {error}.") from error


def _query(line: str, number: int, path: Path) -> GivenQuery:
    try:
        record = json.loads(line.removeprefix("\ufeff"))  # as Windows begins its files
    except ValueError as error:
        raise QueryError(f"Line {number} of {path} is not JSON: {error}.") from error
    text = record.get("text") if isinstance(record, dict) else None
    if not isinstance(text, str):
        raise QueryError(f'Line {number} of {path} has no "text": each line is {{"_id": ..., "text": "..."}}.')
    query_id = record.get("_id")
    if not isinstance(query_id, str | int | None):
        raise QueryError(f'Line {number} of {path} has an "_id" that is neither text nor a whole number.')
    return GivenQuery(query_id, text)


def _timings(*, open: float, search: float, total: float) -> dict[str, float]:  # noqa: A002 - the key's name
    return {"open": round(open * 1000, 1), "search": round(search * 1000, 1), "total": round(total * 1000, 1)}
