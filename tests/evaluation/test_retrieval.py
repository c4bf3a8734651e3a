from pathlib import Path

import pytest

from docindex import Index
from docindex.errors import ConfigError, LoadError
from docindex.evaluation import Dataset, evaluate, index_search, load_dataset, retriever_search, score
from docindex.evaluation.collection import open_collection
from docindex.evaluation.metrics import Metric
from docindex.evaluation.retrieval import Found
from docindex.retrieval.single import LexicalRetriever

DATASET = Dataset(
    {"q1": "one", "q2": "two", "q3": "not judged"}, {"q1": {"a": 1}, "q2": {"b": 2, "c": 1}}, "toy", "dev"
)


def test_any_function_can_be_measured() -> None:
    asked: list[tuple[str, int]] = []
    heard: list[tuple[str, int, int]] = []

    def search(text: str, k: int) -> list[str]:
        asked.append((text, k))
        return {"one": ["x", "a"], "two": ["b", "b", "c", "y"]}[text]

    found = evaluate(search, DATASET, k=3, name="mine", on_count=lambda *counted: heard.append(counted))
    assert asked == [("one", 3), ("two", 3)]
    assert heard == [("queries", 1, 2), ("queries", 2, 2)]
    assert found.values("mrr@10") == {"q1": 0.5, "q2": 1.0}
    assert found.mean("recall@10") == 1.0
    assert [doc_id for doc_id, _ in found.results[1].ranking] == ["b", "c", "y"]  # none twice
    assert found.results[0].first_relevant() == 2
    assert found.milliseconds(0.5) is not None
    assert (found.name, found.kind, found.dataset, found.split) == ("mine", "documents", "toy", "dev")


def test_scores_are_kept_and_made_up_where_there_are_none() -> None:
    with_scores = evaluate(lambda text, k: [("a", 7.5), ("a", 3.0), ("b", 2.5)], DATASET)
    assert with_scores.results[0].ranking == (("a", 7.5), ("b", 2.5))
    without = [points for _, points in evaluate(lambda text, k: ["a", "b", "c"], DATASET).results[0].ranking]
    assert without == sorted(without, reverse=True)


def test_no_more_than_k_count() -> None:
    found = evaluate(lambda text, k: ["x", "y", "a", "b"], DATASET, k=2, metrics=[Metric("recall", 100)])
    assert found.mean("recall@100") == 0.0


def test_a_document_with_the_querys_id_can_be_left_out() -> None:
    dataset = Dataset({"a": "text of a"}, {"a": {"b": 1}})
    assert evaluate(lambda text, k: ["a", "b"], dataset).mean("mrr@10") == 0.5
    assert evaluate(lambda text, k: ["a", "b"], dataset, ignore_own_id=True).mean("mrr@10") == 1.0


def test_a_query_without_a_ranking_counts_as_nothing() -> None:
    found = score({"q1": Found((("a", 1.0),))}, DATASET)
    assert found.values("ndcg@10") == {"q1": 1.0, "q2": 0.0}
    assert found.milliseconds(0.5) is None


def test_an_index_is_ranked_by_the_best_passage_of_each_document(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    filler = "Nothing of interest is said here, at some length, so that a passage is filled. " * 12
    (folder / "long.txt").write_text(f"The zeppelin flew.\n\n{filler}\n\nA zeppelin landed.\n\n{filler}")
    (folder / "short.txt").write_text("A small airship, or zeppelin, is for sale.")
    with Index.create(tmp_path / "index") as index:
        index.ingest(folder)
        hits = index.search("zeppelin", k=10, mode="lexical")
        assert [hit.doc_id for hit in hits].count("long.txt") > 1
        ranked = index_search(index, "lexical")("zeppelin", 5)
        assert dict(ranked)["long.txt"] == max(hit.score for hit in hits if hit.doc_id == "long.txt")
        assert sorted(doc_id for doc_id, _ in ranked) == ["long.txt", "short.txt"]
        retriever = LexicalRetriever(lambda: index._snapshot())
        assert retriever_search(retriever, "lexical")("zeppelin", 5) == ranked


def test_a_collection_is_found_by_meaning(collection: Path, collection_index: Index) -> None:
    dataset = load_dataset(collection, "train")
    dense = evaluate(index_search(collection_index, "dense"), dataset)
    assert dense.mean("recall@10") == 1.0
    assert dense.mean("ndcg@10") > 0.8
    assert evaluate(lambda text, k: ["owls"], dataset).mean("ndcg@10") == 0.0


def test_the_index_of_a_collection_is_used_again(collection: Path, tmp_path: Path) -> None:
    dataset = load_dataset(collection, "test")
    with open_collection(collection, dataset, tmp_path / "index").index as index:
        made = index.status()
    again = open_collection(collection, dataset, tmp_path / "index")
    with again.index as index:
        assert index.status()["version"] == made["version"]
        assert index.status()["documents"] == 8


def test_an_index_of_other_documents_is_refused_and_left_alone(collection: Path, tmp_path: Path, docs: Path) -> None:
    with Index.create(tmp_path / "index") as index:
        index.ingest(docs)
    with pytest.raises(ConfigError, match="holds none of the documents"):
        open_collection(collection, load_dataset(collection, "train"), tmp_path / "index")
    with Index.open(tmp_path / "index") as index:
        assert index.status()["documents"] == 3


def test_documents_that_are_missing_are_counted(collection: Path, collection_index: Index) -> None:
    dataset = load_dataset(collection, "train")
    wider = Dataset(dataset.queries, {**dataset.judgements, "q1": {"bees": 1, "wasps": 1}})
    opened = open_collection(collection, wider, collection_index.path)
    opened.index.close()
    assert opened.missing == 1


def test_without_a_corpus_nothing_is_made(collection: Path, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"corpus\.jsonl: is missing"):
        open_collection(tmp_path, load_dataset(collection, "train"), tmp_path / "index")
    assert not (tmp_path / "index").exists()
