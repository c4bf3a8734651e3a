from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from docindex.cli.background import waiting_for_vectors
from docindex.config import DEFAULT_INDEX
from docindex.stores.commit import open_stores

REPORT = {
    "added",
    "updated",
    "unchanged",
    "deleted",
    "skipped",
    "failed",
    "pages_without_text",
    "hidden_text",
    "duplicates",
    "behind",
    "nodes",
    "seconds",
    "stages",
    "dry_run",
    "planned",
    "estimate",
}


def test_the_report_accounts_for_every_path(ingested):
    report = ingested[1].json
    assert set(report) == REPORT
    assert set(report["nodes"]) == {"added", "embedded", "reused", "deleted", "pending"}
    assert [stage["name"] for stage in report["stages"]] == ["plan", "text", "vectors"]
    assert all(set(stage) == {"name", "seconds", "cores"} for stage in report["stages"])
    assert (report["planned"], report["estimate"]) == ([], None)
    assert (report["added"], report["updated"], report["unchanged"], report["deleted"]) == (5, 0, 0, 0)
    assert {problem["source"] for problem in report["skipped"]} == {"empty.txt", "tool.bin"}
    assert all(set(problem) == {"source", "reason"} for problem in report["skipped"])
    assert report["pages_without_text"] == [{"source": "ferry.pdf", "pages": [2]}]
    assert report["nodes"]["added"] == report["nodes"]["embedded"] > 0


def test_json_is_all_there_is(ingested):
    ran = ingested[1]
    assert ran.out.count("\n") == 1
    assert ran.err == ""


def test_a_second_run_changes_nothing_and_people_read_it(run, docs: Path, tmp_path: Path):
    index = tmp_path / "index"
    first = run("ingest", docs, "-i", index)
    assert first.code == 0
    assert first.out.startswith("Documents: 3 added, 0 updated, 0 unchanged\nPassages: ")
    again = run("ingest", docs, "-i", index)
    assert again.out.startswith("Documents: 0 added, 0 updated, 3 unchanged\n")
    assert "Passages" not in again.out
    assert again.err == ""


def test_sync_mirrors_deletions_and_refuses_an_empty_folder(run, docs: Path, tmp_path: Path):
    index = tmp_path / "index"
    assert run("ingest", docs, "-i", index).code == 0
    (docs / "apple.txt").unlink()
    assert run("ingest", docs, "-i", index, "--sync", "--json").json["deleted"] == 1
    for path in [*docs.rglob("*.txt"), *docs.rglob("*.md")]:
        path.unlink()
    refused = run("ingest", docs, "-i", index, "--sync", "--json")
    assert (refused.code, refused.out) == (1, "")
    assert "--yes" in refused.err
    assert run("ingest", docs, "-i", index, "--sync", "--yes", "--json").json["deleted"] == 2


def test_include_and_exclude_may_be_repeated(run, docs: Path, tmp_path: Path):
    wanted = ("--include", "*.md", "--include", "*.txt", "--exclude", "sub/*")
    ran = run("ingest", docs, "-i", tmp_path / "index", *wanted, "--json")
    assert ran.json["added"] == 2
    assert [problem["source"] for problem in ran.json["skipped"]] == ["sub/engine.txt"]


