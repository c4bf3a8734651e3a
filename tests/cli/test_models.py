from __future__ import annotations

from pathlib import Path

import pytest

FACTS = {
    *("name", "kind", "description", "licence", "parameters", "bytes"),
    *("installed", "path", "package", "hub", "files"),
}


def test_list_names_the_default_models(run):
    models = {model["name"]: model for model in run("models", "list", "--json").json["models"]}
    assert {"all-minilm-l6-v2", "smollm2-135m-instruct"} <= set(models)
    assert all(set(model) == FACTS for model in models.values())
    rows = [line.split("\t") for line in run("models", "list").out.splitlines()]
    assert [row[0] for row in rows] == list(models)


def test_info_shows_the_hashes(run):
    info = run("models", "info", "all-minilm-l6-v2", "--json").json
    assert info == next(
        model for model in run("models", "list", "--json").json["models"] if model["name"] == "all-minilm-l6-v2"
    )
    plain = run("models", "info", "all-minilm-l6-v2").out
    assert all(file["sha256"] in plain for file in info["files"])


def test_path_and_pull_say_where_a_model_is(run, built: Path):
    path = run("models", "path", "all-minilm-l6-v2").out.strip()
    assert (Path(path) / "model.safetensors").is_file()
    assert run("models", "path", "all-minilm-l6-v2", "--json").json == {"name": "all-minilm-l6-v2", "path": path}
    pulled = run("--offline", "models", "pull", "all-minilm-l6-v2", "--json")
    assert pulled.json == {"models": [{"name": "all-minilm-l6-v2", "path": path}]}


def test_without_names_the_two_defaults_are_pulled(run):
    pulled = run("--offline", "models", "pull", "--json").json["models"]
    assert [model["name"] for model in pulled] == ["all-minilm-l6-v2", "smollm2-135m-instruct"]


def test_rerankers_come_from_the_hub_when_they_are_asked_for(run, built: Path, tmp_path: Path):
    models = {model["name"]: model for model in run("models", "list", "--json").json["models"]}
    rerankers = [model for model in models.values() if model["kind"] == "reranker"]
    assert {"ms-marco-minilm-l6-v2", "bge-reranker-v2-m3"} <= {model["name"] for model in rerankers}
    assert all(model["hub"] and not model["package"] for model in rerankers)
    elsewhere = {"DOCINDEX_MODELS": str(tmp_path / "models")}
    for name in (model["name"] for model in rerankers):
        ran = run("--offline", "models", "path", name, variables=elsewhere)
        assert (ran.code, f"docindex models pull {name}" in ran.err) == (1, True)


@pytest.mark.parametrize("command", [("path",), ("info",), ("pull",)])
def test_an_unknown_model_is_answered_with_the_known_ones(run, command):
    ran = run("models", *command, "gpt-17")
    assert (ran.code, ran.out) == (1, "")
    assert "all-minilm-l6-v2" in ran.err


def test_offline_a_missing_model_is_one_line_with_the_cure(run, tmp_path: Path):
    elsewhere = {"DOCINDEX_MODELS": str(tmp_path / "models")}
    missing = run("--offline", "models", "path", "smollm2-135m-instruct", variables=elsewhere)
    assert (missing.code, missing.out) == (1, "")
    assert "docindex models pull smollm2-135m-instruct" in missing.err


def test_doctor_says_what_there_is(run, built: Path, tmp_path: Path):
    facts = run("doctor", "-i", built, "--json").json
    assert set(facts) == {"versions", "machine", "models", "llama_cpp", "onnxruntime", "index", "problems"}
    assert facts["problems"] == []
    assert facts["index"]["documents"] == 5
    assert "CPUExecutionProvider" in facts["onnxruntime"]["providers"]
    assert facts["machine"]["cores"] >= 1
    assert facts["machine"]["memory_bytes"] > 10**8
    assert facts["versions"]["docindex"]
    plain = run("doctor", "-i", tmp_path / "none")
    assert (plain.code, plain.out.splitlines()[-1]) == (0, "All is well.")
    assert "index: none" in plain.out


def test_doctor_names_what_is_wrong_with_an_index(run, tmp_path: Path):
    (tmp_path / "docindex.json").write_text("{}")
    ran = run("doctor", "-i", tmp_path, "--json")
    assert ran.code == 1
    assert len(ran.json["problems"]) == 1


def test_doctor_reads_back_what_was_offloaded(run, tmp_path: Path):
    ran = run("doctor", "--load", "-i", tmp_path / "none", "--json")
    assert ran.code == 0, ran.err
    llm = ran.json["llm"]
    assert llm["model"] == "smollm2-135m-instruct"
    assert llm["layers_total"] >= llm["layers_offloaded"] >= 0
    assert llm["on_gpu"] is (llm["layers_offloaded"] > 0)
