"""The façade, on real files with the real embedder and the real stores."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from docindex import (
    ConfigError,
    EmbedderMismatchError,
    Environment,
    Index,
    IndexNotFoundError,
    IngestOptions,
    LoadError,
    LoadOptions,
    LockedError,
    NoModelError,
    QueryError,
    StoreError,
)
from docindex.config import AnswerOptions
from docindex.schema import Progress, SearchMode


def sources(index: Index) -> list[str]:
    return [record.source for record in index.documents()]


def test_ingest_then_search_finds_the_right_document_in_every_mode(index: Index, docs: Path):
    report = index.ingest(docs)
    assert (report.added, report.updated, report.unchanged, report.deleted) == (3, 0, 0, 0)
    assert report.nodes.added == report.nodes.embedded > 0
    assert sources(index) == ["apple.txt", "sea.md", "sub/engine.txt"]
    for mode in ("hybrid", "dense", "lexical"):
        hit = index.search("how much oil does the engine take", k=1, mode=mode)[0]
        assert hit.source == "sub/engine.txt"
        assert hit.rank == 1
    assert index.check() == []


def test_a_mode_that_there_is_not_is_refused(example_index: Index):
    with pytest.raises(ConfigError, match="no mode 'fuzzy': choose hybrid, dense, lexical"):
        example_index.search("battery", mode="fuzzy")


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_fewer_than_no_hits_are_refused(example_index: Index, mode: str):
    with pytest.raises(QueryError, match="k is -1"):
        example_index.search("battery", k=-1, mode=mode)
    assert example_index.search("battery", k=0, mode=mode) == []


def test_a_second_ingest_does_nothing(index: Index, docs: Path):
    index.ingest(docs)
    version = index.status()["version"]
    report = index.ingest(docs)
    assert (report.added, report.updated, report.unchanged) == (0, 0, 3)
    assert report.nodes.embedded == 0
    assert index.status()["version"] == version


def test_an_edit_embeds_only_what_is_new(index: Index, tmp_path: Path):
    file = tmp_path / "long.md"
    sections = [f"## Part {n}\n\n" + f"Sentence about topic number {n}. " * 30 for n in range(12)]
    file.write_text("# Manual\n\n" + "\n\n".join(sections))
    first = index.ingest(file)
    sections[5] = "## Part 5\n\n" + "Everything in this part is different now. " * 20
    file.write_text("# Manual\n\n" + "\n\n".join(sections))
    second = index.ingest(file)
    assert (second.added, second.updated) == (0, 1)
    assert 0 < second.nodes.embedded <= 3 < first.nodes.embedded
    assert second.nodes.reused >= first.nodes.embedded - 3
    assert index.search("everything is different", k=1)[0].node.headings == ("Manual", "Part 5")
    assert index.check() == []


def test_a_moved_folder_keeps_its_names_and_embeds_nothing(index: Index, docs: Path):
    index.ingest(docs)
    moved = docs.rename(docs.with_name("elsewhere"))
    report = index.ingest(moved)
    assert (report.added, report.updated, report.deleted) == (0, 3, 0)
    assert report.nodes.embedded == 0
    assert sources(index) == ["apple.txt", "sea.md", "sub/engine.txt"]
    assert index.ingest(moved).unchanged == 3


def test_files_of_the_same_name_in_two_folders_are_two_documents(index: Index, docs: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "apple.txt").write_text("This apple is a computer.\n")
    index.ingest(docs)
    index.ingest(other)
    assert sources(index) == ["apple.txt", "other/apple.txt", "sea.md", "sub/engine.txt"]
    assert index.ingest(docs, other).unchanged == 4


def test_sync_mirrors_deletions_and_refuses_an_empty_folder(index: Index, docs: Path):
    index.ingest(docs)
    (docs / "sea.md").unlink()
    assert index.ingest(docs).deleted == 0
    assert index.ingest(docs, options=IngestOptions(sync=True)).deleted == 1
    assert sources(index) == ["apple.txt", "sub/engine.txt"]
    shutil.rmtree(docs)
    with pytest.raises(LoadError, match="--yes"):
        index.ingest(docs, options=IngestOptions(sync=True))
    docs.mkdir()
    with pytest.raises(LoadError, match="--yes"):
        index.ingest(docs, options=IngestOptions(sync=True))
    assert len(sources(index)) == 2
    assert index.ingest(docs, options=IngestOptions(sync=True, allow_empty_sync=True)).deleted == 2
    assert sources(index) == []
    assert index.check() == []


def test_a_broken_file_costs_nothing_else_and_what_was_indexed_stays(index: Index, docs: Path):
    index.ingest(docs)
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    (docs / "apple.txt").unlink()
    (docs / "apple.txt").write_bytes(bytes(range(256)) * 40)
    (docs / "new.txt").write_text("A new file about volcanoes.\n")
    report = index.ingest(docs)
    assert report.added == 1
    accounted = {problem.source for problem in [*report.failed, *report.skipped]}
    assert {"broken.pdf", "apple.txt"} <= accounted
    assert index.search("orchard in Kent", k=1, mode="lexical")[0].source == "apple.txt"
    assert index.search("volcanoes", k=1)[0].source == "new.txt"


def test_half_an_emoji_in_a_question_is_a_character_like_any(index: Index, docs: Path):
    index.ingest(docs)
    for mode in get_args(SearchMode):
        assert index.search("\ud83d the orchard in Kent", k=1, mode=mode)[0].source == "apple.txt"
    answers = AnswerOptions(synthesis="extract")
    assert (
        "four hundred" in index.engine(answers=answers).query("How many apple trees are there in Kent \ud83d?").answer
    )
    assert index.document("\ud83d.txt") is None


def test_one_odd_value_does_not_turn_the_numbers_and_dates_of_all_records_into_texts(index: Index, tmp_path: Path):
    file = tmp_path / "parts.csv"
    file.write_text(
        "id,name,price,listed\n1,pump one,20,2024-05-01\n2,pump two,3,2024-06-01\n3,pump three,1000,2023-01-01\n"
        "4,pump four,150,2024-05-01\n5,pump five,n/a,unknown\n"
    )
    index.ingest(file, options=IngestOptions(wait="text", load=LoadOptions(id_field="id")))

    def found(where: str) -> set[str]:
        return {hit.doc_id for hit in index.search("pump", mode="lexical", filter=where)}

    assert found("price < 100") == {"1", "2"}
    assert found("price >= 20 and price <= 150") == {"1", "4"}
    assert found("price = 20.0") == {"1"}
    assert found("price != 20") == {"2", "3", "4", "5"}
    assert found("not price < 100") == {"3", "4", "5"}
    assert found("price = 'n/a'") == {"5"}
    assert found("price in (3, 'n/a')") == {"2", "5"}
    assert found("listed = 2024-05-01") == {"1", "4"}
    assert found("listed = 2024") == {"1", "2", "4"}
    assert found("listed <= 2024-05-01") == {"1", "3", "4"}
    assert found("listed != 2024-05-01") == {"2", "3", "5"}
    assert found("listed contains know") == {"5"}


def test_records_are_documents_with_their_own_ids(index: Index, tmp_path: Path):
    file = tmp_path / "papers.jsonl"
    rows = [f'{{"_id": "p{n}", "title": "Paper {n}", "text": "On subject {n}.", "year": {2000 + n}}}' for n in range(5)]
    file.write_text("\n".join(rows))
    options = IngestOptions(load=LoadOptions(id_field="_id", title_field="title", text_field="text"))
    assert index.ingest(file, options=options).added == 5
    assert index.search("subject 3", k=1)[0].doc_id == "p3"
    assert {hit.doc_id for hit in index.search("subject", filter="year >= 2003")} == {"p3", "p4"}
    file.write_text("\n".join([*rows[:2], *rows[3:]]))
    report = index.ingest(file, options=options)
    assert (report.unchanged, report.deleted) == (4, 1)
    assert index.document("p2") is None
    file.write_text("\n".join([*rows[:2], "{broken", *rows[3:]]))
    report = index.ingest(file, options=options)
    assert (report.unchanged, report.deleted, len(report.failed)) == (4, 0, 1)


def test_an_id_that_two_files_claim_is_refused_not_overwritten(index: Index, tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"_id": "same", "text": "from file {name}"}}')
    options = IngestOptions(load=LoadOptions(id_field="_id", text_field="text"))
    report = index.ingest(tmp_path / "one.jsonl", tmp_path / "two.jsonl", options=options)
    assert report.added == 1
    assert "one.jsonl" in report.failed[0].reason
    document = index.document("same")
    assert document is not None
    assert document.text == "from file one"


def test_dry_run_reports_and_changes_nothing(index: Index, docs: Path):
    report = index.ingest(docs, options=IngestOptions(dry_run=True))
    assert (report.added, report.dry_run) == (3, True)
    assert sources(index) == []


def test_delete_by_document_and_by_source(index: Index, docs: Path):
    index.ingest(docs)
    assert index.delete("apple.txt") == 1
    with pytest.raises(StoreError, match="nowhere"):
        index.delete("sea.md", "nowhere")
    assert sources(index) == ["sea.md", "sub/engine.txt"]
    assert index.search("orchard", mode="lexical") == []
    assert index.ingest(docs).added == 1


def test_filters_narrow_and_unknown_fields_list_the_known_ones(index: Index, docs: Path):
    index.ingest(docs)
    assert {hit.source for hit in index.search("the", mode="dense", filter="source contains 'sea'")} == {"sea.md"}
    with pytest.raises(QueryError, match="source"):
        index.search("the", filter="sauce = 'x'")


def test_reopening_gives_the_same_answers(index: Index, docs: Path):
    index.ingest(docs)
    before = index.search("tides", k=3)
    with Index.open(index.path) as again:
        assert again.search("tides", k=3) == before
        assert again.config == index.config


def test_an_older_version_reads_as_it_was(index: Index, docs: Path):
    index.ingest(docs)
    version = index.status()["version"]
    index.delete("apple.txt")
    with Index.open(index.path, at=version) as old:
        assert "apple.txt" in sources(old)
        assert old.search("orchard", k=1)[0].source == "apple.txt"


def test_a_second_writer_gets_a_clear_error(index: Index, docs: Path):
    def interfere(progress: Progress) -> None:
        with Index.open(index.path) as other, pytest.raises(LockedError, match="process"):
            other.ingest(docs)
        seen.append(progress.step)

    seen: list[str] = []
    index.ingest(docs, on_progress=interfere)
    assert "committed" in seen


def test_what_is_no_index_and_what_is_one_already(index: Index, tmp_path: Path):
    with pytest.raises(IndexNotFoundError, match="docindex ingest"):
        Index.open(tmp_path / "nowhere")
    with pytest.raises(StoreError):
        Index.create(index.path)


def test_another_embedder_is_refused(index: Index, docs: Path):
    index.ingest(docs)
    index.close()
    manifest = index.path / "docindex.json"
    saved = manifest.read_text()
    fingerprint = saved.split('"fingerprint": "')[1].split('"')[0]
    manifest.write_text(saved.replace(fingerprint, "0" * len(fingerprint)))
    with Index.open(index.path) as other:
        assert other.search("oil", mode="lexical")
        with pytest.raises(EmbedderMismatchError):
            other.search("oil")


def test_without_a_model_an_index_searches_by_words_and_says_so_once(
    index: Index, docs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    index.ingest(docs)
    nothing = replace(Environment.read({}), models=tmp_path / "no_models", offline=True)
    with Index.open(index.path, environment=nothing) as bare:
        assert bare.search("oil", k=1)[0].source == "sub/engine.txt"
        assert bare.search("orchard", k=1)[0].source == "apple.txt"
        assert [record.message.startswith("Searching by words only") for record in caplog.records] == [True]
        with pytest.raises(NoModelError, match="models pull"):
            bare.search("oil", mode="dense")


def test_the_async_twins_give_what_the_others_give(index: Index, docs: Path):
    async def run() -> tuple[int, str]:
        report = await index.aingest(docs)
        hits = await index.asearch("tides", k=1)
        return report.added, hits[0].source

    assert asyncio.run(run()) == (3, "sea.md")


def test_a_copy_under_another_name_embeds_nothing(index: Index, docs: Path):
    index.ingest(docs)
    (docs / "copy.txt").write_text((docs / "sub" / "engine.txt").read_text() + "\n")
    report = index.ingest(docs)
    assert (report.added, report.unchanged) == (1, 3)
    assert (report.nodes.embedded, report.nodes.reused) == (0, report.nodes.added)


def test_sync_of_a_moved_folder_moves_its_documents(index: Index, docs: Path):
    parent = docs.parent / "parent"
    parent.mkdir()
    docs = docs.rename(parent / "docs")
    index.ingest(docs)
    moved = docs.rename(parent / "moved")
    report = index.ingest(moved, parent, options=IngestOptions(sync=True))
    assert (report.added, report.updated, report.deleted, report.nodes.embedded) == (0, 3, 0, 0)
    assert sources(index) == ["apple.txt", "sea.md", "sub/engine.txt"]
