"""`docindex eval run`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from docindex.cli.counting import show_count
from docindex.cli.evaluate_options import (
    BaselineOption,
    DataOption,
    MaxDropOption,
    NameOption,
    OutOption,
    PerQueryOption,
    QuestionsOption,
    QuestionSplitOption,
    question_split,
)
from docindex.cli.evaluate_results import finish
from docindex.cli.models import bring_model
from docindex.cli.opening import open_or_create
from docindex.cli.options import FilterOption, IndexOption, JsonOption, ModeOption, is_given
from docindex.cli.progress import show_progress
from docindex.cli.session import Session
from docindex.cli.writing import require_place
from docindex.errors import ConfigError, QueryError
from docindex.schema import SearchMode

if TYPE_CHECKING:
    from docindex.evaluation.dataset import Dataset
    from docindex.evaluation.metrics import Metric
    from docindex.evaluation.results import Evaluation, Setting

DOCUMENTS, PASSAGES = 100, 10
"""How many are asked for a query, unless -k or a metric says so."""


def eval_run(
    ctx: typer.Context,
    data: DataOption = None,
    questions: QuestionsOption = None,
    split: QuestionSplitOption = None,
    index: IndexOption = None,
    mode: ModeOption = "hybrid",
    k: Annotated[
        int | None,
        typer.Option(
            "-k",
            min=1,
            help="How deep rankings are.",
            show_default="100 documents, 10 passages; more if a metric is deeper",
        ),
    ] = None,
    filter: FilterOption = None,  # noqa: A002 - the option's name
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="LIST",
            help="Of ndcg, recall, hit, mrr, map and precision, each with a depth: ndcg@10,recall@100.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Score these rankings instead of searching: a TREC run, or what `search --queries` printed.",
            show_default=False,
        ),
    ] = None,
    name: NameOption = None,
    ignore_own_id: Annotated[
        bool,
        typer.Option("--ignore-own-id", help="Leave out the document that has the query's own id."),
    ] = False,
    embedder: Annotated[
        str | None,
        typer.Option("--embedder", metavar="MODEL", help="For a new index: its embedding model.", show_default=False),
    ] = None,
    chunk_tokens: Annotated[
        int | None,
        typer.Option("--chunk-tokens", metavar="N", help="For a new index: tokens of a passage.", show_default=False),
    ] = None,
    out: OutOption = None,
    baseline: BaselineOption = None,
    max_drop: MaxDropOption = 0.01,
    per_query: PerQueryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measures how well search finds what it should.

    With --data, on a collection in BEIR's layout: a folder with corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv. A
    document's score is that of its best passage. The index is made of the corpus when there is none at --index.

    With --questions, on questions that `docindex eval make` made from the documents of the index: a passage is right
    when it shares text with the place that answers the question.

    With --baseline, an earlier result, the exit code is 1 when a metric has become worse by more than --max-drop.

    Examples:
      docindex eval run --data scifact --split train --index scifact-index --out now.json
      docindex eval run --questions questions.jsonl --baseline before.json --max-drop 0.01
      docindex eval run --data scifact --split train --from other-system.trec --per-query
    """
    from docindex.evaluation.metrics import parse_metric
    from docindex.evaluation.run_files import write_evaluation

    if (data is None) == (questions is None):
        raise QueryError("Give a collection with --data DIR, or questions with --questions FILE.")
    require_place(out)
    chosen = tuple(parse_metric(text) for text in metrics.split(",")) if metrics else ()
    depth = _depth(chosen, k, PASSAGES if data is None else DOCUMENTS)
    session = Session.of(ctx)
    missing = 0
    if data is not None:
        from docindex.evaluation.dataset import load_dataset

        if run is not None:
            searching = is_given(ctx, "mode"), filter is not None, embedder is not None, chunk_tokens is not None
            if any(searching):
                raise QueryError("--mode, --filter, --embedder and --chunk-tokens say how to search: --from does not.")
        dataset = load_dataset(data, split)
        if run is not None:
            evaluation = _score_run(run, dataset, chosen, name, None if k is None else depth, ignore_own_id)
        else:
            path = _collection_path(session, index, data)
            evaluation, missing = _run_collection(
                session,
                data,
                dataset,
                path,
                mode,
                depth,
                filter,
                chosen,
                name,
                ignore_own_id,
                embedder,
                chunk_tokens,
            )
    else:
        if run is not None or embedder is not None or chunk_tokens is not None or ignore_own_id:
            raise QueryError("--from, --ignore-own-id, --embedder and --chunk-tokens go with --data.")
        evaluation = _run_questions(session, questions or Path(), split, index, mode, depth, filter, chosen, name)
    if out is not None:
        write_evaluation(evaluation, out)
    finish(evaluation, baseline, max_drop, per_query=per_query, as_json=as_json, missing=missing)


