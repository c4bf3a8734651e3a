"""What was measured, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from docindex.evaluation import Evaluation

WANTED_REFUSALS = 0.95
MOST_FALSE_REFUSALS = 0.10

_METRICS = (
    ("exact match", "exact_match"),
    ("F1", "f1"),
    ("holds the answer", "contains"),
    ("citation precision", "citation_precision"),
    ("citation recall", "citation_recall"),
    ("false refusals", "false_refusal"),
    ("off-topic refused", "refused"),
    ("of these, foreign", "refused_foreign"),
    ("near misses", "refused_near"),
)
COLUMNS: tuple[tuple[str, Callable[[Evaluation], str]], ...] = (
    ("engine, synthesis", lambda found: found.name),
    ("asked", lambda found: str(len(found.results))),
    ("failed", lambda found: str(sum(bool(result.error) for result in found.results))),
    *((head, lambda found, metric=metric: share(found, metric)) for head, metric in _METRICS),
    ("seconds a question, median", lambda found: seconds(found, 0.5)),
    ("95 % under", lambda found: seconds(found, 0.95)),
)


def report(evaluations: Sequence[Evaluation], notes: Sequence[str] = ()) -> str:
    """A table a corpus, one of all questions where there are several corpora, and whether the goals are met."""
    corpora = list(dict.fromkeys(found.dataset for found in evaluations))
    parts = [table(name, [found for found in evaluations if found.dataset == name]) for name in corpora]
    if len(corpora) > 1:
        parts.append(table("all", pooled(evaluations)))
    told = [f"Shares in percent, with 95 % bootstrap intervals over questions. {' '.join(notes)}".strip()]
    return "\n\n".join([*told, *parts]) + "\n"


def table(corpus: str, evaluations: Sequence[Evaluation]) -> str:
    """The questions of one corpus, a line a way of answering."""
    heads = [head for head, _ in COLUMNS]
    rows = [[cell(found) for _, cell in COLUMNS] for found in evaluations]
    lines = [f"| {' | '.join(row)} |" for row in (heads, ["---", *["---:"] * (len(heads) - 1)], *rows)]
    return "\n".join([f"## {corpus}", "", *lines, "", *map(goal, evaluations)])


def pooled(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Each way of answering over all corpora. Off-topic questions are asked of each, and count for each."""
    names = dict.fromkeys(found.name for found in evaluations)
    return [_joined([found for found in evaluations if found.name == name]) for name in names]


def goal(found: Evaluation) -> str:
    """Whether enough off-topic questions are refused, at no more false refusals than are allowed."""
    refused, wrongly = found.mean("refused"), found.mean("false_refusal")
    met = refused >= WANTED_REFUSALS and wrongly <= MOST_FALSE_REFUSALS
    return (
        f"- {found.name}: refuses {refused:.1%} (goal {WANTED_REFUSALS:.0%}) at {wrongly:.1%} false refusals "
        f"(at most {MOST_FALSE_REFUSALS:.0%}): {'met' if met else 'missed'}"
    )


def share(found: Evaluation, metric: str) -> str:
    """The mean in percent with its interval; empty where nothing was measured."""
    limits = found.interval(metric)
    if not limits.count:
        return ""
    return f"{limits.mean * 100:.1f} ({limits.low * 100:.0f} to {limits.high * 100:.0f})"


def seconds(found: Evaluation, quantile: float) -> str:
    """The time that this share of the questions stays under."""
    milliseconds = found.milliseconds(quantile)
    return "" if milliseconds is None else f"{milliseconds / 1000:.2f}"


def _joined(parts: Sequence[Evaluation]) -> Evaluation:
    first = parts[0]
    return Evaluation(
        name=first.name,
        kind=first.kind,
        dataset="all",
        split=first.split,
        fingerprint="",
        settings=first.settings,
        results=tuple(
            replace(result, query_id=f"{part.dataset}-{result.query_id}") for part in parts for result in part.results
        ),
    )
