"""`docindex eval`: what is measured, made, compared, tuned and reported from the command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from lxml import etree

QUERIES = {
    "q1": ("rock of quartz and mica", {"f1": 1}),
    "q2": ("soft white limestone", {"f2": 1}),
    "q3": ("insects that dance", {"bees.txt": 1}),
    "q4": ("when was the turbine hall opened", {"notes/dam.md": 2}),
}


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Queries and judgements for the documents of the shared index."""
    folder = tmp_path_factory.mktemp("collection") / "toy"
    (folder / "qrels").mkdir(parents=True)
    lines = [json.dumps({"_id": query_id, "text": text}) + "\n" for query_id, (text, _) in QUERIES.items()]
    (folder / "queries.jsonl").write_text("".join(lines))
    for split, chosen in (("train", QUERIES), ("test", ["q1"])):
        rows = [
            f"{query_id}\t{doc_id}\t{value}" for query_id in chosen for doc_id, value in QUERIES[query_id][1].items()
        ]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n")
    return folder


@pytest.fixture
def corpus(data: Path, tmp_path: Path) -> Path:
    """The collection with a corpus, of which an index can be made."""
    folder = tmp_path / "with-corpus"
    (folder / "qrels").mkdir(parents=True)
    for name in ("queries.jsonl", "qrels/train.tsv"):
        (folder / name).write_text((data / name).read_text())
    texts = {
        "f1": "Granite is made of quartz, feldspar and mica.",
        "f2": "Chalk is a soft white limestone.",
        "bees.txt": "Bees dance to tell each other where flowers are.",
        "notes/dam.md": "The turbine hall was opened in 1931.",
    }
    records = [json.dumps({"_id": doc_id, "title": "", "text": text}) + "\n" for doc_id, text in texts.items()]
    (folder / "corpus.jsonl").write_text("".join(records))
    return folder


@pytest.fixture
def questions(run, built: Path, tmp_path: Path) -> Path:
    path = tmp_path / "questions.jsonl"
    ran = run("eval", "make", "-i", built, "-o", path, "-n", "8", "--foreign", "2", "--json")
    assert ran.code == 0, ran.err
    return path


def test_an_index_is_measured_on_a_collection(run, built: Path, data: Path, tmp_path: Path):
    out = tmp_path / "run.json"
    ran = run("eval", "run", "--data", data, "--split", "train", "-i", built, "--out", out, "--json", "--per-query")
    assert ran.code == 0, ran.err
    found = ran.json
    assert (found["queries"], found["dataset"], found["split"], found["missing_documents"]) == (4, "toy", "train", 0)
    assert found["metrics"]["recall@10"]["mean"] == 1.0
    assert found["metrics"]["ndcg@10"]["low"] <= found["metrics"]["ndcg@10"]["mean"] <= 1
    assert found["settings"] == {"mode": "hybrid", "k": 100, "chunk_tokens": 200, "dense_weight": 0.7}
    assert {each["query_id"] for each in found["per_query"]} == set(QUERIES)
    assert json.loads(out.read_text())["results"][0]["ranking"]
    plain = run("eval", "run", "--data", data, "--split", "train", "-i", built, "--metrics", "mrr@10,hit@1")
    assert plain.code == 0
    rows = [line.split("\t") for line in plain.out.splitlines()]
    assert [row[0] for row in rows if len(row) == 5] == ["mrr@10", "hit@1"]


