from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from docutils.parsers.rst import roles
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docindex.loaders.rst import RstLoader
from docindex.schema import Document, Source
from docindex.testing.loader_contract import LoaderContract

MANUAL = """\
.. The file of the manual.

==========
Wind gauge
==========

:Author: Ann Lee
:Version: 1.2
:Date: $Date: 2024-05-01 $
:Abstract: {long}

.. |model| replace:: WG-9

It stands on *the* ``roof``, see :py:class:`~gauge.Vane`, :ref:`the parts <parts>` and `its site <http://a.b>`_ [#f]_.
The |model| reads :math:`v^2`.

.. note:: Oil *it*
   daily.

   And wipe it.

Parts
=====

- the vane

  - of tin
  - of steel
- the bolts

3. Loosen.
#. Lift.

vane : part
   Turns.

:Weight: 3 kg

-o FILE, --out=FILE  Writes a file.

Sizes
-----

.. csv-table:: Sizes of parts
   :header: part, mm

   bolt, 12
   nut, 8

.. code-block:: python
   :emphasize-lines: 1
   :caption: Reading

   def read():
       return 1

Use::

    gauge --help

.. [#f] A footnote.
""".replace("{long}", "word " * 300)


class TestRstLoader(LoaderContract):
    media_type = "text/x-rst"
    suffix = ".rst"

    def loader(self) -> RstLoader:
        return RstLoader()

    def write(self, path: Path) -> None:
        path.write_text(MANUAL)


@pytest.fixture
def read(tmp_path: Path):
    def write_and_load(text: str) -> Document:
        path = tmp_path / "page.rst"
        path.write_bytes(text.encode("utf-8", "replace"))
        (document,) = RstLoader().load(Source("page.rst", path, "text/x-rst"))
        return document

    return write_and_load


def test_the_text_without_its_markup(read):
    assert read(MANUAL).text == (
        "Wind gauge\n\n"
        f"Abstract: {('word ' * 300).strip()}\n\n"
        "It stands on the roof, see gauge.Vane, the parts and its site [f].\nThe WG-9 reads v^2.\n\n"
        "Note: Oil it daily.\n\nAnd wipe it.\n\n"
        "Parts\n\n"
        "- the vane\n  - of tin\n  - of steel\n- the bolts\n3. Loosen.\n4. Lift.\n\n"
        "vane : part\nTurns.\n\n"
        "Weight: 3 kg\n\n"
        "-o FILE, --out=FILE: Writes a file.\n\n"
        "Sizes\n\n"
        "Sizes of parts\n\n| part | mm |\n| --- | --- |\n| bolt | 12 |\n| nut | 8 |\n\n"
        "Reading\n\ndef read():\n    return 1\n\n"
        "Use:\n\ngauge --help\n\n"
        "[f] A footnote."
    )


def test_what_the_file_says_about_itself(read):
    document = read(MANUAL)
    assert document.title == "Wind gauge"
    assert document.metadata == {"author": "Ann Lee", "version": "1.2", "date": datetime(2024, 5, 1, tzinfo=UTC)}
    assert [(heading.level, heading.text) for heading in document.headings] == [
        (1, "Wind gauge"),
        (2, "Parts"),
        (3, "Sizes"),
    ]
    for heading in document.headings:
        assert document.text.startswith(f"{heading.text}\n", heading.start)


def test_a_meta_directive_and_titles(read):
    document = read(".. meta::\n   :keywords: wind, tin\n   :description: On gauges\n\n.. title:: Said\n\nHead\n====\n")
    assert document.metadata == {"keywords": ("wind", "tin"), "description": "On gauges"}
    assert document.title == "Said"
    assert read("Just words.\n").title == "page"


def test_a_proposal_with_headers(read):
    document = read("PEP: 8\nTitle: Style\nAuthor: G <g@x.org>\nCreated: 2001-07-05\n\nIntroduction\n====\n\nText.\n")
    assert document.title == "Style"
    assert document.metadata["created"] == datetime(2001, 7, 5, tzinfo=UTC)
    assert document.text == "Introduction\n\nText."


