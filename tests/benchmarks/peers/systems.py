"""Takes one system through all measured steps, each in a fresh process."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from corpora import Corpus
from environments import frozen, python_of
from numpy.typing import NDArray
from peer import K, Step, Task
from processes import Measured, Running, measure
from tokenizers import Tokenizer
from weights import LEAST_COSINE, SAMPLE, least_cosine

HERE = Path(__file__).parent
PEERS = ("llamaindex", "langchain", "haystack", "txtai")
POLL_SECONDS = 0.2
SHORT_SECONDS = 30.0
PARTLY = 3
"""docindex's exit code for an ingest that could not read some of the files."""


class StepError(Exception):
    """A step of a system failed; what it said is the message."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What holds for all systems."""

    home: Path
    model: Path
    vectors: NDArray[Any]
    """What every system must make of the sample texts."""
    chunk_tokens: int
    overlap_tokens: int
    reopenings: int
    timeout: float

    @property
    def environments(self) -> Path:
        return self.home / "environments"


@dataclass(kw_only=True)
class Outcome:
    """What was measured of one system on one corpus; None is not measured, or does not apply."""

    system: str
    corpus: str
    versions: dict[str, str] = field(default_factory=dict)
    settings: str = ""
    cosine: float | None = None
    """The least cosine of its vectors of the sample texts with docindex's own."""
    first_search_s: float | None = None
    first_search_runs_s: list[float] = field(default_factory=list)
    first_search_rank: int | None = None
    """Of the expected document in that search; None where it was not found."""
    searches_until_found: list[int] = field(default_factory=list)
    ingest_s: float | None = None
    ingest_cpu_s: float | None = None
    embed_s: float | None = None
    """Of the ingest, spent in the model; for docindex the embedder alone, on the same passages, in another process."""
    again_s: float | None = None
    again_runs_s: list[float] = field(default_factory=list)
    again_embed_s: float | None = None
    reopen_s: float | None = None
    reopen_runs_s: list[float] = field(default_factory=list)
    reopen_rank: int | None = None
    disk_bytes: int | None = None
    ingest_peak_bytes: int | None = None
    ingest_peak_share_bytes: int | None = None
    reopen_peak_bytes: int | None = None
    passages: int | None = None
    distinct_passages: int | None = None
    tokens: int | None = None
    """Of all passages, as the model gets them: special tokens included, cut where the model cuts."""
    cut_passages: int | None = None
    report: dict[str, Any] = field(default_factory=dict)
    """What the system itself says of its ingest."""
    packages: list[str] = field(default_factory=list)
    commands: list[list[str]] = field(default_factory=list)
    failure: str | None = None


def run_peer(outcome: Outcome, corpus: Corpus, plan: Plan) -> None:
    """Fills the outcome of one of the other systems, as far as it gets.

    Raises:
        SetupError: Its environment could not be made.
        StepError: A step failed.
    """
    system = outcome.system
    outcome.packages = frozen(python_of(system, plan.environments))
    store = fresh_store(system, corpus, plan)
    store.mkdir()

    def step(name: Step, number: int = 0) -> tuple[dict[str, Any], Measured]:
        found, done, command = run_step(system, corpus, plan, name, number)
        if number == 0:
            outcome.commands.append(command)
        return found, done

    found, _ = step("embed")  # it also brings the packages into the disk cache, as docindex's are
    outcome.versions, outcome.settings = found["versions"], found["settings"]
    outcome.cosine = least_cosine(plan.vectors, found["vectors"])
    if outcome.cosine < LEAST_COSINE:
        raise StepError(f"it embeds otherwise: the cosine with docindex's vectors is {outcome.cosine:.4f}")

    found, done = step("ingest")
    marks = found["marks"]
    outcome.first_search_s = marks["searched"] - done.started
    outcome.first_search_rank = rank_of(corpus.expected, found["found"])
    outcome.ingest_s = marks["persisted"] - done.started - (marks["searched"] - marks["searchable"])
    outcome.ingest_cpu_s, outcome.embed_s = done.cpu_seconds, found["embed_seconds"]
    outcome.ingest_peak_bytes, outcome.ingest_peak_share_bytes = done.peak_rss, done.peak_share
    outcome.disk_bytes = size_of(store)
    outcome.report = {"seconds": {name: moment - done.started for name, moment in marks.items()}}
    say(f"ingest {outcome.ingest_s:.1f} s, expected document at rank {outcome.first_search_rank}")

    for number in range(plan.reopenings):
        found, done = step("open", number)
        outcome.reopen_runs_s.append(found["marks"]["searched"] - done.started)
        outcome.reopen_peak_bytes = max(outcome.reopen_peak_bytes or 0, done.peak_rss)
    outcome.reopen_s = statistics.median(outcome.reopen_runs_s)
    outcome.reopen_rank = rank_of(corpus.expected, found["found"])
    say(f"reopen and search {outcome.reopen_s:.2f} s")

    found, done = step("passages")
    count_tokens(outcome, found["passages"], plan.model, found["max_tokens"])

    while more_runs(outcome.again_runs_s, plan):
        found, done = step("again", len(outcome.again_runs_s))
        outcome.again_runs_s.append(found["marks"]["persisted"] - done.started)
    outcome.again_s = statistics.median(outcome.again_runs_s)
    outcome.again_embed_s = found["embed_seconds"]
    say(f"again {outcome.again_s:.1f} s")


