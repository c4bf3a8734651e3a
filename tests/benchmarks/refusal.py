"""How well an index tells the questions that it answers from those that it does not.

    python tests/benchmarks/refusal.py                                   # the example documents
    python tests/benchmarks/refusal.py --data DATA --index INDEX         # and a collection in BEIR's layout

The questions with an answer are those of examples/questions.jsonl, or the queries of the train split. Those without are
the foreign questions of `data/foreign_held_out.txt`, which nothing was fitted to, and of examples/questions.jsonl. The
fixed threshold is the one of `AnswerPolicy`, which was made for the example documents with all-MiniLM-L6-v2.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from docindex import Index
from docindex.answering.policy import AnswerPolicy
from docindex.config import DEFAULT_EMBEDDER, Environment
from docindex.evaluation.dataset import load_dataset
from docindex.protocols import Embedder
from docindex.retrieval.nulls import NullFeatures
from docindex.retrieval.nulls_fit import fit_nulls
from docindex.schema import SearchMode
from docindex.wiring import open_embedder

ROOT = Path(__file__).parents[2]
K = 4
"""Passages that an answer is made from."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Refusal of foreign questions, and of others by mistake.")
    parser.add_argument("--data", type=Path, help="a folder with queries.jsonl and qrels/")
    parser.add_argument("--index", type=Path, help="an index of its corpus")
    parser.add_argument("--sample", type=int, default=300, help="so many of its queries")
    options = parser.parse_args()
    embedder = open_embedder(DEFAULT_EMBEDDER, Environment.read())
    held_out = (Path(__file__).parent / "data" / "foreign_held_out.txt").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in (ROOT / "examples" / "questions.jsonl").read_text().splitlines()]
    with tempfile.TemporaryDirectory() as folder, Index.create(Path(folder) / "index") as index:
        index.ingest(ROOT / "examples" / "documents")
        foreign = held_out + [row["question"] for row in rows if row["answer"] is None]
        report("the example documents", index, embedder, [row["question"] for row in rows if row["answer"]], foreign)
    if options.data and options.index:
        dataset = load_dataset(options.data, "train")
        queries = [dataset.queries[query_id] for query_id in sorted(dataset.judged())]
        queries = random.Random(0).sample(queries, min(options.sample, len(queries)))
        with Index.open(options.index) as index:
            report(str(options.data.name), index, embedder, queries, held_out)


def report(title: str, index: Index, embedder: Embedder, answerable: Sequence[str], foreign: Sequence[str]) -> None:
    """Prints how each way of refusing does."""
    snapshot = index._snapshot()
    began, used = time.perf_counter(), time.process_time()
    model = fit_nulls(snapshot, embedder, fingerprint=embedder.fingerprint)
    took, worked = time.perf_counter() - began, time.process_time() - used
    if model is None or model.dense is None or model.lexical is None:
        raise SystemExit(f"{title} can't be calibrated.")
    print(f"{title}: {snapshot.count():,} passages, {len(answerable)} questions with an answer, {len(foreign)} without")
    print(f"  fitted in {took:.1f} s ({worked:.1f} s of the processors)")
    for mode in ("hybrid", "lexical"):
        good, bad = features(index, answerable, mode), features(index, foreign, mode)
        tells = [[one.dense if mode == "hybrid" else one.lexical or 0.0 for one in ones] for ones in (good, bad)]
        print(f"  {mode}: area under the curve {area(*tells):.4f}")
        if mode == "hybrid":
            fixed = AnswerPolicy().foreign_below
            line(f"fixed, cosine below {fixed:.2f}", *([one.dense < fixed for one in ones] for ones in (good, bad)))
        side = model.dense if mode == "hybrid" else model.lexical
        for rate in (0.02, 0.05, 0.10):
            refused = ([model.refuses(one, rate) for one in ones] for ones in (good, bad))
            line(f"calibrated, {rate:.0%} stated, below {side.threshold(rate):.2f}", *refused)


def features(index: Index, questions: Sequence[str], mode: SearchMode) -> list[NullFeatures]:
    """What the hits say of each question."""
    found = index.search_many(questions, k=K, mode=mode)
    return [NullFeatures.of(question, hits) for question, hits in zip(questions, found, strict=True)]


def area(good: Sequence[float], bad: Sequence[float]) -> float:
    """The probability that a question with an answer scores above one without."""
    pairs = np.subtract.outer(np.array(good), np.array(bad))
    return float(np.mean(pairs > 0) + np.mean(pairs == 0) / 2)


def line(name: str, good: Sequence[bool], bad: Sequence[bool]) -> None:
    """Prints what is refused."""
    print(f"    {name:<38} refuses {np.mean(bad):6.1%} of the foreign ones, and {np.mean(good):6.1%} by mistake")


if __name__ == "__main__":
    main()
