"""How llama.cpp's threads wait is set before it is loaded, and only where it can be bounded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from docindex.llm import openmp
from docindex.llm.openmp import TURNS, set_how_threads_wait

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def waiting(monkeypatch: pytest.MonkeyPatch, **given: str) -> dict[str, str | None]:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    set_how_threads_wait()
    return {name: os.environ.get(name) for name in NAMES}


def built(monkeypatch: pytest.MonkeyPatch, package: Path, library: bytes) -> None:
    (package / "lib").mkdir(parents=True)
    (package / "lib" / "libggml-cpu.so").write_bytes(library)
    spec = type("Spec", (), {"origin": str(package / "__init__.py")})
    monkeypatch.setattr(openmp.importlib.util, "find_spec", lambda _: spec)


def test_they_spin_for_a_bounded_number_of_turns_where_gcc_made_the_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built(monkeypatch, tmp_path, b"\0libgomp.so.1\0")
    assert waiting(monkeypatch) == {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": str(TURNS)}


def test_they_never_spin_where_turns_cannot_be_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built(monkeypatch, tmp_path, b"\0libomp.so.5\0")
    assert waiting(monkeypatch) == {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": None}
    monkeypatch.setattr(openmp.importlib.util, "find_spec", lambda _: None)
    assert waiting(monkeypatch)["OMP_WAIT_POLICY"] == "passive"


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    built(monkeypatch, tmp_path, b"libgomp")
    assert waiting(monkeypatch, OMP_WAIT_POLICY="passive", GOMP_SPINCOUNT="0") == {
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
    }


def test_the_library_of_this_environment_is_known_by_its_needs() -> None:
    """docindex's own build is made with GCC: were it not seen, answers would be written at a third of the speed."""
    assert openmp._made_with_gcc()
