"""The near-duplicates of a whole index, from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from docindex import Index, IngestOptions, Progress, QueryError

STATION = " ".join(
    f"The station {verb} the {thing} every {day} and sends what it finds to the harbour office by radio."
    for verb, thing, day in (
        ("measures", "wind", "morning"),
        ("weighs", "rain", "evening"),
        ("counts", "lightning", "night"),
        ("records", "pressure", "hour"),
    )
)
TEXT_ONLY = IngestOptions(wait="text")


@pytest.fixture
def index_of(index: Index, tmp_path: Path):
    def make(**texts: str) -> Index:
        folder = tmp_path / "files"
        folder.mkdir()
        for name, text in texts.items():
            (folder / f"{name}.txt").write_text(text)
        assert index.ingest(folder, options=TEXT_ONLY).failed == ()
        return index

    return make


def test_pairs_say_what_both_hold_and_where(index_of):
    index = index_of(
        a=STATION, b=STATION.replace("by radio", "by post", 1), c="Bees dance.", d=STATION.replace("\n", " ").upper()
    )
    pairs = {(pair.first.source, pair.second.source): pair for pair in index.near_duplicates(0.8)}
    assert pairs.keys() == {("a.txt", "b.txt"), ("a.txt", "d.txt")}
    assert pairs["a.txt", "d.txt"].resemblance == 1
    changed = pairs["a.txt", "b.txt"]
    assert 0.8 <= changed.resemblance < 1
    assert "by post" in changed.second.node.text
    said = changed.as_dict()
    assert said.keys() == {"resemblance", "passages"}
    first, second = said["passages"]
    assert (first["doc_id"], second["doc_id"], first["text"]) == ("a.txt", "b.txt", changed.first.node.text)
    text = index.document("b.txt").text
    assert text[second["start"] : second["end"]] == second["text"]
    assert list(index.near_duplicates(1.0)) == [pairs["a.txt", "d.txt"]]


def test_a_handful_more_than_is_looked_up_at_once(index_of):
    copies = 150
    index = index_of(**{f"copy{number:03}": STATION + " " * number for number in range(copies)})
    seen: list[Progress] = []
    pairs = list(index.near_duplicates(on_progress=seen.append))
    assert {pair.first.source for pair in pairs} == {"copy000.txt"}
    assert [pair.second.source for pair in pairs] == [f"copy{number:03}.txt" for number in range(1, copies)]
    assert {(progress.step, progress.nodes, progress.nodes_total) for progress in seen} == {("compare", copies, copies)}


def test_an_older_version_has_its_own(index_of):
    index = index_of(a=STATION, b=f"{STATION} ")
    index.tag("both")
    index.delete("b.txt")
    assert list(index.near_duplicates()) == []
    with Index.open(index.path, at="both") as before:
        assert len(list(before.near_duplicates())) == 1


@pytest.mark.parametrize("threshold", [0.49, 1.01, -1, float("nan")])
def test_a_threshold_out_of_range_is_said_at_once(index: Index, threshold: float):
    with pytest.raises(QueryError, match=r"give a value from 0.5 to 1\."):
        index.near_duplicates(threshold)
    assert list(index.near_duplicates()) == []