def _depth(metrics: Sequence[Metric], given: int | None, usual: int) -> int:
    """How many are asked for: no fewer than the deepest of the named metrics looks at."""
    deepest = max(metrics, key=lambda metric: metric.k, default=None)
    if deepest is None:
        return given or usual
    if given is None:
        return max(usual, deepest.k)
    if given < deepest.k:
        raise ConfigError(
            f"-k {given} is less than {deepest.name} looks at: give {deepest.k} or more, or leave it out."
        )
    return given


def _score_run(
    path: Path, dataset: Dataset, metrics: Sequence[Metric], name: str | None, k: int | None, ignore_own_id: bool
) -> Evaluation:
    from docindex.evaluation.metrics import DOCUMENT_METRICS
    from docindex.evaluation.run_files import read_run

    return read_run(path, dataset, metrics=metrics or DOCUMENT_METRICS, name=name, k=k, ignore_own_id=ignore_own_id)


def _run_collection(
    session: Session,
    data: Path,
    dataset: Dataset,
    path: Path,
    mode: SearchMode,
    k: int,
    where: str | None,
    metrics: Sequence[Metric],
    name: str | None,
    ignore_own_id: bool,
    embedder: str | None,
    chunk_tokens: int | None,
) -> tuple[Evaluation, int]:
    from docindex.evaluation.collection import CORPUS, open_collection
    from docindex.evaluation.metrics import DOCUMENT_METRICS
    from docindex.evaluation.retrieval import evaluate, index_search

    if (data / CORPUS).is_file():
        with ExitStack() as stack:
            open_or_create(session, path, stack, embedder=embedder, chunk_tokens=chunk_tokens)
    with show_progress("Reading") as on_progress:
        collection = open_collection(data, dataset, path, environment=session.environment, on_progress=on_progress)
    with collection.index as opened:
        _bring_embedder(session, opened.config.embedder, mode)
        with show_count("queries") as on_count:
            evaluation = evaluate(
                index_search(opened, mode, where),
                dataset,
                k=k,
                metrics=metrics or DOCUMENT_METRICS,
                name=name or mode,
                settings=_settings(opened.config.chunk_tokens, opened.config.dense_weight, mode, k, where),
                ignore_own_id=ignore_own_id,
                on_count=on_count,
            )
    return evaluation, collection.missing


def _run_questions(
    session: Session,
    path: Path,
    split: str | None,
    index: Path | None,
    mode: SearchMode,
    k: int,
    where: str | None,
    metrics: Sequence[Metric],
    name: str | None,
) -> Evaluation:
    from docindex.evaluation.metrics import PASSAGE_METRICS
    from docindex.evaluation.passages import evaluate_passages, index_find
    from docindex.evaluation.questions import check_places, read_questions

    part = question_split(split)
    asked = read_questions(path, part)
    with session.open(index) as opened:
        placed = check_places(asked, opened.document, str(path))
        if not any(question.answerable for question in placed):
            raise ConfigError(f"{path} has no question with an answer: make some with `docindex eval make`.")
        _bring_embedder(session, opened.config.embedder, mode)
        with show_count("questions") as on_count:
            return evaluate_passages(
                index_find(opened, mode, where),
                placed,
                k=k,
                metrics=metrics or PASSAGE_METRICS,
                name=name or mode,
                dataset=path.name,
                split="" if part == "all" else part,
                settings=_settings(opened.config.chunk_tokens, opened.config.dense_weight, mode, k, where),
                on_count=on_count,
            )


def _bring_embedder(session: Session, embedder: str, mode: SearchMode) -> None:
    """Without it, search would go by words alone, and be measured as something that it is not."""
    if mode != "lexical":
        bring_model(session, embedder)


def _collection_path(session: Session, index: Path | None, data: Path) -> Path:
    path = session.index_path(index)
    if index is None and not path.exists():
        raise QueryError(f"Give --index a folder for the index of {data}: it is made there, and used again.")
    return path


def _settings(
    chunk_tokens: int, dense_weight: float, mode: SearchMode, k: int, where: str | None
) -> dict[str, Setting]:
    settings: dict[str, Setting] = {"mode": mode, "k": k, "chunk_tokens": chunk_tokens}
    if mode == "hybrid":
        settings["dense_weight"] = dense_weight
    if where:
        settings["filter"] = where
    return settings
