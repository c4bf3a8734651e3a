"""How well `docindex search` ranks a collection in BEIR's layout, such as SciFact.

    docindex ingest DATA/corpus.jsonl -i INDEX --id-field _id --title-field title --text-field text
    python tests/benchmarks/scifact_ndcg.py --data DATA --index INDEX

or, with results that are at hand:

    docindex search --queries DATA/queries.jsonl -i INDEX --json -k 100 > RESULTS
    python tests/benchmarks/scifact_ndcg.py --data DATA RESULTS

Prints one JSON object; `docindex eval run` says more, with intervals, comparisons and reports. Retrieval is measured by
document: several passages of one count once, at the best rank.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from docindex.evaluation import Found, load_dataset, rank_documents, score


def main() -> int:
    parser = argparse.ArgumentParser(description="nDCG@10 and recall@100 of `docindex search`.")
    parser.add_argument("results", nargs="?", help="a file with the output of the search, or - for standard input")
    parser.add_argument("--data", type=Path, required=True, help="the folder with queries.jsonl and qrels/")
    parser.add_argument("--split", default="train", help="which qrels/SPLIT.tsv to compare with")
    parser.add_argument("--index", type=Path, help="search this index, instead of reading results")
    parser.add_argument("--mode", default="hybrid", choices=["hybrid", "dense", "lexical"])
    parser.add_argument("-k", type=int, default=100, help="how many passages to ask for, a query")
    options = parser.parse_args()
    if (options.index is None) == (options.results is None):
        parser.error("give either --index or a file of results")

    dataset = load_dataset(options.data, options.split)
    began = time.perf_counter()
    with lines_of(options) as lines:
        rankings = dict(read_rankings(lines))
    missing = dataset.judged().keys() - rankings.keys()
    found = {query_id: Found(tuple((doc_id, 0.0) for doc_id in ranked)) for query_id, ranked in rankings.items()}
    quality = score(found, dataset)
    print(
        json.dumps(
            {
                "split": options.split,
                "mode": options.mode if options.index else None,
                "queries": len(quality.results),
                "queries_without_results": len(missing),
                "ndcg@10": round(quality.mean("ndcg@10"), 4),
                "recall@100": round(quality.mean("recall@100"), 4),
                "mrr@10": round(quality.mean("mrr@10"), 4),
                "seconds": round(time.perf_counter() - began, 1),
            }
        )
    )
    return 0


@contextmanager
def lines_of(options: argparse.Namespace) -> Iterator[Iterable[str]]:
    """The lines that the search printed, or prints now."""
    if options.results == "-":
        yield sys.stdin
    elif options.results:
        with Path(options.results).open(encoding="utf-8") as file:
            yield file
    else:
        command = [
            *(sys.executable, "-c", "import sys; from docindex.cli import main; sys.exit(main())", "search", "--json"),
            *("-k", str(options.k), "--mode", options.mode),
            *("--index", str(options.index), "--queries", str(options.data / "queries.jsonl")),
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as search:
            if search.stdout is not None:
                yield search.stdout
        if search.returncode != 0:
            raise SystemExit(f"the search failed with exit code {search.returncode}")


def read_rankings(lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """By query id, the ranking of documents in each line of the search's output."""
    for line in lines:
        if line.strip():
            found = json.loads(line)
            yield str(found["query_id"]), rank_documents(hit["doc_id"] for hit in found["hits"])


if __name__ == "__main__":
    sys.exit(main())
