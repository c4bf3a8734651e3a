"""Ingests a gigabyte of text and watches the memory: it must not grow with the corpus.

    python tests/benchmarks/gigabyte.py [--megabytes 1000] [--file-kilobytes 500] [--folder DIR]

Writes files of sentences whose words follow Zipf's law, ingests them with `--wait text` (embedding a gigabyte takes
hours on two cores), and samples the resident memory of the process and its parsers ten times a second. Prints the peak
for each tenth of the corpus, how busy the cores were, and what a search finds afterwards.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

PAGE = 4096


def main() -> None:
    """Makes the corpus, ingests it and prints the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--megabytes", type=int, default=1000)
    arguments.add_argument("--file-kilobytes", type=int, default=500)
    arguments.add_argument("--folder", type=Path, help="where the files and the index are made (and deleted)")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="docindex-gigabyte-", dir=options.folder) as folder:
        docs, index = Path(folder) / "docs", Path(folder) / "index"
        size = make_corpus(docs, options.megabytes * 1_000_000, options.file_kilobytes * 1000)
        files = sum(1 for _ in docs.rglob("*.txt"))
        print(f"{size / 1e6:,.0f} MB of text in {files} files", flush=True)
        report, peaks = ingest(docs, index)
        print(f"{report['added']} documents, {report['nodes']['added']:,} passages in {report['seconds']:,.0f} s")
        for stage in report["stages"]:
            print(f"  {stage['name']}: {stage['seconds']:,.1f} s on {stage['cores']:.2f} cores")
        print("peak resident memory in each tenth of the time, MB:", " ".join(f"{peak / 1e6:,.0f}" for peak in peaks))
        on_disk = sum(file.stat().st_size for file in index.rglob("*") if file.is_file())
        print(f"on disk: {on_disk / 1e6:,.0f} MB")
        started = time.perf_counter()
        found = run("search", f"needle{files // 2}", "--mode", "lexical", "-k", "1", "--json", "--index", str(index))
        seconds = time.perf_counter() - started
        print(f"a search in a new process: {found['hits'][0]['source']} after {seconds:.1f} s")


def make_corpus(docs: Path, size: int, file_size: int) -> int:
    """Writes files of about so many bytes; returns how many bytes there are in all."""
    rng = np.random.default_rng(1)
    letters = np.array(list("etaoinshrdlucmfw"))
    words = np.array(["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(50_000)])
    written = number = 0
    while written < size:
        path = docs / f"{number // 100:03}" / f"{number:05}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        chosen = words[np.minimum(rng.zipf(1.2, file_size // 7), len(words)) - 1]
        paragraphs, place = [f"This file holds needle{number}."], 0
        while place < len(chosen):
            sentences = []
            for _ in range(rng.integers(2, 7)):
                length = int(rng.integers(6, 20))
                sentences.append(" ".join(chosen[place : place + length]).capitalize() + ".")
                place += length
            paragraphs.append(" ".join(sentences))
        path.write_text("\n\n".join(paragraphs))
        written += path.stat().st_size
        number += 1
    return written


def ingest(docs: Path, index: Path) -> tuple[dict, list[int]]:
    """The report, and the peak memory in each tenth of the time, in bytes."""
    command = [sys.executable, "-m", "docindex.cli", "ingest", str(docs), "--wait", "text", "--json"]
    samples: list[int] = []
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen([*command, "--index", str(index)], stdout=output) as process,
    ):
        while process.poll() is None:
            samples.append(resident_bytes(process.pid))
            time.sleep(0.1)
        output.seek(0)
        report = json.loads(output.read())
    tenth = max(1, len(samples) // 10)
    return report, [max(samples[start : start + tenth]) for start in range(0, tenth * 10, tenth) if samples[start:]]


def resident_bytes(pid: int) -> int:
    """The resident memory of a process and its children; pages that they share count once each."""
    total = 0
    try:
        total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                total += resident_bytes(int(child))
    except (OSError, IndexError):  # it has ended meanwhile
        pass
    return total


def run(*arguments: str) -> dict:
    """What a docindex command prints as JSON."""
    command = [sys.executable, "-m", "docindex.cli", *arguments]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


if __name__ == "__main__":
    main()
