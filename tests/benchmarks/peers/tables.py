"""The outcomes as Markdown, and the goals beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corpora import Corpus
from systems import Outcome

OURS = "docindex"
STORE_OF_REFERENCE = "llamaindex"

COLUMNS: tuple[tuple[str, Callable[[Outcome], str]], ...] = (
    ("system", lambda found: found.system),
    ("first correct search, s", lambda found: first_search(found)),
    ("ingest, s", lambda found: number(found.ingest_s, 1)),
    ("again, unchanged, s", lambda found: number(found.again_s, 2)),
    ("reopen and search, s", lambda found: reopened(found)),
    ("disk, MB", lambda found: megabytes(found.disk_bytes)),
    ("peak memory of ingest, MB", lambda found: megabytes(found.ingest_peak_bytes)),
    ("shared pages once, MB", lambda found: megabytes(found.ingest_peak_share_bytes)),
    ("of reopening, MB", lambda found: megabytes(found.reopen_peak_bytes)),
)
PASSAGE_COLUMNS: tuple[tuple[str, Callable[[Outcome], str]], ...] = (
    ("system", lambda found: found.system),
    ("passages", lambda found: number(found.passages, 0)),
    ("tokens a passage", lambda found: number(ratio(found.tokens, found.passages), 0)),
    ("passages cut", lambda found: number(found.cut_passages, 0)),
    ("ingest: passages/s", lambda found: number(ratio(found.passages, found.ingest_s), 1)),
    ("tokens/s", lambda found: number(ratio(found.tokens, found.ingest_s), 0)),
    ("CPU s", lambda found: number(found.ingest_cpu_s, 1)),
    ("model alone: s", lambda found: number(found.embed_s, 1)),
    ("passages/s", lambda found: number(ratio(embedded(found), found.embed_s), 1)),
    ("least cosine with docindex", lambda found: "" if found.cosine is None else f"{found.cosine:.6f}"),
)


@dataclass(frozen=True)
class Goal:
    """A factor that is wanted, and the one that was measured."""

    what: str
    wanted: float
    measured: float | None

    @property
    def met(self) -> bool:
        return self.measured is not None and self.measured >= self.wanted

    def line(self) -> str:
        if self.measured is None:
            return f"- {self.what}: not measured (goal {self.wanted:g})"
        return f"- {self.what}: {self.measured:.2f} (goal {self.wanted:g}, {'met' if self.met else 'missed'})"


def goals(outcomes: Sequence[Outcome]) -> list[Goal]:
    """Each as a factor in docindex's favour."""
    ours = next((found for found in outcomes if found.system == OURS and found.failure is None), None)
    peers = [found for found in outcomes if found.system != OURS and found.failure is None]
    reference = next((found for found in peers if found.system == STORE_OF_REFERENCE), None)
    if ours is None:
        return []

    def best(value: Callable[[Outcome], float | None], chosen: Sequence[Outcome] = peers) -> float | None:
        found = [measured for measured in map(value, chosen) if measured is not None]
        return min(found) if found else None

    seconds_a_token = ratio(ours.ingest_s, ours.tokens)
    of_reference = [] if reference is None else [reference]
    return [
        Goal(
            "first correct search, times sooner than the best peer",
            25,
            ratio(best(lambda found: found.first_search_s), ours.first_search_s),
        ),
        Goal(
            "documents ingested a second, times the best peer's", 1.15, ratio(best(lambda f: f.ingest_s), ours.ingest_s)
        ),
        Goal(
            "tokens ingested a second, times the best peer's",
            1.15,
            ratio(best(lambda found: ratio(found.ingest_s, found.tokens)), seconds_a_token),
        ),
        Goal("ingest's rate, of the bare embedder's on the same passages", 0.9, ratio(ours.embed_s, ours.ingest_s)),
        Goal("unchanged ingest, times faster than the best peer", 50, ratio(best(lambda f: f.again_s), ours.again_s)),
        Goal(
            f"reopen and search, times faster than {STORE_OF_REFERENCE}'s default store",
            20,
            ratio(best(lambda found: found.reopen_s, of_reference), ours.reopen_s),
        ),
        Goal(
            "peak memory of ingest, the smallest peer's over docindex's",
            1,
            ratio(best(lambda found: found.ingest_peak_bytes), ours.ingest_peak_bytes),
        ),
    ]


def report(corpus: Corpus, outcomes: Sequence[Outcome]) -> str:
    """All of one corpus."""
    left_out = f", left out for all: {corpus.left_out}" if corpus.left_out else ""
    lines = [
        f"## {corpus.name}: {corpus.documents:,} documents, {corpus.bytes / 1e6:.1f} MB{left_out}",
        "",
        f"The query is a sentence of `{corpus.expected}`: {corpus.query}",
        "",
        *markdown(COLUMNS, outcomes),
        "",
        *markdown(PASSAGE_COLUMNS, outcomes),
        "",
        *(f"- {found.system} failed: {found.failure.splitlines()[-1]}" for found in outcomes if found.failure),
        *(goal.line() for goal in goals(outcomes)),
        "",
        *(f"- {found.system} ({versions(found)}): {found.settings}." for found in outcomes if found.settings),
    ]
    return "\n".join(lines)


def markdown(columns: Sequence[tuple[str, Callable[[Outcome], str]]], outcomes: Sequence[Outcome]) -> list[str]:
    heads = [head for head, _ in columns]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)], *([cell(found) for _, cell in columns] for found in outcomes)]
    return [f"| {' | '.join(row)} |" for row in rows]


def first_search(found: Outcome) -> str:
    if found.first_search_s is None:
        return "never" if found.ingest_s is not None else ""
    return number(found.first_search_s, 2) + rank(found.first_search_rank)


def reopened(found: Outcome) -> str:
    return "" if found.reopen_s is None else number(found.reopen_s, 2) + rank(found.reopen_rank)


def rank(place: int | None) -> str:
    """Where the expected document was, if it was not the first."""
    return {1: "", None: " (not found)"}.get(place, f" (rank {place})")


def embedded(found: Outcome) -> int | None:
    """docindex embeds a passage once, however often it occurs."""
    return found.distinct_passages if found.system == OURS else found.passages


def versions(found: Outcome) -> str:
    return ", ".join(f"{name} {number}" for name, number in found.versions.items())


def number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def megabytes(value: int | None) -> str:
    return number(ratio(value, 1e6), 0)


def ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None
