"""A table of retrieval methods on a collection in BEIR's layout, such as SciFact, in Markdown and JSON.

    docindex ingest DATA/corpus.jsonl -i INDEX --id-field _id --title-field title --text-field text
    python tests/benchmarks/retrieval_table.py --data DATA --index INDEX [--sentences] [--methods LIST] [--queries N]
    python tests/benchmarks/retrieval_table.py --data DATA --peers llamaindex,haystack,txtai [--documents N]

Each method is asked for passages, and a document stands where its best passage does: nDCG@10 and recall@100 of
documents, with 95 % bootstrap intervals over the queries. `better` is the difference from the default mode, query by
query. The queries are split once into two halves, whatever the methods: a choice that was made on one can be looked at
on the other. Times are of a search for ten hits, the embedding of the query included, in one process.

The rows that need the sentence index are left out where the index has none; --sentences adds it.

--peers asks the default retrieval of other systems the same, in the environments that tests/benchmarks/peers.py makes,
over the same documents and model. Each keeps its index in the work folder for later runs.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from docindex import wiring
from docindex.config import Environment, LLMConfig
from docindex.embedding.token_vectors import OnnxTokenEncoder
from docindex.evaluation.bootstrap import Interval, paired_difference
from docindex.evaluation.dataset import Dataset, load_dataset
from docindex.evaluation.metrics import Metric
from docindex.evaluation.results import Evaluation
from docindex.evaluation.retrieval import Found, evaluate, retriever_search, score
from docindex.indices.sentences import KIND, SentenceVectors
from docindex.protocols import Embedder, Retriever, Snapshot
from docindex.retrieval.compose import base_retriever, refined
from docindex.retrieval.feedback import Feedback
from docindex.retrieval.late import LateInteractionReranker, TokenEncoder
from docindex.retrieval.options import LATE, RetrievalOptions
from docindex.schema import Progress, Query, SearchMode

NDCG, RECALL = Metric("ndcg", 10), Metric("recall", 100)
DEFAULT = "hybrid: weighted sum (the default)"
PEERS = Path(__file__).with_suffix("").parent / "peers"
COLUMNS = ("method", "nDCG@10", "better", "halves", "recall@100", "ms p50", "ms p95")


@dataclass(frozen=True)
class Bench:
    """What methods are made of."""

    snapshot: Snapshot
    embedder: Embedder
    tokens: TokenEncoder
    dense_weight: float

    def with_options(self, options: RetrievalOptions, mode: SearchMode = "hybrid") -> Retriever:
        """The retriever that `docindex search` would use."""
        base = base_retriever(mode, self.now, lambda: self.embedder, self.dense_weight, options)
        reranker = LateInteractionReranker(self.tokens) if options.rerank == LATE else None
        return refined(base, self.now, options, reranker)

    def now(self) -> Snapshot:
        """The snapshot, which stays the same."""
        return self.snapshot


@dataclass(frozen=True)
class Method:
    """A row of the table."""

    name: str
    make: Callable[[Bench], Retriever]
    needs: str = ""
    """The index on top of the passages without which it is left out."""


def option(name: str, options: RetrievalOptions, *, mode: SearchMode = "hybrid", needs: str = "") -> Method:
    """A method that options make."""
    return Method(name, lambda bench: bench.with_options(options, mode), needs)


PLAIN = RetrievalOptions()
GRAINS = RetrievalOptions(grains=True)
METHODS = (
    option("dense", PLAIN, mode="dense"),
    option("lexical", PLAIN, mode="lexical"),
    option("dense + feedback", RetrievalOptions(feedback=Feedback(terms=0), dense_weight=1.0)),
    option("lexical + feedback", RetrievalOptions(feedback=Feedback(vector_share=0.0), dense_weight=0.0)),
    option("hybrid: reciprocal ranks", RetrievalOptions(fusion="rrf")),
    option("hybrid: relative scores", RetrievalOptions(fusion="relative")),
    option(DEFAULT, PLAIN),
    option("+ feedback, vector alone", RetrievalOptions(feedback=Feedback(terms=0))),
    option("+ feedback, words alone", RetrievalOptions(feedback=Feedback(vector_share=0.0))),
    option("+ feedback, both", RetrievalOptions(feedback=Feedback())),
    option("+ variety (MMR, 0.7)", RetrievalOptions(mmr=0.7)),
    option("+ three grains", GRAINS, needs=KIND),
    option("+ late interaction", RetrievalOptions(rerank=LATE)),
    option("+ late interaction, its order alone", RetrievalOptions(rerank=LATE, rerank_weight=1.0)),
    option("+ three grains, late interaction", replace(GRAINS, rerank=LATE), needs=KIND),
)
"""One line a method. One that is more than options is `Method(name, lambda bench: SomeRetriever(bench.now, ...))`."""


def main() -> int:
    options = read_options()
    dataset = load_dataset(options.data, options.split)
    if options.documents:
        dataset = within(dataset, options.data, options.documents)
    asked = sample(dataset, options.queries)
    found = list(of_peers(options, asked) if options.peers else of_methods(options, asked))
    lines = table(found, asked)
    print("\n".join(lines))
    if options.out:
        facts = [
            measured.evaluation.as_dict() | {"ms": measured.milliseconds, "settings": measured.settings}
            for measured in found
        ]
        options.out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        options.out.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with queries.jsonl and qrels/")
    parser.add_argument("--split", help="which qrels/SPLIT.tsv; the only one by default")
    parser.add_argument("--index", type=Path, help="the index to search")
    parser.add_argument("--sentences", action="store_true", help="add the sentence index to it first")
    parser.add_argument("--methods", type=lambda text: text.split(","), help="parts of the names of rows")
    parser.add_argument("--queries", type=int, help="so many of the queries, drawn at random")
    parser.add_argument("--timed", type=int, default=100, help="of so many queries the time is taken")
    parser.add_argument("-k", type=int, default=200, help="passages asked for, a query")
    parser.add_argument("--out", type=Path, help="JSON; the table goes beside it, as .md")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=[], help="llamaindex,haystack,txtai")
    parser.add_argument("--documents", type=int, help="peers: the first so many documents only, for a trial")
    parser.add_argument("--work", type=Path, default=user_cache_path("docindex") / "peers", help="peers: their folder")
    options = parser.parse_args()
    if bool(options.peers) == bool(options.index):
        parser.error("give either --index or --peers")
    return options


def sample(dataset: Dataset, most: int | None) -> Dataset:
    """The judged queries, or some of them."""
    judged = list(dataset.judged())
    if most is not None and most < len(judged):
        judged = random.Random(0).sample(judged, most)
    return Dataset(
        {query_id: dataset.queries[query_id] for query_id in judged},
        {query_id: dataset.judgements[query_id] for query_id in judged},
        dataset.name,
        dataset.split,
    )


def within(dataset: Dataset, folder: Path, documents: int) -> Dataset:
    """The queries that one of the first so many documents is relevant to, with these judgements alone."""
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        there = {str(json.loads(line)["_id"]) for line in islice(lines, documents)}
    judgements = {
        query_id: {doc_id: value for doc_id, value in judged.items() if doc_id in there}
        for query_id, judged in dataset.judgements.items()
    }
    return replace(dataset, judgements=judgements)


# --- docindex's methods ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """A row's figures."""

    evaluation: Evaluation
    milliseconds: Mapping[str, float | None]
    settings: str = ""


