"""The whole job, from an empty folder to a cited answer, in a process that may not touch the network."""

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, sys

def no_network(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        raise AssertionError(f"{event}{args}")

sys.addaudithook(no_network)

from docindex.cli import main
main()
"""


def run(*arguments: str, cwd: Path) -> dict[str, object]:
    environment = os.environ | {"DOCINDEX_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments, "--json"],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ingest_search_and_answer_need_no_network(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pump.txt").write_text("The pump runs for 40 minutes every night. It was built in Leeds.\n")
    assert run("ingest", "docs", cwd=tmp_path)["added"] == 1
    hits = run("search", "where was the pump built", cwd=tmp_path)["hits"]
    assert isinstance(hits, list)
    assert hits[0]["source"] == "pump.txt"
    answer = run("query", "How long does the pump run every night?", cwd=tmp_path)
    assert "40 minutes" in str(answer["answer"])
    assert answer["citations"]


def test_the_guard_of_this_test_works():
    probe = SCRIPT.split("from docindex")[0] + "import socket; socket.create_connection(('127.0.0.1', 9))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert "AssertionError: socket." in done.stderr