def test_an_index_is_made_of_the_corpus_and_used_again(run, corpus: Path, tmp_path: Path):
    index = tmp_path / "index"
    ran = run("eval", "run", "--data", corpus, "--index", index, "--chunk-tokens", "64", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["settings"]["chunk_tokens"] == 64
    assert ran.json["metrics"]["recall@10"]["mean"] == 1.0
    version = run("status", "-i", index, "--json").json["version"]
    assert run("eval", "run", "--data", corpus, "--index", index, "--mode", "lexical", "--json").code == 0
    assert run("status", "-i", index, "--json").json["version"] == version
    other = run("eval", "run", "--data", corpus, "--index", index, "--chunk-tokens", "128")
    assert (other.code, other.out) == (2, "")
    assert "--chunk-tokens 64" in other.err


def test_a_ranking_is_as_deep_as_its_deepest_metric(run, built: Path, data: Path, questions: Path):
    collection = ("eval", "run", "--data", data, "--split", "train", "-i", built, "--mode", "lexical", "--json")
    asked = ("eval", "run", "--questions", questions, "-i", built, "--mode", "lexical", "--json")
    for command, metric, depth in (
        (collection, "recall@1000", 1000),
        (collection, "mrr@5", 100),
        (asked, "hit@50", 50),
    ):
        ran = run(*command, "--metrics", f"{metric},hit@1")
        assert ran.code == 0, ran.err
        assert ran.json["settings"]["k"] == depth
    assert run(*collection, "--metrics", "ndcg@10", "-k", "10").json["settings"]["k"] == 10
    for command in (collection, asked):
        refused = run(*command, "--metrics", "hit@1,hit@50", "-k", "49")
        assert (refused.code, refused.out) == (2, "")
        assert "-k 49 is less than hit@50 looks at" in refused.err


def test_what_cuts_rankings_holds_for_those_of_a_file(run, data: Path, tmp_path: Path):
    found = tmp_path / "found.trec"
    found.write_text("q1 Q0 q1 1 3 s\nq1 Q0 f2 2 2 s\nq1 Q0 f1 3 1 s\n")
    score = ("eval", "run", "--data", data, "--split", "test", "--from", found, "--metrics", "mrr@2", "--json")
    assert run(*score).json["metrics"]["mrr@2"]["mean"] == 0.0
    assert run(*score, "--ignore-own-id").json["metrics"]["mrr@2"]["mean"] == 0.5
    short = ("eval", "run", "--data", data, "--split", "test", "--from", found, "--json")
    assert run(*short).json["metrics"]["recall@10"]["mean"] == 1.0
    assert run(*short, "-k", "2").json["metrics"]["recall@10"]["mean"] == 0.0
    for option in (("--mode", "hybrid"), ("--filter", "page = 1"), ("--embedder", "x"), ("--chunk-tokens", "64")):
        refused = run(*score, *option)
        assert (refused.code, refused.out) == (2, "")
        assert "say how to search: --from does not" in refused.err


def test_the_gate_of_a_baseline(run, built: Path, data: Path, tmp_path: Path):
    good, bad = tmp_path / "good.trec", tmp_path / "bad.trec"
    good.write_text("".join(f"{q} Q0 {doc_id} 1 1 s\n" for q, (_, found) in QUERIES.items() for doc_id in found))
    bad.write_text("".join(f"{q} Q0 f1 1 1 s\n" for q in QUERIES))
    before = tmp_path / "before.json"
    score = ("eval", "run", "--data", data, "--split", "train")
    assert run(*score, "--from", good, "--out", before).code == 0
    ran = run(*score, "--from", bad, "--baseline", before, "--max-drop", "0.5")
    assert ran.code == 1
    assert "Worse: ndcg@10 is 0.2500, and was 1.0000 (allowed: 0.5 worse)" in ran.out
    ran = run(*score, "--from", bad, "--baseline", before, "--json")
    assert ran.code == 1
    assert len(ran.json["baseline"]["drops"]) == 5
    allowed = run(*score, "--from", bad, "--baseline", before, "--max-drop", "0.75")
    assert (allowed.code, "Not worse than" in allowed.out) == (0, True)
    other = run("eval", "run", "--data", data, "--split", "test", "--from", good, "--baseline", before)
    assert other.code == 2
    assert "with other queries or judgements" in other.err
    missing = run(*score, "--from", bad, "--baseline", tmp_path / "none.json")
    assert missing.code == 1
    assert "none.json: can't be read" in missing.err


def test_results_are_compared_and_reported(run, data: Path, tmp_path: Path):
    score = ("eval", "run", "--data", data, "--split", "train")
    for name, doc_id in (("one", "f1"), ("two", "bees.txt")):
        (tmp_path / f"{name}.trec").write_text("".join(f"{q} Q0 {doc_id} 1 1 s\n" for q in QUERIES))
        assert run(*score, "--from", tmp_path / f"{name}.trec", "-o", tmp_path / f"{name}.json").code == 0
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    ran = run("eval", "compare", one, two, "--json")
    assert ran.code == 0, ran.err
    (comparison,) = ran.json["comparisons"]
    row = comparison["metrics"][0]
    assert (row["better"], row["equal"], row["worse"], row["verdict"]) == (1, 2, 1, "no clear difference")
    plain = run("eval", "compare", one, two)
    assert plain.out.splitlines()[0] == "two against one  4 queries of toy, train"
    assert "+1.0000  q3" in plain.out
    assert run("eval", "compare", one, two, "--max-drop", "0").code == 0
    same = run("eval", "compare", one, one)
    assert same.out.splitlines()[0].startswith("one (2) against one (1)")
    page = tmp_path / "report.html"
    assert run("eval", "report", one, two, "--out", page, "--json").json == {"file": str(page), "results": 2}
    assert etree.fromstring(page.read_bytes()).findtext("body/h1") == "Evaluation"


def test_questions_are_made_and_found(run, built: Path, questions: Path):
    made = [json.loads(line) for line in questions.read_text().splitlines()]
    assert {question["kind"] for question in made} == {"heading", "sentence", "foreign"}
    assert sum(question["doc_id"] is None for question in made) == 2
    for question in made:
        if question["doc_id"] is not None:
            shown = run("show", question["doc_id"], "-i", built, "--json")
            assert shown.json["text"][question["start"] : question["end"]] == question["answer"]
    ran = run("eval", "run", "--questions", questions, "-i", built, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["kind"] == "passages"
    assert ran.json["queries"] == len(made) - 2
    assert ran.json["metrics"]["hit@10"]["mean"] > 0.8
    parts = [
        run("eval", "run", "--questions", questions, "-i", built, "--split", split, "--json")
        for split in ("train", "test")
    ]
    assert sum(part.json["queries"] for part in parts if part.code == 0) == len(made) - 2
    again = run("eval", "make", "-i", built, "-o", questions)
    assert again.code == 2
    assert "is there already" in again.err
    unknown = run("eval", "make", "-i", built, "-o", questions, "--force", "--by", "magic")
    assert (unknown.code, "heading, sentence, model" in unknown.err) == (2, True)


def test_answers_are_measured(run, built: Path, tmp_path: Path):
    file = tmp_path / "questions.jsonl"
    text = run("show", "bees.txt", "-i", built, "--json").json["text"]
    start = text.index("40,000")
    place = {"doc_id": "bees.txt", "start": start, "end": start + 6, "answer": "40,000"}
    asked = [{"_id": "1", "text": "How many bees does a hive hold?", **place}]
    asked.append({"_id": "2", "text": "Who laid out the gardens of Versailles?", "doc_id": None})
    file.write_text("".join(json.dumps(question) + "\n" for question in asked))
    out = tmp_path / "answers.json"
    ran = run("eval", "answers", "--questions", file, "-i", built, "--out", out, "--per-query", "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    assert found["kind"] == "answers"
    assert found["metrics"]["contains"]["count"] == 1
    assert found["metrics"]["citation_recall"]["mean"] == 1.0
    assert found["metrics"]["false_refusal"]["mean"] == 0.0
    assert found["metrics"]["false_answer"]["mean"] == 0.0
    assert "40,000" in found["per_query"][0]["answer"]
    assert run("eval", "compare", out, out, "--json").code == 0
    failed = json.loads(out.read_text())
    failed["results"][0] |= {"scores": {}, "error": "too long"}
    worse = tmp_path / "failed.json"
    worse.write_text(json.dumps(failed))
    gate = run("eval", "compare", out, worse, "--max-drop", "0.5")
    assert gate.code == 1
    assert "Worse: contains is 0.0000, and was 1.0000" in gate.out
    refused = run("eval", "answers", "--questions", file, "-i", built, "--out", tmp_path / "answers.trec")
    assert refused.code == 2


def test_the_winner_is_adopted(run, copy: Path, questions: Path, tmp_path: Path):
    tune = ("eval", "tune", "--questions", questions, "-i", copy, "--work", tmp_path / "work", "--dense-weight", "0.2")
    ran = run(*tune, "--metric", "hit@1", "--no-adopt", "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    assert (found["split"], len(found["trials"]), found["adopted"]) == ("train", 2, False)
    assert {trial["dense_weight"] for trial in found["trials"]} == {0.2, 0.7}
    config = run("status", "-i", copy, "--json").json["config"]
    assert config["dense_weight"] == 0.7
    adopted = run(*tune, "--metric", "hit@1", "--json").json
    assert adopted["best"] == found["best"]
    after = run("status", "-i", copy, "--json").json["config"]
    assert after == config | {"dense_weight": found["best"]["dense_weight"]}
    assert adopted["adopted"] is (found["best"]["dense_weight"] != 0.7)
    plain = run(*tune, "--metric", "hit@2")
    assert plain.code == 0
    assert "Best: chunk 200" in plain.out


def test_the_best_number_of_passages_is_what_a_search_gives(run, corpus: Path, tmp_path: Path):
    index = tmp_path / "index"
    assert run("eval", "run", "--data", corpus, "-i", index, "--json").code == 0

    def found(*options: str) -> int:
        return len(run("search", "quartz or limestone", "-i", index, "--json", *options).json["hits"])

    tune = ("eval", "tune", "--data", corpus, "-i", index, "--chunk-tokens", "200", "--dense-weight", "0.7")
    alone = run(*tune, "--work", tmp_path / "alone", "-k", "2", "--json").json
    assert (alone["adopted"], alone["index"], found()) == (False, str(index), 4)
    measured = run(*tune, "--work", tmp_path / "work", "-k", "2,3", "--no-adopt", "--json").json
    assert (measured["adopted"], measured["index"]) == (False, str(tmp_path / "work" / "chunk-200"))
    assert found() == 4
    adopted = run(*tune, "--work", tmp_path / "work", "-k", "2,3", "--json").json
    assert (adopted["adopted"], adopted["index"]) == (True, str(index))
    assert found() == adopted["best"]["k"]
    assert run("status", "-i", index, "--json").json["k"] == adopted["best"]["k"]
    assert found("-k", "1") == 1
    assert "has the best settings already" in run(*tune, "--work", tmp_path / "work", "-k", "2,3").out


def test_a_collection_is_tuned_into_a_new_index(run, corpus: Path, tmp_path: Path):
    work = tmp_path / "work"
    tune = (
        "eval",
        "tune",
        "--data",
        corpus,
        "--work",
        work,
        "--chunk-tokens",
        "64",
        "--dense-weight",
        "0.7",
        "-k",
        "2",
    )
    ran = run(*tune)
    assert ran.code == 0, ran.err
    assert f"An index with these settings is at {work / 'chunk-'}" in ran.out
    found = run(*tune, "--json").json
    assert Path(found["index"]).parent == work
    assert run("search", "bees", "-i", found["index"], "--json").code == 0
    page = tmp_path / "tuning.html"
    assert run("eval", "report", *sorted((work / "trials").iterdir()), "-o", page).code == 0
    refused = run(*tune, "--split", "test")
    assert refused.code == 2
    assert "tuned on the split train, and not on test" in refused.err


def test_an_index_with_another_size_of_passages_is_put_in_place_by_what_is_printed(run, corpus: Path, tmp_path: Path):
    index, work = tmp_path / "my index", tmp_path / "work"
    filler = "The orchestra rehearsed a symphony by Brahms, and the cellists tuned again. " * 8
    texts = {
        "long": f"{filler}\n\nHedgehogs sleep under leaves.\n\n{filler}",
        "decoy": "Bats, dormice and hedgehogs sleep all winter.",
    }
    records = [json.dumps({"_id": doc_id, "title": "", "text": text}) + "\n" for doc_id, text in texts.items()]
    (corpus / "corpus.jsonl").write_text("".join(records))
    (corpus / "queries.jsonl").write_text('{"_id": "q", "text": "Hedgehogs sleep under leaves."}\n')
    (corpus / "qrels" / "train.tsv").write_text("query-id\tcorpus-id\tscore\nq\tlong\t1\n")
    run("eval", "run", "--data", corpus, "-i", index)
    tune = ("eval", "tune", "--data", corpus, "-i", index, "--work", work, "--dense-weight", "0.9", "-k", "1")
    ran = run(*tune, "--chunk-tokens", "16", "--metric", "ndcg@1")
    assert ran.code == 0, ran.err
    (command,) = (line for line in ran.out.splitlines() if "cp -r" in line)
    subprocess.run(command, shell=True, check=True)
    assert run("check", "-i", index).code == 0
    assert run("status", "-i", index, "--json").json["config"]["chunk_tokens"] == 16
    assert run("status", "-i", f"{index}.before", "--json").json["config"]["chunk_tokens"] == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "Give a collection with --data DIR, or questions"),
        (("run", "--data", "toy", "--questions", "q.jsonl"), "Give a collection with --data DIR, or questions"),
        (("run", "--questions", "q.jsonl", "--from", "x"), "go with --data"),
        (("run", "--data", "{data}", "--split", "dev"), "choose one of test, train"),
        (("run", "--data", "{data}"), "choose one of test, train"),
        (("run", "--data", "{data}", "--split", "train", "--metrics", "bleu@4"), "'bleu@4' is no metric"),
        (("tune",), "Give a collection with --data DIR, or questions"),
        (("tune", "--data", "{data}", "--source", "x"), "--source goes with --questions"),
        (("tune", "--data", "{data}", "--dense-weight", "0.5;0.7"), "--dense-weight is '0.5;0.7'"),
        (("tune", "--data", "{data}", "--chunk-tokens", "64.5"), "--chunk-tokens is '64.5'"),
        (("tune", "--data", "{data}", "--metric", "nonsense"), "'nonsense' is no metric"),
    ],
)
def test_what_is_given_wrongly_is_a_usage_error(run, data: Path, arguments: tuple[str, ...], said: str):
    ran = run("eval", *(argument.format(data=data) for argument in arguments))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(("place", "said"), [("nodir/x.json", "nodir is no folder: make it"), (".", "is a folder")])
@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--data", "missing"),
        ("run", "--questions", "missing"),
        ("make",),
        ("answers", "--questions", "missing"),
        ("report", "missing"),
    ],
    ids=" ".join,
)
def test_a_place_that_is_not_there_is_told_before_anything_is_read(
    run, tmp_path: Path, arguments: tuple[str, ...], place: str, said: str
):
    ran = run("eval", *arguments, "--out", tmp_path / place)
    assert ran.code == 2
    assert said in ran.err