def of_methods(options: argparse.Namespace, dataset: Dataset) -> Iterator[Measured]:
    environment = Environment.read()
    parts = wiring.open(options.index, LLMConfig(), environment)
    try:
        if options.sentences:
            with parts.store.writer() as writer:
                SentenceVectors(parts.embedder()).refresh(writer, show)
        tokens = OnnxTokenEncoder(wiring.model_store(environment).path(parts.config.embedder, kind="embedder"))
        yield from measure(
            Bench(parts.store.snapshot(), parts.embedder(), tokens, parts.config.dense_weight),
            dataset,
            chosen(options.methods),
            k=options.k,
            timed=options.timed,
        )
    finally:
        parts.close()


def chosen(parts: Sequence[str] | None) -> list[Method]:
    """The rows that a part of a name chooses, and the default in any case: the others are compared with it."""
    if parts is None:
        return list(METHODS)
    return [method for method in METHODS if method.name == DEFAULT or any(part in method.name for part in parts)]


def measure(bench: Bench, dataset: Dataset, methods: Iterable[Method], *, k: int, timed: int) -> Iterator[Measured]:
    queries = list(dataset.queries.values())[:timed]
    for method in methods:
        if method.needs and not bench.snapshot.derived_count(method.needs):
            say(f"{method.name}: left out, the index has no {method.needs}")
            continue
        retriever = method.make(bench)
        search = retriever_search(retriever, passages=1)
        found = evaluate(
            lambda text, _, search=search: search(text, k),
            dataset,
            metrics=(NDCG, RECALL),
            name=method.name,
            k=100,
        )
        times = [taken(retriever, text) for text in queries]
        say(f"{method.name}: {found.mean(NDCG.name):.4f}")
        yield Measured(found, {"p50": float(np.median(times)), "p95": float(np.quantile(times, 0.95))})


