import json
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.errors import ConfigError, LoadError
from docindex.evaluation import (
    Dataset,
    Evaluation,
    QueryResult,
    evaluate,
    read_evaluation,
    read_run,
    write_evaluation,
)

DATASET = Dataset({"q1": "one", "q2": "two"}, {"q1": {"a": 1, "z": 2}, "q2": {"b": 1}}, "toy", "dev")

SCORES = st.floats(-1e6, 1e6, allow_nan=False)
RESULTS = st.builds(
    QueryResult,
    query_id=st.text(min_size=1, max_size=8),
    text=st.text(max_size=30),
    scores=st.dictionaries(st.sampled_from(["ndcg@10", "f1"]), st.floats(0, 1)),
    ranking=st.lists(st.tuples(st.text(max_size=5), SCORES), max_size=4).map(tuple),
    relevant=st.dictionaries(st.text(max_size=5), st.integers(1, 3), max_size=3),
    answer=st.text(max_size=20),
    milliseconds=st.none() | st.floats(0, 1e6),
    error=st.text(max_size=10),
)


def some_evaluation() -> Evaluation:
    rankings = {"one": [("x", 9.0), ("a", 3.5)], "two": [("b", 2.0)]}
    return evaluate(lambda text, k: rankings[text], DATASET, name="my system", settings={"k": 3, "rerank": None})


@settings(deadline=None, max_examples=60)
@given(st.lists(RESULTS, max_size=3), st.sampled_from(["documents", "passages", "answers"]))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, results: list[QueryResult], kind
) -> None:
    path = tmp_path_factory.mktemp("runs") / "run.json"
    written = Evaluation(
        name="n",
        kind=kind,
        dataset="d",
        split="s",
        fingerprint="f",
        results=tuple(results),
        settings={"k": 1, "on": True},
    )
    write_evaluation(written, path)
    assert read_evaluation(path) == written


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_evaluation(some_evaluation(), path)
    write_evaluation(some_evaluation(), path)
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]
    assert json.loads(path.read_text())["metrics"]["recall@10"]["mean"] == pytest.approx(0.75)


def test_a_trec_run_is_scored_by_others_as_by_us(tmp_path: Path) -> None:
    path = tmp_path / "run.trec"
    mine = some_evaluation()
    write_evaluation(mine, path)
    assert path.read_text().splitlines()[0] == "q1 Q0 x 1 9 my_system"
    theirs = ir_measures.calc_aggregate(
        [ir_measures.nDCG @ 10], DATASET.judgements, list(ir_measures.read_trec_run(str(path)))
    )
    assert theirs[ir_measures.nDCG @ 10] == pytest.approx(mine.mean("ndcg@10"))
    again = read_run(path, DATASET)
    assert [result.ranking for result in again.results] == [result.ranking for result in mine.results]
    assert (again.name, again.fingerprint) == ("run", mine.fingerprint)


def test_scores_decide_the_order_of_a_trec_run(tmp_path: Path) -> None:
    path = tmp_path / "run.txt"
    path.write_text("q1 Q0 low 1 0.5 s\nq1 Q0 a 2 1.5 s\nq1 Q0 tie 4 0.5 s\n\nother Q0 a 1 1 s\n")
    (first, second) = read_run(path, DATASET).results
    assert [doc_id for doc_id, _ in first.ranking] == ["a", "low", "tie"]
    assert second.scores["recall@10"] == 0.0


def test_what_search_prints_is_a_run(tmp_path: Path) -> None:
    path = tmp_path / "hits.jsonl"
    hits = [{"doc_id": "a", "score": 0.9}, {"doc_id": "a", "score": 0.8}, {"doc_id": "z", "score": 0.1}]
    path.write_text(json.dumps({"query_id": "q1", "query": "one", "hits": hits}) + "\n")
    assert read_run(path, DATASET).results[0].ranking == (("a", 0.9), ("z", 0.1))


def test_a_run_is_cut_without_the_query_itself(tmp_path: Path) -> None:
    path = tmp_path / "run.trec"
    path.write_text("q1 Q0 q1 1 3 s\nq1 Q0 x 2 2 s\nq1 Q0 a 3 1 s\n")
    rankings = [
        [doc_id for doc_id, _ in read_run(path, DATASET, k=k, ignore_own_id=ignore).results[0].ranking]
        for k, ignore in ((None, False), (2, False), (None, True), (1, True))
    ]
    assert rankings == [["q1", "x", "a"], ["q1", "x"], ["x", "a"], ["x"]]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("r.trec", "q1 Q0 a 1 1 s\nq1 Q0 b 2 high s\n", "line 2 is not `query Q0 document rank score name`"),
        ("r.trec", "q1 Q0 a 1\n", "line 1 is not"),
        ("r.trec", "q1 Q0 a 1 nan s\n", "line 1: the score nan is no finite number"),
        ("r.trec", "q1 Q0 a 1 1 s\nq1 Q0 a 2 0.5 s\n", "line 2: the document 'a' comes twice"),
        ("r.jsonl", '{"query_id": "q1", "hits": []}\n{"hits": []}\n', 'line 2 has no "query_id" and "hits"'),
        ("r.jsonl", '{"query_id": "q1", "hits": [{"score": 1}]}\n', 'line 1: hit 1 has no "doc_id"'),
        ("r.jsonl", "[]\n", "line 1 is JSON, but no object"),
        ("r.jsonl", "{\n", "line 1 is not JSON"),
    ],
)
def test_a_bad_run_names_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(LoadError) as caught:
        read_run(path, DATASET)
    assert said in str(caught.value)
    assert caught.value.source == str(path)


def test_a_run_of_other_queries_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.trec"
    path.write_text("elsewhere Q0 a 1 1 s\n")
    with pytest.raises(ConfigError, match="ranks nothing for the judged queries of toy"):
        read_run(path, DATASET)


def test_ids_with_blanks_have_no_form_in_a_trec_run(tmp_path: Path) -> None:
    dataset = Dataset({"q": "x"}, {"q": {"my doc": 1}})
    found = evaluate(lambda text, k: ["my doc"], dataset)
    with pytest.raises(ConfigError, match="'my doc'"):
        write_evaluation(found, tmp_path / "run.trec")
    assert list(tmp_path.iterdir()) == []
    write_evaluation(found, tmp_path / "run.json")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("q1 Q0 a 1 1 s", "is not JSON"),
        ("{}", "has format None"),
        ('{"format": 99}', "has format 99"),
        ('{"format": 1}', "is damaged"),
        ('{"format": 1, "name": "n", "kind": "songs"}', "is damaged"),
        ("[1]", "has format None"),
    ],
)
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(LoadError, match=said):
        read_evaluation(path)
