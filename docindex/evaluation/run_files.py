"""Evaluations on disk, as JSON with everything that reports and comparisons need, and rankings as TREC writes them.

A line of a TREC run is `query Q0 document rank score name`, divided by blanks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from docindex.errors import ConfigError, LoadError
from docindex.evaluation.dataset import Dataset, read_records, read_text
from docindex.evaluation.metrics import DOCUMENT_METRICS, Metric
from docindex.evaluation.results import Evaluation, QueryResult
from docindex.evaluation.retrieval import Found, cut, score
from docindex.whole_files import write_whole

FORMAT = 1
TREC_SUFFIXES = (".trec", ".run", ".txt")
_KINDS: tuple[Literal["documents", "passages", "answers"], ...] = ("documents", "passages", "answers")


def write_evaluation(evaluation: Evaluation, path: Path) -> None:
    """Writes the evaluation, whole or not at all: rankings only when the file's name ends like a TREC run, else JSON.

    Raises:
        ConfigError: An id holds a blank, for which a TREC run has no form.
    """
    if path.suffix in TREC_SUFFIXES:
        write_whole(path, "".join(_trec_lines(evaluation, path)))
    else:
        write_whole(path, json.dumps(_saved(evaluation), ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def read_evaluation(path: Path) -> Evaluation:
    """An evaluation from JSON.

    Raises:
        LoadError: The file can't be read or holds something else.
    """
    text = read_text(path)
    try:
        saved = json.loads(text)
    except ValueError as error:
        raise LoadError(
            str(path),
            f"is not JSON ({error}): give a file that `docindex eval run --out FILE.json` wrote, "
            "or score a TREC run with `docindex eval run --from`",
        ) from error
    found = saved.get("format") if isinstance(saved, dict) else None
    if found != FORMAT:
        raise LoadError(str(path), f"has format {found}, and this docindex reads {FORMAT}: measure again")
    try:
        return _restored(saved)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LoadError(str(path), f"is damaged or of another kind ({type(error).__name__}: {error})") from error


def read_run(
    path: Path,
    dataset: Dataset,
    *,
    metrics: Sequence[Metric] = DOCUMENT_METRICS,
    name: str | None = None,
    k: int | None = None,
    ignore_own_id: bool = False,
) -> Evaluation:
    """The evaluation of rankings from a file: a TREC run, or JSON Lines as `docindex search --queries` prints them.

    Args:
        path: The file.
        dataset: Queries and judgements.
        metrics: What is measured.
        name: What the system is called in tables; the file's name when it is None.
        k: How many documents of each ranking count; None takes all.
        ignore_own_id: Leave a document out that has the query's own id.

    Raises:
        LoadError: A line is neither; the message names it.
        ConfigError: It has none of the dataset's queries.
    """
    rankings = read_trec(path) if path.suffix in TREC_SUFFIXES else dict(_search_output(path))
    if not rankings.keys() & dataset.judged().keys():
        raise ConfigError(f"{path} ranks nothing for the judged queries of {dataset.name}: are the ids the same?")
    counted = {
        query_id: Found(cut(found.ranking, k, leave_out=query_id if ignore_own_id else None))
        for query_id, found in rankings.items()
    }
    return score(counted, dataset, metrics=metrics, name=name or path.stem)


def read_trec(path: Path) -> dict[str, Found]:
    """The rankings of a TREC run by query id. As in trec_eval, scores decide the order; ranks do where they are equal.

    Raises:
        LoadError: A line has other columns, or a document comes twice for a query.
    """
    rows: dict[str, dict[str, tuple[float, int]]] = {}
    for number, line in enumerate(read_text(path).split("\n"), 1):
        cells = line.split()
        if not cells:
            continue
        try:
            query_id, _, doc_id, rank, points, _ = cells
            place = (-float(points), int(rank))
        except ValueError as error:
            raise LoadError(str(path), f"line {number} is not `query Q0 document rank score name`") from error
        if not math.isfinite(place[0]):
            raise LoadError(str(path), f"line {number}: the score {points} is no finite number")
        row = rows.setdefault(query_id, {})
        if doc_id in row:
            raise LoadError(str(path), f"line {number}: the document {doc_id!r} comes twice for query {query_id!r}")
        row[doc_id] = place
    return {
        query_id: Found(tuple((doc_id, -row[doc_id][0]) for doc_id in sorted(row, key=row.__getitem__)))
        for query_id, row in rows.items()
    }


def _trec_lines(evaluation: Evaluation, path: Path) -> Iterator[str]:
    name = "_".join(evaluation.name.split()) or "run"
    for result in evaluation.results:
        for rank, (doc_id, points) in enumerate(result.ranking, 1):
            for given in (result.query_id, doc_id):
                if given.split() != [given]:
                    raise ConfigError(f"A TREC run can't hold the id {given!r}: call {path} something with .json.")
            yield f"{result.query_id} Q0 {doc_id} {rank} {points:.9g} {name}\n"


def _search_output(path: Path) -> Iterator[tuple[str, Found]]:
    for number, record in read_records(path):
        query_id, hits = record.get("query_id"), record.get("hits")
        if query_id is None or not isinstance(hits, list):
            raise LoadError(str(path), f'line {number} has no "query_id" and "hits": see `docindex search --queries`')
        ranking: dict[str, float] = {}
        for rank, hit in enumerate(hits, 1):
            if not isinstance(hit, dict) or not isinstance(hit.get("doc_id"), str):
                raise LoadError(str(path), f'line {number}: hit {rank} has no "doc_id"')
            ranking.setdefault(hit["doc_id"], float(hit.get("score", 1.0 / rank)))
        yield str(query_id), Found(tuple(ranking.items()))


def _saved(evaluation: Evaluation) -> dict[str, Any]:
    results = []
    for result in evaluation.results:
        saved: dict[str, Any] = {"_id": result.query_id, "text": result.text, "scores": dict(result.scores)}
        if result.relevant:
            saved["relevant"] = dict(result.relevant)
        if result.ranking:
            saved["ranking"] = [[doc_id, points] for doc_id, points in result.ranking]
        if result.answer:
            saved["answer"] = result.answer
        if result.milliseconds is not None:
            saved["ms"] = result.milliseconds
        if result.error:
            saved["error"] = result.error
        results.append(saved)
    return {
        "format": FORMAT,
        "name": evaluation.name,
        "kind": evaluation.kind,
        "dataset": evaluation.dataset,
        "split": evaluation.split,
        "fingerprint": evaluation.fingerprint,
        "settings": dict(evaluation.settings),
        "metrics": {metric: evaluation.interval(metric).as_dict() for metric in evaluation.metrics},
        "results": results,
    }


def _restored(saved: Mapping[str, Any]) -> Evaluation:
    kind = next((known for known in _KINDS if known == saved["kind"]), None)
    if kind is None:
        raise ValueError(f"kind {saved['kind']!r}")
    return Evaluation(
        name=str(saved["name"]),
        kind=kind,
        dataset=str(saved["dataset"]),
        split=str(saved["split"]),
        fingerprint=str(saved["fingerprint"]),
        settings=dict(saved["settings"]),
        results=tuple(_restored_result(cast("Mapping[str, Any]", result)) for result in saved["results"]),
    )


def _restored_result(saved: Mapping[str, Any]) -> QueryResult:
    milliseconds = saved.get("ms")
    return QueryResult(
        query_id=str(saved["_id"]),
        text=str(saved["text"]),
        scores={str(name): float(value) for name, value in saved["scores"].items()},
        ranking=tuple((str(doc_id), float(points)) for doc_id, points in saved.get("ranking", ())),
        relevant={str(doc_id): int(value) for doc_id, value in saved.get("relevant", {}).items()},
        answer=str(saved.get("answer", "")),
        milliseconds=None if milliseconds is None else float(milliseconds),
        error=str(saved.get("error", "")),
    )
