"""The figures as Markdown, and the goals beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Found = Mapping[str, Any]
_COLUMNS = ("search", "recall@10", "p50 ms", "p95 ms", "min ms", "p10 ms", "CPU ms")
_KEYS = ("recall", "p50", "p95", "min", "p10", "cpu")
MILLION = 1_000_000


def report(machine: Mapping[str, str], found: Mapping[str, Found]) -> str:
    """All of it, for people."""
    ours, nodes = found["docindex"], found["corpus"]["nodes"]
    parts = [f"# Search at {nodes:,} nodes", "\n".join(f"- {name}: {value}" for name, value in machine.items())]
    parts += [_docindex(ours), _searches(ours["search"]["searches"]), _goals(ours["search"], nodes)]
    rows = [
        (
            name,
            one["build"],
            one["build_s"],
            _megabytes(one["rss"] - one["before"]),
            setting,
            *_cells(figures),
        )
        for name, one in found.items()
        if name in ("hnswlib", "faiss", "usearch")
        for setting, figures in one["searches"].items()
    ]
    if rows:
        heads = ("library", "index", "build s", "memory of the index, MB", "setting", *_COLUMNS[1:])
        parts += ["## In memory, the same vectors and queries, one thread a search", _table(heads, rows)]
    if "llamaindex" in found:
        parts.append(_llamaindex(found["llamaindex"]))
    failed = [f"- {name}: {one['failure']}" for name, one in found.items() if "failure" in one]
    return "\n\n".join([*parts, *failed]) + "\n"


def _docindex(ours: Found) -> str:
    build, search = ours["build"], ours["search"]
    disk = " + ".join(f"{name} {_megabytes(size)}" for name, size in build["by_part"].items())
    facts = {
        "built in": f"{build['write_s'] + build['maintain_s']:,.0f} s",
        "peak memory of the build": f"{_megabytes(build['rss_peak'])} MB",
        "on disk": f"{_megabytes(build['bytes'])} MB ({disk})",
        "vector index": str(search["statistics"]["vector_index"]),
        "recall@10 as measured when built": str(search["statistics"]["recall_at_10"]),
        "open and first search": f"{search['open_and_first_ms']} ms",
        "resident memory after opening": f"{_megabytes(search['rss_opened'])} MB",
        "after searching without filters": f"{_megabytes(search['rss_searched'])} MB",
        "after all searches": f"{_megabytes(search['rss'])} MB (peak {_megabytes(search['rss_peak'])} MB)",
    }
    return "## docindex\n\n" + "\n".join(f"- {name}: {value}" for name, value in facts.items())


def _searches(searches: Mapping[str, Found]) -> str:
    return _table(_COLUMNS, [(name, *_cells(figures)) for name, figures in searches.items()])


def _goals(search: Found, nodes: int) -> str:
    searches = search["searches"]
    filtered = {name: figures for name, figures in searches.items() if "filter" in name}
    exact = [figures["recall"] for figures in filtered.values() if "recall" in figures]
    lines = [
        _goal("dense p50 at most 10 ms", searches["dense"]["p50"] <= 10, searches["dense"]["p50"]),
        _goal("dense recall at least 0.99", searches["dense"]["recall"] >= 0.99, searches["dense"]["recall"]),
        _goal("hybrid p50 at most 25 ms", searches["hybrid"]["p50"] <= 25, searches["hybrid"]["p50"]),
        _goal("resident memory under 1 GB", search["rss_peak"] < 1e9, f"{_megabytes(search['rss_peak'])} MB"),
        _goal("filtered recall at least 0.98", min(exact) >= 0.98, min(exact)),
        _goal(
            "filtered p50 at most 60 ms",
            max(figures["p50"] for figures in filtered.values()) <= 60,
            max(figures["p50"] for figures in filtered.values()),
        ),
    ]
    heading = "## Goals" if nodes >= MILLION else f"## Goals, which are for {MILLION:,} nodes"
    return "\n".join([heading, "", *lines])


def _goal(text: str, reached: bool, value: object) -> str:
    return f"- {'reached' if reached else 'MISSED'}: {text}: {value}"


def _llamaindex(one: Found) -> str:
    if "failure" in one:
        return ""
    built, search = one["build"], one["search"]
    text = (
        f"## LlamaIndex's default store at {one['nodes']:,} nodes\n\nBuilt in {built['build_s']} s, written in "
        f"{built['persist_s']} s ({_megabytes(built['bytes'])} MB), loaded in {search['load_s']} s, "
        f"{_megabytes(search['rss'])} MB resident."
    )
    return f"{text}\n\n{_searches(search['searches'])}"


def _cells(figures: Found) -> list[object]:
    return [figures.get(key, "") for key in _KEYS]


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
