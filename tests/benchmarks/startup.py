"""How long the program takes to start: fresh processes, the median of several runs.

    python tests/benchmarks/startup.py [--runs 7]

Beside the goals on an idle core: `import docindex` under 0.3 s, `docindex --help` under 0.5 s, and a search in about
the time that a bare `import lancedb` takes. A python process that does nothing is there to be subtracted.
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
PROGRAM = [sys.executable, "-m", "docindex.cli"]


def measure(command: list[str], runs: int) -> list[float]:
    """Seconds of each run, after one that warms the file cache."""
    seconds = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


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
        search = [*PROGRAM, "search", "when does the ferry leave?", "-i", index, "--json"]
        cases = {
            "python -c pass": ([sys.executable, "-c", "pass"], ""),
            "import docindex": ([sys.executable, "-c", "import docindex"], "0.30"),
            "docindex --help": ([*PROGRAM, "--help"], "0.50"),
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
