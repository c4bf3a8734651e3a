from pathlib import Path

import pytest

from docindex.errors import ConfigError, LoadError
from docindex.evaluation.dataset import Dataset, load_dataset, read_judgements, read_queries

QUERIES = """\
{"_id": "1", "text": "first"}

{"_id": 2, "text": "second\u2028line", "metadata": {}}
{"_id": "3", "text": ""}
"""
QRELS = 'query-id\tcorpus-id\tscore\n1\tdoc "a"\t1\n1\tb\t0\n2\tc\t-1\n3\td\t2\n'


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_folder_is_read(tmp_path: Path) -> None:
    write(tmp_path / "queries.jsonl", QUERIES)
    write(tmp_path / "qrels" / "dev.tsv", QRELS)
    dataset = load_dataset(tmp_path, "dev")
    assert dataset.queries == {"1": "first", "2": "second\u2028line", "3": ""}
    assert dataset.judgements == {"1": {'doc "a"': 1, "b": 0}, "2": {"c": -1}, "3": {"d": 2}}
    assert dataset.judged() == {"1": "first", "3": ""}


def test_judgements_without_a_header_and_in_four_columns(tmp_path: Path) -> None:
    expected = {"q": {"d": 1, "e": 0}}
    assert read_judgements(write(tmp_path / "a.tsv", "q\td\t1\r\nq\te\t0\r\n")) == expected
    assert read_judgements(write(tmp_path / "b.tsv", "q 0 d 1\nq 0 e 0\n")) == expected


@pytest.mark.parametrize("line", ["[1]", "{", '{"_id": "1"}', '{"_id": "1", "text": null}', "7"])
def test_a_bad_query_names_its_line(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "queries.jsonl", QUERIES + line)
    with pytest.raises(LoadError, match="line 5"):
        read_queries(path)


@pytest.mark.parametrize("line", ["q\td", "q\td\thigh", "q\t0\td\t1\t1"])
def test_a_bad_judgement_names_its_line(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "qrels.tsv", QRELS + line + "\n")
    with pytest.raises(LoadError, match="line 6"):
        read_judgements(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"queries\.jsonl: can't be read"):
        load_dataset(tmp_path, "train")


def test_the_only_split_is_taken_and_of_several_one_is_named(tmp_path: Path) -> None:
    write(tmp_path / "queries.jsonl", QUERIES)
    write(tmp_path / "qrels" / "dev.tsv", QRELS)
    assert load_dataset(tmp_path).split == "dev"
    write(tmp_path / "qrels" / "test.tsv", QRELS)
    with pytest.raises(ConfigError, match="choose one of dev, test"):
        load_dataset(tmp_path)
    with pytest.raises(ConfigError, match=r"no split 'train'.*dev, test"):
        load_dataset(tmp_path, "train")


def test_a_judged_query_without_a_text_is_named(tmp_path: Path) -> None:
    write(tmp_path / "queries.jsonl", QUERIES)
    write(tmp_path / "qrels" / "dev.tsv", QRELS + "9\td\t1\n")
    with pytest.raises(LoadError, match=r"dev\.tsv: the query '9' is not in"):
        load_dataset(tmp_path)


def test_what_is_there_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="line 5: the id '1' is there already"):
        read_queries(write(tmp_path / "queries.jsonl", QUERIES + '{"_id": "1", "text": "again"}\n'))
    with pytest.raises(LoadError, match="line 6 judges 'd' another way"):
        read_judgements(write(tmp_path / "qrels.tsv", QRELS + "3\td\t1\n"))


def test_the_fingerprint_changes_with_what_is_measured_only() -> None:
    one = Dataset({"q": "a", "unjudged": "b"}, {"q": {"d": 1}})
    assert one.fingerprint == Dataset({"q": "a"}, {"q": {"d": 1}, "r": {"d": 0}}).fingerprint
    assert one.fingerprint != Dataset({"q": "a"}, {"q": {"d": 2}}).fingerprint
    assert one.relevant_documents() == {"d"}
