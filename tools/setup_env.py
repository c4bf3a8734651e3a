"""Makes `.venv` ready to work in: pinned packages, llama-cpp-python for this machine, docindex itself, the two models.

Runs under any Python from 3.11 with nothing installed. A second run sees from a stamp that nothing is left to do.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from llama_wheel import NAME as LLAMA
from llama_wheel import Recipe, cache_folder, exclusive, make_recipe, provide_wheel
from progress import SetupError, Step, run_logged
from requirements import read_pins
from system import install_package

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "docindex-setup.json"
LOG = ROOT / "build" / "setup.log"
PINS = ROOT / "constraints" / "all.txt"
BUILD_PINS = ROOT / "constraints" / "build.txt"
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the environment was made from; it is written last."""

    root: str = ""
    """Environments can't be moved: their scripts and the editable install hold paths."""
    packages: str = ""
    """A hash of the pins and of what pyproject.toml says about installing."""
    llama: str = ""
    """The key of the llama-cpp-python wheel."""
    cmake_args: str = ""
    models: str = ""
    """A hash of the model catalogue and of where models are kept."""
    model_paths: tuple[str, ...] = ()
    """Where the default models are."""

    @classmethod
    def read(cls) -> Stamp:
        """The stamp of the environment, or an empty one."""
        try:
            stamp = cls(**json.loads(STAMP.read_text(encoding="utf-8")))
            return replace(stamp, model_paths=tuple(stamp.model_paths))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self) -> None:
        """Puts it in place in one step."""
        draft = STAMP.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        draft.replace(STAMP)


