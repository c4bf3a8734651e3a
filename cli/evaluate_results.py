"""What `docindex eval` does with results: prints them, holds them against a baseline, compares and reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docindex.cli.options import JsonOption
from docindex.cli.output import print_json
from docindex.cli.render_evaluation import show_comparison, show_drops, show_evaluation, show_queries
from docindex.cli.screen import Span
from docindex.cli.session import FAILED
from docindex.cli.terminal import open_screen
from docindex.cli.writing import require_place

if TYPE_CHECKING:
    from docindex.evaluation.comparison import Drop
    from docindex.evaluation.results import Evaluation


def eval_compare(
    base: Annotated[
        Path, typer.Argument(metavar="BASE", help="A result of `docindex eval ... --out`.", show_default=False)
    ],
    new: Annotated[list[Path], typer.Argument(metavar="NEW", help="Results to compare with it.", show_default=False)],
    worst: Annotated[
        int, typer.Option("--queries", metavar="N", min=0, help="How many of the queries that differ most are shown.")
    ] = 10,
    max_drop: Annotated[
        float | None,
        typer.Option(
            "--max-drop", metavar="X", min=0, help="Exit with 1 when a metric is worse by more.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compares results that were measured on the same queries.

    For each metric: both means, NEW minus BASE with its 95 % interval over pairs of the same query, and on how many
    queries NEW did better, equal and worse. An interval that holds 0 is no clear difference.

    Examples:
      docindex eval compare before.json after.json
      docindex eval compare main.json branch.json --max-drop 0.005 --json
    """
    from docindex.evaluation.comparison import compare, drops
    from docindex.evaluation.results import told_apart
    from docindex.evaluation.run_files import read_evaluation

    reference, *results = told_apart([read_evaluation(path) for path in (base, *new)])
    comparisons = [compare(result, reference) for result in results]
    found = [drops(result, reference, max_drop) if max_drop is not None else [] for result in results]
    if as_json:
        print_json(
            {
                "base": reference.name,
                "comparisons": [
                    {
                        "new": comparison.ours.name,
                        "metrics": [row.as_dict() for row in comparison.metrics],
                        "drops": [str(drop) for drop in drops_],
                    }
                    for comparison, drops_ in zip(comparisons, found, strict=True)
                ],
            }
        )
    else:
        screen = open_screen()
        for comparison, drops_ in zip(comparisons, found, strict=True):
            show_comparison(screen, comparison, worst)
            if max_drop is not None:
                show_drops(screen, drops_, str(base))
    if any(found):
        raise typer.Exit(FAILED)


def eval_report(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Results of `docindex eval ... --out`; the first is what the others are compared with.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The page to write.")] = Path("report.html"),
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="The page's title.")] = "Evaluation",
    as_json: JsonOption = False,
) -> None:
    """Writes results as a page for the browser, with tables and plots.

    It is one file without scripts, that loads nothing from anywhere. Trials of `docindex eval tune` are plotted by
    settings.

    Examples:
      docindex eval report before.json after.json --out report.html
      docindex eval report tuning/trials/*.json --title "Chunk size and weight"
    """
    from docindex.evaluation.report import report
    from docindex.evaluation.run_files import read_evaluation
    from docindex.whole_files import write_whole

    require_place(out)
    write_whole(out, report([read_evaluation(path) for path in files], title))
    if as_json:
        print_json({"file": str(out), "results": len(files)})
    else:
        open_screen().line("The report is in ", Span(str(out), "name"))


def finish(
    evaluation: Evaluation,
    baseline: Path | None,
    max_drop: float,
    *,
    per_query: bool,
    as_json: bool,
    missing: int = 0,
) -> None:
    """Prints an evaluation, compares it with a baseline, and exits with 1 when it is worse."""
    from docindex.evaluation.comparison import compare, drops
    from docindex.evaluation.run_files import read_evaluation

    before = None if baseline is None else read_evaluation(baseline)
    found: list[Drop] = [] if before is None else drops(evaluation, before, max_drop)
    if as_json:
        document = evaluation.as_dict(per_query=per_query) | {"missing_documents": missing}
        if before is not None:
            document["baseline"] = {
                "name": before.name,
                "max_drop": max_drop,
                "drops": [str(drop) for drop in found],
                "metrics": [row.as_dict() for row in compare(evaluation, before).metrics],
            }
        print_json(document)
    else:
        screen = open_screen()
        show_evaluation(screen, evaluation)
        if missing:
            screen.line(Span("Missing: ", "warn"), f"{missing:,} documents that queries ask for are not in the index")
        if per_query:
            show_queries(screen, evaluation)
        if before is not None:
            show_drops(screen, found, str(baseline))
            if any(result.error for result in evaluation.results):
                screen.line(Span("Against it, queries that failed count as the worst.", "dim"))
    if found:
        raise typer.Exit(FAILED)
