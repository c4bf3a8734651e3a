from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from docindex.errors import LoadError
from docindex.loaders.json_files import JsonLinesLoader, JsonLoader
from docindex.loaders.registry import default_registry
from docindex.schema import LoadOptions, Source
from docindex.testing.loader_contract import LoaderContract

MAPPED = LoadOptions(id_field="_id", title_field="title", text_field="text")
RECORDS = [
    {"_id": "d1", "title": "One", "text": "First.\r\nLine", "year": 1999, "when": "2024-05-01T10:00:00Z", "none": None},
    {"_id": 2, "title": None, "text": ["Second.", "Part two."], "meta": {"open": True, "tags": ["a", "b"]}},
    {"_id": "d\ud800", "title": "", "text": "Third \u0000\ud800", "score": 0.5, "long": "x" * 1001},
]
LINES = "\n".join(json.dumps(record) for record in RECORDS)


class TestJsonLinesLoader(LoaderContract):
    media_type = "application/x-ndjson"
    suffix = ".jsonl"

    def loader(self) -> JsonLinesLoader:
        return JsonLinesLoader()

    def write(self, path: Path) -> None:
        path.write_text(LINES)


class TestMappedJsonLines(TestJsonLinesLoader):
    options = MAPPED


class TestJsonLoader(LoaderContract):
    media_type = "application/json"
    suffix = ".json"

    def loader(self) -> JsonLoader:
        return JsonLoader()

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(RECORDS))


class TestJsonConfiguration(TestJsonLoader):
    def write(self, path: Path) -> None:
        path.write_text(json.dumps({"a": {"b": ["é", 1]}}))


def test_mapped_fields(load):
    one, two, three = load("a.jsonl", LINES, MAPPED)
    assert (one.doc_id, one.title, one.text) == ("d1", "One", "First.\nLine")
    assert one.metadata == {"year": 1999, "when": datetime(2024, 5, 1, 10, tzinfo=UTC)}
    assert (two.doc_id, two.title, two.text) == ("2", "", "Second.\nPart two.")
    assert two.metadata == {"meta.open": True, "meta.tags": ("a", "b")}
    assert (three.doc_id, three.text, three.metadata) == ("d\ufffd", "Third \ufffd", {"score": 0.5})


def test_without_fields_every_field_is_named_in_the_text(load):
    documents = load("a.jsonl", LINES)
    assert [document.doc_id for document in documents] == ["a.jsonl#1", "a.jsonl#2", "a.jsonl#3"]
    assert documents[1].text == "_id: 2\ntext: Second.\nPart two.\nmeta.open: true\nmeta.tags: a, b"
    assert documents[0].metadata["title"] == "One"


def test_dotted_names_and_lists_of_objects(load):
    record = {"meta": {"id": 7, "a.b": 1}, "parts": [{"name": "bolt"}, {"name": "nut"}], "body": {"text": "Hello"}}
    options = LoadOptions(id_field="meta.id", text_field="body")
    document = load("a.json", json.dumps(record), options)[0]
    assert (document.doc_id, document.text) == ("7", "text: Hello")
    assert document.metadata == {"meta.a.b": 1}
    plain = load("a.json", json.dumps([record]))[0]
    assert "parts.1.name: nut" in plain.text.split("\n")
    assert "parts.1.name" not in plain.metadata


def test_bad_lines_lose_nothing_else(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = ['{"_id": "a", "text": "A"}', "{oops", "", '"text"', '{"_id": "a", "text": "again"}', '{"text": "no id"}']
    path.write_text("\n".join([*lines, '{"_id": "b", "text": "B"}', '{"_id": "c", "text": "C"}']) + "\n")
    source = Source("a.jsonl", path, "application/x-ndjson", LoadOptions(id_field="_id"))
    documents = JsonLinesLoader().load(source)
    assert [next(documents).doc_id for _ in range(3)] == ["a", "b", "c"]
    with pytest.raises(LoadError) as caught:
        next(documents)
    reason = caught.value.reason
    assert reason.startswith("4 of 7 lines can't be read")
    for part in (
        "line 2: not JSON",
        "line 4: not an object",
        "line 5: an id that an earlier",
        "line 6: no usable field",
    ):
        assert part in reason


def test_many_bad_lines_are_counted(load):
    with pytest.raises(LoadError, match=r"50 of 50 lines can't be read: lines 1, 2, 3, .* and 40 more: not JSON"):
        load("a.jsonl", "nonsense\n" * 50)


@pytest.mark.parametrize("option", ["id_field", "text_field", "title_field"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_misspelt_field_names_those_that_exist(load, option, name):
    content = LINES if name == "a.jsonl" else json.dumps(RECORDS)
    with pytest.raises(LoadError, match=r"no field 'txet': the fields are _id, title, text"):
        load(name, content, LoadOptions(**{option: "txet"}))


def test_lines_are_read_one_at_a_time(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "first"}\n' * 3)
    documents = JsonLinesLoader().load(Source("a.jsonl", path, "application/x-ndjson"))
    assert next(documents).text == "text: first"
    documents.close()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings(load, encoding):
    line = json.dumps({"text": "Höhe über dem Meer größer"}, ensure_ascii=False)
    assert load("a.jsonl", f"{line}\n{line}\n".encode(encoding))[1].text == "text: Höhe über dem Meer größer"


def test_lines_under_the_name_of_a_json_file(load):
    assert [document.doc_id for document in load("a.json", LINES, MAPPED)] == ["d1", "2", "d\ufffd"]


def test_configuration_is_one_document(load):
    document = load("settings.json", '{"a": {"b": ["é", 1]}}')[0]
    assert document.doc_id == "settings.json"
    assert document.text == '{\n  "a": {\n    "b": [\n      "é",\n      1\n    ]\n  }\n}'


@pytest.mark.parametrize("sign", ["", "-"])
def test_integers_of_any_length_are_read(load, sign):
    number = sign + "1" * 5000
    (whole,) = load("a.json", f'{{"key": {number}, "small": {sign}12}}')
    assert whole.text == f'{{\n  "key": "{number}",\n  "small": {sign}12\n}}'
    lines = f'{{"text": "primes", "n": {number}}}\n{{"text": "squares", "n": {sign}4}}\n'
    first, second = load("a.jsonl", lines, LoadOptions(text_field="text"))
    assert (first.text, second.text) == ("primes", "squares")
    assert second.metadata == {"n": int(f"{sign}4")}
    assert number in load("b.jsonl", lines)[0].text


@pytest.mark.parametrize("text", ["{", "[1, 2", "", "[" * 100_000, "1" * 5000 + "x"])
def test_what_is_not_json_is_a_load_error(load, text):
    with pytest.raises(LoadError, match="is not JSON"):
        load("a.json", text)


def test_numbers_that_can_not_be_stored(load):
    document = load("a.jsonl", '{"nan": NaN, "inf": -Infinity, "big": 123456789012345678901234567890, "text": "x"}')[0]
    assert document.metadata == {"big": "123456789012345678901234567890", "text": "x"}


def test_the_registry_knows_both_kinds():
    registry = default_registry()
    assert registry.media_type_of(Path("a.ndjson")) == "application/x-ndjson"
    assert registry.media_type_of(Path("a.json")) == "application/json"
