"""The program as a process: pipes that close, terminals, signals."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "docindex"]


def start(*arguments: str | Path, env: dict[str, str] | None = None, **streams: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)], env=os.environ | (env or {}), preexec_fn=_hear_interrupts, **streams
    )


def _hear_interrupts() -> None:
    """Shells start background jobs, a test run among them, with SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def on_a_terminal(
    *arguments: str | Path,
    steps: Sequence[tuple[str, str | signal.Signals]] = (),
    env: dict[str, str] | None = None,
) -> tuple[int, str]:
    """The exit code and all that a terminal of 100 columns was sent.

    Each step is what to wait for, and what to type or which signal to send then.
    """
    ours, theirs = pty.openpty()
    settings = {"COLUMNS": "100", "TERM": "xterm-256color"} | (env or {})
    waiting = deque(steps)
    with start(*arguments, env=settings, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown, seen = b"", 0
        while True:
            try:
                block = os.read(ours, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
            if not block:
                break
            shown += block
            if waiting and waiting[0][0].encode() in shown[seen:]:
                action = waiting.popleft()[1]
                seen = len(shown)
                if isinstance(action, str):
                    os.write(ours, action.encode())
                else:
                    process.send_signal(action)
        os.close(ours)
    assert not waiting, shown.decode()
    return process.returncode, shown.decode()


def test_the_installed_command_is_this_program():
    script = Path(sys.executable).with_name("docindex")
    if not script.exists():
        pytest.skip("docindex is not installed beside the interpreter")
    shown = subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout
    assert shown == subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout


def test_help_needs_neither_rich_nor_anything_heavy():
    code = "import sys; from docindex.cli.app import build_app; build_app(rich=False); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"rich", "numpy", "lancedb", "sqlalchemy", "llama_cpp", "onnxruntime", "pyarrow", "lark", "pypdf"}
    assert set(loaded) & heavy == set()


def test_a_json_search_does_without_rich_and_without_loaders(built: Path):
    code = (
        "import sys; from docindex.cli.app import build_app\n"
        f"build_app(rich=False)(['search', 'bees', '-i', {str(built)!r}, '--json'], standalone_mode=False)\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["hits"]
    assert set(ran.stderr.split()) & {"rich", "llama_cpp", "pypdf", "pypdfium2", "selectolax", "lark"} == set()


def test_a_reader_that_goes_away_is_no_error(built: Path):
    process = start("ls", "-i", built, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


def test_ctrl_c_says_that_nothing_is_lost(tmp_path: Path):
    process = start(
        *("ingest", "-", "-i", tmp_path / "index"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(b"Words that will not be read to their end.\n")
    process.stdin.flush()
    limit = time.monotonic() + 60
    while unread(process.stdin.fileno()):  # once it has read this much, it waits for more
        assert time.monotonic() < limit
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    # Python ends by the signal itself when that came while a module was imported; shells call both 130.
    assert process.returncode in (130, -signal.SIGINT), err
    assert out == b""
    assert err.decode() == "Interrupted: what was committed is kept; run the same command again to resume.\n"


def unread(pipe: int) -> int:
    """How many bytes in a pipe nobody has taken yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_ctrl_c_while_passages_are_embedded_keeps_the_texts_and_embed_goes_on(run, tmp_path: Path):
    index, file = tmp_path / "index", tmp_path / "long.txt"
    file.write_text("\n\n".join(f"Paragraph {n} tells of bridge {n * 7}. " * 4 for n in range(70)))
    report = run("ingest", file, "-i", index, "--wait", "text", "--chunk-tokens", "48", "--json").json
    assert report["nodes"]["pending"] == report["nodes"]["added"] > 40
    code, shown = on_a_terminal("embed", "-i", index, steps=[("passages", signal.SIGINT)])
    assert code == 130, shown
    assert "Embedding" in shown
    assert "Interrupted: what was committed is kept" in shown
    before = run("status", "-i", index, "--json").json
    assert before["nodes"] == report["nodes"]["added"]
    after = run("embed", "-i", index)
    assert after.code == 0
    assert after.out.startswith(f"Passages: {before['nodes'] - before['embedded']:,} embedded\n")
    assert run("status", "-i", index, "--json").json["embedded"] == before["nodes"]


def test_a_terminal_gets_colours(built: Path):
    code, shown = on_a_terminal("search", "bees", "-i", built, "-k", "1")
    assert code == 0
    assert "\x1b[36mbees.txt\x1b[0m" in shown


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_an_error_on_a_terminal_is_red_unless_colours_are_not_wanted(variables: dict[str, str], *, coloured: bool):
    code, shown = on_a_terminal("models", "info", "gpt-17", env=variables)
    assert code == 1
    assert ("\x1b[31m" in shown) is coloured
    assert "Error: " in re.sub(r"\x1b\[\d+m", "", shown)


def test_progress_is_drawn_on_a_terminal(tmp_path: Path, docs: Path):
    code, shown = on_a_terminal("ingest", docs, "-i", tmp_path / "index")
    assert code == 0
    assert "Looking for changes" in shown
    assert "3 added" in shown


@pytest.mark.parametrize(
    ("command", "question"),
    [
        (("rm", "bees.txt"), "Delete 1 document from the index?"),
        (("rollback", "0"), "Undo the changes of"),
        (("purge",), "Erase "),
    ],
)
def test_what_can_not_be_taken_back_is_asked_for_on_a_terminal(
    run, copy: Path, command: tuple[str, ...], question: str
):
    before = run("tag", "-i", copy, "--json").json
    code, shown = on_a_terminal(*command, "-i", copy, steps=[("?", "n\n")])
    assert code == 0
    assert question in shown
    assert run("tag", "-i", copy, "--json").json == before
    assert len(run("ls", "-i", copy, "--json").json["documents"]) == 5


def test_help_on_a_terminal_shows_panels():
    code, shown = on_a_terminal("--help")
    assert code == 0
    assert "╭─" in shown
    assert "Examples" in shown


def test_a_chat_on_a_terminal_goes_on_after_ctrl_c_until_it_is_left(built: Path):
    question = "When does the ferry to Arran leave Ardrossan?\n"
    steps = [("› ", question), ("Searching", signal.SIGINT), ("Stopped.", "  \n/quit\n")]
    code, shown = on_a_terminal("chat", "-i", built, steps=steps)
    assert code == 0, shown
    assert "Ctrl-D ends" in shown


@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), (">&- 2>&-", 0), ("2>&-", 1)])
def test_closed_streams_end_no_command(built: Path, closed: str, code: int):
    name = "bees.txt" if code == 0 else "nothing"
    command = shlex.join([*PROGRAM, "show", name, "-i", str(built)])
    assert subprocess.run(["bash", "-c", f"{command} {closed}"], check=False, timeout=60).returncode == code
