"""What could not be read is tried again once its cure was taken; until then, the report says how it can be."""

import zipfile
from pathlib import Path

import pytest

from docindex import Index, IngestOptions, IngestReport, LoadOptions
from docindex.schema import Limits

SMALL = Limits(file_bytes=1000)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """An archive with a member that is larger than the limit."""
    path = tmp_path / "box.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small.txt", "Larks sing.")
        archive.writestr("large.txt", "The heron waits in the reeds. " * 100)
    return path


def ingest(index: Index, source: Path, limits: Limits, *, retry: bool = False) -> IngestReport:
    return index.ingest(source, options=IngestOptions(wait="text", retry=retry, load=LoadOptions(limits=limits)))


def test_a_raised_limit_has_what_exceeded_it_read(index: Index, box: Path):
    (first,) = ingest(index, box, SMALL).failed
    assert (first.source, first.reason.endswith("(--limit file_bytes=N)")) == ("box.zip/large.txt", True)
    with Index.open(index.path) as other:  # which looks without opening the stores
        report = ingest(other, box, Limits())
    assert (report.added, report.unchanged, report.failed) == (1, 1, ())
    assert ingest(index, box, SMALL).failed == ()


def test_what_was_not_tried_again_says_how_it_is(index: Index, box: Path):
    (first,) = ingest(index, box, SMALL).failed
    again = ingest(index, box, SMALL)
    assert (again.added, again.updated, again.unchanged) == (0, 0, 1)
    (problem,) = again.failed
    assert problem.reason == f"{first.reason}; it has not changed since and is left alone: --retry tries again"
    (problem,) = ingest(index, box, SMALL, retry=True).failed
    assert problem == first


def test_limits_are_told_by_those_that_are_not_the_usual_ones():
    assert str(Limits()) == ""
    assert str(Limits(seconds=9.0, pages=7)) == "pages=7 seconds=9.0"