def main(arguments: list[str] | None = None) -> int:
    """Sets up what is missing; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-models", action="store_true", help="leave the two default models out")
    options = parser.parse_args(arguments)
    try:
        check_python()
        set_up(with_models=not options.no_models)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: run the command again to go on.", file=sys.stderr)
        return 130
    return 0


def check_python() -> None:
    """Refuses a Python that is too old."""
    if sys.version_info < OLDEST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(
            f"This is Python {found}, and docindex needs 3.11 or newer: give one, `make PYTHON=python3.11`."
        )


def set_up(*, with_models: bool) -> None:
    """Brings the environment up to date, doing only what is left to do."""
    if up_to_date(Stamp.read(), with_models=with_models):
        return
    started = time.monotonic()
    with exclusive(ROOT / "build" / "setup.lock", waiting_for="another set-up of this folder"):
        found = Stamp.read()
        if up_to_date(found, with_models=with_models):
            return
        wanted = wanted_stamp(found, with_models=with_models)
        LOG.unlink(missing_ok=True)
        provide_packages(found, wanted)
        replace(wanted, models=found.models, model_paths=found.model_paths).write()
        if with_models:
            replace(wanted, model_paths=bring_models()).write()
    print(f"Ready in {time.monotonic() - started:.0f} s: `make help` lists what can be done.", flush=True)


def provide_packages(found: Stamp, wanted: Stamp) -> None:
    """Makes the environment and installs what the pins, the wheel or the project ask for anew."""
    if not (found.root == wanted.root and _works(PYTHON)):
        create_venv()
        found = Stamp()
    if found.packages != wanted.packages:
        install_packages()
    if found.llama != wanted.llama:
        install_llama(make_recipe(PINS, wanted.cmake_args))
    if found.packages != wanted.packages:
        install_docindex()


def up_to_date(found: Stamp, *, with_models: bool) -> bool:
    """Whether nothing is left to do."""
    if not PYTHON.exists() or replace(found, model_paths=()) != wanted_stamp(found, with_models=with_models):
        return False
    return not with_models or all(Path(path).exists() for path in found.model_paths)


def wanted_stamp(found: Stamp, *, with_models: bool) -> Stamp:
    """What the stamp of an environment that is up to date says.

    Arguments for CMake that were given once stay until others are given.
    """
    cmake_args = os.environ.get("CMAKE_ARGS", found.cmake_args)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shaping = [project["build-system"], project["project"], project["tool"]["setuptools"]]
    packages = hashlib.sha256(PINS.read_bytes() + json.dumps(shaping, sort_keys=True).encode())
    return Stamp(
        root=str(ROOT),
        packages=packages.hexdigest(),
        llama=make_recipe(PINS, cmake_args).key,
        cmake_args=cmake_args,
        models=models_key() if with_models else found.models,
    )


def models_key() -> str:
    """Changes with the model catalogue and with the folder that models are kept in."""
    catalogue = ROOT / "docindex" / "models" / "catalogue.toml"
    places = [os.environ.get(name, "") for name in ("DOCINDEX_MODELS", "XDG_CACHE_HOME", "HOME")]
    return hashlib.sha256(catalogue.read_bytes() + json.dumps(places).encode()).hexdigest()


def create_venv() -> None:
    """Creates the environment, in the place of one that no longer works."""
    if VENV.exists():
        if not (VENV / "pyvenv.cfg").exists():
            raise SetupError(f"{VENV} is in the way and is no virtual environment: move it away and try again.")
        shutil.rmtree(VENV)
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        install_package(package, "Python's module ensurepip is needed to make a virtual environment")
    version = ".".join(map(str, sys.version_info[:3]))
    with Step(f"Creating .venv with Python {version}"):
        run_logged([sys.executable, "-m", "venv", VENV], log=LOG)


def install_packages() -> None:
    """Installs every pinned package but llama-cpp-python, each file checked against its hash."""
    pins = read_pins(PINS)
    wanted = LOG.with_name("pins.txt")
    wanted.write_text("\n".join(pin for name, pin in pins.items() if name != LLAMA) + "\n", encoding="utf-8")
    seen = 0
    with Step("Installing the pinned packages") as step:

        def show(line: str) -> None:
            nonlocal seen
            if line.startswith("Collecting "):
                seen += 1
                step.detail = f"{seen} of about {len(pins) - 1}"
            elif line.startswith("Installing collected"):
                step.detail = "unpacking"

        _pip("install", "--require-hashes", "--no-deps", "-r", wanted, on_line=show)
    wanted.unlink()


def install_llama(recipe: Recipe) -> None:
    """Installs llama-cpp-python from the wheel that was compiled on this machine."""
    wheel = provide_wheel(recipe, build_pins=BUILD_PINS, cache=cache_folder())
    with Step(f"Installing {recipe.title}"):
        _pip("install", "--no-deps", "--no-index", "--force-reinstall", wheel)


def install_docindex() -> None:
    """Installs the working tree itself, editable."""
    with Step("Installing docindex from this folder"):
        _pip("install", "--no-deps", "--no-index", "--no-build-isolation", "-e", ROOT)
        _pip("check")


def bring_models() -> tuple[str, ...]:
    """Has docindex fetch and verify its default models, and returns their paths; progress goes to standard error."""
    names = "from docindex.config import DEFAULT_EMBEDDER, DEFAULT_LLM; print(DEFAULT_EMBEDDER, DEFAULT_LLM)"
    defaults = subprocess.run([PYTHON, "-c", names], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    title = "Bringing and verifying the default models"
    pull = [str(VENV / "bin" / "docindex"), "models", "pull", "--json", *defaults.stdout.split()]
    if sys.stderr.isatty():  # where docindex shows its own progress
        print(f"  {title}", flush=True)
    with nullcontext() if sys.stderr.isatty() else Step(title):
        pulled = subprocess.run(pull, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if pulled.returncode:
        raise SetupError("The default models could not be brought: put right what is named above and try again.")
    return tuple(model["path"] for model in json.loads(pulled.stdout)["models"])


def _works(python: Path) -> bool:
    test = f"import sys, pip; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    try:
        return subprocess.run([python, "-c", test], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _pip(*arguments: str | Path, on_line: Callable[[str], None] | None = None) -> None:
    run_logged([PYTHON, "-m", "pip", "--no-input", *arguments], log=LOG, on_line=on_line)


if __name__ == "__main__":
    sys.exit(main())
