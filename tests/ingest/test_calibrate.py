"""An ingest finds out what the scores of its index look like, and answers are refused by it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from docindex import Index, IngestOptions
from docindex.errors import ConfigError
from docindex.retrieval.nulls_file import NULLS

GOOD = "How long does the warranty last?"
FOREIGN = "Who painted the ceiling of the Sistine Chapel?"


def fitted(index: Index) -> dict | None:
    return index.status()["refusal"]


def test_an_ingest_fits_what_answers_are_refused_by(example_index: Index):
    facts = fitted(example_index)
    assert facts is not None
    assert facts["false_refusals"] == 0.05
    assert facts["fitted_at_nodes"] == example_index.status()["nodes"]
    assert 0.1 < facts["below"]["cosine"] < 0.5
    assert facts["foreign_refused"]["cosine"] > 0.9
    with Index.open(example_index.path) as again:
        assert fitted(again) == facts
        assert again.query(FOREIGN).no_answer
        assert not again.query(GOOD).no_answer
        assert again.engine(false_refusals=0.97).query(GOOD).no_answer  # nearly all that score below verbatim sentences


def test_a_rate_is_a_share(example_index: Index):
    for rate in (0.0, 1.0, -0.1, 5.0):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            example_index.engine(false_refusals=rate)


def test_it_is_fitted_again_when_the_index_has_changed_much(index: Index, tmp_path: Path, example_documents: Path):
    docs = tmp_path / "docs"
    docs.mkdir()
    files = sorted(example_documents.iterdir())
    shutil.copy(files[0], docs)
    (docs / "note.md").write_text("# A note\n\nThe gate is closed on Sundays, and on all other days it stands open.\n")
    index.ingest(docs)
    (docs / "note.md").write_text("# A note\n\nThe gate is closed on Mondays, and on all other days it stands open.\n")
    before = fitted(index)
    index.ingest(docs)
    assert fitted(index) == before
    for file in files[1:]:
        shutil.copy(file, docs)
    index.ingest(docs)
    facts = fitted(index)
    assert facts is not None
    assert facts["fitted_at_nodes"] == index.status()["nodes"]
    assert facts != before
    (index.path / NULLS).write_text("{")  # a damaged file is none
    assert fitted(index) is None
    assert index.query(FOREIGN).no_answer
    (docs / "late.md").write_text("# Later\n\nSomething else that an ingest has to read.\n")
    index.ingest(docs)
    assert fitted(index) is not None


def test_it_waits_for_the_vectors(index: Index, example_documents: Path):
    index.ingest(example_documents, options=IngestOptions(wait="text"))
    assert fitted(index) is None
    index.embed()
    assert fitted(index) is not None


def test_a_share_that_can_not_be_followed_is_warned_of(
    index: Index, example_index: Index, caplog: pytest.LogCaptureFixture
):
    example_index.policy(false_refusals=0.1)
    index.policy()
    assert caplog.messages == []
    index.policy(false_refusals=0.1)
    (said,) = caplog.messages
    assert "`docindex embed`" in said


def test_an_index_of_too_little_prose_has_none(index: Index, docs: Path, example_documents: Path):
    index.ingest(example_documents)
    assert fitted(index) is not None
    index.delete(*[record.doc_id for record in index.documents()])
    index.ingest(docs)
    assert fitted(index) is None
    assert not (index.path / NULLS).exists()
