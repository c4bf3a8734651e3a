"""What all systems are given: the model, llama.cpp as it is built here, and questions with the passages for them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from answer_task import Case

from docindex import Environment, Hit, Index, IndexConfig
from docindex.answering.prompting import answer_prompt
from docindex.config import DEFAULT_EMBEDDER
from docindex.models.acquire import ModelStore

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
sys.path.append(str(ROOT / "tools"))  # scripts of the set-up, and no package
from llama_wheel import cache_folder, cached_wheel, make_recipe  # noqa: E402
from setup_env import PINS, Stamp  # noqa: E402


def built_wheel() -> Path:
    """llama-cpp-python as `make setup` has compiled it for this machine.

    Raises:
        SystemExit: It has not.
    """
    wheel = cached_wheel(make_recipe(PINS, Stamp.read().cmake_args), cache_folder())
    if wheel is None:
        raise SystemExit("There is no llama-cpp-python that was built for this machine: run `make setup` first.")
    return wheel


def model_files(model: str) -> tuple[Path, Path]:
    """The GGUF file of the model as it came, and the folder of the default embedder; brought now if missing."""
    environment = Environment.read()
    store = ModelStore(environment.models, offline=environment.offline)
    return store.path(model, kind="llm").resolve(), store.path(DEFAULT_EMBEDDER, kind="embedder").resolve()


def find_cases(index: Path, embedder: Path, questions: int, passages: int) -> list[Case]:
    """Example questions with the passages that a search finds, in an index that is made anew; the last is to warm up.

    Raises:
        SystemExit: There are not so many questions.
    """
    shutil.rmtree(index, ignore_errors=True)
    rows = [json.loads(line) for line in (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    asked = [row["question"] for row in rows if row["answer"] is not None]
    with Index.create(index, IndexConfig(embedder=str(embedder))) as made:
        made.ingest(EXAMPLES / "documents")
        found = zip(asked, made.search_many(asked, k=passages), strict=True)
        cases = [
            Case(question=question, passages=tuple(hit.text for hit in hits), shown=tuple(map(as_shown, hits)))
            for question, hits in found
        ]
    apart = begin_apart(cases)
    if len(apart) <= questions:
        raise SystemExit(f"Only {len(apart) - 1} example questions have a best passage of their own: ask fewer.")
    return apart[: questions + 1]


def as_shown(hit: Hit) -> str:
    """A passage as a prompt of docindex has it."""
    return answer_prompt("", [hit])[1].content.partition("\n\nQuestion:")[0]


def begin_apart(cases: Iterable[Case]) -> list[Case]:
    """Those whose best passage none before them has as its best: no prompt then begins like another one."""
    kept: dict[str, Case] = {}
    for case in cases:
        kept.setdefault(case.passages[0], case)
    return list(kept.values())


def optimise(model: Path, models: Path) -> dict[str, Any]:
    """Has `docindex models optimize` keep the form of the model that runs fastest, in a folder of models of its own.

    Raises:
        SystemExit: It failed.
    """
    command = [str(Path(sys.executable).with_name("docindex")), "models", "optimize", str(model), "--json"]
    environment = {**os.environ, "DOCINDEX_MODELS": str(models)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"The model could not be optimised:\n{done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
