"""Measures how soon the local model answers, and how fast: what reuse, batches, grammar and cache types change.

    python tests/benchmarks/answer_latency.py [--model NAME_OR_GGUF] [--tokens 1000] [--runs 3] [--cache q8_0] [--json]

Contexts of about `--tokens` tokens are cut from this repository's own Markdown; a question of some twenty tokens comes
after. Every kind of request is made once a run, in turn, so that a busy moment falls on all alike; the table has
medians, and ratios of the medians. Cold contexts share only the system prompt with anything read before. `disk` is a
new process that finds the state in a file, most likely in the page cache; loading the model is left out there as in
all rows. Texts of restored contexts, of answers written at once, and of those that are guessed ahead, are compared with
those of plain decoding.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, get_args

from docindex.config import DEFAULT_LLM, CacheType, Environment, LLMConfig
from docindex.llm.context import Row
from docindex.llm.llamacpp import LlamaCppLLM
from docindex.protocols import Message
from docindex.wiring import model_store

ROOT = Path(__file__).parents[2]
SYSTEM = Message("system", "Answer from the text, briefly.")
ELSEWHERE = [Message("user", "Hello. Who are you?")]
QUESTIONS = (
    "What is the most important thing that this text says?",
    "Which numbers does the text name, and what do they count?",
    "Who should read this text, and what would they do with it?",
    "What can go wrong according to the text, and what helps then?",
    "Which two things does the text compare, and how do they differ?",
    "What does the text say about how long something takes?",
    "Which words of the text would be new to a beginner?",
    "How would you sum up the text in a single short sentence?",
)
COPYING = (
    "Repeat the first three sentences of the text word for word.",
    "Quote the sentence of the text that names a number.",
    "List the first words of the text in their order.",
)
ANSWER_TOKENS = 32
SENTENCES = "root ::= [^\\x00-\\x1f]+"
OBJECT = 'root ::= "{\\"answer\\": \\"" [^"\\\\\\x00-\\x1f]+ "\\"}"'
GIGABYTE = 1 << 30
CACHES: tuple[tuple[str, CacheType, bool], ...] = (
    ("f16", "f16", True),
    ("f16, no flash attention", "f16", False),
    ("q8_0", "q8_0", True),
    ("q8_0/f16", "q8_0/f16", True),
)
PARTS = ("reuse", "batches", "agreement", "grammar", "cache", "speculation")


def chat(context: str, question: str) -> list[Message]:
    return [SYSTEM, Message("user", f"{context}\n\n{question}")]


def contexts(llm: LlamaCppLLM, tokens: int, count: int) -> list[str]:
    """Texts of about so many tokens that begin differently."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "docs").glob("*.md")))
    words = text.split()
    while len(words) < count * tokens:
        words += words
    made = []
    for number in range(count):
        start = number * len(words) // count
        size = tokens
        while llm.count_tokens(chat(" ".join(words[start : start + size]), QUESTIONS[0])) > tokens:
            size = size * 95 // 100
        made.append(f"Part {number}. " + " ".join(words[start : start + size]))
    return made


def first_token(llm: LlamaCppLLM, messages: Sequence[Message]) -> tuple[float, int]:
    """Seconds to the first token of an answer, and how many tokens of the prompt were reused."""
    started = time.perf_counter()
    tokens = llm.complete(messages, max_tokens=ANSWER_TOKENS)
    token = next(tokens)
    seconds = time.perf_counter() - started
    tokens.close()
    return seconds, token.cached_tokens


def answer(llm: LlamaCppLLM, messages: Sequence[Message], grammar: str | None = None) -> tuple[str, float]:
    """The text of an answer, and the tokens a second after its first."""
    text, count, started = "", 0, 0.0
    for token in llm.complete(messages, max_tokens=ANSWER_TOKENS, grammar=grammar):
        if not count:
            started = time.perf_counter()
        text, count = text + token.text, count + 1
    return text, (count - 1) / (time.perf_counter() - started) if count > 1 else 0.0


def open_model(
    options: argparse.Namespace,
    *,
    cache_type: CacheType | None = None,
    state_cache_bytes: int = 256 << 20,
    state_disk_bytes: int = 0,
    speculation: Literal["prompt-lookup"] | None = None,
    flash_attention: bool | None = None,
) -> LlamaCppLLM:
    path = Path(options.model)
    if not path.exists():
        path = model_store(Environment.read()).path(options.model, kind="llm")
    config = LLMConfig(
        threads=options.threads,
        context_tokens=3 * options.tokens + 1024,
        cache_type=cache_type or options.cache,
        state_cache_bytes=state_cache_bytes,
        state_disk_bytes=state_disk_bytes,
        speculation=speculation,
        flash_attention=flash_attention,
    )
    return LlamaCppLLM(path, config, name=options.model, states=options.states)


