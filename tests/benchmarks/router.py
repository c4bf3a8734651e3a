"""The semantic router beside a router that is a language model: accuracy, and milliseconds an utterance.

    python tests/benchmarks/router.py

Both choose among the routes of examples/routes.yaml for utterances that were used to define neither:
`router_utterances.jsonl` says things as most people would, `router_unusual.jsonl` avoids the usual words. The language
model is the default one; it reads the routes' names and descriptions and a chat that shows some utterances with their
routes, and writes a name under a grammar that allows nothing else.

Its time is given twice. "At once" is the best that it can do: its prompt is still in the cache from the utterance
before, so that only the utterance is read and the name is written. "After an answer" is what an assistant sees, whose
one model has read passages and answered in between. The routers take turns, utterance by utterance, so that what else
the machine does slows both; the processor's time is less in doubt than the clock's on a busy one.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from docindex import Index
from docindex.config import DEFAULT_EMBEDDER, Environment, LLMConfig
from docindex.protocols import LLM, Message
from docindex.retrieval.router import Router
from docindex.retrieval.router_words import words_of
from docindex.retrieval.routes import RouteSet, filled
from docindex.retrieval.routes_file import read_routes
from docindex.wiring import open_embedder, open_llm

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"


def main() -> None:
    parser = argparse.ArgumentParser(description="The semantic router beside a language model.")
    parser.add_argument("--sample", type=int, default=0, help="so many utterances a file, 0 for all")
    parser.add_argument("--no-llm", action="store_true", help="the semantic router alone")
    parser.add_argument("--shots", type=int, default=2, help="utterances of each route that the language model sees")
    parser.add_argument("--after", type=int, default=5, help="how often it is timed after an answer")
    options = parser.parse_args()
    environment = Environment.read()
    routes = read_routes(ROOT / "examples" / "routes.yaml")
    embedder = open_embedder(DEFAULT_EMBEDDER, environment)
    with tempfile.TemporaryDirectory() as folder, Index.create(Path(folder) / "index") as index:
        index.ingest(ROOT / "examples" / "documents")
        words = words_of(node.node.full_text for row in index.documents() for node in index.nodes(row.doc_id))
    began = time.perf_counter()
    router = Router.fit(routes, embedder, words)
    print(f"{len(list(routes.examples()))} utterances learned in {time.perf_counter() - began:.1f} s; ", end="")
    print(f"left out, {router.left_out_accuracy:.1%} of them go where they should")
    llm = None if options.no_llm else open_llm(LLMConfig(model=environment.llm), environment)
    for name in ("router_utterances", "router_unusual"):
        rows = [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        if options.sample:
            rows = random.Random(0).sample(rows, min(options.sample, len(rows)))
        print(f"\n{name}: {len(rows)} utterances")
        choosers: dict[str, Callable[[str], str]] = {"semantic": lambda text: router.route(text).route}
        if llm is not None:
            choosers["language model"] = chooser(llm, routes, options.shots)
        measure(rows, choosers)
    if llm is not None:
        after_answers(llm, chooser(llm, routes, options.shots), options.after, router)
        llm.close()


def measure(rows: list[dict[str, str]], choosers: dict[str, Callable[[str], str]]) -> None:
    """Prints a line a router."""
    times: dict[str, list[float]] = {name: [] for name in choosers}
    work: defaultdict[str, float] = defaultdict(float)
    right: Counter[str] = Counter()
    for choose in choosers.values():
        choose("Does it rain?")  # the first call fills caches
    for row in rows:
        for name, choose in choosers.items():
            began, used = time.perf_counter(), time.process_time()
            chosen = choose(row["text"])
            times[name].append((time.perf_counter() - began) * 1000)
            work[name] += (time.process_time() - used) * 1000 / len(rows)
            right[name] += chosen == row["route"]
    for name, taken in times.items():
        p95 = statistics.quantiles(taken, n=20)[-1]
        accuracy = right[name] / len(rows)
        print(
            f"  {name:<15} {accuracy:6.1%}  median {statistics.median(taken):8.2f} ms  p95 {p95:8.2f} ms"
            f"  processor {work[name]:8.2f} ms"
        )
    if len(times) == 2:
        fast, slow = (statistics.median(taken) for taken in times.values())
        print(f"  at once, the semantic router takes 1/{slow / fast:.0f} of the time")
        print(f"  and 1/{work['language model'] / work['semantic']:.0f} of the processor's")


def chooser(llm: LLM, routes: RouteSet, shots: int) -> Callable[[str], str]:
    """Asks the model for the name of a route."""
    names = [route.name for route in routes.routes]
    grammar = "root ::= " + " | ".join(json.dumps(name) for name in names)
    longest = max(llm.count_tokens([Message("user", name)]) for name in names)

    def choose(text: str) -> str:
        tokens = llm.complete(messages(routes, text, shots), max_tokens=longest, grammar=grammar)
        return "".join(token.text for token in tokens).strip()

    return choose


def messages(routes: RouteSet, text: str, shots: int) -> list[Message]:
    """The routes, a chat that shows how it is done, and the utterance; only the end changes from one to the next."""
    lines = ["Name the category of what the user says. The categories:"]
    lines += [f"{route.name}: {route.description}" for route in routes.routes]
    chat = [Message("system", "\n".join(lines))]
    for shot in range(shots):
        for route in routes.routes:
            example = filled(route.utterances[shot * (len(route.utterances) // shots)], routes.slots)[0]
            chat += [Message("user", example), Message("assistant", route.name)]
    return [*chat, Message("user", text)]


def after_answers(llm: LLM, choose: Callable[[str], str], rounds: int, router: Router) -> None:
    """Times the model when it has answered something else in between."""
    times: dict[str, list[float]] = {"semantic": [], "language model": []}
    for number in range(rounds):
        for _ in llm.complete([Message("user", f"Say {number}.")], max_tokens=1):
            pass
        for name, decide in (("semantic", router.route), ("language model", choose)):
            began = time.perf_counter()
            decide(f"How heavy is display {number}?")
            times[name].append((time.perf_counter() - began) * 1000)
    fast, slow = (statistics.median(taken) for taken in times.values())
    print(f"\nafter an answer: semantic {fast:.1f} ms, language model {slow:.0f} ms: 1/{slow / fast:.0f} of the time")


if __name__ == "__main__":
    main()
