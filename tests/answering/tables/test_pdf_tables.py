from __future__ import annotations

from pathlib import Path

import pytest
from fpdf import FPDF

from docindex.config import IngestOptions
from docindex.index import Index

TABLE = [(f"part {number}", "Ann" if number % 3 else "Bob", number, f"{number * 0.25:.2f}") for number in range(1, 41)]
"""40 parts: 13 of Bob, 820 pieces in all, the last of which costs 10.00."""


@pytest.fixture
def stock(tmp_path: Path) -> Path:
    """A page of words, then a table over two pages whose names are repeated."""
    pdf = FPDF(format=(150, 200))
    pdf.set_font("Helvetica", size=10)
    pdf.add_page(label_style="r")
    pdf.multi_cell(0, 6, "The stock is counted on the last day of the year.")
    pdf.add_page(label_style="D", label_start=1)
    with pdf.table() as table:
        for row in [("Part", "Maker", "Pieces", "Price"), *TABLE]:
            table.row([str(cell) for cell in row])
    path = tmp_path / "spare-parts.pdf"
    pdf.output(str(path))
    return path


def test_questions_to_a_table_of_a_pdf_get_exact_answers_with_their_rows(index: Index, stock: Path):
    report = index.ingest(stock, options=IngestOptions(wait="text"))
    assert (report.added, report.failed, report.skipped, report.pages_without_text) == (1, (), (), ())
    (stored,) = index.tables()
    assert [(column.name, column.type) for column in stored.table.columns] == [
        ("Part", "text"),
        ("Maker", "text"),
        ("Pieces", "integer"),
        ("Price", "number"),
    ]
    assert [row.cells for row in stored.table.rows] == [(*row[:3], float(row[3])) for row in TABLE]

    engine = index.engine("tables")
    assert "is 820," in engine.query("What is the total of pieces?").answer
    counted = index.engine("auto").query("How many parts are there from Bob?")
    assert counted.answer.startswith("13 ") or " 13 " in counted.answer
    assert counted.route == "tables"
    dearest = engine.query("Which part has the highest price?")
    assert "part 40" in dearest.answer
    (cited,) = dearest.citations
    assert (cited.row, cited.page, cited.page_label, cited.verified) == (41, 3, "2", True)
    assert cited.quote == "| part 40 | Ann | 40 | 10.00 |"
    document = index.document(cited.doc_id)
    assert document is not None
    assert document.text[cited.start : cited.end] == cited.quote
