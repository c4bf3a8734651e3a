"""The set-up's own parts; the whole of it is proved by every run of `make test` in a fresh clone."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ROOT / "tools"
PINS = ROOT / "constraints" / "all.txt"


@pytest.fixture
def llama_wheel(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return tool("llama_wheel", monkeypatch)


def tool(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return __import__(name)


def test_pins_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = tool("requirements", monkeypatch)
    file = tmp_path / "pins.txt"
    file.write_text(
        textwrap.dedent("""\
        # a comment
        Foo_Bar==1.0 ; python_version < '3.12' \\
            --hash=sha256:aa
        Foo_Bar==2.0 ; python_version >= '3.12' \\
            --hash=sha256:bb \\
            --hash=sha256:cc
        baz==3
        """)
    )
    pins = requirements.read_pins(file)
    assert list(pins) == ["foo-bar", "baz"]
    assert [line.strip(" \\") for line in pins["foo-bar"].splitlines()] == [
        "Foo_Bar==1.0 ; python_version < '3.12'",
        "--hash=sha256:aa",
        "Foo_Bar==2.0 ; python_version >= '3.12'",
        "--hash=sha256:bb",
        "--hash=sha256:cc",
    ]
    assert requirements.version_of(pins["baz"]) == "3"
    with pytest.raises(ValueError, match="pin it"):
        requirements.version_of("baz>=3")


def test_the_wheel_is_kept_for_this_recipe_and_machine_only(
    llama_wheel: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = llama_wheel.make_recipe(PINS, "")
    assert plain == llama_wheel.make_recipe(PINS, "")
    assert llama_wheel.make_recipe(PINS, "-DGGML_CUDA=on").key != plain.key
    with monkeypatch.context() as patched:
        patched.setenv("CXX", "another-compiler")
        assert llama_wheel.make_recipe(PINS, "").key != plain.key
    with monkeypatch.context() as patched:
        patched.setattr(llama_wheel, "cpu_flags", lambda: "sse2")
        assert llama_wheel.make_recipe(PINS, "").key != plain.key


def test_cpu_flags_do_not_depend_on_their_order(llama_wheel: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nflags\t\t: sse2 avx2\n\nprocessor\t: 1\nflags\t\t: other\n")
    assert llama_wheel.cpu_flags(file) == "avx2 sse2"
    file.write_text("Features\t: neon asimd\n")
    assert llama_wheel.cpu_flags(file) == "asimd neon"


def test_a_wheel_in_the_cache_is_not_built_again(llama_wheel: ModuleType, tmp_path: Path) -> None:
    recipe = llama_wheel.make_recipe(PINS, "")
    wheel = tmp_path / recipe.key / "llama.whl"
    wheel.parent.mkdir()
    wheel.touch()
    assert llama_wheel.provide_wheel(recipe, build_pins=tmp_path / "missing", cache=tmp_path) == wheel


def test_processes_take_turns(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        sys.path.insert(0, {str(TOOLS)!r})
        from llama_wheel import exclusive
        built = Path({str(tmp_path / "built")!r})
        with exclusive(Path({str(tmp_path / "lock")!r}), waiting_for="a build"):
            if not built.exists():
                time.sleep(1)
                built.touch()
                print("built")
    """)
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = sorted(process.communicate(timeout=60)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert printed[1] == "built\n"
    assert "built\n" not in printed[0].splitlines(keepends=True)
    assert "Waiting for a build" in printed[0]


def test_a_failed_command_shows_the_end_of_its_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress = tool("progress", monkeypatch)
    seen: list[str] = []
    script = "print(*range(100), sep='\\n'); print('the reason'); raise SystemExit(3)"
    with pytest.raises(progress.SetupError, match="the reason") as caught:
        progress.run_logged([sys.executable, "-c", script], log=tmp_path / "a.log", on_line=seen.append)
    assert "ended with 3" in str(caught.value)
    assert str(tmp_path / "a.log") in str(caught.value)
    assert "\n    50\n" not in str(caught.value)
    assert len(seen) == 101
    assert "\n50\n" in (tmp_path / "a.log").read_text()


def test_a_step_in_a_pipe_tells_its_progress_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = tool("progress", monkeypatch)
    out = io.StringIO()
    with progress.Step("Compiling", out=out, interval=0.01) as step:
        step.detail = "12 of 83"
        deadline = time.monotonic() + 30
        while "12 of 83" not in out.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    first, *between, last = out.getvalue().splitlines()
    assert first == "  Compiling ..."
    assert re.fullmatch(r"  Compiling \.\.\. 12 of 83, \d+ s", between[-1])
    assert last.startswith("  Compiling ... done in ")
    assert "\r" not in out.getvalue()


def test_a_missing_tool_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    system = tool("system", monkeypatch)
    progress = tool("progress", monkeypatch)
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(progress.SetupError, match=r"g\+\+ is needed to compile x: run `sudo apt-get install g\+\+`"):
        system.require_command("g++", environment="CXX", package="g++", purpose="to compile x")


def test_a_folder_in_the_way_is_left_alone(tmp_path: Path) -> None:
    copy = tmp_path / "project"
    for name in ["tools", "constraints"]:
        (copy / name).mkdir(parents=True)
        for file in (ROOT / name).glob("*.*"):
            (copy / name / file.name).write_bytes(file.read_bytes())
    (copy / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (copy / ".venv").mkdir()
    (copy / ".venv" / "precious").write_text("mine")
    command = [sys.executable, str(copy / "tools" / "setup_env.py"), "--no-models"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "is no virtual environment" in ran.stderr
    assert (copy / ".venv" / "precious").read_text() == "mine"


def test_the_stamp_follows_what_shapes_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    setup_env = tool("setup_env", monkeypatch)
    monkeypatch.delenv("CMAKE_ARGS", raising=False)
    nothing = setup_env.Stamp()
    wanted = setup_env.wanted_stamp(nothing, with_models=False)
    assert setup_env.wanted_stamp(wanted, with_models=False) == wanted
    with monkeypatch.context() as patched:
        patched.setenv("CMAKE_ARGS", "-DGGML_CUDA=on")
        cuda = setup_env.wanted_stamp(wanted, with_models=False)
    assert cuda.llama != wanted.llama
    assert setup_env.wanted_stamp(cuda, with_models=False) == cuda, "what was chosen once stays"
    changed = tmp_path / "all.txt"
    changed.write_text(PINS.read_text() + "another==1 --hash=sha256:aa\n")
    monkeypatch.setattr(setup_env, "PINS", changed)
    assert setup_env.wanted_stamp(nothing, with_models=False).packages != wanted.packages


def test_a_damaged_stamp_counts_as_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    setup_env = tool("setup_env", monkeypatch)
    stamp = tmp_path / "stamp.json"
    monkeypatch.setattr(setup_env, "STAMP", stamp)
    assert setup_env.Stamp.read() == setup_env.Stamp()
    stamp.write_text("{")
    assert setup_env.Stamp.read() == setup_env.Stamp()
    stamp.write_text(json.dumps({"from": "a later version"}))
    assert setup_env.Stamp.read() == setup_env.Stamp()
    written = setup_env.Stamp(root="x", packages="y")
    written.write()
    assert setup_env.Stamp.read() == written
