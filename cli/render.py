"""Hits, answers and reports as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from docindex.cli.output import counted, readable_bytes, readable_ms, readable_seconds
from docindex.cli.screen import Column, Span

SNIPPET = 300
"""Characters of a passage that search shows."""
QUOTE = 200
MOST_SHOWN = 20
"""Of what was skipped, and the like, so much is shown; JSON has it all. Failures are always shown."""
MOST_PLANNED = 50
SHOWN_SECONDS = 0.1
"""Stages that took less are not worth a word."""
STAGE_COLUMNS = (
    Column("Stage"),
    Column("Hits", "count"),
    Column("ms"),
    Column("Asked"),
    Column("Best"),
    Column("Condition"),
)

if TYPE_CHECKING:
    from docindex.cli.screen import Cell, Screen
    from docindex.retrieval.tracing import StageTrace
    from docindex.schema import Citation, Hit, IngestReport, NodeCounts, Problem, Response, TracedStage


def show_hits(screen: Screen, hits: Sequence[Hit]) -> None:
    """Shows where each passage is and how it begins."""
    if not hits:
        screen.line("No passage was found.")
    for hit in hits:
        headings = " › ".join(hit.node.headings)
        screen.line(
            Span(f"{hit.rank:>2}", "strong"),
            Span(f"  {hit.score:.3f}  ", "dim"),
            Span(_name(hit.source, hit.doc_id), "name"),
            _page(hit.node.page, hit.node.page_label),
            Span(f"  {headings}" if headings else "", "dim"),
        )
        screen.line(shortened(hit.text, SNIPPET), indent=4)


def show_sources(screen: Screen, response: Response) -> None:
    """Shows what an answer rests on, and what it cost."""
    screen.line()
    for citation in response.citations:
        screen.line(
            Span(f"[{citation.marker}]", "strong"),
            " ",
            Span(_name(citation.source, citation.doc_id), "name"),
            _page(citation.page, citation.page_label),
            Span("" if citation.verified else "  not verified", "warn"),
            Span("" if citation.entailment is None else f"  entailment {citation.entailment:.2f}", "dim"),
        )
        screen.line(_quote(citation), indent=4)
    if response.dropped and response.tokens.prompt:
        screen.line(Span(f"{counted(len(response.dropped), 'passage')} did not fit into the prompt.", "warn"))
    screen.line(Span(_cost(response), "dim"))


def show_report(screen: Screen, report: IngestReport) -> None:
    """Shows what an ingest did, and everything that it did not take."""
    counts = f"{report.added:,} added, {report.updated:,} updated, {report.unchanged:,} unchanged"
    removed = f", {report.deleted:,} deleted" if report.deleted else ""
    screen.line(Span("Would be done: " if report.dry_run else "Documents: ", "strong"), f"{counts}{removed}")
    _show_passages(screen, report.nodes)
    _show_plan(screen, report)
    _show_some(
        screen,
        [
            (Span("Same: ", "dim"), Span(twin.source, "name"), " holds the same bytes as ", Span(twin.same_as, "name"))
            for twin in report.duplicates
        ],
    )
    _show_some(
        screen,
        [
            (Span("Hidden: ", "warn"), Span(hidden.source, "name"), f", {_unseen(hidden.characters)}")
            for hidden in report.hidden_text
        ],
    )
    _show_some(
        screen,
        [
            (Span("No text: ", "warn"), Span(blank.source, "name"), f", {_pages(blank.pages)}")
            for blank in report.pages_without_text
        ],
    )
    _show_some(screen, [_problem(Span("Skipped: ", "dim"), problem) for problem in report.skipped])
    for problem in report.failed:
        screen.line(*_problem(Span("Failed: ", "bad"), problem))
    _show_behind(screen, report)
    _show_time(screen, report)


def show_embedding(screen: Screen, report: IngestReport) -> None:
    """Shows what was embedded, and which indexes on top of it could not follow."""
    nodes = report.nodes
    done = f"{nodes.embedded:,} embedded" + (f", {nodes.reused:,} reused" if nodes.reused else "")
    screen.line(Span("Passages: ", "strong"), done)
    _show_pending(screen, nodes)
    _show_behind(screen, report)
    _show_time(screen, report)


def show_facts(screen: Screen, facts: Mapping[str, Any], indent: int = 0) -> None:
    """Shows nested facts, a line each, in the order that they come in."""
    for name, value in facts.items():
        label = Span(name.replace("_", " "), "strong")
        if isinstance(value, Mapping):
            screen.line(label, indent=indent)
            show_facts(screen, {key: _sized(name, key, inner) for key, inner in value.items()}, indent + 2)
        else:
            screen.line(label, ": ", _fact(_sized("", name, value)), indent=indent)


def shortened(text: str, limit: int) -> str:
    """The text on one line, cut between words where it is longer than `limit` characters."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    head = line[: limit + 1].rpartition(" ")[0]
    return f"{head if len(head) > limit // 2 else line[:limit]}…"


