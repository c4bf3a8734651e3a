"""How long the program takes to start: fresh processes, the median of several runs.

    python tests/benchmarks/startup.py [--runs 7]

Beside the goals on an idle core: `import docindex` under 0.3 s, `docindex --help` under 0.5 s, an ingest that finds
nothing to do under 0.35 s, and a search in about the time that a bare `import lancedb` takes. A python process that
does nothing is there to be subtracted. The files of the ingests are 300 small ones, and one with 5,183 records.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DOCUMENTS = {
    "bees.txt": "Bees dance to tell each other where flowers are. A hive holds 40,000 of them.\n",
    "dam.md": "# The dam\n\nThe turbine hall was opened in 1931.\n\n## Visits\n\nOn Sundays from April to October.\n",
    "ferry.txt": "The ferry to Arran leaves Ardrossan at 7:05 in the morning. Bicycles travel free of charge.\n",
}
FILES = 300
RECORDS = 5183
SETTLED = 2.5
"""Seconds until a file that was written is known by its size and times."""
PROGRAM = [sys.executable, "-m", "docindex.cli"]


def measure(command: list[str], runs: int) -> list[float]:
    """Seconds of each run, after one that warms the file cache."""
    seconds = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def unchanged_ingests(scratch: Path) -> tuple[list[str], list[str]]:
    """Commands that ingest what their indexes hold already: a folder, and a file of records."""
    folder, file = scratch / "many", scratch / "records.jsonl"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"Hall {number} was opened in {1700 + number}.\n")
    lines = (f'{{"_id": "{number}", "text": "Pump {number} runs at {number % 97} rpm."}}' for number in range(RECORDS))
    file.write_text("\n".join(lines))
    time.sleep(SETTLED)
    commands = (
        [*PROGRAM, "ingest", str(folder), "-i", str(scratch / "many-index"), "--wait", "text"],
        [*PROGRAM, "ingest", str(file), "-i", str(scratch / "records-index"), "--wait", "text", "--id-field", "_id"],
    )
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return commands


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures how long docindex takes to start.")
    parser.add_argument("--runs", type=int, default=7, help="how many runs of each (default: 7)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as scratch:
        folder, index = Path(scratch) / "docs", str(Path(scratch) / "index")
        folder.mkdir()
        for name, text in DOCUMENTS.items():
            (folder / name).write_text(text)
        subprocess.run([*PROGRAM, "ingest", str(folder), "-i", index], check=True, stdout=subprocess.DEVNULL)
        many, records = unchanged_ingests(Path(scratch))
        search = [*PROGRAM, "search", "when does the ferry leave?", "-i", index, "--json"]
        cases = {
            "python -c pass": ([sys.executable, "-c", "pass"], ""),
            "import docindex": ([sys.executable, "-c", "import docindex"], "0.30"),
            "docindex --help": ([*PROGRAM, "--help"], "0.50"),
            f"docindex ingest, {FILES} unchanged files": (many, "0.35"),
            f"docindex ingest, {RECORDS:,} unchanged records": (records, "0.35"),
            "docindex search --mode lexical": ([*search, "--mode", "lexical"], ""),
            "docindex search": (search, ""),
            "import lancedb": ([sys.executable, "-c", "import lancedb"], ""),
        }
        print(f"Seconds over {runs} runs, load average {os.getloadavg()[0]:.1f}\n")
        print("| fresh process | median | fastest | goal |")
        print("|---|---|---|---|")
        for name, (command, goal) in cases.items():
            seconds = measure(command, runs)
            print(f"| `{name}` | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {goal} |", flush=True)


if __name__ == "__main__":
    main()
