"""What the pages say about formats is so, and what they tell people to write works as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from docindex.loaders.registry import BUILT_IN
from docindex.schema import Limits

DOCS = Path(__file__).parents[1] / "docs"
FORMATS = (DOCS / "formats.md").read_text(encoding="utf-8")
EXTENDING = (DOCS / "extending.md").read_text(encoding="utf-8")
PROGRAM = [sys.executable, "-m", "docindex.cli"]


def block(page: str, language: str, number: int = 0) -> str:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[number]


def test_every_format_and_suffix_is_on_the_page():
    rows = [line for line in FORMATS.splitlines() if line.startswith("| ")]
    written = {suffix for row in rows for suffix in re.findall(r"`(\.[\w.]+)`", row)}
    assert {suffix for entry in BUILT_IN for suffix in entry.suffixes} - written == set()
    assert written - {suffix for entry in BUILT_IN for suffix in entry.suffixes} == set()
    first = {row.split("|")[1].strip() for row in rows}
    assert {entry.name for entry in BUILT_IN} - first == set()


def test_every_limit_is_on_the_page():
    named = set(re.findall(r"^\| `(\w+)` \|", FORMATS, re.MULTILINE))
    assert named == set(Limits.__slots__)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder on which the page's package is installed, as an installer leaves it."""
    site = tmp_path / "site"
    about = site / "my_package-1.0.dist-info"
    (site / "my_package").mkdir(parents=True)
    about.mkdir()
    (site / "my_package" / "__init__.py").touch()
    (site / "my_package" / "recipes.py").write_text(block(EXTENDING, "python"))
    points = tomllib.loads(block(EXTENDING, "toml"))["project"]["entry-points"]
    lines = [
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in of.items()) for group, of in points.items()
    ]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    return site


def test_an_installed_package_adds_its_format_to_the_program(site: Path, tmp_path: Path):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "soup.recipe").write_text("Leek soup\nIngredients:\nleeks\nSteps:\nSimmer for half an hour. [photo]\n")
    (docs / "broken.recipe").write_text("Only a title\n")

    def run(*arguments: str | Path, code: int = 0) -> dict[str, object]:
        done = subprocess.run(
            [*PROGRAM, *arguments, "-i", tmp_path / "index", "--json"],
            env=os.environ | {"PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (code, "")
        found: dict[str, object] = json.loads(done.stdout)
        return found

    report = run("ingest", docs, code=3)
    assert report["added"] == 1
    assert report["failed"] == [{"source": "broken.recipe", "reason": "is no recipe: it has a title only"}]
    assert report["skipped"] == [{"source": "soup.recipe/photo", "reason": "is a picture"}]
    shown = run("show", "soup.recipe")
    assert (shown["title"], shown["media_type"]) == ("Leek soup", "text/x-recipe")
    assert [heading["text"] for heading in shown["headings"]] == ["Ingredients", "Steps"]  # type: ignore[attr-defined]


def test_the_contract_suite_of_the_page_passes(site: Path, tmp_path: Path):
    folder = tmp_path / "tests"
    folder.mkdir()
    suite = "from my_package.recipes import RecipeLoader\n" + block(EXTENDING, "python", 1)
    (folder / "test_recipes.py").write_text(suite)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout)
