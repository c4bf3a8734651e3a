"""What is installed is what is in the tree: all of docindex, and nothing else at the top of site-packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"docindex": "docindex", "cli": "docindex/cli", "loaders": "docindex/loaders", "stores": "docindex/stores"}
LINKS = ["cli", "loaders", "stores"]


def run(command: list[str | Path], cwd: Path, **variables: str) -> str:
    ran = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def copy_of_the_tree(folder: Path) -> Path:
    passed_over = shutil.ignore_patterns(
        ".*cache*", ".venv", ".git", "build", "dist", "*.egg-info", "__pycache__", ".hypothesis"
    )
    return shutil.copytree(ROOT, folder, symlinks=True, ignore=passed_over)


def build_wheel(source: Path, folder: Path) -> Path:
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir", "--disable-pip-version-check"]
    run([sys.executable, "-m", "pip", "wheel", *options, "-w", folder, source], cwd=folder.parent)
    (wheel,) = folder.glob("*.whl")
    return wheel


def files_to_install() -> set[str]:
    """Every file of the package folders, as it is called when installed."""
    return {
        "/".join([prefix, *path.relative_to(ROOT / folder).parts])
        for folder, prefix in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not (folder == "docindex" and in_a_link(path))
    }


def in_a_link(path: Path) -> bool:
    return path.relative_to(ROOT / "docindex").parts[0] in LINKS


def members(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return build_wheel(copy_of_the_tree(folder / "source"), folder / "out")


def test_the_wheel_holds_every_file(wheel: Path) -> None:
    assert members(wheel) == files_to_install()


def test_the_wheel_holds_what_is_not_code(wheel: Path) -> None:
    found = members(wheel)
    assert {"docindex/py.typed", "docindex/models/catalogue.toml", "docindex/prompts/system.txt"} <= found


def test_only_docindex_lands_in_site_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        top = {name.split("/")[0] for name in archive.namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"docindex"}


def test_the_wheel_carries_the_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        assert "Apache License" in archive.read(licence).decode()


def test_the_wheel_is_the_same_where_links_are_plain_files(wheel: Path, tmp_path: Path) -> None:
    """So git checks them out on systems without symbolic links."""
    source = copy_of_the_tree(tmp_path / "source")
    for name in LINKS:
        link = source / "docindex" / name
        link.unlink()
        link.write_text(f"../{name}", encoding="utf-8")
    assert members(build_wheel(source, tmp_path / "out")) == members(wheel)


@pytest.mark.parametrize(
    "module", ["docindex", "docindex.cli", "docindex.loaders", "docindex.stores", "docindex.testing"]
)
def test_an_installed_wheel_imports(module: str, wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    printed = run(
        [sys.executable, "-c", f"import {module} as m; print(m.__file__)"], tmp_path, PYTHONPATH=str(tmp_path)
    )
    assert Path(printed.strip()).is_relative_to(tmp_path)


def test_the_source_archive_can_be_built_and_tested_from(wheel: Path, tmp_path: Path) -> None:
    source = copy_of_the_tree(tmp_path / "source")
    code = f"import setuptools.build_meta as b; b.build_sdist({str(tmp_path)!r})"
    run([sys.executable, "-c", code], source)
    (archive,) = tmp_path.glob("*.tar.gz")
    (tmp_path / "unpacked").mkdir()
    run(["tar", "-xzf", archive, "-C", tmp_path / "unpacked"], tmp_path)
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    for name in [
        "LICENSE",
        "Makefile",
        "constraints/all.txt",
        "tests/test_packaging.py",
        "tools/setup_env.py",
        "cli/__init__.py",
    ]:
        assert (unpacked / name).is_file(), name
    assert not list(unpacked.rglob("__pycache__"))
    assert members(build_wheel(unpacked, tmp_path / "out")) == members(wheel)
