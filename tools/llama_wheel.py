"""llama-cpp-python, compiled once a machine: its wheel is kept in the user's cache and shared by every checkout.

The build leaves out what docindex does not use (multimodal models, servers, command-line tools), which more than
halves its steps, and compiles for the processor at hand. `CMAKE_ARGS` is passed on, so that
`CMAKE_ARGS="-DGGML_CUDA=on" make setup` makes a build for NVIDIA cards beside the plain one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from progress import SetupError, Step, run_logged
from requirements import read_pins, version_of
from system import require_command

NAME = "llama-cpp-python"
LEAN = Path(__file__).resolve().with_name("llama-lean.cmake")
_STEP = re.compile(r"\[(\d+)/(\d+)\]")
_COMPILER_VARIABLES = ("CC", "CXX", "CFLAGS", "CXXFLAGS", "CUDACXX", "CUDA_PATH")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is built, and the name under which it is kept."""

    pin: str
    """The line of the constraints file, with the hash of the source archive."""
    cmake_args: str
    """The user's own, on top of the lean ones."""
    key: str
    """Changes with anything that changes the wheel."""

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{NAME} {version_of(self.pin)}"


def make_recipe(constraints: Path, cmake_args: str) -> Recipe:
    """The recipe for this machine and Python."""
    pin = read_pins(constraints)[NAME]
    parts = [
        pin,
        cmake_args,
        LEAN.read_text(encoding="utf-8"),
        platform.system(),
        platform.machine(),
        _libc(),
        cpu_flags(),
        sys.implementation.cache_tag or "",
        *(f"{name}={os.environ.get(name, '')}" for name in _COMPILER_VARIABLES),
    ]
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return Recipe(pin=pin, cmake_args=cmake_args, key=f"{version_of(pin)}-{key}")


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """What the processor can do, as far as the system says it; a wheel made for another one may crash."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return " ".join(sorted(value.split()))
    return platform.processor()


def cache_folder() -> Path:
    """Where this user's compiled wheels are."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "docindex" / "wheels"


def cached_wheel(recipe: Recipe, cache: Path) -> Path | None:
    """The wheel, if it was built before."""
    return next(iter(sorted((cache / recipe.key).glob("*.whl"))), None)


def provide_wheel(recipe: Recipe, *, build_pins: Path, cache: Path) -> Path:
    """The wheel from the cache, built first when it is not there.

    Of several processes that want the same wheel, one builds it and the others wait.
    """
    wheel = cached_wheel(recipe, cache)
    if wheel is not None:
        return wheel
    with exclusive(cache / f"{recipe.key}.lock", waiting_for=f"another process that builds {recipe.title}"):
        return cached_wheel(recipe, cache) or _build(recipe, build_pins, cache)


@contextmanager
def exclusive(lock: Path, *, waiting_for: str) -> Iterator[None]:
    """Holds the lock file; the system frees it when the process ends, however it ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            with Step(f"Waiting for {waiting_for}"):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(recipe: Recipe, build_pins: Path, cache: Path) -> Path:
    require_command("g++", environment="CXX", package="g++", purpose=f"to compile {recipe.title}")
    work = cache / f"{recipe.key}.build"
    log = cache / f"{recipe.key}.log"
    shutil.rmtree(work, ignore_errors=True)  # what a killed build left
    log.unlink(missing_ok=True)
    (work / "tmp").mkdir(parents=True)
    python = work / "venv" / "bin" / "python"
    env = {**os.environ, "TMPDIR": str(work / "tmp")}
    try:
        with Step(f"Fetching the source of {recipe.title} and its build tools"):
            run_logged([sys.executable, "-m", "venv", work / "venv"], log=log, env=env)
            pip = [str(python), "-m", "pip"]
            run_logged([*pip, "install", "--require-hashes", "--no-deps", "-r", build_pins], log=log, env=env)
            (work / "pin.txt").write_text(recipe.pin + "\n", encoding="utf-8")
            download = ["download", "--require-hashes", "--no-deps", "--no-build-isolation", "--no-binary", NAME]
            run_logged([*pip, *download, "-r", work / "pin.txt", "-d", work], log=log, env=env)
        env["SKBUILD_WHEEL_EXCLUDE"] = "/lib;/include"  # a second copy of the libraries, at the top of site-packages
        env["CMAKE_ARGS"] = f"{_lean_args()} {recipe.cmake_args}".strip()
        env["PATH"] = f"{python.parent}{os.pathsep}{env.get('PATH', os.defpath)}"
        with Step(f"Compiling {recipe.title}, once for this machine") as step:

            def show(line: str) -> None:
                match = _STEP.search(line)
                if match:
                    step.detail = f"{match[1]} of {match[2]}"

            source = _only(work, "*.tar.gz")
            build = ["wheel", "-v", "--no-deps", "--no-build-isolation", "--no-cache-dir", "--no-index"]
            run_logged([*pip, *build, "-w", work / "out", source], log=log, env=env, on_line=show)
        built = _only(work / "out", "*.whl")
        wheel = cache / recipe.key / built.name
        wheel.parent.mkdir(exist_ok=True)
        built.replace(wheel)
        return wheel
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):  # not the GNU library
        return platform.release()


def _lean_args() -> str:
    include = shlex.quote(f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={LEAN}")
    return f"-DLLAVA_BUILD=OFF {include}"


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise SetupError(f"{folder} holds {len(found)} files {pattern} where one was expected: run the command again.")
    return found[0]
