"""What a terminal shows, and what it must not be made to do."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from docindex.cli.output import harmless, readable_bytes, readable_ms, readable_seconds
from docindex.cli.render import page_ranges, shortened, show_facts, show_hits, show_report, show_sources
from docindex.cli.rich_screen import LONGEST_WORD, RichScreen, wrapped
from docindex.cli.screen import Column, PlainScreen, Span
from docindex.schema import (
    BlankPages,
    Citation,
    Hit,
    IngestReport,
    Node,
    NodeCounts,
    Problem,
    Response,
    Scores,
    TokenCounts,
)

NODE = Node(
    "n1", "guide.pdf", 0, 0, 40, "Hold the button for ten seconds, then let go.", headings=("Setup", "Reset"), page=4
)
HIT = Hit(1, 0.8125, Scores(0.7, 3.2), NODE, "guide.pdf")


def terminal(width: int = 60, *, colours: bool = False) -> tuple[RichScreen, io.StringIO]:
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=colours, no_color=not colours, width=width, highlight=False, markup=False, emoji=False
    )
    return RichScreen(console), file


def test_a_hit_is_shown_with_its_place_and_wrapped_under_it():
    screen, file = terminal(40)
    show_hits(screen, [HIT])
    assert file.getvalue().splitlines() == [
        " 1  0.812  guide.pdf, page 4  Setup ›",
        "Reset",
        "    Hold the button for ten seconds,",
        "    then let go.",
    ]


def test_an_answer_is_followed_by_its_sources():
    citations = (
        Citation(1, "n1", "guide.pdf", "guide.pdf", 4, "iv", 0, 15, "Hold the button", True),
        Citation(2, "n2", "f7", "facts.jsonl", None, None, 3, 9, "let go", False),
    )
    response = Response(
        "How?",
        "Hold it [1] and let go [2].",
        no_answer=False,
        citations=citations,
        hits=(HIT,),
        dropped=(HIT,),
        tokens=TokenCounts(900, 400, 12),
        timings_ms={"retrieve": 31.4, "first_token": 1234.0, "total": 2500.0},
        model="/models/small.gguf",
    )
    screen, file = terminal(120)
    show_sources(screen, response)
    assert file.getvalue().splitlines() == [
        "",
        "[1] guide.pdf, page iv",
        "    “Hold the button”",
        "[2] facts.jsonl (f7)  not verified",
        "    “let go”",
        "1 passage did not fit into the prompt.",
        "900 tokens read (400 cached), 12 written · search 31 ms · first word 1.2 s · in all 2.5 s · small.gguf",
    ]


def test_a_report_shows_all_failures_and_some_of_what_was_skipped(capsys: pytest.CaptureFixture[str]):
    report = IngestReport(
        added=1,
        deleted=2,
        skipped=tuple(Problem(f"{number}.bin", "no loader") for number in range(30)),
        failed=tuple(Problem(f"{number}.pdf", "damaged") for number in range(30)),
        pages_without_text=(BlankPages("scan.pdf", (1, 2, 3, 7)),),
        nodes=NodeCounts(4, 3, 1, 2),
        seconds=75.0,
    )
    show_report(PlainScreen(), report)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "Documents: 1 added, 0 updated, 0 unchanged, 2 deleted",
        "Passages: 4 added, 3 embedded, 1 reused, 2 deleted",
        "No text: scan.pdf, pages 1-3, 7",
    ]
    assert sum(line.startswith("Skipped: ") for line in lines) == 20
    assert sum(line.startswith("Failed: ") for line in lines) == 30
    assert any("10 more" in line for line in lines)
    assert lines[-1] == "1 min 15 s"


def test_facts_are_shown_with_sizes_that_people_read(capsys: pytest.CaptureFixture[str]):
    facts = {"documents": 12345, "bytes": {"total": 1_500_000}, "memory_bytes": 25, "offline": False, "missing": []}
    show_facts(PlainScreen(), facts)
    assert capsys.readouterr().out.splitlines() == [
        "documents: 12,345",
        "bytes",
        "  total: 1.5 MB",
        "memory bytes: 25 B",
        "offline: no",
        "missing: none",
    ]


def test_a_terminal_gets_a_table_with_a_header_and_a_pipe_gets_values(capsys: pytest.CaptureFixture[str]):
    columns = [Column("Name"), Column("Size", "bytes"), Column("Added", "time")]
    rows = [("a\tb\nc", 2_000_000, datetime(2024, 5, 1, 12, tzinfo=UTC))]
    PlainScreen().table(columns, rows)
    assert capsys.readouterr().out == "a b c\t2000000\t2024-05-01T12:00:00+00:00\n"
    screen, file = terminal(80)
    screen.table(columns, rows)
    assert "Size" in file.getvalue()
    assert "2.0 MB" in file.getvalue()


def test_a_document_can_not_steer_the_terminal():
    screen, file = terminal(colours=True)
    hostile = "safe\x1b[2J\x1b]0;title\x07\x9b31m\u202etxt.exe\r\nnext\rline"
    screen.text(hostile)
    screen.line(Span(hostile, "name"))
    screen.stream(["a\x1b", "[2Jb ", "c"])
    screen.table([Column("x")], [(hostile,)])
    shown = file.getvalue()
    assert "\x1b[2J" not in shown
    assert not set(shown) & {"\x07", "\x9b", "\u202e", "\r"}
    assert "safe" in shown


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_harmless_text_keeps_what_is_to_be_read(text: str):
    clean = harmless(text)
    assert not any(ord(char) < 32 and char not in "\n\t" for char in clean)
    if text.isprintable():
        assert [char for char in clean if char != "\ufffd"] == [
            char for char in text if char in clean.replace("\ufffd", "")
        ]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(alphabet="ab [1].\n字")), st.integers(10, 60))
def test_wrapping_changes_only_blanks_and_keeps_lines_short(pieces: list[str], width: int):
    shown = "".join(wrapped(pieces, width))
    assert shown.split() == "".join(pieces).split() or max(map(len, "".join(pieces).split())) > LONGEST_WORD // 2
    for line in shown.split("\n"):
        longest = max((cell_len(word) for word in line.split()), default=0)
        assert cell_len(line.strip()) <= max(width, longest)


def test_words_are_shown_as_soon_as_they_are_whole():
    taken: list[str] = []

    def pieces():
        for piece in ["Hel", "lo wor", "ld, ", "x" * 100]:
            taken.append(piece)
            yield piece

    words = wrapped(pieces(), 80)
    assert next(words) == "Hello"
    assert taken == ["Hel", "lo wor"]
    assert next(words) == " world,"
    assert len(next(words)) > LONGEST_WORD // 2  # a run without blanks is not held back


@settings(deadline=None, max_examples=100)
@given(st.text(), st.integers(10, 80))
def test_a_shortened_text_is_a_beginning_on_one_line(text: str, limit: int):
    short = shortened(text, limit)
    line = " ".join(text.split())
    assert len(short) <= limit + 1
    assert short == line or (short.endswith("…") and line.startswith(short[:-1]))


def test_ranges_sizes_and_times():
    assert page_ranges((1, 2, 3, 7)) == "1-3, 7"
    assert page_ranges(()) == ""
    assert [readable_bytes(count) for count in (0, 999, 1500, 123_456, 2_500_000_000)] == [
        *("0 B", "999 B", "1.5 kB", "123 kB", "2.5 GB")
    ]
    assert [readable_ms(time) for time in (0.4, 40, 1234)] == ["0 ms", "40 ms", "1.2 s"]
    assert [readable_seconds(time) for time in (3.21, 250, 7300)] == ["3.2 s", "4 min 10 s", "2 h 1 min"]


def test_json_stays_json_where_the_stream_is_not_utf_8(run, tmp_path):
    (tmp_path / "café.txt").write_text("Ein Wörterbuch der Käfer.\n", encoding="utf-8")
    assert run("ingest", tmp_path / "café.txt", "-i", tmp_path / "index").code == 0
    ran = run("ls", "-i", tmp_path / "index", "--json")
    assert "café.txt" in ran.out
    assert json.loads(ran.out)["documents"][0]["doc_id"] == "café.txt"


def test_names_with_line_ends_stay_on_their_line(run, tmp_path):
    odd = tmp_path / "two\nlines.bin"
    odd.write_bytes(b"\x7fELF\x00\x01")
    ran = run("ingest", odd, "-i", tmp_path / "index")
    assert "Skipped: two lines.bin: " in ran.out
    ran = run("show", "a\nb\x1b[2J", "-i", tmp_path / "index")
    assert ran.err.count("\n") == 1
    assert "\x1b" not in ran.err
