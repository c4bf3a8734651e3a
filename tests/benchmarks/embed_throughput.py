"""How much of the embedder's time is the model's own: OnnxEmbedder.embed beside bare ONNX Runtime forward passes.

Both embed the same passages in the same padded batches; the bare side gets them as ready arrays and runs them one after
the other. It has two sessions, one with default options and one whose threads do not spin (the first can be faster
on an idle machine, the second is on a busy one). All take turns, and the best time of either bare session is the mark.
The ratio of CPU times, both without spinning, is the one to read on a machine that is busy with something else.

    python tests/benchmarks/embed_throughput.py [--texts 200] [--repeats 5] [--threads N] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime

from docindex.config import DEFAULT_EMBEDDER, Environment
from docindex.embedding.bert_folder import GRAPH_FILE, TOKENIZER, WEIGHTS, read_settings
from docindex.embedding.derived import file_digests, graph_folder
from docindex.embedding.onnx import OnnxEmbedder, batches
from docindex.embedding.tokens import TextTokenizer
from docindex.models.acquire import ModelStore

TEXT = """
    the pump controller measures voltage and current every second, logs faults with a time stamp, restarts after ten
    minutes and reports its state to the gateway; rain, wind and frost are in the weather station's own records.
    Hold the reset button until the amber light turns off, then wait for calibration to end and note the serial number.
"""


def passages(count: int) -> list[str]:
    """Texts of 20 to 170 words, as chunks of documents are."""
    source, words = random.Random(4711), TEXT.split()
    return [" ".join(source.choices(words, k=source.randint(20, 170))) for _ in range(count)]


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Of the clock, and of all CPUs."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cpu


def bare_session(graph: Path, threads: int, *, spin: bool) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spin else "0")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()

    environment = Environment.read()
    folder = ModelStore(environment.models, offline=environment.offline).path(DEFAULT_EMBEDDER)
    embedder = OnnxEmbedder(folder, threads=given.threads)
    texts = passages(given.texts)

    graph = graph_folder(folder, read_settings(folder), file_digests(folder, (WEIGHTS, TOKENIZER))[WEIGHTS])
    spinning, resting = (bare_session(graph / GRAPH_FILE, given.threads, spin=spin) for spin in (True, False))
    tokens = TextTokenizer(folder / TOKENIZER, embedder.max_tokens).ids(texts)
    lengths = [len(ids) for ids in tokens]
    groups = list(batches(lengths, embedder.batch_tokens))
    ready = []
    for members in groups:
        ids = np.zeros((len(members), max(lengths[member] for member in members)), dtype=np.int32)
        mask = np.zeros_like(ids)
        for row, member in enumerate(members):
            ids[row, : lengths[member]] = tokens[member]
            mask[row, : lengths[member]] = 1
        ready.append({"ids": ids, "mask": mask})

    def bare(session: onnxruntime.InferenceSession) -> list[object]:
        return [session.run(None, batch)[0] for batch in ready]

    def ours() -> object:
        return embedder.embed(texts, kind="passage")

    vectors = np.empty((len(texts), embedder.dim), dtype=np.float32)
    for members, found in zip(groups, bare(resting), strict=True):
        vectors[members] = found
    assert np.abs(vectors - ours()).max() < 1e-5, "the two sides do not compute the same"

    sides: dict[str, Callable[[], object]] = {
        "spinning": lambda: bare(spinning),
        "resting": lambda: bare(resting),
        "ours": ours,
    }
    rounds = [{name: seconds(work) for name, work in sides.items()} for _ in range(given.repeats)]
    clock = {name: min(turn[name][0] for turn in rounds) for name in sides}
    cpu = {name: min(turn[name][1] for turn in rounds) for name in sides}
    best_bare = min(clock["spinning"], clock["resting"])
    figures = {
        "texts": len(texts),
        "tokens": sum(lengths),
        "padding_share": round(1 - sum(lengths) / sum(batch["ids"].size for batch in ready), 4),
        "threads": given.threads,
        "bare_texts_per_second": round(len(texts) / best_bare, 2),
        "bare_spinning_texts_per_second": round(len(texts) / clock["spinning"], 2),
        "embed_texts_per_second": round(len(texts) / clock["ours"], 2),
        "embed_tokens_per_second": round(sum(lengths) / clock["ours"]),
        "ratio": round(best_bare / clock["ours"], 3),
        "cpu_ratio": round(cpu["resting"] / cpu["ours"], 3),
    }
    if given.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):>32}  {value}")
    print("The ratio is embed's rate over the bare rate: 1 is no overhead, and the goal is 0.9 or more.")


if __name__ == "__main__":
    main()