def test_a_dry_run_says_what_and_why_and_leaves_no_trace(run, docs: Path, tmp_path: Path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    ran = run("ingest", docs, "-i", tmp_path / "index", "--dry-run", "--json")
    assert (ran.code, ran.json["added"], ran.json["dry_run"]) == (0, 3, True)
    assert {(planned["source"], planned["action"], planned["reason"]) for planned in ran.json["planned"]} == {
        (name, "add", "is new") for name in ("apple.txt", "sea.md", "sub/engine.txt")
    }
    assert set(ran.json["estimate"]) == {"nodes", "seconds", "sampled_bytes"}
    assert ran.json["estimate"]["nodes"] >= 3
    assert not (tmp_path / "index").exists()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_dry_run_on_an_index_tells_changes_by_their_reason(run, docs: Path, tmp_path: Path):
    index = tmp_path / "index"
    assert run("ingest", docs, "-i", index).code == 0
    (docs / "apple.txt").write_text("Apples are red.\n")
    (docs / "sea.md").unlink()
    (docs / "twin.txt").write_text((docs / "sub" / "engine.txt").read_text())
    before = run("tag", "-i", index, "--json").json
    lines = run("ingest", docs, "-i", index, "--dry-run", "--sync").out.splitlines()
    assert lines[0] == "Would be done: 0 added, 1 updated, 1 unchanged, 1 deleted"
    told = {tuple(line.split(maxsplit=2)) for line in lines[1:4]}
    assert {action for action, _, _ in told} == {"update", "delete", "link"}
    assert ("delete", "sea.md", "is gone") in told
    assert any(line.startswith("Estimate: about ") for line in lines)
    assert run("tag", "-i", index, "--json").json == before


def test_text_first_and_vectors_later(run, docs: Path, tmp_path: Path):
    index = tmp_path / "index"
    ran = run("ingest", docs, "-i", index, "--wait", "text")
    assert ran.code == 0
    assert "found by words only until `docindex embed` has run" in ran.out
    status = run("status", "-i", index, "--json").json
    assert (status["embedded"], status["nodes"] > 0) == (0, True)
    assert {document["state"] for document in run("ls", "-i", index, "--json").json["documents"]} == {"text"}
    assert "apple.txt" in run("search", "orchard", "-i", index).out
    embedded = run("embed", "-i", index, "--json")
    assert (embedded.code, embedded.err) == (0, "")
    assert set(embedded.json) == REPORT
    assert embedded.json["nodes"]["embedded"] == status["nodes"]
    assert embedded.json["nodes"]["pending"] == 0
    again = run("embed", "-i", index)
    assert again.out.startswith("Passages: 0 embedded\n")
    assert "Documents" not in again.out
    assert {document["state"] for document in run("ls", "-i", index, "--json").json["documents"]} == {"ready"}


def test_the_same_file_twice_is_named_and_a_hit_names_both(run, docs: Path, tmp_path: Path):
    (docs / "again.txt").write_text((docs / "apple.txt").read_text())
    ran = run("ingest", docs, "-i", tmp_path / "index")
    assert "Same: apple.txt holds the same bytes as again.txt\n" in ran.out
    hit = run("search", "orchard", "-i", tmp_path / "index", "--json").json["hits"][0]
    assert {hit["source"], *hit["also"]} == {"apple.txt", "again.txt"}


def test_hidden_characters_are_counted(run, tmp_path: Path):
    (tmp_path / "page.html").write_text("<p>Seen.</p><p style='display:none'>Not seen.</p>")
    ran = run("ingest", tmp_path / "page.html", "-i", tmp_path / "index")
    assert "Hidden: page.html, " in ran.out
    assert "that no reader would see are left out\n" in ran.out


def test_an_ignore_file_keeps_files_out_with_its_reason(run, docs: Path, tmp_path: Path):
    (docs / ".docindexignore").write_text("*.md\n")
    ran = run("ingest", docs, "-i", tmp_path / "index", "--json")
    assert ran.json["added"] == 2
    (skipped,) = ran.json["skipped"]
    assert skipped["source"] == "sea.md"
    assert ".docindexignore line 1" in skipped["reason"]


def test_rows_of_a_database_are_documents(run, tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database, database:
        database.execute("CREATE TABLE parts (id TEXT, name TEXT, notes TEXT)")
        database.execute("INSERT INTO parts VALUES ('p1', 'Valve', 'Opens at 3 bar.'), ('p2', 'Pump', 'Hums softly.')")
    url, rows = f"sqlite:///{tmp_path / 'shop.db'}", "SELECT id, name, notes FROM parts"
    ran = run("ingest", url, "--sql", rows, "--id-field", "id", "-i", tmp_path / "index", "--json")
    assert (ran.code, ran.json["added"], ran.json["failed"]) == (0, 2, [])
    hit = run("search", "what hums?", "-i", tmp_path / "index", "-k", "1", "--json").json["hits"][0]
    assert hit["doc_id"] == "p2"
    without = run("ingest", url, "-i", tmp_path / "index")
    assert without.code == 1
    assert "--sql" in without.out


@pytest.fixture
def page() -> Iterator[str]:
    """The address of a page on this machine."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/page" else 404)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>Kiln</title><p>The kiln is fired at 1,200 degrees.</p>")

        def log_message(self, *arguments: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/page"
        server.shutdown()
        thread.join()


def test_private_addresses_are_refused_until_they_are_allowed(run, page: str, tmp_path: Path):
    refused = run("ingest", page, "-i", tmp_path / "index")
    assert refused.code == 1
    assert "--allow-private" in refused.out
    allowed = run("ingest", page, "--allow-private", "-i", tmp_path / "index", "--json")
    assert (allowed.code, allowed.json["added"]) == (0, 1)
    hit = run("search", "how hot is the kiln?", "-i", tmp_path / "index", "-k", "1", "--json").json["hits"][0]
    assert (hit["source"], hit["title"]) == (page, "Kiln")


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_ocr_reads_pages_without_text(run, tmp_path: Path):
    image = Image.new("RGB", (1000, 300), "white")
    ImageDraw.Draw(image).text((60, 60), "The harvest was late", fill="black", font=ImageFont.load_default(60))
    pdf = FPDF()
    pdf.add_page()
    pdf.image(image, 10, 10, 180)
    pdf.output(str(tmp_path / "scan.pdf"))
    without = run("ingest", tmp_path / "scan.pdf", "-i", tmp_path / "index", "--json")
    assert without.json["pages_without_text"] == [{"source": "scan.pdf", "pages": [1]}]
    read = run("ingest", tmp_path / "scan.pdf", "--ocr", "-i", tmp_path / "index", "--json")
    assert (read.code, read.json["pages_without_text"]) == (0, [])
    assert "harvest" in run("show", "scan.pdf", "-i", tmp_path / "index").out


# --- two writers ----------------------------------------------------------------------------------------------------


def test_a_second_writer_is_told_who_the_first_is(run, copy: Path, docs: Path):
    stores = open_stores(copy)
    with stores.writer():
        for command in (("ingest", docs), ("embed",), ("rm", "bees.txt"), ("tag", "x"), ("purge",)):
            ran = run(*command, "-i", copy)
            assert (ran.code, ran.out) == (1, "")
            assert f"process {os.getpid()} on " in ran.err
            assert ran.err.count("\n") == 1
        waited = run("ingest", docs, "-i", copy, "--lease-wait", "0.2")
        assert (waited.code, f"process {os.getpid()}" in waited.err) == (1, True)
        assert run("search", "bees", "-i", copy, "-k", "1", "--json").json["hits"][0]["doc_id"] == "bees.txt"
    stores.close()
    assert run("ingest", docs, "-i", copy, "--json").json["added"] == 3


def test_lease_wait_waits_for_the_first_writer(run, copy: Path, docs: Path):
    stores = open_stores(copy)
    free = threading.Event()

    def hold() -> None:
        with stores.writer():
            held.set()
            free.wait(60)

    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(60)
    threading.Timer(2.0, free.set).start()
    ran = run("ingest", docs, "-i", copy, "--lease-wait", "60", "--json")
    assert free.is_set()
    holder.join()
    stores.close()
    assert (ran.code, ran.json["added"]) == (0, 3)


@pytest.mark.parametrize("option", [("--wait", "none"), ("--watch",)])
def test_standard_input_can_not_be_left_to_later(run, tmp_path: Path, option: tuple[str, ...]):
    ran = run("ingest", "-", *option, "-i", tmp_path / "index", stdin="words")
    assert (ran.code, ran.out) == (2, "")
    assert "Standard input" in ran.err
    assert not (tmp_path / "index").exists()


def test_the_arguments_of_the_background_end_before_the_names_of_files():
    assert waiting_for_vectors(["ingest", "docs", "--wait", "none"]) == [
        *("ingest", "docs", "--wait", "none", "--wait", "vectors")
    ]
    assert waiting_for_vectors(["ingest", "--wait=none", "--", "-x"]) == [
        *("ingest", "--wait=none", "--wait", "vectors", "--", "-x")
    ]


def test_some_failures_exit_3_and_only_failures_exit_1(run, docs: Path, tmp_path: Path):
    partly = run("ingest", docs, tmp_path / "nowhere", "-i", tmp_path / "index")
    assert partly.code == 3
    assert "Failed: " in partly.out
    assert "nowhere: no such file or folder" in partly.out
    assert run("ingest", tmp_path / "nowhere", "-i", tmp_path / "index").code == 1


def test_standard_input_is_a_source(run, tmp_path: Path):
    index = tmp_path / "index"
    ran = run("ingest", "-", "-i", index, "--json", stdin="Peat is cut in spring and dried in the wind.\n")
    assert (ran.code, ran.json["added"]) == (0, 1)
    assert run("search", "when is peat cut?", "-i", index, "--json").json["hits"][0]["text"].startswith("Peat is cut")


def test_what_an_index_is_built_with_stays(run, docs: Path, tmp_path: Path):
    index = tmp_path / "index"
    assert run("ingest", docs, "-i", index, "--chunk-tokens", "32").code == 0
    assert run("ingest", docs, "-i", index, "--chunk-tokens", "32", "--embedder", "all-minilm-l6-v2").code == 0
    refused = run("ingest", docs, "-i", index, "--chunk-tokens", "64")
    assert refused.code == 2
    assert "--chunk-tokens 32" in refused.err
    assert run("ingest", docs, "-i", index, "--embedder", "another").code == 2


def test_an_impossible_chunk_size_is_a_usage_error_and_makes_no_index(run, docs: Path, tmp_path: Path):
    ran = run("ingest", docs, "-i", tmp_path / "index", "--chunk-tokens", "3")
    assert ran.code == 2
    assert "chunk_tokens is 3" in ran.err
    assert not (tmp_path / "index").exists()


def test_the_password_comes_from_one_place(run, docs: Path, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("sesame\n")
    both = run("ingest", docs, "-i", tmp_path / "index", "--password", "x", "--password-file", secret)
    assert both.code == 2
    missing = run("ingest", docs, "-i", tmp_path / "index", "--password-file", tmp_path / "none")
    assert missing.code == 2
    assert str(tmp_path / "none") in missing.err


def test_a_password_file_opens_an_encrypted_pdf(run, tmp_path: Path):
    pdf = FPDF()
    pdf.set_encryption(owner_password="owner", user_password="sesame")
    pdf.set_font("helvetica", size=12)
    pdf.add_page()
    pdf.multi_cell(0, text="The vault is under the clock tower.")
    pdf.output(str(tmp_path / "vault.pdf"))
    (tmp_path / "secret").write_text("sesame\n")
    locked = run("ingest", tmp_path / "vault.pdf", "-i", tmp_path / "index")
    assert locked.code == 1
    assert "password" in locked.out
    opened = run("ingest", tmp_path / "vault.pdf", "-i", tmp_path / "index", "--password-file", tmp_path / "secret")
    assert opened.code == 0, opened.out


def test_the_environment_names_the_index(run, docs: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = {"DOCINDEX_INDEX": str(tmp_path / "named")}
    assert run("ingest", docs, variables=named).code == 0
    assert (tmp_path / "named" / "docindex.json").exists()
    assert not DEFAULT_INDEX.exists()
    assert run("ingest", docs / "apple.txt").code == 0
    assert (DEFAULT_INDEX / "docindex.json").exists()
