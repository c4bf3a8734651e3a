"""A table of retrieval methods on a collection in BEIR's layout, such as SciFact, in Markdown and JSON.

    docindex ingest DATA/corpus.jsonl -i INDEX --id-field _id --title-field title --text-field text --levels 512,2048
    python tests/benchmarks/retrieval_table.py --data DATA --index INDEX --build [--cross-encoder FOLDER] --out FILE
    python tests/benchmarks/retrieval_table.py --data DATA --index INDEX [--methods LIST] [--queries N]
    python tests/benchmarks/retrieval_table.py --data DATA --peers llamaindex,haystack,txtai [--documents N]

Each method is what `docindex search` does with its options. It is asked for passages, and a document stands where its
best passage does: nDCG@10 and recall@100 of documents, with 95 % bootstrap intervals over the queries. `better` is the
difference from the default mode, query by query, on the queries of the row. The queries are split once into two halves,
whatever the methods: a choice that was made on one can be looked at on the other, and so the last row, the best
combination, is the method that is best on the first half, measured on the second. Times are of a search for ten hits,
the embedding of the query included, in one process: they are taken after all rows, by the methods in turns.

Windows, merging and small to big give more text around the same passages, and leave the order of the documents as it
is: nDCG can't show what they are for, only that they do no harm. What they cost is in the two columns of context:
`tokens, 10 hits` that a search gives, and `recall, N tokens`, of documents, by the hits that fit into so many tokens,
best first. Whether a larger hit holds more of what was looked for, known_items.py measures.

Rows that need larger nodes (`--levels`) or an index on top of the passages are left out where there is none; --build
adds those indexes. Rows in which the local model writes or reads take a second a query and more: they are measured on
--model-queries of the queries, always the same ones. To make the indexes for all of SciFact takes about an hour on two
cores, and to measure all rows two; the files of --out are written anew after each row.

--peers asks the default retrieval of other systems the same, in the environments that tests/benchmarks/peers.py makes,
over the same documents and model. Each keeps its index in the work folder for later runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from measuring import Measured, Measuring, say, some_of
from methods import BUILT, DEFAULT, methods
from platformdirs import user_cache_path
from systems import of_peers
from table import table

from docindex.evaluation.dataset import Dataset, load_dataset
from docindex.index import Index
from docindex.indices.definitions import KINDS, definition_of
from docindex.schema import Progress

EVERY = 500
"""How many records or documents lie between two lines on the progress of an index."""


def main() -> int:
    options = read_options()
    dataset = load_dataset(options.data, options.split)
    if options.documents:
        dataset = within(dataset, options.data, options.documents)
    asked = some_of(dataset, options.queries, seed=0)
    notes: list[str] = []
    lines: list[str] = []
    for found in rows_of_peers(options, asked) if options.peers else rows_of_methods(options, asked, notes):
        lines = table(found, asked, options.context, notes)
        if options.out:  # after each row, so that an interruption leaves what is there
            write(options.out, found, lines)
    print("\n".join(lines))
    return 0


def read_options() -> argparse.Namespace:
    def several(text: str) -> list[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder with queries.jsonl and qrels/")
    parser.add_argument("--split", help="which qrels/SPLIT.tsv; the only one by default")
    parser.add_argument("--index", type=Path, help="the index to search")
    parser.add_argument(
        "--build",
        type=several,
        nargs="?",
        const=list(BUILT),
        default=[],
        metavar="KINDS",
        help=f"add these of {', '.join(KINDS)} to it first; {','.join(BUILT)} without a value",
    )
    parser.add_argument("--methods", type=several, help="parts of the names of rows")
    parser.add_argument("--queries", type=int, help="so many of the queries, drawn at random")
    parser.add_argument("--model-queries", type=int, default=200, help="at most so many for rows with the local model")
    parser.add_argument("--cross-encoder", type=Path, help="a folder with a model that reranks")
    parser.add_argument("--context", type=int, default=2000, metavar="TOKENS", help="of the column of context")
    parser.add_argument("--timed", type=int, default=100, help="of so many queries the time is taken")
    parser.add_argument("-k", type=int, default=200, help="passages asked for, a query")
    parser.add_argument("--out", type=Path, help="JSON; the table goes beside it, as .md")
    parser.add_argument("--peers", type=several, default=[], help="llamaindex,haystack,txtai")
    parser.add_argument("--documents", type=int, help="the first so many documents only, for a trial")
    parser.add_argument("--work", type=Path, default=user_cache_path("docindex") / "peers", help="peers: their folder")
    options = parser.parse_args()
    if bool(options.peers) == bool(options.index):
        parser.error("give either --index or --peers")
    if options.cross_encoder and not options.cross_encoder.is_dir():
        parser.error(f"{options.cross_encoder} is no folder with a cross-encoder")
    return options


def within(dataset: Dataset, folder: Path, documents: int) -> Dataset:
    """The queries that one of the first so many documents is relevant to, with these judgements alone."""
    with (folder / "corpus.jsonl").open(encoding="utf-8") as lines:
        there = {str(json.loads(line)["_id"]) for line in islice(lines, documents)}
    judgements = {
        query_id: {doc_id: value for doc_id, value in judged.items() if doc_id in there}
        for query_id, judged in dataset.judgements.items()
    }
    return replace(dataset, judgements=judgements)


def rows_of_peers(options: argparse.Namespace, dataset: Dataset) -> Iterator[list[Measured]]:
    """The rows of other systems, after each of them."""
    found: list[Measured] = []
    for measured in of_peers(options, dataset):
        found.append(measured)
        yield found


def rows_of_methods(options: argparse.Namespace, dataset: Dataset, notes: list[str]) -> Iterator[list[Measured]]:
    """The rows of docindex, after each of them, and in the end with their times; what is left out is noted."""
    found: list[Measured] = []
    with Index.open(options.index) as index:
        for kind in options.build:
            say(f"making the index {kind}")
            made = index.add_index(definition_of(kind), show)
            say(f"{kind}: {made:,} records")
        there = {state.kind for state in index.indexes() if state.records}
        if index.config.levels:
            there.add("levels")
        measuring = Measuring(index, dataset, k=options.k, timed=options.timed, context=options.context)
        sampled = some_of(dataset, options.model_queries, seed=2)
        for method in methods(options.cross_encoder):
            chosen = options.methods is None or any(part in method.name for part in options.methods)
            if not chosen and method.name != DEFAULT:  # the others are compared with it
                continue
            if missing := method.missing(there):
                notes.append(f"{method.name}: left out, {missing}")
                say(notes[-1])
                continue
            found.append(measuring.measure(method, some_of(sampled if method.model else dataset, method.most, seed=2)))
            yield found
        yield measuring.times(found)


def write(path: Path, found: list[Measured], lines: list[str]) -> None:
    path.write_text(json.dumps([measured.as_dict() for measured in found], indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def show(progress: Progress) -> None:
    if progress.step == "index" and progress.nodes % EVERY == 0:
        say(f"{progress.nodes:,} of {progress.nodes_total:,}")


if __name__ == "__main__":
    sys.exit(main())
