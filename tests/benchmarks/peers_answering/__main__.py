"""How soon docindex answers, beside LlamaIndex, LangChain and Haystack: one model, the same hits, the same llama.cpp.

    python tests/benchmarks/peers_answering.py [--questions 5] [--passages 4] [--rounds 3] [--systems LIST] [--out FILE]

The example questions are asked, over the passages that docindex finds for them in the example documents: its own engine
is given the hits, the others the same texts. Each system makes its prompt as it does by itself or as its documentation
says, so the prompts differ by some words; their lengths, and the time a token of them, are in the table. With
`--same-size` the others are given the passages with the headings and fences that docindex puts around them. All load
the same GGUF file with the same context, threads, length of answer and temperature 0, and stream. The others are
installed into environments of their own (about 300 MB each), which are kept in the work folder, with the
llama-cpp-python that `make setup` has compiled for this machine. What each is set to is printed under the tables.

Each system takes its turn in every round, in a fresh process and another order, after a question to warm up:

- first question: over passages that this process has not read; what it has read begins otherwise.
- second, at once: the same in other words, over the same passages, straight after.
- third, later: the same in other words again, when all others have been asked.

The first token is the first that the model writes, counted from the question; the first text is the first that is given
out: docindex gives out whole sentences, once they are checked. `ready` is from the start of the process until its model
is loaded; peak memory is of all its pages. docindex keeps no answers from one round to the next (`cache=False`).

- docindex: as it is by default.
- docindex-disk: with room for states on disk, in a new process, when another one has read the passages before, for a
  question in other words.
- docindex-optimised: with the model in the form that `docindex models optimize` keeps, which is run first.
- llamaindex, langchain, haystack: with flash attention off, as llama-cpp-python has it by default.
- the same with `-flash`: with flash attention, as docindex runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, replace
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "peers"))

from answer_table import OURS, Outcome, Run, goals, report  # noqa: E402
from answer_task import Answer, Task, Usage  # noqa: E402
from environments import SetupError, python_of  # noqa: E402
from machine import describe  # noqa: E402
from platformdirs import user_cache_path  # noqa: E402
from preparing import built_wheel, find_cases, model_files, optimise  # noqa: E402
from processes import Measured, measure  # noqa: E402

from docindex.config import DEFAULT_LLM  # noqa: E402

PEERS = ("llamaindex", "langchain", "haystack")
SYSTEMS = (
    *(f"{OURS}{way}" for way in ("", "-disk", "-optimised")),
    *(f"{peer}{way}" for peer in PEERS for way in ("", "-flash")),
)


class StepError(Exception):
    """A process failed; what it said is the message."""


@dataclass(frozen=True)
class Plan:
    """What holds for all systems and rounds."""

    home: Path
    task: Task
    pythons: dict[str, Path]
    timeout: float
    same_size: bool
    """Prompts of the others hold what docindex puts around the passages, too."""


def main() -> int:
    options = read_options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # what runs is ended too
    home: Path = options.work.expanduser().resolve()
    machine = describe("peers_answering.py")
    print("\n".join(f"{name}: {value}" for name, value in machine.items()), flush=True)
    outcomes = {system: Outcome(system=system) for system in options.systems}
    plan = prepare(options, home, outcomes)
    order = deque(options.systems)
    for number in range(options.rounds):
        for system in order:
            take(outcomes[system], plan, number)
        order.rotate(-1)
        write(options.out, machine, plan, list(outcomes.values()))
    print(f"\n{options.out.with_suffix('.md').read_text(encoding='utf-8')}")
    print(f"Written to {options.out} and {options.out.with_suffix('.md')}.")
    return int(any(outcome.failure for outcome in outcomes.values()))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="peers_answering.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--questions", type=int, default=5, help="how many questions each round asks")
    parser.add_argument("--passages", type=int, default=4, help="how many passages each is answered from")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--systems", type=lambda text: text.split(","), default=list(SYSTEMS), help=",".join(SYSTEMS))
    parser.add_argument(
        "--same-size", action="store_true", help="give the others the passages as docindex's prompts have them"
    )
    parser.add_argument("--model", default=DEFAULT_LLM, help="a name in the catalogue, or a GGUF file")
    parser.add_argument("--context", type=int, default=4096, help="the context window, in tokens")
    parser.add_argument("--tokens", type=int, default=64, help="the longest answer")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="one a core unless given")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds that one process may take")
    parser.add_argument(
        "--work", type=Path, default=user_cache_path("docindex") / "peers-answering", help="where environments are"
    )
    parser.add_argument("--out", type=Path, default=Path("build/peers-answering.json"), help="the tables go beside it")
    options = parser.parse_args()
    unknown = set(options.systems) - set(SYSTEMS)
    if unknown:
        parser.error(f"there is no system {', '.join(sorted(unknown))}")
    if options.questions < 2 or options.rounds < 1:
        parser.error("give at least two questions, so that others come before the third asking, and one round")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    return options


def prepare(options: argparse.Namespace, home: Path, outcomes: dict[str, Outcome]) -> Plan:
    """Everything that is made before anything is measured."""
    pythons = {OURS: Path(sys.executable)}
    peers = dict.fromkeys(peer for peer in map(base, options.systems) if peer != OURS)
    wheels = (built_wheel(),) if peers else ()
    for peer in peers:
        try:
            pythons[peer] = python_of(peer, home / "environments", HERE, wheels)
        except SetupError as error:
            print(f"    failed: {error}", flush=True)
            for outcome in outcomes.values():
                if base(outcome.system) == peer:
                    outcome.failure = str(error)
    model, embedder = model_files(options.model)
    print("finding the passages", flush=True)
    *cases, warm_up = find_cases(home / "index", embedder, options.questions, options.passages)
    if f"{OURS}-optimised" in options.systems:
        print("optimising the model", flush=True)
        optimised = outcomes[f"{OURS}-optimised"]
        shutil.rmtree(home / "models" / optimised.system, ignore_errors=True)
        kept = optimise(model, home / "models" / optimised.system)["kept"]
        optimised.settings = f"the query engine with its default settings; the model {kept}"
    task = Task(
        model=str(model),
        context_tokens=options.context,
        max_tokens=options.tokens,
        threads=options.threads,
        way="",
        warm_up=warm_up,
        cases=tuple(cases),
        phases=("first", "second", "later"),
        report="",
        index=str(home / "index"),
        models="",
    )
    return Plan(home, task, pythons, options.timeout, options.same_size)


def take(outcome: Outcome, plan: Plan, number: int) -> None:
    """One round of a system; a failure is told and kept, and it has no more turns."""
    if outcome.failure is not None:
        return
    print(f"{time.strftime('%H:%M:%S')} round {number + 1}: {outcome.system}", flush=True)
    models = plan.home / "models" / outcome.system
    task = replace(plan.task, way=way_of(outcome.system), models=str(models))
    if plan.same_size and base(outcome.system) != OURS:
        task = replace(task, cases=tuple(replace(case, passages=case.shown) for case in task.cases))
    try:
        if task.way == "disk":
            shutil.rmtree(models, ignore_errors=True)  # or the states of the last round would be found
            ask(outcome, replace(task, phases=("before",)), plan)
        outcome.runs.append(ask(outcome, task, plan))
    except (StepError, OSError, KeyError, ValueError) as error:
        outcome.failure = str(error) or repr(error)
        print(f"    failed: {outcome.failure}", flush=True)


def ask(outcome: Outcome, task: Task, plan: Plan) -> Run:
    """A process of a system, from its start to its end."""
    path = plan.home / "reports" / f"{outcome.system}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    system = base(outcome.system)
    command = [str(plan.pythons[system]), str(HERE / f"with_{system}.py"), replace(task, report=str(path)).as_json()]
    done = measure(command, plan.home / "logs" / outcome.system, outcome.system, timeout=plan.timeout)
    if done.code != 0 or not path.is_file():
        raise StepError(f"{outcome.system} ended with code {done.code}:\n{done.tail()}")
    return read_run(outcome, path, done)


def read_run(outcome: Outcome, path: Path, done: Measured) -> Run:
    found = json.loads(path.read_text(encoding="utf-8"))
    outcome.versions = found["versions"]
    outcome.settings = outcome.settings or found["settings"]
    answers = tuple(Answer(**{**answer, "usage": Usage(**answer["usage"])}) for answer in found["answers"])
    return Run(answers=answers, ready=found["ready"] - done.started, peak_bytes=done.peak_rss)


def write(out: Path, machine: dict[str, str], plan: Plan, outcomes: list[Outcome]) -> None:
    task = plan.task
    whole = {
        "machine": machine,
        "task": asdict(task),
        "systems": [asdict(outcome) for outcome in outcomes],
        "goals": [{**asdict(goal), "met": goal.met} for goal in goals(outcomes)],
    }
    out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    facts = machine | {
        "model": Path(task.model).name,
        "questions": f"{len(task.cases)}, over {len(task.warm_up.passages)} passages each",
        "for all": f"{task.threads} threads, {task.context_tokens} tokens of context, up to {task.max_tokens} written",
        "passages": "with what docindex puts around them" if plan.same_size else "to the others as plain text",
        "rounds": str(max(len(outcome.runs) for outcome in outcomes)),
    }
    heading = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    text = "\n\n".join(["# How soon docindex and its peers answer", heading, report(outcomes)]) + "\n"
    out.with_suffix(".md").write_text(text, encoding="utf-8")


def base(system: str) -> str:
    """The system, whatever its settings."""
    return system.partition("-")[0]


def way_of(system: str) -> str:
    """Which of its settings it is asked with."""
    return system.partition("-")[2]


if __name__ == "__main__":
    sys.exit(main())
