from __future__ import annotations

import pytest


def test_plan_says_what_a_model_takes(run):
    plan = run("models", "plan", "--context", "1024", "--json").json
    assert plan["context_tokens"] == 1024
    assert plan["total_bytes"] > plan["weights_bytes"] > 80e6
    assert plan["small_cache_bytes"] < plan["mixed_cache_bytes"] < plan["cache_bytes"]
    rows = dict(
        line.split("\t") for line in run("models", "plan", "--context", "1024").out.splitlines() if "\t" in line
    )
    assert rows["weights"] == str(plan["weights_bytes"])


def test_bench_measures_the_model_that_answers(run):
    (measured,) = run("models", "bench", "--prompt", "32", "--tokens", "2", "--json").json["models"]
    assert measured["name"] == "smollm2-135m-instruct"
    assert measured["prefill_tokens"] > 0
    row = (
        run("models", "bench", "smollm2-135m-instruct", "--prompt", "16", "--tokens", "1").out.rstrip("\n").split("\t")
    )
    assert len(row) == 6


def test_optimize_can_be_undone_before_it_was_done(run, tmp_path):
    path = run("models", "path", "smollm2-135m-instruct").out.strip()
    elsewhere = {"DOCINDEX_MODELS": str(tmp_path)}
    undone = run("models", "optimize", path, "--undo", "--json", variables=elsewhere)
    assert undone.json == {"model": path, "undone": False}
    assert run("models", "optimize", "./missing.gguf", variables=elsewhere).code == 1


@pytest.mark.parametrize("command", ["plan", "bench", "optimize"])
def test_a_model_behind_a_server_takes_nothing_of_this_machine(run, command: str):
    address = "http://localhost:8080/v1#small"
    for arguments, variables in (([address], {}), ([], {"DOCINDEX_LLM": address})):
        ran = run("models", command, *arguments, variables=variables)
        assert (ran.code, ran.out) == (2, "")
        assert "behind a server" in ran.err


def test_a_context_is_as_long_as_one_can_be(run):
    assert run("models", "plan", "--context", "-5").code == 2