def run_step(
    system: str, corpus: Corpus, plan: Plan, name: Step, number: int
) -> tuple[dict[str, Any], Measured, list[str]]:
    """What one step of another system reported, how its process ran, and its command."""
    report = plan.home / "reports" / f"{system}-{corpus.name}-{name}.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    task = Task(
        step=name,
        kind=corpus.kind,
        data=str(corpus.data),
        store=str(store_of(system, corpus, plan)),
        model=str(plan.model),
        query=corpus.query,
        chunk_tokens=plan.chunk_tokens,
        overlap_tokens=plan.overlap_tokens,
        report=str(report),
        texts=SAMPLE if name == "embed" else (),
    )
    command = [str(python_of(system, plan.environments)), str(HERE / f"with_{system}.py"), task.as_json()]
    log = plan.home / "logs" / f"{system}-{corpus.name}-{name}-{number}"
    done = measure(command, log, f"{system}, {name}", timeout=plan.timeout)
    if done.code != 0 or not report.is_file():
        raise StepError(f"step {name!r} ended with code {done.code}:\n{done.tail()}")
    return json.loads(report.read_text(encoding="utf-8")), done, command


def again(system: str, corpus: Corpus, plan: Plan, number: int) -> float:
    """Seconds that an ingest without changes takes, into the store of an earlier run.

    Raises:
        SetupError: The system's environment could not be made.
        StepError: There is no store, or the ingest failed.
    """
    if not store_of(system, corpus, plan).is_dir():
        raise StepError("it has no store of an earlier run")
    if system in PEERS:
        found, done, _ = run_step(system, corpus, plan, "again", number)
        seconds: float = found["marks"]["persisted"] - done.started
        return seconds
    ingest, _ = docindex_commands(corpus, plan)
    done = measure(
        ingest, plan.home / "logs" / f"docindex-{corpus.name}-again", "docindex, again", timeout=plan.timeout
    )
    ingested(done)
    return done.seconds


def docindex_commands(corpus: Corpus, plan: Plan) -> tuple[list[str], list[str]]:
    """The command that ingests, and the one that searches."""
    docindex = [str(Path(sys.executable).with_name("docindex"))]
    index = ["--index", str(store_of("docindex", corpus, plan))]
    fields = ["--id-field", "_id", "--title-field", "title", "--text-field", "text"]
    ingest = [*docindex, "ingest", str(corpus.data), *index, "--json", *(fields if corpus.kind == "records" else ())]
    return ingest, [*docindex, "search", corpus.query, *index, "-k", str(K), "--json"]


def run_docindex(outcome: Outcome, corpus: Corpus, plan: Plan) -> None:
    """Fills docindex's outcome, through its command line.

    Raises:
        StepError: A step failed.
    """
    store = fresh_store("docindex", corpus, plan)
    logs = plan.home / "logs"
    outcome.versions = {name: version(name) for name in ("docindex", "onnxruntime", "lancedb")}
    outcome.settings = (
        f"docindex ingest, search: defaults (passages of {plan.chunk_tokens} tokens with their heading, "
        f"overlap {plan.overlap_tokens}; hybrid search; LanceDB and SQLite)"
    )
    ingest, search = docindex_commands(corpus, plan)
    outcome.commands = [ingest, search]
    warm_up(ingest[0], plan)

    for _ in range(plan.reopenings):
        with Running(ingest, logs / f"docindex-{corpus.name}-polled", timeout=plan.timeout) as running:
            poll(outcome, running, search, corpus, plan)
        fresh_store("docindex", corpus, plan)
    if len(outcome.first_search_runs_s) == plan.reopenings:
        outcome.first_search_s = statistics.median(outcome.first_search_runs_s)
        outcome.first_search_rank = 1
    done = measure(ingest, logs / f"docindex-{corpus.name}-ingest", "docindex, ingest", timeout=plan.timeout)
    outcome.report = ingested(done)
    outcome.ingest_s, outcome.ingest_cpu_s = done.seconds, done.cpu_seconds
    outcome.ingest_peak_bytes, outcome.ingest_peak_share_bytes = done.peak_rss, done.peak_share
    outcome.disk_bytes = size_of(store)
    first = "not found" if outcome.first_search_s is None else f"{outcome.first_search_s:.2f} s"
    first += f" {[round(run, 2) for run in outcome.first_search_runs_s]}"
    say(f"first correct search {first}, ingest {done.seconds:.1f} s")

    report = plan.home / "reports" / f"docindex-{corpus.name}-bare.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    bare = [sys.executable, str(HERE / "bare_embedder.py"), str(store), str(plan.model), str(report)]
    done = measure(bare, logs / f"docindex-{corpus.name}-bare", "docindex, bare embedder", timeout=plan.timeout)
    if done.code != 0:
        raise StepError(f"the bare embedder ended with code {done.code}:\n{done.tail()}")
    found = json.loads(report.read_text(encoding="utf-8"))
    outcome.embed_s = found["seconds"]
    count_tokens(outcome, found["passages"], plan.model, 256)
    outcome.commands.append(bare)
    say(f"the bare embedder {found['seconds']:.1f} s for {found['distinct']} distinct passages")

    for number in range(plan.reopenings):
        done = measure(search, logs / f"docindex-{corpus.name}-open-{number}", "docindex", timeout=plan.timeout)
        outcome.reopen_runs_s.append(done.seconds)
        outcome.reopen_peak_bytes = max(outcome.reopen_peak_bytes or 0, done.peak_rss)
    outcome.reopen_s = statistics.median(outcome.reopen_runs_s)
    outcome.reopen_rank = rank_of(corpus.expected, hits(done, corpus))
    say(f"reopen and search {outcome.reopen_s:.2f} s")

    while more_runs(outcome.again_runs_s, plan):
        outcome.again_runs_s.append(again(outcome.system, corpus, plan, len(outcome.again_runs_s)))
    outcome.again_s = statistics.median(outcome.again_runs_s)
    say(f"again {outcome.again_s:.2f} s")


