"""A file that could not be opened is tried again when another password is given, though none of its bytes changed."""

from __future__ import annotations

import shutil
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from fpdf import FPDF

from docindex import Index, IngestOptions, IngestReport, LoadOptions

RIGHT = "nine lamps"
ATTACHMENT = "letter.eml/in.zip/vault.pdf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An encrypted file by itself, twice, in an archive beside one that is not encrypted, and in a letter."""
    folder = tmp_path / "files"
    folder.mkdir()
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.multi_cell(0, text="The vault holds nine lamps.")
    pdf.set_encryption(owner_password="owner", user_password=RIGHT)
    pdf.output(str(folder / "vault.pdf"))
    shutil.copy(folder / "vault.pdf", folder / "vault-copy.pdf")
    with zipfile.ZipFile(folder / "box.zip", "w") as archive:
        archive.write(folder / "vault.pdf", "vault.pdf")
        archive.writestr("plain.txt", "Everybody may read this.")
    letter = EmailMessage()
    letter["From"], letter["Subject"] = "ann@example.org", "The vault"
    letter.set_content("See what is attached.")
    letter.add_attachment((folder / "box.zip").read_bytes(), maintype="application", subtype="zip", filename="in.zip")
    (folder / "letter.eml").write_bytes(bytes(letter))
    return folder


def ingest(index: Index, source: Path, password: str | None) -> IngestReport:
    return index.ingest(source, options=IngestOptions(wait="text", load=LoadOptions(password=password)))


def failed(report: IngestReport) -> dict[str, str]:
    return {problem.source: problem.reason for problem in report.failed}


def ids(index: Index) -> set[str]:
    return {record.doc_id for record in index.documents()}


@pytest.mark.parametrize("first", [None, "wrong"])
def test_the_right_password_opens_what_another_one_did_not(index: Index, folder: Path, first: str | None):
    before = failed(ingest(index, folder, first))
    alone = before.keys() & {"vault.pdf", "vault-copy.pdf"}
    assert len(alone) == 1
    assert before.keys() - alone == {"box.zip/vault.pdf", ATTACHMENT}
    assert all("--password" in reason for reason in before.values())
    open_to_all = {"box.zip/plain.txt", "letter.eml", "letter.eml/in.zip/plain.txt"}
    assert ids(index) == open_to_all
    after = ingest(index, folder, RIGHT)
    assert failed(after) == {}
    assert ids(index) == open_to_all | alone | {"box.zip/vault.pdf", ATTACHMENT}
    assert after.added == 3


@pytest.mark.parametrize("later", [None, "wrong", RIGHT])
def test_what_was_opened_once_stays_whatever_the_password_is(index: Index, folder: Path, later: str | None):
    ingest(index, folder, RIGHT)
    held = ids(index)
    again = ingest(index, folder, later)
    assert (failed(again), again.added, again.updated, again.unchanged) == ({}, 0, 0, len(held))
    assert ids(index) == held


def test_the_other_file_of_the_same_bytes_is_opened_too(index: Index, folder: Path):
    ingest(index, folder, "wrong")
    for name in ("vault.pdf", "vault-copy.pdf"):
        assert failed(ingest(index, folder / name, RIGHT)) == {}
    assert len(ids(index) & {"vault.pdf", "vault-copy.pdf"}) == 1
    assert "nine lamps" in index.search("vault lamps", mode="lexical")[0].text
