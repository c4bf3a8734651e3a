"""Retrieval collections on disk, in the layout of the BEIR benchmark."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docindex.errors import LoadError

Judgements = Mapping[str, Mapping[str, int]]
"""By query id, the relevance of the documents that were judged; 0 and less is irrelevant."""


@dataclass(frozen=True, slots=True)
class RetrievalDataset:
    """Queries, and which documents answer them."""

    queries: Mapping[str, str]
    """The text by query id, in the order of the file."""
    judgements: Judgements

    def judged(self) -> dict[str, str]:
        """The queries that at least one document is relevant to: those that metrics are averaged over."""
        return {
            query_id: text
            for query_id, text in self.queries.items()
            if any(relevance > 0 for relevance in self.judgements.get(query_id, {}).values())
        }


def load_dataset(folder: Path, split: str) -> RetrievalDataset:
    """The queries of a folder and the judgements of one of its splits: queries.jsonl and qrels/SPLIT.tsv.

    Raises:
        LoadError: A file is missing, or a line of it is not what the layout says.
    """
    return RetrievalDataset(read_queries(folder / "queries.jsonl"), read_judgements(folder / "qrels" / f"{split}.tsv"))


def read_queries(path: Path) -> dict[str, str]:
    """Query texts by id, from JSON Lines with `_id` and `text`.

    Raises:
        LoadError: The file is missing, or a line of it is not such an object.
    """
    queries: dict[str, str] = {}
    for number, line in enumerate(_read(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            query_id, text = str(record["_id"]), record["text"]
        except (ValueError, KeyError, TypeError) as error:
            raise LoadError(str(path), f'line {number} is not an object with "_id" and "text"') from error
        if not isinstance(text, str):
            raise LoadError(str(path), f'line {number}: "text" is no string')
        queries[query_id] = text
    return queries


def read_judgements(path: Path) -> dict[str, dict[str, int]]:
    """Judgements from tab-separated lines of query id, document id and relevance under a header.

    Lines of four columns, as TREC writes them (query id, iteration, document id, relevance), are read too.

    Raises:
        LoadError: The file is missing, or a line of it has other columns.
    """
    judgements: dict[str, dict[str, int]] = {}
    rows = csv.reader(_read(path).replace("\r\n", "\n").split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE)
    for number, row in enumerate(rows, start=1):
        cells = row if len(row) != 1 else row[0].split()
        if not cells or (number == 1 and not _is_integer(cells[-1])):
            continue
        if len(cells) not in (3, 4) or not _is_integer(cells[-1]):
            raise LoadError(str(path), f"line {number} is not a query id, a document id and a relevance, tab-separated")
        judgements.setdefault(cells[0], {})[cells[-2]] = int(cells[-1])
    return judgements


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LoadError(str(path), f"can't be read: {error}") from error


def _is_integer(text: str) -> bool:
    return text.strip().lstrip("+-").isdecimal()
