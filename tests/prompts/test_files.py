"""What a folder with prompts of one's own changes, and what loading one costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from docindex.prompts import examples
from docindex.prompts.files import SHIPPED, Prompts, shipped, write_shipped
from docindex.protocols import Message


def test_own_prompts_have_a_version_where_they_say_something_else(tmp_path: Path):
    write_shipped(tmp_path / "own")
    written = Prompts.of(tmp_path / "own")
    assert written.own.keys() == shipped().keys()
    assert written.own_version(*shipped()) == SHIPPED.own_version(*shipped()) == ""
    (tmp_path / "own" / "summary.txt").write_text("{{ passages }}")
    changed = Prompts.of(tmp_path / "own")
    first = changed.own_version("summary_system", "summary")
    assert len(first) == 12
    assert changed.own_version("graph_system", "graph") == ""
    (tmp_path / "own" / "summary.txt").write_text("{{ passages }}!")
    assert Prompts.of(tmp_path / "own").own_version("summary_system", "summary") not in ("", first)


def test_the_last_line_of_an_example_is_what_was_answered():
    shown = list(examples.turns("One?\n1\n\nWhich\ntwo?\n2"))
    assert shown == [
        Message("user", "One?"),
        Message("assistant", "1"),
        Message("user", "Which\ntwo?"),
        Message("assistant", "2"),
    ]
    assert list(examples.turns("")) == []


def test_a_search_that_asks_no_model_loads_no_templates():
    code = "import sys, docindex.retrieval.compose, docindex.indices.summarising; print('jinja2' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
