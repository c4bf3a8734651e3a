"""`docindex duplicates`."""

from __future__ import annotations

from pathlib import Path

import pytest

LAMP = "The lamp of the lighthouse turns once in ten seconds and is seen from forty miles away in clear weather. " * 2


@pytest.fixture
def twins(run, tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "new.txt").write_text(f"{LAMP}It was painted red.\n")
    (docs / "old.txt").write_text(f"{LAMP}It was painted white.\n")
    (docs / "other.txt").write_text("Bees dance to tell each other where flowers are.\n")
    assert run("ingest", docs, "-i", tmp_path / "index", "--wait", "text").code == 0
    return tmp_path / "index"


def test_a_pair_is_a_line_of_values(run, twins: Path):
    ran = run("duplicates", "-i", twins, "--threshold", "0.7")
    assert (ran.code, ran.err) == (0, "")
    (line,) = ran.out.splitlines()
    alike, *rest = line.split("\t")
    assert 0.7 <= float(alike) < 1
    end = str(len(f"{LAMP}It was painted red."))
    assert rest[:4] == ["new.txt", "", "0", end]
    assert rest[4:7] == ["old.txt", "", "0"]
    assert rest[8].startswith("The lamp of the lighthouse turns once")
    assert rest[8].endswith("…")


def test_json_holds_both_passages(run, twins: Path):
    found = run("duplicates", "-i", twins, "--threshold", "0.7", "--json").json
    assert found.keys() == {"threshold", "pairs"}
    assert found["threshold"] == 0.7
    (pair,) = found["pairs"]
    assert pair.keys() == {"resemblance", "passages"}
    assert [passage["source"] for passage in pair["passages"]] == ["new.txt", "old.txt"]
    place = {"node_id", "doc_id", "source", "page", "page_label", "start", "end", "text"}
    assert all(passage.keys() == place for passage in pair["passages"])
    assert run("duplicates", "-i", twins, "--threshold", "1", "--json").json == {"threshold": 1.0, "pairs": []}


def test_none_is_said(on):
    ran = on("duplicates")
    assert (ran.code, ran.out) == (0, "No passage says nearly the same as another one.\n")


@pytest.mark.parametrize("threshold", ["0.4", "1.1", "nan", "many"])
def test_a_threshold_out_of_range_is_a_usage_error(on, threshold: str):
    ran = on("duplicates", "--threshold", threshold)
    assert (ran.code, ran.out) == (2, "")
    assert "threshold" in ran.err