def warm_up(docindex: str, plan: Plan) -> None:
    """Brings its packages into the disk cache, as the first step of the others does theirs."""
    folder = plan.home / "stores" / "docindex-warm-up"
    shutil.rmtree(folder, ignore_errors=True)
    text = folder / "text.txt"
    folder.mkdir(parents=True)
    text.write_text("\n".join(SAMPLE), encoding="utf-8")
    index = ["--index", str(folder / "index")]
    for arguments in (["ingest", str(text), *index], ["search", "text", *index]):
        log = plan.home / "logs" / f"docindex-warm-up-{arguments[0]}"
        done = measure([docindex, *arguments], log, "docindex", timeout=plan.timeout)
        if done.code != 0:
            raise StepError(f"docindex {arguments[0]} ended with code {done.code}:\n{done.tail()}")


def more_runs(taken: Sequence[float], plan: Plan) -> bool:
    """A second ingest that takes long is measured once, a short one as often as the reopening."""
    return len(taken) < (plan.reopenings if taken and taken[0] < SHORT_SECONDS else 1)


def poll(outcome: Outcome, running: Running, search: Sequence[str], corpus: Corpus, plan: Plan) -> None:
    """Searches in other processes until one has the expected document first, or the ingest has ended.

    The last search is made when it has ended. What the searches cost the ingest is part of the time.
    """
    number = 0
    log = plan.home / "logs" / f"docindex-{corpus.name}-poll"
    was_alive = True
    while was_alive:
        was_alive = running.alive
        done = measure(search, log, "docindex, search", timeout=plan.timeout)
        number += 1
        found = hits(done, corpus) if done.code == 0 else []
        if found and found[0] == corpus.expected:
            outcome.first_search_runs_s.append(done.started + done.seconds - running.started)
            outcome.searches_until_found.append(number)
            return
        time.sleep(POLL_SECONDS)


def hits(done: Measured, corpus: Corpus) -> list[str]:
    """The documents of the hits that a search printed."""
    key = "doc_id" if corpus.kind == "records" else "source"
    return [hit[key] for hit in json.loads(done.output.read_text(encoding="utf-8"))["hits"]]


def ingested(done: Measured) -> dict[str, Any]:
    if done.code not in (0, PARTLY):
        raise StepError(f"the ingest ended with code {done.code}:\n{done.tail()}")
    report: dict[str, Any] = json.loads(done.output.read_text(encoding="utf-8"))
    return report


def fresh_store(system: str, corpus: Corpus, plan: Plan) -> Path:
    store = store_of(system, corpus, plan)
    shutil.rmtree(store, ignore_errors=True)
    store.parent.mkdir(parents=True, exist_ok=True)
    return store


def store_of(system: str, corpus: Corpus, plan: Plan) -> Path:
    return plan.home / "stores" / f"{system}-{corpus.name}"


def count_tokens(outcome: Outcome, passages: Sequence[str], model: Path, max_tokens: int) -> None:
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    lengths = [len(tokens.ids) for tokens in tokenizer.encode_batch_fast(list(passages))]
    outcome.passages, outcome.distinct_passages = len(lengths), len(set(passages))
    outcome.tokens = sum(min(length, max_tokens) for length in lengths)
    outcome.cut_passages = sum(length > max_tokens for length in lengths)


def rank_of(expected: str, found: Sequence[str]) -> int | None:
    return found.index(expected) + 1 if expected in found else None


def size_of(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def say(text: str) -> None:
    print(f"    {text}", flush=True)