def measure_reuse(llm: LlamaCppLLM, options: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds to the first token of each kind of request."""
    seconds: dict[str, list[float]] = {name: [] for name in ("cold", "live", "memory", "disk", "second turn")}
    for number, context in enumerate(contexts(llm, options.tokens, options.runs)):
        first_token(llm, ELSEWHERE)
        seconds["cold"].append(first_token(llm, chat(context, QUESTIONS[0]))[0])
        seconds["live"].append(first_token(llm, chat(context, QUESTIONS[1]))[0])
        first_token(llm, ELSEWHERE)
        taken, cached = first_token(llm, chat(context, QUESTIONS[2]))
        assert cached > options.tokens // 2, f"only {cached} tokens were restored"
        seconds["memory"].append(taken)
        first_token(llm, ELSEWHERE)
        turn = chat(context, QUESTIONS[3])
        said, _ = answer(llm, turn)
        seconds["second turn"].append(
            first_token(llm, [*turn, Message("assistant", said), Message("user", "Are you sure of that?")])[0]
        )
        if options.states:
            child = [sys.executable, __file__, *sys.argv[1:], "--states", str(options.states), "--child", str(number)]
            done = subprocess.run(child, capture_output=True, text=True, check=True)
            seconds["disk"].append(float(done.stdout))
    return seconds


def child(options: argparse.Namespace) -> None:
    """Prints the seconds to the first token of a context that another process has read."""
    with open_model(options, state_disk_bytes=GIGABYTE) as llm:
        context = contexts(llm, options.tokens, options.runs)[options.child]
        first_token(llm, ELSEWHERE)
        seconds, cached = first_token(llm, chat(context, QUESTIONS[4]))
        assert cached > options.tokens // 2, f"only {cached} tokens were restored"
        print(seconds)


def measure_batches(llm: LlamaCppLLM, options: argparse.Namespace) -> dict[str, Any]:
    """Eight questions over one context: one after another, and at once; and a step of llama.cpp with one and eight."""
    chats = [chat(contexts(llm, options.tokens, 1)[0], question) for question in QUESTIONS]
    first_token(llm, chats[0])
    serial, parallel, same = [], [], 0
    for _ in range(options.runs):
        started = time.perf_counter()
        alone = [answer(llm, messages)[0] for messages in chats]
        serial.append(time.perf_counter() - started)
        started = time.perf_counter()
        together = llm.complete_many(chats, max_tokens=ANSWER_TOKENS)
        parallel.append(time.perf_counter() - started)
        same = sum(one.text == text for one, text in zip(together, alone, strict=True))
    steps = {f"step_of_{count}_s": step_seconds(llm, count) for count in (1, len(chats))}
    return {"serial": serial, "parallel": parallel, "texts_equal": same, "texts": len(chats)} | steps


def step_seconds(llm: LlamaCppLLM, count: int, steps: int = 24) -> float:
    """What llama.cpp takes to decode a token of each of so many sequences over the context that was read last."""
    live, context = llm._live, llm._live.context
    length, seconds = len(live.tokens), []
    sequences = range(1, count + 1)
    for sequence in sequences:
        context.share(0, sequence, length)
    for at in range(length, length + steps):
        started = time.perf_counter()
        context.decode([Row(live.tokens[-1], at, sequence, True) for sequence in sequences])
        seconds.append(time.perf_counter() - started)
    for sequence in sequences:
        context.cut(sequence, 0)
    return statistics.median(seconds)


def measure_agreement(options: argparse.Namespace) -> dict[str, int]:
    """How many texts of answers written at once, and after a restored context, are those of plain decoding."""
    with open_model(options, state_cache_bytes=0) as llm:
        texts = contexts(llm, min(options.tokens, 200), options.chats // len(QUESTIONS))
        chats = [chat(context, question) for question in QUESTIONS for context in texts]
        plain = []
        for messages in chats:
            llm._live.forget()
            plain.append(answer(llm, messages)[0])
        together = [completion.text for completion in llm.complete_many(chats, max_tokens=ANSWER_TOKENS)]
    with open_model(options) as llm:
        restored = [answer(llm, messages)[0] for messages in chats]
    return {
        "chats": len(chats),
        "restored": sum(map(str.__eq__, restored, plain)),
        "parallel": sum(map(str.__eq__, together, plain)),
    }


def measure_grammar(llm: LlamaCppLLM, options: argparse.Namespace) -> dict[str, float]:
    """Tokens a second of answers that are free, held to plain text, and held to an object."""
    seconds = dict.fromkeys(("free", "text", "object"), 0.0)
    counts = dict.fromkeys(seconds, 0)
    context = contexts(llm, options.tokens, 1)[0]
    for question in QUESTIONS * options.runs:
        for name, grammar in (("free", None), ("text", SENTENCES), ("object", OBJECT)):
            started = 0.0
            for token in llm.complete(chat(context, question), max_tokens=ANSWER_TOKENS, grammar=grammar):
                if started:
                    counts[name] += 1
                    seconds[name] += time.perf_counter() - started
                started = time.perf_counter()
                assert token.prompt_tokens
    return {name: counts[name] / seconds[name] for name in seconds}


def measure_cache_types(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Time to the first token, decode rate and size of each kind of cache, f16 without flash attention too; texts."""
    found: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        models = {
            name: stack.enter_context(open_model(options, cache_type=cache_type, flash_attention=flash_attention))
            for name, cache_type, flash_attention in CACHES
        }
        cold, restored, rates, texts = ({name: [] for name in models} for _ in range(4))
        for context in contexts(models["f16"], options.tokens, options.runs):
            for name, llm in models.items():
                first_token(llm, ELSEWHERE)
                cold[name].append(first_token(llm, chat(context, QUESTIONS[0]))[0])
                first_token(llm, ELSEWHERE)
                restored[name].append(first_token(llm, chat(context, QUESTIONS[1]))[0])
            for question in QUESTIONS[:4]:
                for name, llm in models.items():
                    text, rate = answer(llm, chat(context, question))
                    texts[name].append(text)
                    rates[name].append(rate)
        for name, llm in models.items():
            found[name] = {
                "flash_attention": llm.device.flash_attention,
                "cold_s": statistics.median(cold[name]),
                "restored_s": statistics.median(restored[name]),
                "tokens_a_second": statistics.median(rates[name]),
                "bytes_a_token": llm.device.cache_bytes // llm.context_tokens,
                "texts_equal": f"{sum(map(str.__eq__, texts[name], texts['f16']))} of {len(texts[name])}",
            }
    return found


def measure_speculation(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """How much sooner answers that copy from the context, and others, are written with prompt lookup than without."""
    found: dict[str, dict[str, Any]] = {}
    with (
        open_model(options) as plain,
        open_model(options, speculation="prompt-lookup") as guessing,
    ):
        texts = contexts(plain, options.tokens, options.runs)
        for kind, questions in (("copying", COPYING), ("other", QUESTIONS[:3])):
            ratios, same = [], 0
            for messages in [chat(context, question) for context in texts for question in questions]:
                (one, rate), (other, guessed_rate) = answer(plain, messages), answer(guessing, messages)
                same += one == other
                if rate:
                    ratios.append(guessed_rate / rate)
            equal = f"{same} of {len(texts) * len(questions)}"
            found[kind] = {"faster": statistics.median(ratios), "most": max(ratios), "texts_equal": equal}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_LLM)
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--chats", type=int, default=64, help="how many answers are compared")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--cache", choices=get_args(CacheType), help="the type of the KV cache, if not the usual one")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--states", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        child(options)
        return
    results: dict[str, Any] = {"model": options.model, "tokens": options.tokens, "runs": options.runs}
    with tempfile.TemporaryDirectory() as folder:
        wanted = [options.only] if options.only else PARTS
        if "reuse" in wanted:
            options.states = Path(folder)
            with open_model(options, state_disk_bytes=GIGABYTE) as llm:
                results["first_token"] = reuse_table(measure_reuse(llm, options))
            options.states = None
        if "agreement" in wanted:
            results["texts_equal_to_plain"] = measure_agreement(options)
        with open_model(options) as llm:
            if "batches" in wanted:
                results["eight_questions"] = batch_table(measure_batches(llm, options))
            if "grammar" in wanted:
                rates = measure_grammar(llm, options)
                results["tokens_a_second"] = rates | {
                    f"{name}_over_free": rates[name] / rates["free"] for name in ("text", "object")
                }
        if "cache" in wanted:
            results["cache_types"] = measure_cache_types(options)
        if "speculation" in wanted:
            results["speculation"] = measure_speculation(options)
    print(json.dumps(results, indent=1) if options.json else "\n".join(lines(results)))


def reuse_table(seconds: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    medians = {name: statistics.median(found) for name, found in seconds.items() if found}
    return {name: {"s": taken, "sooner": medians["cold"] / taken} for name, taken in medians.items()}


def batch_table(found: dict[str, Any]) -> dict[str, Any]:
    serial, parallel = statistics.median(found["serial"]), statistics.median(found["parallel"])
    equal = f"{found['texts_equal']} of {found['texts']}"
    table = {"one_after_another_s": serial, "at_once_s": parallel, "faster": serial / parallel, "texts_equal": equal}
    return table | {name: seconds for name, seconds in found.items() if name.startswith("step_of_")}


def lines(results: dict[str, Any], indent: str = "") -> list[str]:
    """The results for people."""
    told = []
    for name, value in results.items():
        if isinstance(value, dict):
            told += [f"{indent}{name}", *lines(value, indent + "  ")]
        else:
            told.append(f"{indent}{name:24} {value:.3g}" if isinstance(value, float) else f"{indent}{name:24} {value}")
    return told


if __name__ == "__main__":
    main()
