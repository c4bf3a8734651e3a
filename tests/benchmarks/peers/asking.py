"""Asks a system many questions: brings its index about, if there is none, and runs `answer.py` in its environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import corpora
from environments import python_of
from peer import Task
from processes import measure
from weights import prepare

from docindex.config import IndexConfig

HERE = Path(__file__).parent
TIMEOUT = 7200.0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a system found."""

    version: str
    settings: str
    rankings: Mapping[str, list[tuple[str, float]]]
    """By query id, documents, best first, with scores that fall with the rank."""
    milliseconds: list[float]
    """Of each search, for all of the passages; the embedding of the query included."""


def ask(
    system: str, data: Path, home: Path, queries: Mapping[str, str], *, passages: int, documents: int | None
) -> Reply:
    """The documents that a system finds with its default retrieval, by its best passages.

    Raises:
        SystemExit: Its process failed; the message is what it said last.
    """
    python = python_of(system, home / "environments")
    corpus = corpora.records(data.resolve(), home / "corpora" / f"asked-{documents or 'all'}", documents)
    store = home / "stores" / f"{system}-{data.resolve().name}-asked-{documents or 'all'}"
    config = IndexConfig()
    report = home / "reports" / f"{store.name}.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    asked = home / "reports" / f"{store.name}-queries.json"
    asked.write_text(json.dumps({"queries": dict(queries), "passages": passages}), encoding="utf-8")
    task = Task(
        step="open",
        kind=corpus.kind,
        data=str(corpus.data),
        store=str(store),
        model=str(prepare(home / "model")),
        query="",
        chunk_tokens=config.chunk_tokens,
        overlap_tokens=config.overlap_tokens,
        report=str(report),
    )
    command = [str(python), str(HERE / "answer.py"), system, str(asked), task.as_json()]
    done = measure(command, home / "logs" / f"{store.name}", f"{system}, asked", timeout=TIMEOUT)
    if done.code != 0 or not report.is_file():
        raise SystemExit(f"{system} ended with code {done.code}:\n{done.tail()}")
    found = json.loads(report.read_text(encoding="utf-8"))
    rankings = {
        query_id: [(doc_id, 1.0 / rank) for rank, doc_id in enumerate(dict.fromkeys(doc_ids), 1)]
        for query_id, doc_ids in found["found"].items()
    }
    return Reply(
        version=found["version"],
        settings=found["settings"],
        rankings=rankings,
        milliseconds=found["milliseconds"],
    )
