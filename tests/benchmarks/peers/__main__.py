"""docindex beside LlamaIndex, LangChain, Haystack and txtai: the same corpora, the same model, a local index on disk.

    python tests/benchmarks/peers.py [--data DIR] [--docs DIR ...] [--systems LIST] [--limit N] [--out FILE]

--data is a collection in BEIR's layout, such as SciFact; --docs folders of PDF, HTML and text. Every other system is
installed into an environment of its own (about 1.5 GB each with PyTorch's build for CPUs), which is kept in the work
folder for later runs, and set up as its documentation says for an index on the local disk; what that means is printed
under the table. All embed with the same weights, which is checked before anything is measured. One system runs at a
time, each step in a fresh process:

- first correct search: from the start of the process that ingests into an empty index to the first answer that has the
  expected document first. docindex is asked by searches in other processes while it ingests, which is then ended: the
  median of several, since much depends on the moment at which a search begins. The ingest that the other columns tell
  of is another one, from the start, without searches beside it. The others, which take a minute, are asked once, as
  soon as their indexing call has returned, in the same process, before they write to disk.
- ingest: from the start of the process until everything is on disk, without that search.
- again: the same ingest once more, from the start of a process, with nothing changed; the median of several where it is
  short.
- reopen and search: from the start of a process to the answer; the median of several.
- peak memory: resident pages of the process and its children, added up.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import corpora
from environments import SetupError, python_of
from machine import describe
from platformdirs import user_cache_path
from systems import PEERS, Outcome, Plan, StepError, again, run_docindex, run_peer
from tables import OURS, goals, report
from weights import expected_vectors, prepare

from docindex.config import IndexConfig


def main() -> int:
    options = read_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # what runs is ended too
    home: Path = options.work.expanduser().resolve()
    machine = describe("peers.py")
    print("\n".join(f"{name}: {value}" for name, value in machine.items()), flush=True)
    model = prepare(home / "model")
    config = IndexConfig()
    plan = Plan(
        home=home,
        model=model,
        vectors=expected_vectors(model),
        chunk_tokens=config.chunk_tokens,
        overlap_tokens=config.overlap_tokens,
        reopenings=options.reopenings,
        timeout=options.timeout,
    )
    install(options.systems, plan)
    texts: list[str] = []
    results: list[dict[str, object]] = []
    failed = False
    found = lay_out(options, home)
    if options.again:
        return unchanged_in_turns(options.systems, found, plan, options.again)
    for corpus in found:
        outcomes: list[Outcome] = []
        for system in options.systems:
            outcomes.append(take(system, corpus, plan))
            failed |= outcomes[-1].failure is not None
            whole = {"machine": machine, "corpora": [*results, as_result(corpus, outcomes)]}
            options.out.write_text(json.dumps(whole, indent=1, default=str) + "\n", encoding="utf-8")
        results.append(as_result(corpus, outcomes))
        texts.append(report(corpus, outcomes))
    heading = "\n".join(f"- {name}: {value}" for name, value in machine.items())
    text = "\n\n".join(["# docindex and its peers", heading, *texts]) + "\n"
    options.out.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{text}\nWritten to {options.out} and {options.out.with_suffix('.md')}.")
    return int(failed)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="peers.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    systems = (OURS, *PEERS)
    parser.add_argument("--data", type=Path, help="a folder with corpus.jsonl")
    parser.add_argument("--docs", type=Path, nargs="+", default=[], help="folders of PDF, HTML and text")
    parser.add_argument("--systems", type=lambda text: text.split(","), default=list(systems), help=",".join(systems))
    parser.add_argument("--limit", type=int, help="a quick trial: so many documents, and none that is large")
    parser.add_argument("--reopenings", type=int, default=5, help="how often the short steps are measured")
    parser.add_argument(
        "--again",
        type=int,
        metavar="N",
        help="only ingest without changes, into the stores of an earlier run, the systems in turns: N times each",
    )
    parser.add_argument("--timeout", type=float, default=7200, help="seconds that one step may take")
    parser.add_argument(
        "--work", type=Path, default=user_cache_path("docindex") / "peers", help="where environments and stores are"
    )
    parser.add_argument("--out", type=Path, default=Path("build/peers.json"), help="the table goes beside it, as .md")
    options = parser.parse_args()
    unknown = set(options.systems) - set(systems)
    if unknown or not (options.data or options.docs):
        parser.error(f"there is no system {sorted(unknown)}" if unknown else "give --data, --docs or both")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    return options


def install(systems: Sequence[str], plan: Plan) -> None:
    """Makes every environment before anything is measured."""
    for system in systems:
        if system != OURS:
            try:
                python_of(system, plan.environments)
            except SetupError as error:
                print(f"    failed: {error}", flush=True)  # and tried again when the system has its turn


def lay_out(options: argparse.Namespace, home: Path) -> list[corpora.Corpus]:
    print("laying out the corpora", flush=True)
    found: list[corpora.Corpus] = []
    if options.data:
        found.append(corpora.records(options.data.resolve(), home / "corpora", options.limit))
    if options.docs:
        folders = [folder.expanduser().absolute() for folder in options.docs]
        found.append(corpora.files(folders, home / "corpora", options.limit))
    return found


def take(system: str, corpus: corpora.Corpus, plan: Plan) -> Outcome:
    """Measures a system; a failure is told and kept, and the next one has its turn."""
    print(f"{time.strftime('%H:%M:%S')} {corpus.name}: {system}", flush=True)
    outcome = Outcome(system=system, corpus=corpus.name)
    try:
        (run_docindex if system == OURS else run_peer)(outcome, corpus, plan)
    except (StepError, SetupError, OSError, KeyError, ValueError) as error:
        outcome.failure = str(error) or repr(error)
        print(f"    failed: {outcome.failure}", flush=True)
    return outcome


def unchanged_in_turns(systems: Sequence[str], found: Sequence[corpora.Corpus], plan: Plan, rounds: int) -> int:
    """Prints the median of each system; 1 if one failed.

    Two rounds come before: docindex trusts what it knows of a file only once that has been at rest for some seconds,
    and the corpus was laid out just now.
    """
    failed = False
    for corpus in found:
        taken: dict[str, list[float]] = {system: [] for system in systems}
        for number in range(rounds + 2):
            for system in systems:
                try:
                    seconds = again(system, corpus, plan, number)
                    if number >= 2:
                        taken[system].append(seconds)
                except (StepError, SetupError) as error:
                    failed = True
                    print(f"    {system} failed: {error}", flush=True)
        ours = statistics.median(taken[OURS]) if taken.get(OURS) else None
        for system, runs in taken.items():
            if runs:
                median = statistics.median(runs)
                times = f", {median / ours:.1f} times docindex's" if ours else ""
                print(f"{corpus.name}: {system} again in {median:.3f} s{times} {[round(run, 3) for run in runs]}")
    return int(failed)


def as_result(corpus: corpora.Corpus, outcomes: Sequence[Outcome]) -> dict[str, object]:
    return {
        "corpus": asdict(corpus),
        "systems": [asdict(outcome) for outcome in outcomes],
        "goals": [{**asdict(goal), "met": goal.met} for goal in goals(outcomes)],
    }


if __name__ == "__main__":
    sys.exit(main())
