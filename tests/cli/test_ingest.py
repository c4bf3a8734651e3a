from __future__ import annotations

from pathlib import Path

from docindex.config import DEFAULT_INDEX

REPORT = {
    "added",
    "updated",
    "unchanged",
    "deleted",
    "skipped",
    "failed",
    "pages_without_text",
    "nodes",
    "seconds",
    "dry_run",
}


def test_the_report_accounts_for_every_path(ingested):
    report = ingested[1].json
    assert set(report) == REPORT
    assert set(report["nodes"]) == {"added", "embedded", "reused", "deleted"}
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


def test_a_dry_run_leaves_no_trace(run, docs: Path, tmp_path: Path):
    ran = run("ingest", docs, "-i", tmp_path / "index", "--dry-run", "--json")
    assert (ran.code, ran.json["added"], ran.json["dry_run"]) == (0, 3, True)
    assert not (tmp_path / "index").exists()


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
    from fpdf import FPDF

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
