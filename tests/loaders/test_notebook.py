from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.notebook import NotebookLoader
from docindex.schema import Document, Source
from docindex.testing.loader_contract import LoaderContract

FRAME = """
<div><style scoped>td { color: red }</style><table border="1" class="dataframe">
<thead><tr><th></th><th>part</th><th colspan="2">size</th></tr>
<tr><th></th><th></th><th>mm</th><th>inch</th></tr></thead>
<tbody><tr><th>0</th><td>bolt</td><td>12</td><td>0.5</td></tr><tr><th>1</th><td>nut</td><td>8</td><td>NaN</td></tr>
</tbody></table><p>2 rows</p></div>"""


def _markdown(*lines: str) -> dict[str, object]:
    return {"cell_type": "markdown", "metadata": {}, "source": [f"{line}\n" for line in lines]}


def _code(source: str, *outputs: dict[str, object], number: int | None = 1) -> dict[str, object]:
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": number,
        "source": source,
        "outputs": list(outputs),
    }


def _result(number: int | None = None, **data: object) -> dict[str, object]:
    kind = {"output_type": "execute_result", "execution_count": number} if number else {"output_type": "display_data"}
    return {**kind, "metadata": {}, "data": {name.replace("_", "/"): value for name, value in data.items()}}


def _notebook(*cells: object, **metadata: object) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": cells})


GAUGE = _notebook(
    _markdown("# Wind gauge", "", "It stands on *the* roof. ![a gauge](data:image/png;base64,AAAA)"),
    _code("import numpy as np\nnp.mean([1, 3])", _result(1, text_plain="2.0"), number=1),
    _markdown("## Sizes", "", "| part | mm |", "|---|---|", "| `bolt` | 12 |", "", "Mind *them*."),
    _code("frame", _result(2, text_html=FRAME, text_plain=["  part\n", "0 bolt"]), number=2),
    _code("plot()", _result(image_png="AAAA", text_plain="<Figure size 640x480>"), number=3),
    kernelspec={"name": "python3", "language": "python"},
    authors=[{"name": "Ann"}],
)


class TestNotebookLoader(LoaderContract):
    media_type = "application/x-ipynb+json"
    suffix = ".ipynb"

    def loader(self) -> NotebookLoader:
        return NotebookLoader()

    def write(self, path: Path) -> None:
        path.write_text(GAUGE)


@pytest.fixture
def read(tmp_path: Path):
    def write_and_load(content: str | bytes) -> Document:
        path = tmp_path / "work.ipynb"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        (document,) = NotebookLoader().load(Source("work.ipynb", path, "application/x-ipynb+json"))
        return document

    return write_and_load


def test_cells_in_their_order(read):
    document = read(GAUGE)
    assert document.text == (
        "Wind gauge\n\n"
        "It stands on *the* roof. ![a gauge]()\n\n"
        "In [1]:\nimport numpy as np\nnp.mean([1, 3])\n\n"
        "Out [1]:\n2.0\n\n"
        "Sizes\n\n"
        "| part | mm |\n| --- | --- |\n| bolt | 12 |\n\n"
        "Mind *them*.\n\n"
        "In [2]:\nframe\n\n"
        "| column 1 | part | size mm | size inch |\n| --- | --- | --- | --- |\n"
        "| 0 | bolt | 12 | 0.5 |\n| 1 | nut | 8 | NaN |\n\n2 rows\n\n"
        "In [3]:\nplot()"
    )
    assert document.title == "Wind gauge"
    assert document.metadata == {"cells": 5, "author": "Ann", "language": "python"}
    assert [(heading.level, heading.text) for heading in document.headings] == [(1, "Wind gauge"), (2, "Sizes")]


def test_pages_say_which_cells_they_are(read):
    document = read(GAUGE)
    assert [(page.label, document.text[page.start :].partition("\n")[0]) for page in document.pages] == [
        ("cells 1-2", "Wind gauge"),
        ("cells 3-5", "Sizes"),
    ]
    assert document.pages_without_text == ()


def test_long_cells_are_pages_of_their_own_and_empty_ones_are_none(read):
    document = read(_notebook(_code("x = 1\n" * 100), _code("  "), _code("y"), _code("z"), {"cell_type": "raw"}))
    assert [page.label for page in document.pages] == ["cell 1", "cells 3-4"]


def test_tables_are_typed(read):
    sizes, frame = read(GAUGE).tables
    assert [(column.name, column.type) for column in sizes.columns] == [("part", "text"), ("mm", "integer")]
    assert [row.cells for row in sizes.rows] == [("bolt", 12)]
    assert [row.cells[1:3] for row in frame.rows] == [("bolt", 12), ("nut", 8)]


