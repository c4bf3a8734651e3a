"""A file is replaced by a whole one, or stays as it was."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from docindex.whole_files import write_whole, written_whole


def test_a_new_file_leaves_nothing_else_in_its_folder(tmp_path: Path) -> None:
    write_whole(tmp_path / "run.json", "Änderung\n")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"run.json": "Änderung\n".encode()}


def test_the_file_stays_when_the_writing_fails(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text("before")
    with pytest.raises(TypeError), written_whole(file) as out:
        out.writelines([b"half", None])  # type: ignore[list-item]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"run.json": "before"}


def test_until_the_end_readers_find_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text("before")
    with written_whole(file) as out:
        out.write(b"after")
        out.flush()
        assert file.read_text() == "before"
    assert file.read_text() == "after"


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "latest.json"
    link.symlink_to(tmp_path / "elsewhere" / "run.json")
    write_whole(link, "after")
    assert link.is_symlink()
    assert (tmp_path / "elsewhere" / "run.json").read_text() == "after"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()), daemon=True)
    reader.start()
    write_whole(pipe, "after")
    reader.join(10)
    assert got == ["after"]
    assert pipe.is_fifo()
