"""`docindex why`, `search --explain` and the settings of a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from docindex.protocols import Message
from docindex.testing.scripted_llm import ScriptedLLM
from docindex.wiring import Parts


class Judging(ScriptedLLM):
    """Finds that the second passage answers the question, and no other."""

    def choose(self, messages: Sequence[Message], choices: Sequence[str], *, cancel: object = None) -> list[float]:
        self.requests.append(tuple(messages))
        return [1.0, 0.0] if len(self.requests) == 2 else [0.0, 1.0]


@pytest.fixture(scope="module")
def made(run_with, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("why")
    (folder / "docs").mkdir()
    for number in range(6):
        text = f"Report {number} says that the pump of hall {number} needs oil every {number + 2} months."
        (folder / "docs" / f"{number}.txt").write_text(text)
    twin = (
        "The lamp of the lighthouse turns once in ten seconds and is seen from forty miles away in clear weather. Its "
        "keeper climbs the winding stair at dusk, trims the wick, polishes every pane of glass and writes down the "
        "wind, the tide and the ships that pass. "
    )
    (folder / "docs" / "lamp.txt").write_text(f"{twin}It is red.")
    (folder / "docs" / "lamp-old.txt").write_text(f"{twin}It is blue.")
    run_with("ingest", folder / "docs", "-i", folder / "index")
    return folder / "index"


def why(run, made: Path, *arguments: str) -> dict:
    ran = run("why", *arguments, "-i", made, "--json")
    assert ran.code == 0, ran.err
    return ran.json


def test_a_hit_is_told_its_rank(run, made: Path):
    found = why(run, made, "pump of hall 3", "3.txt")
    assert found["found"] is True
    assert found["reason"] == "It is hit 1 of 10."
    assert found["lexical"]["rank"] == 1
    assert [stage["stage"] for stage in found["stages"]] == ["hybrid", "collapse"]
    assert all(stage["rank"] == 1 for stage in found["stages"])


def test_what_ranks_too_low_is_told_where(run, made: Path):
    found = why(run, made, "pump of hall 3", "lamp.txt", "-k", "2")
    assert found["found"] is False
    assert "behind the 2" in found["reason"] or "gave none of it" in found["reason"] or "nearer" in found["reason"]


def test_a_filter_that_leaves_it_out_is_told(run, made: Path):
    found = why(run, made, "pump", "3.txt", "--filter", "source = '1.txt'")
    assert found["reason"] == "No passage of it meets the filter."
    assert (found["passages"], found["passages_in_question"]) == (1, 0)


def test_a_near_duplicate_is_told_of_what(run, made: Path):
    hits = run("search", "lamp of the lighthouse", "-k", "3", "-i", made, "--json").json["hits"]
    kept = next(hit["source"] for hit in hits if hit["source"].startswith("lamp"))
    (left_out,) = {"lamp.txt", "lamp-old.txt"} - {kept}
    found = why(run, made, "lamp of the lighthouse", left_out, "-k", "3")
    assert found["reason"] == f"It says nearly the same as {kept}, which is hit 1."


def test_words_that_it_lacks_are_told(run, made: Path):
    found = why(run, made, "lighthouse", "3.txt", "--mode", "lexical")
    assert found["reason"] == "It shares no word with the query."


def test_an_unknown_document_is_an_error(run, made: Path):
    ran = run("why", "pump", "nowhere.txt", "-i", made)
    assert ran.code == 1
    assert "nowhere.txt" in ran.err


def test_lines_hold_stages(run, made: Path):
    lines = run("why", "pump of hall 3", "3.txt", "-i", made).out.splitlines()
    assert lines[0] == "It is hit 1 of 10."
    assert [line.split("\t")[0] for line in lines[1:]] == ["by meaning", "by words", "hybrid", "collapse"]


def test_explain_shows_every_stage(run, made: Path):
    arguments = ("search", "pump of hall 3", "-k", "2", "-i", made, "--set", "per_document=1", "--window", "1")
    shown = run(*arguments, "--explain", "--json").json
    assert [stage["name"] for stage in shown["stages"]] == ["hybrid", "collapse", "per document", "window"]
    assert [hit["node_id"] for hit in shown["stages"][-1]["hits"]] == [hit["node_id"] for hit in shown["hits"]]
    assert "stages" not in run(*arguments, "--json").json
    assert run(*arguments, "--explain").out.startswith("hybrid\t")


def test_the_condition_that_the_model_reads_is_shown(run, made: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Parts, "llm", lambda parts: ScriptedLLM('[["source", "contains", "3"]]'))
    arguments = ("pump of hall 3", "-i", made, "--set", "auto_filter=true", "--filter", "title != 'x'")
    read = "title != 'x' AND source CONTAINS '3'"
    run("traces", "on", "-i", made)
    shown = run("search", *arguments, "--explain", "--json").json
    assert [hit["source"] for hit in shown["hits"]] == ["3.txt"]
    stages = [("hybrid", read), ("model", "title != 'x'"), ("collapse", "title != 'x'")]
    assert [(stage["name"], stage["filter"]) for stage in shown["stages"]] == stages
    assert f"\t{read}\n" in run("search", *arguments, "--explain").out
    assert f"\t{read}\n" in run("traces", "show", "-i", made).out
    kept = run("traces", "show", "-i", made, "--json").json["stages"]
    assert [(stage["name"], stage["filter"]) for stage in kept] == stages
    reason = f"No passage of it meets the condition that the model read out of the question: {read}."
    left_out = run("why", arguments[0], "2.txt", *arguments[1:], "--json").json
    assert left_out["reason"] == reason
    assert [(stage["stage"], stage["filter"]) for stage in left_out["stages"]] == stages
    assert f"\t{read}\n" in run("why", arguments[0], "2.txt", *arguments[1:]).out
    traced = run("why", "--trace", "last", "2.txt", "-i", made, "--json").json
    assert traced["reason"].startswith(f"No passage of it met the condition {read} and was near enough")
    run("traces", "off", "-i", made)


def test_the_model_judges_the_best_hits(run, made: Path, monkeypatch: pytest.MonkeyPatch):
    judging = Judging("[]")
    monkeypatch.setattr(Parts, "llm", lambda parts: judging)
    arguments = ("search", "pump of hall 3", "-k", "4", "-i", made, "--set", "llm_rerank=2", "--explain", "--json")
    first, second = run("search", "pump of hall 3", "-k", "2", "-i", made, "--json").json["hits"]
    shown = run(*arguments).json
    assert len(judging.requests) == 2
    assert [stage["name"] for stage in shown["stages"]] == ["hybrid", "collapse", "llm rerank"]
    judged = shown["hits"][:2]
    assert [hit["node_id"] for hit in judged] == [second["node_id"], first["node_id"]]
    halves = [0.5 + 0.5 * second["score"] / first["score"], 0.5]
    assert [hit["score"] for hit in judged] == pytest.approx(halves, abs=1e-5)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("nonsense=1", "nonsense=1 is no setting"),
        ("mmr", "mmr is no setting"),
        ("mmr=high", "mmr is a number"),
        ("mmr=2", "from 0 to 1"),
        ("per_document=1.5", "whole number"),
        ("auto_filter=perhaps", "true or false"),
        ("fusion=best", "choose weighted"),
    ],
)
def test_settings_are_checked(run, made: Path, setting: str, said: str):
    ran = run("search", "pump", "--set", setting, "-i", made)
    assert ran.code != 0
    assert said in ran.err


def test_settings_take_effect(run, made: Path):
    def scores(*arguments: str) -> list[float]:
        found = run("search", "pump of hall 3", "-i", made, "--json", *arguments).json["hits"]
        return [hit["score"] for hit in found]

    plain = scores()
    assert scores("--set", "fusion=rrf") != plain
    assert scores("--set", "feedback=true") != plain
    assert min(scores("--set", "min_score=0.4")) >= 0.4 > min(plain)
    assert scores("--rerank", "late") != plain


def test_several_indexes_are_searched_and_asked_as_one(run, made: Path, tmp_path: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "3.txt").write_text("The crane of hall 3 lifts nine tonnes.")
    other = tmp_path / "cranes"
    run("ingest", tmp_path / "docs", "-i", other)
    ran = run("search", "hall 3", "-i", made, "-i", other, "-k", "4", "--json")
    assert ran.code == 0, ran.err
    hits = ran.json["hits"]
    assert {"index/3.txt", "cranes/3.txt"} <= {hit["source"] for hit in hits}
    assert {"index/3.txt", "cranes/3.txt"} <= {hit["doc_id"] for hit in hits}
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4]
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    answer = run("query", "How much does the crane of hall 3 lift?", "-i", made, "-i", other, "--json").json
    assert answer["no_answer"] is False
    assert answer["citations"][0]["source"] == "cranes/3.txt"
    assert answer["citations"][0]["verified"] is True
    assert run("search", "x", "-i", made, "-i", other, "--at", "1").code != 0
