from __future__ import annotations

import json
from pathlib import Path

import pytest

HIT = {
    "rank",
    "score",
    "scores",
    "node_id",
    "doc_id",
    "source",
    "title",
    "page",
    "page_label",
    "start",
    "end",
    "text",
    "headings",
    "also",
    "duplicates",
    "merged",
    "metadata",
}


def test_json_has_the_keys_that_programs_rely_on(on):
    ran = on("search", "when does the ferry leave?", "--json", "-k", "3")
    assert ran.code == 0
    assert ran.err == ""
    assert set(ran.json) == {"query", "mode", "hits", "timings_ms"}
    assert (ran.json["query"], ran.json["mode"]) == ("when does the ferry leave?", "hybrid")
    assert set(ran.json["timings_ms"]) == {"open", "search", "total"}
    assert ran.json["timings_ms"]["total"] >= ran.json["timings_ms"]["search"] > 0
    hits = ran.json["hits"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    for hit in hits:
        assert set(hit) == HIT
        assert set(hit["scores"]) == {"dense", "lexical"}
    assert (hits[0]["source"], hits[0]["page"]) == ("ferry.pdf", 1)


def test_the_offsets_are_of_the_text_that_show_prints(on):
    hit = on("search", "turbines", "--json").json["hits"][0]
    text = on("show", hit["doc_id"], "--json").json["text"]
    assert text[hit["start"] : hit["end"]] == hit["text"]


def test_records_keep_their_ids_and_metadata(on):
    hit = on("search", "what is granite made of?", "--json").json["hits"][0]
    assert (hit["doc_id"], hit["source"], hit["title"]) == ("f1", "facts.jsonl", "Granite")
    assert hit["metadata"]["area"] == "rocks"


@pytest.mark.parametrize(("mode", "side"), [("dense", "dense"), ("lexical", "lexical")])
def test_a_mode_scores_by_its_side(on, mode: str, side: str):
    hit = on("search", "limestone", "--mode", mode, "--json").json["hits"][0]
    assert hit["doc_id"] == "f2"
    assert hit["scores"][side] is not None


def test_a_filter_limits_the_hits(on):
    ran = on("search", "the", "--filter", "source = 'ferry.pdf' AND page > 1", "--json")
    assert {(hit["source"], hit["page"]) for hit in ran.json["hits"]} == {("ferry.pdf", 3)}


def test_an_unknown_field_is_a_usage_error_that_lists_the_known_ones(on):
    ran = on("search", "the", "--filter", "colour = 'red'", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: ")
    assert "area" in ran.err


def test_no_hits_are_no_failure(on):
    ran = on("search", "zzyzx", "--mode", "lexical")
    assert (ran.code, ran.out) == (0, "No passage was found.\n")


def test_people_read_rank_place_headings_and_text(on):
    first, second, *_ = on("search", "walk along the crest", "-k", "1").out.splitlines()
    assert first.split()[0] == "1"
    assert "notes/dam.md" in first
    assert first.endswith("The dam")
    assert second.startswith("    ")
    assert "Visitors may walk" in second
    assert "ferry.pdf, page 3" in on("search", "bicycles", "-k", "1").out


def test_many_queries_are_answered_a_line_each(on, tmp_path: Path):
    queries = [
        {"_id": "a", "text": "bees"},
        {"_id": 7, "text": "white limestone", "ignored": 1},
        {"text": "bicycles\non the ferry"},
    ]
    file = tmp_path / "queries.jsonl"
    file.write_text("\n\n".join(json.dumps(query) for query in queries))
    ran = on("search", "--queries", file, "-k", "1")
    assert ran.code == 0
    assert [line.get("query_id") for line in ran.lines] == ["a", 7, None]
    assert [line["hits"][0]["doc_id"] for line in ran.lines] == ["bees.txt", "f2", "ferry.pdf"]
    assert set(ran.lines[0]) == {"query_id", "query", "mode", "hits", "timings_ms"}
    assert set(ran.lines[2]) == {"query", "mode", "hits", "timings_ms"}
    assert set(ran.lines[0]["timings_ms"]) == {"open", "search", "total"}
    single = on("search", "bees", "-k", "1", "--json").json
    assert single["hits"] == ran.lines[0]["hits"]


def test_queries_come_from_standard_input(on):
    ran = on("search", "--queries", "-", stdin='{"_id": "q", "text": "bees"}\n')
    assert [line["query_id"] for line in ran.lines] == ["q"]


def test_queries_may_begin_with_a_byte_order_mark(on, tmp_path: Path):
    file = tmp_path / "queries.jsonl"
    lines = b'\xef\xbb\xbf{"_id": 1, "text": "bees"}\n{"_id": 2, "text": "white limestone"}\n'
    file.write_bytes(lines)
    for ran in (on("search", "--queries", file, "-k", "1"), on("search", "--queries", "-", "-k", "1", stdin=lines)):
        assert (ran.code, ran.err) == (0, "")
        assert [line["hits"][0]["doc_id"] for line in ran.lines] == ["bees.txt", "f2"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("search", "\udcff bees", "--mode", "lexical", "-k", "1"), 0),
        (("search", "bees", "--filter", "source = '\udcff.txt'"), 0),
        (("show", "\udcff.txt"), 1),
        (("rm", "\udcff.txt", "--yes"), 1),
        (("why", "bees", "\udcff.txt"), 1),
        (("search", "bees", "-k", "99999999999999999999"), 0),
        (("search", "bees", "-k", "99999999999999999999", "--mode", "dense"), 0),
        (("search", "bees", "-k", "99999999999999999999", "--mode", "lexical"), 0),
        (("why", "bees", "bees.txt", "-k", "99999999999999999999"), 0),
        (("search", "bees", "--at", "99999999999999999999"), 1),
        (("diff", "99999999999999999999"), 1),
        (("rollback", "99999999999999999999", "--yes"), 1),
        (("tag", "far", "--version", "99999999999999999999"), 1),
        (("traces", "list", "--limit", "99999999999999999999"), 2),
        (("graph", "entities", "--limit", "99999999999999999999"), 2),
    ],
)
def test_what_no_text_and_no_number_can_be_is_a_plain_error(run, built: Path, arguments: tuple[str, ...], code: int):
    ran = run(*arguments, "--index", built)
    assert ran.code == code
    assert "Error: " in ran.err or not code


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("{", "Line 1"),
        ('{"text": "a"}\n[1]', "Line 2"),
        ('{"_id": "a"}', '"text"'),
        ('{"_id": {}, "text": "a"}', '"_id"'),
        (b"\xff\xfe", "can't be read"),
    ],
)
def test_bad_queries_are_named_by_line_before_any_is_run(on, tmp_path: Path, lines: str | bytes, complaint: str):
    file = tmp_path / "queries.jsonl"
    file.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    ran = on("search", "--queries", file)
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err


@pytest.mark.parametrize(
    "arguments",
    [(), ("a", "--queries", "b"), ("a", "-k", "0"), ("a", "--mode", "other"), ("a", "--queries", "/none", "--json")],
)
def test_wrong_usage_exits_2_and_prints_nothing(on, arguments):
    ran = on("search", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err
