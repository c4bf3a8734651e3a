"""Runs in a system's own environment: ingests if its store is missing, and asks it many questions.

PYTHON answer.py SYSTEM QUERIES.json TASK
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from peer import Peer, Task

CLASSES = {"llamaindex": "LlamaIndex", "haystack": "Haystack", "txtai": "Txtai", "langchain": "LangChain"}


def main(system: str, queries: Path, task: Task) -> None:
    asked = json.loads(queries.read_text(encoding="utf-8"))
    module: Any = importlib.import_module(f"with_{system}")
    module.K = asked["passages"]  # how many passages its search asks for
    peer = getattr(module, CLASSES[system])(task)
    mark = Path(task.store) / "whole"
    if not mark.is_file():
        Path(task.store).mkdir(parents=True, exist_ok=True)
        peer.ingest()
        peer.persist()
        mark.touch()
    peer.open()
    found, milliseconds = search_all(peer, task, asked["queries"])
    report = {
        "version": version(peer.packages[0]),
        "settings": peer.settings,
        "found": found,
        "milliseconds": milliseconds,
    }
    Path(task.report).write_text(json.dumps(report), encoding="utf-8")


def search_all(peer: Peer, task: Task, queries: dict[str, str]) -> tuple[dict[str, list[str]], list[float]]:
    """The documents of the best passages by query id, and the milliseconds of each search."""
    found: dict[str, list[str]] = {}
    milliseconds: list[float] = []
    for query_id, text in queries.items():
        peer.task = replace(task, query=text)
        started = time.perf_counter()
        found[query_id] = peer.search()
        milliseconds.append((time.perf_counter() - started) * 1000)
    return found, milliseconds


if __name__ == "__main__":
    given = json.loads(sys.argv[3])
    main(sys.argv[1], Path(sys.argv[2]), Task(**{**given, "texts": tuple(given["texts"])}))