TABLES = {
    "grid": """\
+-------+------+------+
| part  | size        |
|       +------+------+
|       | mm   | inch |
+=======+======+======+
| bolt  | 12   | 0.5  |
+-------+------+      |
| nut   | 8    |      |
+-------+------+------+
""",
    "simple": """\
====  ==  ====
part  mm  inch
====  ==  ====
bolt  12  0.5
nut   8   0.5
====  ==  ====
""",
    "list": """\
.. list-table::
   :header-rows: 1

   * - part
     - mm
     - inch
   * - bolt
     - 12
     - 0.5
   * - nut
     - 8
     - 0.5
""",
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_are_typed(read, kind):
    document = read(f"Before.\n\n{TABLES[kind]}\nAfter.\n")
    (table,) = document.tables
    assert [column.type for column in table.columns] == ["text", "integer", "number"]
    assert [row.cells for row in table.rows] == [("bolt", 12, 0.5), ("nut", 8, 0.5)]
    assert document.text[table.rows[1].start : table.rows[1].end] == "| nut | 8 | 0.5 |"
    assert table.columns[0].name.startswith("part")


@pytest.mark.parametrize(
    ("directive", "text"),
    [
        (".. py:function:: read(path, *more)\n   :module: gauge\n\n   Reads *it*.\n", "read(path, *more)\n\nReads it."),
        (".. versionadded:: 3.2 The *vane*.\n", "Added in version 3.2: The vane."),
        (".. deprecated:: 3.2\n\n   Use tin.\n", "Deprecated since version 3.2\n\nUse tin."),
        (".. toctree::\n   :caption: All\n\n   intro\n   The end <end>\n", "All\n\nintro\nThe end"),
        (".. only:: html\n\n   Seen.\n", "Seen."),
        (".. admonition:: Look\n\n   There.\n", "Look: There."),
        (".. my-own:: a b\n   :opt: value\n\n   - x\n", "a b\n\n- x"),
        (".. my-own::\n\n   Section\n   -------\n\n   words\n", "Section\n-------\n\nwords"),
        (".. figure:: x.png\n   :alt: a vane\n   :figwidth: image\n\n   Its caption.\n", "a vane\n\nIts caption."),
        (".. math::\n\n   a &= b \\\\\n", "a &= b \\\\"),
        (".. note::\n   Directly.\n", "Note: Directly."),
        (".. csv-table::\n   :no-such: option\n\n   a, b\n", "a, b"),
        (".. parsed-literal::\n\n   go *there*\n     now\n", "go there\n  now"),
        (":rfc:`2822`, :kbd:`Ctrl`, :my:role:`x y`, `default`", "RFC 2822, Ctrl, x y, default"),
        (".. |gone| date::\n\nToday |gone| and |never|.", "Today gone and never."),
    ],
)
def test_no_directive_or_role_loses_its_text(read, directive, text):
    assert read(directive).text == text


@pytest.mark.parametrize(
    "directive",
    [
        ".. include:: {path}\n",
        ".. include:: {path}\n   :literal:\n",
        ".. literalinclude:: {path}\n",
        ".. raw:: html\n   :file: {path}\n",
        ".. raw:: html\n\n   <script>secret()</script>\n",
        ".. csv-table::\n   :file: {path}\n",
        ".. csv-table::\n   :url: file://{path}\n",
        ".. secret comment\n",
        ".. code-block:: python\n   :file: {path}\n",
    ],
)
def test_nothing_comes_from_elsewhere(read, tmp_path, directive):
    path = tmp_path / "other.txt"
    path.write_text("secret,1\n")
    text = read(f"Before.\n\n{directive.format(path=path)}\nAfter.\n").text
    assert "secret" not in text
    assert text.startswith("Before.")
    assert text.endswith("After.")


def test_no_file_changes_how_the_next_one_is_read(read):
    before = dict(roles._roles)
    text = ".. role:: mine(code)\n.. default-role:: mine\n\n:mine:`a` `b`\n"
    assert read(text).text == "a b"
    assert read(":mine:`a` `b`\n").text == "a b"
    assert dict(roles._roles) == before


def test_substitutions_that_would_grow_without_end(read):
    bomb = "".join(f".. |a{n}| replace:: |a{n + 1}| |a{n + 1}|\n" for n in range(100))
    assert read(f"{bomb}\n|a0| {'|a1| ' * 500}\n").text.startswith("a1 a1 a2 a2")


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"{'  ' * depth}- a\n" for depth in range(300)),
        "\n\n".join(f"{' ' * depth}a" for depth in range(300)),
        "".join(f"{'   ' * depth}.. note::\n\n" for depth in range(200)) + "   " * 200 + "a",
        "http://a.b/c " * 2000,
        "a " * 50_000,
    ],
    ids=["lists", "quotes", "directives", "links", "line"],
)
def test_what_docutils_can_not_parse_is_plain_text(read, text):
    started = time.process_time()
    assert read(text).text.strip() == "\n".join(text.rstrip().split("\n"))
    assert time.process_time() - started < 5


@pytest.mark.parametrize("piece", ["*a ", "`a ", "|a ", "[a ", "a_ ", "=-", ":", ":a:`b` ", "- a\n", "+--+\n|\n"])
def test_repetition_takes_no_time(read, piece):
    started = time.process_time()
    read(piece * 1500)
    assert time.process_time() - started < 5


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 1200), st.sampled_from(["*", "`", "::", "\n", "   ", "|", "==="])), max_size=8)
)
def test_damage_loses_no_words(read, changes):
    text = MANUAL.replace("word " * 300, "words")
    for at, put in changes:
        text = text[:at] + put + text[at:]
    document = read(text)
    for word in ("roof", "vane", "steel"):
        assert word in document.text or word not in text


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("ab *`|_:.-=+#\n\t[]<>\\"), max_size=80))
def test_any_text_is_read(read, text):
    read(text)
