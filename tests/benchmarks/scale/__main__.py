"""docindex at a size, beside libraries that search in memory: synthetic texts and vectors, the same ones for all.

    python tests/benchmarks/scale.py [--nodes N] [--peers LIST] [--queries N] [--work DIR] [--out FILE]

The documents have twenty nodes each, and are written through the store's own writer, maintenance included. Then a new
process opens the index and searches: dense, lexical, hybrid, and each of them with filters that hold for a half of the
documents down to one in ten thousand. Embedding the question is not part of it. Recall is the share of the ten true
nearest neighbours, found by comparing with all vectors, that a search finds.

hnswlib, faiss and usearch get the same vectors in memory (without texts, filters or a disk), each in the fastest
setting tried that finds 99 % of the neighbours; LlamaIndex's default store gets the first 20,000 of them. They are
installed into environments of their own, kept in the work folder with the corpus; the index is deleted at the end.

A search is asked in one thread. Beside the median stand the minimum, the tenth percentile and the processor time,
which tell more on a machine that has other work. Needs about 6 kB of disk and, for the libraries in memory, 5 kB of
memory a node.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path
from report import report
from synthetic import Corpus
from truth import Files, prepare

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "peers"))

from environments import SetupError, python_of  # noqa: E402

PEERS = ("hnswlib", "faiss", "usearch", "llamaindex")
LLAMAINDEX_NODES = 20_000
LLAMAINDEX_QUERIES = 20


class StepError(Exception):
    """A process that failed."""


def main() -> int:
    options = read_options()
    machine = {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "load before": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }
    work: Path = options.work.expanduser().resolve()
    corpus = Corpus(options.nodes, options.dim)
    print(f"{corpus.nodes:,} nodes of {corpus.documents:,} documents", flush=True)
    files = prepare(corpus, work / f"corpus-{corpus.nodes}-{corpus.dim}", options.queries)
    found: dict[str, Any] = {"machine": machine, "corpus": {"nodes": corpus.nodes, "dim": corpus.dim}}
    found["docindex"] = docindex(corpus, files, work / f"index-{corpus.nodes}-{corpus.dim}", options)
    for peer in options.peers:
        print(peer, flush=True)
        try:
            found[peer] = (
                llamaindex(peer, files, work, options)
                if peer == "llamaindex"
                else in_memory(peer, files, work, options)
            )
        except (StepError, SetupError) as error:
            found[peer] = {"failure": str(error)}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = report(machine, {name: one for name, one in found.items() if name != "machine"})
    options.out.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nWritten to {options.out} and {options.out.with_suffix('.md')}.")
    return int(any("failure" in found[peer] for peer in options.peers))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scale.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated; none for docindex alone")
    parser.add_argument("--keep", action="store_true", help="keep the index, and use one that was kept")
    parser.add_argument(
        "--work", type=Path, default=user_cache_path("docindex") / "scale", help="where environments and corpora are"
    )
    parser.add_argument("--out", type=Path, default=Path("build/scale.json"), help="the table goes beside it, as .md")
    options = parser.parse_args()
    options.peers = [] if options.peers == "none" else options.peers.split(",")
    if unknown := set(options.peers) - set(PEERS):
        parser.error(f"there is no peer {sorted(unknown)}: the peers are {', '.join(PEERS)}")
    return options


def docindex(corpus: Corpus, files: Files, index: Path, options: argparse.Namespace) -> dict[str, Any]:
    mark = index.with_suffix(".json")
    arguments = [str(corpus.nodes), str(corpus.dim), str(index), str(files.folder), str(options.queries)]
    if not (options.keep and mark.exists()):
        mark.unlink(missing_ok=True)
        shutil.rmtree(index, ignore_errors=True)
        print("docindex builds", flush=True)
        mark.write_text(json.dumps(run(sys.executable, "ours.py", ["build", *arguments])))
    print("docindex searches", flush=True)
    found = {"build": json.loads(mark.read_text()), "search": run(sys.executable, "ours.py", ["search", *arguments])}
    if not options.keep:
        mark.unlink()
        shutil.rmtree(index)
    return found


def in_memory(peer: str, files: Files, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    python = python_of("memory", work / "environments", HERE)
    return run(str(python), "in_memory.py", [peer, str(files.folder), str(options.queries)])


def llamaindex(peer: str, files: Files, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    python = python_of(peer, work / "environments", HERE)
    nodes = min(options.nodes, LLAMAINDEX_NODES)
    store = work / peer
    shutil.rmtree(store, ignore_errors=True)
    arguments = [str(files.folder), str(store), str(nodes), str(min(options.queries, LLAMAINDEX_QUERIES))]
    steps = {step: run(str(python), "with_llamaindex.py", [step, *arguments]) for step in ("build", "search")}
    shutil.rmtree(store)
    return {"nodes": nodes, **steps}


def run(python: str, script: str, arguments: Sequence[str]) -> dict[str, Any]:
    """What a script prints as JSON."""
    done = subprocess.run([python, str(HERE / script), *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise StepError(f"{script} {arguments[0]} failed with code {done.returncode}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    sys.exit(main())