def test_files_that_can_not_be_read_are_named_with_the_line(run, built: Path, data: Path, tmp_path: Path):
    run_file, file = tmp_path / "run.trec", tmp_path / "questions.jsonl"
    run_file.write_text("q1 Q0 f1 1 1 s\nq1 Q0 f2 second 1 s\n")
    ran = run("eval", "run", "--data", data, "--split", "train", "--from", run_file)
    assert (ran.code, f"{run_file}: line 2 is not" in ran.err) == (1, True)
    file.write_text('{"_id": "1", "text": "x", "doc_id": "bees.txt", "start": 0, "end": 5, "answer": "Wasps"}\n')
    ran = run("eval", "run", "--questions", file, "-i", built)
    assert ran.code == 1
    assert "the document has changed" in ran.err
    ran = run("eval", "run", "--data", tmp_path / "nowhere", "--split", "train", "-i", built)
    assert (ran.code, "queries.jsonl: can't be read" in ran.err) == (1, True)


def test_without_an_index_the_questions_have_nowhere_to_be_asked(run, questions: Path, tmp_path: Path):
    for command in (
        ("run", "--questions", questions),
        ("answers", "--questions", questions),
        ("make", "-o", tmp_path / "q"),
    ):
        ran = run("eval", *command, "-i", tmp_path / "none")
        assert (ran.code, ran.out) == (1, "")
        assert "There is no index at" in ran.err
    ran = run("eval", "tune", "--questions", questions, "-i", tmp_path / "none", "--work", tmp_path / "work")
    assert ran.code == 1
    assert "There is no index at" in ran.err


def test_a_collection_needs_a_place_for_its_index(run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    ran = run("eval", "run", "--data", corpus)
    assert ran.code == 2
    assert "Give --index a folder" in ran.err
    assert not (tmp_path / ".docindex").exists()


def test_search_without_its_model_is_not_measured_as_if_it_had_it(run, built: Path, data: Path, tmp_path: Path):
    command = ("--offline", "eval", "run", "--data", data, "--split", "train", "-i", built, "--json")
    elsewhere = {"DOCINDEX_MODELS": str(tmp_path / "models")}
    assert run(*command, variables=elsewhere).code == 1
    assert run(*command, "--mode", "lexical", variables=elsewhere).code == 0
