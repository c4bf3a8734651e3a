"""`docindex ingest --limit`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from fpdf import FPDF

from docindex.cli.limits import NAMES, limits_of
from docindex.errors import ConfigError
from docindex.schema import Limits


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ("pages=100000", "pages", 100_000),
        ("file_bytes=5000", "file_bytes", 5000),
        ("file-bytes=4GB", "file_bytes", 4_000_000_000),
        ("file_bytes=4g", "file_bytes", 4_000_000_000),
        ("memory_bytes=1.5 GiB", "memory_bytes", 3 << 29),
        ("inflated_bytes=500kB", "inflated_bytes", 500_000),
        ("inflated_bytes=1MiB", "inflated_bytes", 1 << 20),
        ("seconds=0900.5", "seconds", 900.5),
        ("seconds=inf", "seconds", float("inf")),
        ("depth=0", "depth", 0),
        ("inflation=1000", "inflation", 1000),
        (" attempts = 1 ", "attempts", 1),
    ],
)
def test_a_limit_is_set_and_the_others_stay(given: str, name: str, value: float):
    assert limits_of([given]) == dataclasses.replace(Limits(), **{name: value})


def test_several_are_taken_together_and_the_last_of_a_name_holds():
    assert limits_of(["pages=1", "depth=2", "pages=3"], seconds=7) == Limits(pages=3, depth=2, seconds=7)
    assert limits_of([]) == Limits()
    assert limits_of(["seconds=7"], seconds=7) == Limits(seconds=7)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("page=3", f"no limit 'page': the limits are {', '.join(NAMES)}"),
        ("pages", "has no value: give --limit pages=N"),
        ("", "no limit ''"),
        ("=3", "no limit ''"),
        ("pages=", "whole number, 1 or more"),
        ("pages=0", "whole number, 1 or more"),
        ("pages=-5", "whole number, 1 or more"),
        ("pages=1.5", "whole number, 1 or more"),
        ("pages=5k", "whole number, 1 or more"),
        ("pages=٣", "whole number, 1 or more"),
        ("depth=-1", "whole number, 0 or more"),
        ("seconds=0.5", "number of seconds, 1 or more"),
        ("seconds=nan", "number of seconds, 1 or more"),
        ("seconds=soon", "number of seconds, 1 or more"),
        ("file_bytes=4XB", "size such as 500MB or 4GiB, 1 or more"),
        ("file_bytes=0.0001k", "size such as 500MB or 4GiB, 1 or more"),
    ],
)
def test_what_is_no_limit_is_refused_with_the_cure(given: str, complaint: str):
    with pytest.raises(ConfigError) as caught:
        limits_of([given])
    assert complaint in str(caught.value)


def test_the_reason_of_a_failure_is_its_cure(run, tmp_path: Path):
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    for number in range(3):
        pdf.add_page()
        pdf.multi_cell(0, text=f"Page {number} of the tide tables.")
    file = tmp_path / "tides.pdf"
    pdf.output(str(file))
    tight = run("ingest", file, "-i", tmp_path / "index", "--limit", "pages=2", "--json")
    reason = "has 3 pages, more than 2: raise the limit pages (--limit pages=N)"
    assert (tight.code, tight.json["failed"]) == (1, [{"source": "tides.pdf", "reason": reason}])
    wide = run("ingest", file, "-i", tmp_path / "index", "--limit", "pages=3", "--json")
    assert (wide.code, wide.json["added"]) == (0, 1)


@pytest.mark.parametrize("options", [("--limit", "pages=x"), ("--limit", "seconds=3", "--max-seconds", "4")])
def test_a_limit_that_can_not_be_is_a_usage_error(run, docs: Path, tmp_path: Path, options: tuple[str, ...]):
    ran = run("ingest", docs, "-i", tmp_path / "index", *options)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "index").exists()


def test_the_help_names_every_limit(run):
    said = " ".join(run("ingest", "--help").out.split())
    assert all(name in said for name in NAMES)