def page_ranges(pages: Sequence[int]) -> str:
    """Such as "1-3, 7"."""
    ranges: list[list[int]] = []
    for page in pages:
        if ranges and page == ranges[-1][1] + 1:
            ranges[-1][1] = page
        else:
            ranges.append([page, page])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _name(source: str, doc_id: str) -> str:
    """The source, with the document's id where the source holds many documents."""
    return source if source == doc_id else f"{source} ({doc_id})"


def _page(page: int | None, label: str | None) -> str:
    return f", page {label or page}" if page is not None else ""


def _quote(citation: Citation) -> str:
    return f"“{shortened(citation.quote, QUOTE)}”"


def _cost(response: Response) -> str:
    tokens, times = response.tokens, response.timings_ms
    cached = f" ({tokens.prompt_cached:,} cached)" if tokens.prompt_cached else ""
    parts = [] if response.route is None else [f"route {response.route}"]
    if tokens.prompt:
        parts.append(f"{tokens.prompt:,} tokens read{cached}, {tokens.completion:,} written")
    labels = {
        "route": "routing",
        "retrieve": "search",
        "first_token": "first word",
        "entailment": "judging",
        "total": "in all",
    }
    parts += [f"{label} {readable_ms(times[name])}" for name, label in labels.items() if name in times]
    return " · ".join([*parts, PurePath(response.model).name])


def _show_passages(screen: Screen, nodes: NodeCounts) -> None:
    if nodes.added or nodes.deleted or nodes.embedded:
        counts = (
            f"{nodes.added:,} added, {nodes.embedded:,} embedded, {nodes.reused:,} reused, {nodes.deleted:,} deleted"
        )
        screen.line(Span("Passages: ", "strong"), counts)
    _show_pending(screen, nodes)


def _show_pending(screen: Screen, nodes: NodeCounts) -> None:
    if nodes.pending:
        waiting = f"{counted(nodes.pending, 'passage')}, found by words only until `docindex embed` has run"
        screen.line(Span("Not embedded: ", "warn"), waiting)


def _show_behind(screen: Screen, report: IngestReport) -> None:
    for index in report.behind:
        lacking = f" lacks {counted(index.waiting, 'document')}" if index.waiting else ""
        screen.line(Span("Behind: ", "bad"), Span(f"the index {index.kind}", "name"), f"{lacking}: {index.reason}")


def _show_plan(screen: Screen, report: IngestReport) -> None:
    lines = [
        (Span(f"{planned.action:>8}  ", "dim"), Span(planned.source, "name"), f"  {planned.reason}")
        for planned in report.planned
    ]
    _show_some(screen, lines, MOST_PLANNED)
    if report.estimate:
        estimate = report.estimate
        took = f"about {readable_seconds(estimate.seconds)} for {counted(estimate.nodes, 'passage')}"
        screen.line(Span("Estimate: ", "strong"), f"{took}, from a sample of {readable_bytes(estimate.sampled_bytes)}")


def _show_some(screen: Screen, lines: Sequence[Sequence[Span | str]], most: int = MOST_SHOWN) -> None:
    for line in lines[:most]:
        screen.line(*line)
    if len(lines) > most:
        screen.line(Span(f"… and {len(lines) - most:,} more; --json lists them all.", "dim"))


def _show_time(screen: Screen, report: IngestReport) -> None:
    busy = ", ".join(
        f"{stage.name} {readable_seconds(stage.seconds)} on {stage.cores:.1f} cores"
        for stage in report.stages
        if stage.seconds >= SHOWN_SECONDS
    )
    screen.line(Span(readable_seconds(report.seconds) + (f" ({busy})" if busy else ""), "dim"))


def _problem(lead: Span, problem: Problem) -> tuple[Span | str, ...]:
    return (lead, Span(problem.source, "name"), f": {problem.reason}")


def _unseen(characters: int) -> str:
    return f"{counted(characters, 'character')} that no reader would see {'is' if characters == 1 else 'are'} left out"


def _pages(pages: Sequence[int]) -> str:
    return f"{'page' if len(pages) == 1 else 'pages'} {page_ranges(pages)}"


def _sized(group: str, name: str, value: object) -> object:
    is_size = isinstance(value, int) and not isinstance(value, bool) and "bytes" in (group, *name.rsplit("_"))
    return readable_bytes(value) if is_size and isinstance(value, int) else value


def _fact(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value)


def show_stages(screen: Screen, stages: Sequence[StageTrace]) -> None:
    """Shows what each stage of a search gave: how many hits, in what time, and the sources of the best ones."""
    screen.table(
        STAGE_COLUMNS, [stage_row(stage, [(hit.source, hit.score) for hit in stage.hits[:3]]) for stage in stages]
    )
    screen.line()


def stage_row(stage: StageTrace | TracedStage, best: Iterable[tuple[str, float]]) -> list[Cell]:
    """The cells of a stage; `best` are the names and scores of its best hits."""
    named = ", ".join(f"{name} {score:.3f}" for name, score in best)
    condition = None if stage.filter is None else shortened(stage.filter, 60)
    return [stage.name, len(stage.hits), f"{stage.milliseconds:.1f}", shortened(stage.text, 40), named, condition]