def test_results_of_other_kinds(read):
    trace = ["\x1b[0;31m----\x1b[0m", "\x1b[0;32m----> 1\x1b[0m 1 / 0\n      2 x", "ZeroDivisionError: division"]
    document = read(
        _notebook(
            _code(
                "run()",
                {"output_type": "stream", "name": "stdout", "text": ["10 %\r50 %\r", "done\r\n", "all\n"]},
                {"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division", "traceback": trace},
                _result(text_markdown="**bold**", text_plain="<IPython.Markdown>"),
                _result(text_html="<b>no table</b>", text_plain="plain"),
                {"output_type": "update_display_data"},
                number=None,
            )
        )
    )
    assert document.text == (
        "In [ ]:\nrun()\n\ndone\nall\n\nZeroDivisionError: division\n----> 1 1 / 0\n\n**bold**\n\nno table"
    )


def test_html_results_are_read_as_they_are_shown(read):
    shown = "<h3>Fit</h3><p>It <b>holds</b>.</p>" + FRAME + "<p>and more</p><p hidden>secret</p>"
    document = read(
        _notebook(
            _code("fit", _result(1, text_html=[shown], text_plain="<IPython.core.display.HTML object>")),
            _code("draw", _result(2, text_html="<script>draw()</script>", text_plain="a drawing")),
        )
    )
    first, second = document.text.split("In [1]:\ndraw\n\n")
    assert first.startswith("In [1]:\nfit\n\nFit\n\nIt holds.\n\n| column 1 | part")
    assert first.endswith("\n\n2 rows\n\nand more\n\n")
    assert second == "Out [2]:\na drawing"
    assert [(heading.level, document.text[heading.start :][:4]) for heading in document.headings] == [(3, "Fit\n")]
    (table,) = document.tables
    assert document.text[table.rows[1].start : table.rows[1].end] == "| 1 | nut | 8 | NaN |"
    assert document.hidden == 6


def test_hidden_text_of_markdown_cells_is_left_out(read):
    document = read(_notebook(_markdown("# Head", "", "seen <!-- secret -->")))
    assert (document.text, document.hidden) == ("Head\n\nseen", 6)


def test_the_third_version_is_upgraded(read):
    cells = [
        {"cell_type": "heading", "level": 2, "metadata": {}, "source": "Head"},
        {
            "cell_type": "code",
            "language": "python",
            "collapsed": False,
            "metadata": {},
            "input": "1 + 1",
            "prompt_number": 7,
            "outputs": [{"output_type": "pyout", "prompt_number": 7, "text": "2", "metadata": {}}],
        },
    ]
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": "Old"},
        "worksheets": [{"cells": cells, "metadata": {}}],
    }
    document = read(json.dumps(old))
    assert document.text == "Head\n\nIn [7]:\n1 + 1\n\nOut [7]:\n2"
    assert document.title == "work"


@pytest.mark.parametrize("version", [3, 4])
def test_integers_of_any_length_do_no_harm(read, version):
    cells = '[{"cell_type": "markdown", "metadata": {"id": %s}, "source": "The lamp."}]' % ("7" * 5000)
    held = cells if version == 4 else f'[{{"cells": {cells}}}]'
    name = "cells" if version == 4 else "worksheets"
    assert (
        read(f'{{"nbformat": {version}, "nbformat_minor": 0, "metadata": {{}}, "{name}": {held}}}').text == "The lamp."
    )


def test_a_title_in_the_metadata(read):
    assert read(_notebook(_markdown("# Head"), title="Said")).title == "Said"


def test_a_line_separator_in_a_string_is_a_line_end(read):
    assert read(_notebook(_code("a\u2028b")).replace("\\u2028", "\u2028")).text == "In [1]:\na\nb"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "3",
        "null",
        "{}",
        '"cells"',
        "no json",
        '{"nbformat": 4}',
        '{"nbformat": 4, "cells": {}}',
        '{"nbformat": "x"}',
        '{"nbformat": [], "worksheets": []}',
        '{"nbformat": 3, "worksheets": [1]}',
        '{"nbformat": 2}',
        '{"a":' * 100_000,
        '{"nbformat": 4, "cells": ' + "[" * 100_000,
    ],
)
def test_what_is_no_notebook(read, content):
    with pytest.raises(LoadError, match=r"work\.ipynb: is n(ot a notebook|ested too deeply)"):
        read(content)


@pytest.mark.parametrize("opening", ["> ", "* ", "[", "1. ", "<b>"])
def test_deep_nesting_in_a_cell_is_read_or_a_load_error(read, opening):
    with contextlib.suppress(LoadError):
        assert read(_notebook(_markdown(opening * 3000 + "x"))).text.endswith("x")


_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["code", "markdown", "stream", "error"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cell_type", "source", "outputs", "output_type", "data", "text", "text/html", "metadata"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_JSON, max_size=4), _JSON, st.sampled_from([1, 2, 3, 4]))
def test_any_content_is_read_or_a_load_error(read, cells, metadata, version):
    notebook = {
        "nbformat": version,
        "nbformat_minor": 0,
        "metadata": metadata,
        "cells": cells,
        "worksheets": [{"cells": cells, "metadata": {}}],
    }
    if version < 4:
        del notebook["cells"]
    try:
        document = read(json.dumps(notebook))
    except LoadError:
        return
    assert document.pages_without_text == ()
