"""Retrieval collections on disk, in the layout of the BEIR benchmark.

A folder holds `corpus.jsonl` (documents: `_id`, `title`, `text`), `queries.jsonl` (`_id`, `text`) and, for each split,
judgements in `qrels/SPLIT.tsv` (query id, document id, score, tab-separated, under a header).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from docindex.errors import ConfigError, LoadError
from docindex.schema import digest

Judgements = Mapping[str, Mapping[str, int]]
"""By query id, the relevance of the documents that were judged; 0 and less is irrelevant."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Queries, and which documents answer them."""

    queries: Mapping[str, str]
    """The text by query id, in the order of the file."""
    judgements: Judgements
    name: str = ""
    """The folder's."""
    split: str = ""

    def judged(self) -> dict[str, str]:
        """The queries that at least one document is relevant to: those that metrics are averaged over."""
        return {
            query_id: text
            for query_id, text in self.queries.items()
            if any(relevance > 0 for relevance in self.judgements.get(query_id, {}).values())
        }

    def relevant_documents(self) -> set[str]:
        """The ids of all documents that are relevant to a query."""
        return {doc_id for judged in self.judgements.values() for doc_id, relevance in judged.items() if relevance > 0}

    @property
    def fingerprint(self) -> str:
        """Equal for datasets with the same judged queries and judgements: only then can two results be compared."""
        lines = [
            f"{query_id}\t{doc_id}\t{relevance}"
            for query_id in sorted(self.judged())
            for doc_id, relevance in sorted(self.judgements[query_id].items())
        ]
        return digest(*lines)


def load_dataset(folder: Path, split: str | None = None) -> Dataset:
    """The queries of a folder and the judgements of one of its splits; None takes the only split that there is.

    Raises:
        LoadError: A file is missing, a line of it is not what the layout says, or a judged query has no text.
        ConfigError: There is no such split, or several to choose from.
    """
    queries = read_queries(folder / "queries.jsonl")
    chosen = _chosen_split(folder, split)
    path = folder / "qrels" / f"{chosen}.tsv"
    judgements = read_judgements(path)
    for query_id in judgements:
        if query_id not in queries:
            raise LoadError(str(path), f"the query {query_id!r} is not in {folder / 'queries.jsonl'}")
    return Dataset(queries, judgements, folder.resolve().name, chosen)


def splits(folder: Path) -> list[str]:
    """The names of the splits that a folder has judgements for."""
    return sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))


def read_queries(path: Path) -> dict[str, str]:
    """Query texts by id, from JSON Lines with `_id` and `text`.

    Raises:
        LoadError: The file is missing, or a line of it is not such an object or repeats an id.
    """
    queries: dict[str, str] = {}
    for number, record in read_records(path):
        query_id, text = record.get("_id"), record.get("text")
        if not isinstance(query_id, str | int) or text is None:
            raise LoadError(str(path), f'line {number} is not an object with "_id" and "text"')
        if not isinstance(text, str):
            raise LoadError(str(path), f'line {number}: "text" is no string')
        if str(query_id) in queries:
            raise LoadError(str(path), f"line {number}: the id {str(query_id)!r} is there already")
        queries[str(query_id)] = text
    return queries


def read_judgements(path: Path) -> dict[str, dict[str, int]]:
    """Judgements from tab-separated lines of query id, document id and relevance under a header.

    Lines of four columns, as TREC writes them (query id, iteration, document id, relevance), are read too.

    Raises:
        LoadError: The file is missing, a line of it has other columns, or two lines contradict each other.
    """
    judgements: dict[str, dict[str, int]] = {}
    rows = csv.reader(read_text(path).replace("\r\n", "\n").split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE)
    for number, row in enumerate(rows, start=1):
        cells = row if len(row) != 1 else row[0].split()
        if not cells or (number == 1 and not _is_integer(cells[-1])):
            continue
        if len(cells) not in (3, 4) or not _is_integer(cells[-1]):
            raise LoadError(str(path), f"line {number} is not a query id, a document id and a relevance, tab-separated")
        judged = judgements.setdefault(cells[0], {})
        if judged.setdefault(cells[-2], int(cells[-1])) != int(cells[-1]):
            raise LoadError(str(path), f"line {number} judges {cells[-2]!r} another way than a line before it")
    return judgements


def read_records(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """The objects of a JSON Lines file with the numbers of their lines, from 1; blank lines are passed over.

    Raises:
        LoadError: The file can't be read, or a line is no JSON object.
    """
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise LoadError(str(path), f"line {number} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise LoadError(str(path), f"line {number} is JSON, but no object")
        yield number, record


def read_text(path: Path) -> str:
    """The text of a UTF-8 file.

    Raises:
        LoadError: It can't be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LoadError(str(path), f"can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LoadError(str(path), f"is not UTF-8: {error.reason} at byte {error.start}") from error


def _chosen_split(folder: Path, split: str | None) -> str:
    known = splits(folder)
    if not known:
        raise LoadError(str(folder / "qrels"), "holds no judgements: put them into SPLIT.tsv, such as test.tsv")
    if split is None and len(known) == 1:
        return known[0]
    if split not in known:
        said = f"There is no split {split!r} in" if split else "Several splits are in"
        raise ConfigError(f"{said} {folder / 'qrels'}: choose one of {', '.join(known)}.")
    return split


def _is_integer(text: str) -> bool:
    return text.strip().lstrip("+-").isdecimal()
