"""Has threads and processes ask one model at once, give up at random, and checks every answer.

    python tests/benchmarks/serving_stress.py [--seconds 600] [--threads 8] [--processes 2] [--json]

Each process loads the model once and asks it from all its threads: single answers, several at once, choices, answers
that are given up after a few tokens or cancelled from another thread. All processes keep states in one folder with a
budget that is too small for all contexts, so that files come and go. An answer that is not the one that the same
prompt got when nobody else asked is a mistake; a thread that makes no progress for two minutes ends the run. Prints how
much was asked, the mistakes, and the memory of the processes in the first and in the last fifth of the time.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from docindex.config import DEFAULT_LLM, Environment, LLMConfig
from docindex.errors import RequestCancelledError
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.protocols import Message
from docindex.wiring import model_store

TOPICS = ("the sea", "an orchard", "a pump", "the moon", "a library", "a violin")
QUESTIONS = ("What is it?", "Who needs it?", "Name a number.", "Is it old?")
ANSWER_TOKENS = 12
STUCK_SECONDS = 120.0
CHOICES = ("yes", "no")


def chat(topic: str, question: str) -> list[Message]:
    text = f"Here are notes about {topic}. " * 12
    return [Message("system", "Be brief."), Message("user", f"{text}\n\n{question}")]


CHATS = [chat(topic, question) for topic in TOPICS for question in QUESTIONS]


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Client(threading.Thread):
    """Asks until the time is over."""

    def __init__(self, llm: LlamaCppLLM, expected: list[str], seed: int, ends: float) -> None:
        super().__init__(daemon=True)
        self.llm = llm
        self.expected = expected
        self.random = random.Random(seed)
        self.ends = ends
        self.counts: Counter[str] = Counter()
        self.mistakes: list[str] = []
        self.last = time.monotonic()

    def run(self) -> None:
        kinds = (self.whole, self.whole, self.dropped, self.cancelled, self.many, self.chosen)
        while time.monotonic() < self.ends:
            kind = self.random.choice(kinds)
            try:
                kind(self.random.randrange(len(CHATS)))
            except Exception as error:  # noqa: BLE001 - what ends a thread is a mistake to be told
                self.mistakes.append(f"{kind.__name__}: {error!r}")
            self.counts[kind.__name__] += 1
            self.last = time.monotonic()

    def check(self, at: int, text: str, *, whole: bool = True) -> None:
        expected = self.expected[at]
        if text != expected if whole else not expected.startswith(text):
            self.mistakes.append(f"chat {at}: {text!r} instead of {expected!r}")

    def whole(self, at: int) -> None:
        self.check(at, "".join(token.text for token in self.llm.complete(CHATS[at], max_tokens=ANSWER_TOKENS)))

    def dropped(self, at: int) -> None:
        tokens = self.llm.complete(CHATS[at], max_tokens=ANSWER_TOKENS)
        text = "".join(token.text for token, _ in zip(tokens, range(self.random.randrange(4)), strict=False))
        tokens.close()
        self.check(at, text, whole=False)

    def cancelled(self, at: int) -> None:
        cancel = threading.Event()
        timer = threading.Timer(self.random.random() * 3, cancel.set)
        timer.start()
        text = ""
        try:
            for token in self.llm.complete(CHATS[at], max_tokens=ANSWER_TOKENS, cancel=cancel):
                text += token.text
        except RequestCancelledError:
            self.counts["gave up"] += 1
        timer.cancel()
        self.check(at, text, whole=False)

    def many(self, at: int) -> None:
        chosen = [(at + step) % len(CHATS) for step in range(self.random.randrange(1, 12))]
        completions = self.llm.complete_many([CHATS[one] for one in chosen], max_tokens=ANSWER_TOKENS)
        for one, completion in zip(chosen, completions, strict=True):
            self.check(one, completion.text)

    def chosen(self, at: int) -> None:
        if not all(0 <= likely <= 1 for likely in self.llm.choose(CHATS[at], CHOICES)):
            self.mistakes.append("a probability out of range")


def client_process(options: argparse.Namespace) -> None:
    config = LLMConfig(context_tokens=2048, state_cache_bytes=16 << 20, state_disk_bytes=32 << 20, threads=1)
    path = model_store(Environment.read()).path(DEFAULT_LLM)
    with LlamaCppLLM(path, config, name=DEFAULT_LLM, states=options.states) as llm:
        expected = ["".join(token.text for token in llm.complete(one, max_tokens=ANSWER_TOKENS)) for one in CHATS]
        started = time.monotonic()
        ends = started + options.seconds
        clients = [Client(llm, expected, options.client * 100 + number, ends) for number in range(options.threads)]
        for client in clients:
            client.start()
        memory: list[int] = []
        stuck = False
        while any(client.is_alive() for client in clients) and not stuck:
            time.sleep(0.5)
            memory.append(resident())
            now = time.monotonic()
            stuck = any(client.is_alive() and now - client.last > STUCK_SECONDS for client in clients)
        fifth = max(1, len(memory) // 5)
        counts: Counter[str] = sum((client.counts for client in clients), Counter())
        result = {
            "asked": dict(counts),
            "mistakes": [mistake for client in clients for mistake in client.mistakes],
            "stuck": stuck,
            "memory_first_mb": max(memory[:fifth]) >> 20,
            "memory_last_mb": max(memory[-fifth:]) >> 20,
        }
        print(json.dumps(result), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--states", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client is not None:
        client_process(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, *sys.argv[1:], "--states", folder]
        running = [
            subprocess.Popen([*command, "--client", str(number)], stdout=subprocess.PIPE, text=True)
            for number in range(options.processes)
        ]
        outputs = [(process.communicate()[0], process.returncode) for process in running]
        kept = sum(path.stat().st_size for path in Path(folder).iterdir())
    results = [json.loads(output) | {"exit": code} for output, code in outputs]
    if options.json:
        print(json.dumps({"processes": results, "states_mb": kept >> 20}, indent=1))
        return
    for number, result in enumerate(results):
        print(f"process {number}: exit {result['exit']}, stuck {result['stuck']}, mistakes {len(result['mistakes'])}")
        print(f"  asked {result['asked']}")
        print(f"  memory {result['memory_first_mb']} MB at first, {result['memory_last_mb']} MB at last")
        for mistake in result["mistakes"][:10]:
            print(f"  {mistake}")
    print(f"states on disk: {kept >> 20} MB")


if __name__ == "__main__":
    main()
