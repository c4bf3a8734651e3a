"""Hits, answers and reports as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from docindex.cli.output import counted, readable_bytes, readable_ms, readable_seconds
from docindex.cli.screen import Screen, Span
from docindex.schema import Citation, Hit, IngestReport, Problem, Response

SNIPPET = 300
"""Characters of a passage that search shows."""
QUOTE = 200
MOST_SKIPPED = 20
"""Skipped paths are shown up to here; JSON has them all. Failures are always shown."""


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
        )
        screen.line(_quote(citation), indent=4)
    if response.dropped and response.tokens.prompt:
        screen.line(Span(f"{counted(len(response.dropped), 'passage')} did not fit into the prompt.", "warn"))
    screen.line(Span(_cost(response), "dim"))


def show_report(screen: Screen, report: IngestReport) -> None:
    """Shows what an ingest did, and everything that it did not take."""
    counts = f"{report.added:,} added, {report.updated:,} updated, {report.unchanged:,} unchanged"
    removed = f", {report.deleted:,} deleted" if report.deleted else ""
    lead = "Would be done: " if report.dry_run else "Documents: "
    screen.line(Span(lead, "strong"), f"{counts}{removed}")
    nodes = report.nodes
    if nodes.added or nodes.deleted:
        passages = (
            f"{nodes.added:,} added, {nodes.embedded:,} embedded, {nodes.reused:,} reused, {nodes.deleted:,} deleted"
        )
        screen.line(Span("Passages: ", "strong"), passages)
    for blank in report.pages_without_text:
        pages = f"{'page' if len(blank.pages) == 1 else 'pages'} {page_ranges(blank.pages)}"
        screen.line(Span("No text: ", "warn"), Span(blank.source, "name"), f", {pages}")
    _show_problems(screen, Span("Skipped: ", "dim"), report.skipped[:MOST_SKIPPED])
    if len(report.skipped) > MOST_SKIPPED:
        screen.line(Span(f"… and {len(report.skipped) - MOST_SKIPPED:,} more; --json lists them all.", "dim"))
    _show_problems(screen, Span("Failed: ", "bad"), report.failed)
    screen.line(Span(readable_seconds(report.seconds), "dim"))


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
    parts = [f"{tokens.prompt:,} tokens read{cached}, {tokens.completion:,} written"]
    labels = {"retrieve": "search", "first_token": "first word", "total": "in all"}
    parts += [f"{label} {readable_ms(times[name])}" for name, label in labels.items() if name in times]
    return " · ".join([*parts, PurePath(response.model).name])


def _show_problems(screen: Screen, lead: Span, problems: Sequence[Problem]) -> None:
    for problem in problems:
        screen.line(lead, Span(problem.source, "name"), f": {problem.reason}")


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
