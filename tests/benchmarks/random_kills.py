"""kill -9 at random moments of ingests that add, edit and delete: does each document stay old or become new?

    python tests/benchmarks/random_kills.py [--kills 200] [--seed 1]

Each round changes some files, starts `docindex ingest --sync` in a process of its own and kills it after a random
time. Then the index must open, agree with itself, and hold of every file the text from before or the text of now.
Every tenth round runs to its end instead, after which the index must hold exactly the files; it also tells how long
the others may take before they are killed.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from docindex import Index

FILES = 40
NOUNS = ["heron", "stork", "gate", "valve", "engine", "tide", "orchard", "lamp", "bridge", "clock"]


def main() -> None:
    """Runs the rounds and prints what was found."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="docindex-kills-") as folder:
        docs, path = Path(folder) / "docs", Path(folder) / "index"
        docs.mkdir()
        Index.create(path).close()
        change(docs, rng, FILES)
        assert run(docs, path, None) == 0
        whole = 0.0
        held, kills, versions = texts(path), 0, Counter[str]()
        step = 0
        while kills < options.kills:
            step += 1
            change(docs, rng, rng.randint(1, FILES // 2))
            now = {file.name: file.read_text() for file in docs.iterdir()}
            delay = None if step % 10 == 1 else rng.uniform(0.1, 1.0) * whole
            started = time.perf_counter()
            code = run(docs, path, delay)
            if delay is None:
                whole = time.perf_counter() - started
            kills += code == -signal.SIGKILL
            before, held = held, texts(path)
            for name in {*before, *now, *held}:
                state = held.get(name)
                if state not in (before.get(name), now.get(name)):
                    sys.exit(f"round {step}: {name} is neither old nor new: {state!r}")
                if before.get(name) != now.get(name) and code != 0:
                    versions["new" if state == now.get(name) else "old"] += 1
            if code == 0 and held != now:
                kept = shutil.copytree(folder, tempfile.mkdtemp(prefix="docindex-lost-"), dirs_exist_ok=True)
                wrong = [
                    f"{name} ({'missing' if name not in held else 'old' if name in now else 'not gone'})"
                    for name in sorted({*now, *held})
                    if now.get(name) != held.get(name)
                ]
                sys.exit(f"round {step}: after a whole ingest these differ: {', '.join(wrong)}; all is kept in {kept}")
            if step % 20 == 0:
                print(f"{kills} kills in {step} rounds, no loss", flush=True)
    print(f"{kills} kills; changed files found {versions['old']} times as before, {versions['new']} times as now.")
    print(f"Every index opened, agreed with itself and lost nothing. The last whole ingest took {whole:.1f} s.")


def change(docs: Path, rng: random.Random, files: int) -> None:
    """Adds, edits or deletes so many files."""
    for number in rng.sample(range(FILES), files):
        path = docs / f"{number:02}.txt"
        if path.exists() and rng.random() < 0.3:
            path.unlink()
        else:
            words = (f"The {rng.choice(NOUNS)} number {rng.randint(1, 10**6)} stands still." for _ in range(30))
            path.write_text(" ".join(words))


def run(docs: Path, path: Path, seconds: float | None) -> int:
    """Ingests in another process; kills it after so many seconds, unless it has ended."""
    command = [sys.executable, "-m", "docindex.cli", "ingest", str(docs), "--sync", "--yes", "--index", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            _, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return process.returncode
        if process.returncode != 0:
            sys.exit(f"the ingest failed: {said}")
        return process.returncode


def texts(path: Path) -> dict[str, str]:
    """What the index holds, once it is found to be sound."""
    with Index.open(path) as index:
        if problems := index.check():
            sys.exit(f"the index disagrees with itself: {problems}")
        found = {}
        for record in index.documents():
            document = index.document(record.doc_id)
            assert document is not None
            found[record.doc_id] = document.text
        index.search("heron", mode="lexical")
        return found


if __name__ == "__main__":
    main()
