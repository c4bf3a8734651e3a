import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "scifact_ndcg.py"


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], input=stdin, capture_output=True, text=True, check=False
    )


def test_the_script_measures_the_output_of_a_search(tmp_path: Path) -> None:
    queries = [{"_id": "1", "text": "one"}, {"_id": "2", "text": "two"}, {"_id": "3", "text": "unanswered"}]
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries))
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\n1\ta\t1\n2\tb\t1\n3\tc\t1\n")
    found = [
        {"query_id": "1", "hits": [{"doc_id": "a"}, {"doc_id": "a"}, {"doc_id": "b"}]},
        {"query_id": "2", "hits": [{"doc_id": "a"}, {"doc_id": "a"}, {"doc_id": "b"}]},
    ]
    lines = "".join(json.dumps(line) + "\n" for line in found)
    expected = {"queries": 3, "queries_without_results": 1, "ndcg@10": 0.5436, "recall@100": 0.6667, "mrr@10": 0.5}

    piped = run("--data", str(tmp_path), "-", stdin=lines)
    assert piped.returncode == 0, piped.stderr
    assert expected.items() <= json.loads(piped.stdout).items()

    results = tmp_path / "results.jsonl"
    results.write_text(lines)
    assert expected.items() <= json.loads(run("--data", str(tmp_path), str(results)).stdout).items()


def test_the_script_wants_results_or_an_index(tmp_path: Path) -> None:
    assert run("--data", str(tmp_path)).returncode == 2
    assert run().returncode == 2