def taken(retriever: Retriever, text: str) -> float:
    """Milliseconds of one search."""
    started = time.perf_counter()
    retriever.retrieve(Query(text, 10))
    return (time.perf_counter() - started) * 1000


# --- other systems --------------------------------------------------------------------------------------------------


def of_peers(options: argparse.Namespace, dataset: Dataset) -> Iterator[Measured]:
    sys.path.insert(0, str(PEERS))  # its modules are scripts of other environments, too, and no package
    import asking

    for system in options.peers:
        reply = asking.ask(
            system,
            options.data,
            options.work.expanduser().resolve(),
            dataset.queries,
            passages=options.k,
            documents=options.documents,
        )
        found = {query_id: Found(tuple(ranking)) for query_id, ranking in reply.rankings.items()}
        evaluation = score(found, dataset, metrics=(NDCG, RECALL), name=f"{system} {reply.version}")
        times = reply.milliseconds
        yield Measured(
            evaluation, {"p50": float(np.median(times)), "p95": float(np.quantile(times, 0.95))}, reply.settings
        )


# --- the table ------------------------------------------------------------------------------------------------------


def table(found: Sequence[Measured], dataset: Dataset) -> list[str]:
    """Lines of Markdown."""
    first, second = halves(dataset)
    reference = next((one.evaluation for one in found if one.evaluation.name == DEFAULT), None)
    rows = [list(COLUMNS), ["---", *["---:"] * (len(COLUMNS) - 1)]]
    for one in found:
        values = one.evaluation.values(NDCG.name)
        better = "" if reference is None or reference is one.evaluation else versus(values, reference)
        rows.append(
            [
                one.evaluation.name,
                bounded(one.evaluation.interval(NDCG.name)),
                better,
                f"{mean_of(values, first):.4f} / {mean_of(values, second):.4f}",
                bounded(one.evaluation.interval(RECALL.name)),
                *(f"{value:.1f}" if (value := one.milliseconds[name]) is not None else "" for name in ("p50", "p95")),
            ]
        )
    heading = f"{dataset.name}, {dataset.split}: {len(dataset.queries)} queries"
    notes = [f"- {one.evaluation.name}: {one.settings}" for one in found if one.settings]
    return [heading, "", *(f"| {' | '.join(row)} |" for row in rows), *(["", *notes] if notes else [])]


def halves(dataset: Dataset) -> tuple[set[str], set[str]]:
    """The same two halves of the query ids, whenever and wherever they are asked for."""
    ids = sorted(dataset.queries)
    random.Random(1).shuffle(ids)
    return set(ids[: len(ids) // 2]), set(ids[len(ids) // 2 :])


def mean_of(values: Mapping[str, float], query_ids: set[str]) -> float:
    return float(np.mean([values[query_id] for query_id in query_ids])) if query_ids else 0.0


def bounded(value: Interval) -> str:
    return f"{value.mean:.4f} ({value.low:.3f}-{value.high:.3f})"


def versus(values: Mapping[str, float], reference: Evaluation) -> str:
    difference = paired_difference(values, reference.values(NDCG.name))
    return f"{difference.mean:+.4f} ({difference.low:+.3f} to {difference.high:+.3f})"


def show(progress: Progress) -> None:
    if progress.step == "index" and progress.nodes % 500 == 0:
        say(f"sentences of {progress.nodes:,} of {progress.nodes_total:,} documents")


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
