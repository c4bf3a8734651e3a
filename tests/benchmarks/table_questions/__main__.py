"""Asks the questions and compares the answers with those that plain Python gives.

A question is right only if every value is: numbers to six digits, names and dates as they are, all members of a group.
Refusals are counted apart from wrong answers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from blind_set import BLIND
from gold import Data, Gold, Question
from held_out_set import HELD_OUT
from main_set import MAIN
from refuse_set import REFUSE
from sheets import make, write

from docindex import Index
from docindex.answering.tables.engine import TablesEngine
from docindex.answering.tables.running import Result
from docindex.config import DEFAULT_LLM, Environment, IngestOptions, LLMConfig
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.wiring import model_store

SETS: dict[str, tuple[Question, ...]] = {"main": MAIN, "held-out": HELD_OUT, "blind": BLIND}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=[*SETS, "refuse", "all"], default="all", help="which questions")
    parser.add_argument("--no-model", action="store_true", help="the rules alone")
    parser.add_argument("--show", action="store_true", help="print every question that is not answered rightly")
    parser.add_argument("--keep", type=Path, help="write the workbooks there and keep them")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sheets = make()
        (folder / "books").mkdir(parents=True, exist_ok=True)
        write(folder / "books", list(sheets.values()))
        index = stack.enter_context(Index.create(folder / "index"))
        report = index.ingest(folder / "books", options=IngestOptions(wait="text"))
        print(
            f"{len(sheets)} workbooks, {sum(len(sheet.rows) for sheet in sheets.values()):,} rows, {report.added} added"
        )
        engine = TablesEngine.over(index._snapshot, None if options.no_model else model_of(stack))
        wanted = [name for name in SETS if options.set in (name, "all")]
        for name in wanted:
            ask(engine, name, SETS[name], Data(sheets), show=options.show)
        if options.set in ("refuse", "all"):
            refuse(engine, REFUSE)


def model_of(stack: ExitStack) -> Callable[[], LlamaCppLLM]:
    """The default model, loaded when it is first asked for."""
    loaded: list[LlamaCppLLM] = []

    def model() -> LlamaCppLLM:
        if not loaded:
            path = model_store(Environment.read()).path(DEFAULT_LLM)
            loaded.append(stack.enter_context(LlamaCppLLM(path, LLMConfig(context_tokens=2048), name=DEFAULT_LLM)))
        return loaded[0]

    return model


def ask(engine: TablesEngine, title: str, questions: Iterable[Question], data: Data, *, show: bool) -> None:
    """Prints how many answers are right, wrong and refused, by kind of question."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    seconds = []
    cited = 0
    for question in questions:
        gold = question.gold(data)
        began = time.perf_counter()
        response = engine.query(question.text)
        seconds.append(time.perf_counter() - began)
        result = engine.result(question.text)
        outcome = "refused" if result is None else "right" if is_right(result, gold) else "wrong"
        cited += bool(response.citations) and all(citation.verified for citation in response.citations)
        counts[question.kind][outcome] += 1
        counts["all"][outcome] += 1
        if show and outcome != "right":
            print(f"  {outcome}: {question.text}\n      {response.answer}\n      gold: {gold}")
    print(f"\n{title}: {sum(counts['all'].values())} questions")
    print(f"  {'kind':<10}{'right':>7}{'refused':>9}{'wrong':>7}")
    for kind, count in sorted(counts.items(), key=lambda pair: pair[0] == "all"):
        print(f"  {kind:<10}{count['right']:>7}{count['refused']:>9}{count['wrong']:>7}")
    total = sum(counts["all"].values())
    print(f"  exact {counts['all']['right'] / total:.1%}, with verified citations {cited / total:.1%}")
    ordered = sorted(seconds)
    print(f"  median {1000 * ordered[total // 2]:.0f} ms, slowest {1000 * ordered[-1]:.0f} ms")


def refuse(engine: TablesEngine, questions: Iterable[str]) -> None:
    """Prints how many of the questions that the tables do not answer are refused."""
    asked = list(questions)
    answered = [(question, response) for question in asked if not (response := engine.query(question)).no_answer]
    print(f"\nrefuse: {len(asked) - len(answered)} of {len(asked)} refused")
    for question, response in answered:
        print(f"  answered: {question}\n      {response.answer}")


def is_right(result: Result, gold: Gold) -> bool:
    """Whether the values are those of the right answer."""
    rows = [tuple(map(plain, row)) for row in result.rows]
    match gold:
        case dict():
            found = {row[0]: row[1] for row in rows}
            wanted = {key_of(name): value for name, value in gold.items()}
            return set(found) == set(wanted) and all(alike(found[name], wanted[name]) for name in wanted)
        case set():
            return {row[0] for row in rows} == set(map(key_of, gold))
        case list():
            return [row[0] for row in rows][: len(gold)] == gold
        case _:
            return len(rows) == 1 and alike(rows[0][0], gold)


def key_of(name: object) -> object:
    """A year and month as the engine calls them."""
    return f"{name[0]}-{name[1]:02}" if isinstance(name, tuple) else name


def plain(value: object) -> object:
    """Midnight as its day."""
    return value.date() if isinstance(value, datetime) else value


def alike(one: object, other: object) -> bool:
    """Equal, or numbers that differ by rounding."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= 1e-6 * max(1.0, abs(other))
    return one == other


if __name__ == "__main__":
    main()
