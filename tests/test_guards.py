"""Rules of the house that no single module's tests can hold."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGE_FOLDERS = {
    "docindex": "docindex",
    "cli": "docindex.cli",
    "loaders": "docindex.loaders",
    "stores": "docindex.stores",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HEAVY = ["lancedb", "llama_cpp", "onnx", "onnxruntime", "pyarrow", "pypdf", "pypdfium2", "sqlalchemy", "tokenizers"]
LONGEST_MODULE = 600
LARGEST_FILE = 2_000_000


def package_modules() -> list[Path]:
    return sorted(
        path
        for folder in PACKAGE_FOLDERS
        for path in (ROOT / folder).rglob("*.py")
        if not any(parent.is_symlink() for parent in path.parents if parent != ROOT)
    )


def repository_files() -> list[Path]:
    """What is, or would be, committed."""
    git = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(git, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in package_modules():
        yield path, ast.parse(path.read_text(encoding="utf-8"))


# --- importing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "absent"),
    [("docindex", [*HEAVY, "rich", "typer"]), ("docindex.cli", HEAVY), ("docindex.loaders", HEAVY)],
)
def test_importing_loads_nothing_heavy(module: str, absent: list[str]) -> None:
    code = f"import sys, {module}; print(*sorted(set({absent!r}) & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == []


def test_the_public_names_are_all_there_and_listed() -> None:
    docindex = importlib.import_module("docindex")
    errors = importlib.import_module("docindex.errors")
    listed = docindex.__all__
    assert [name for name in listed if getattr(docindex, name, None) is None] == []
    assert len(set(listed)) == len(listed)
    assert list(listed) == sorted(
        listed, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name)
    )
    raised = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert raised - set(listed) == set()
    modules = type(sys)
    bound = {name for name, value in vars(docindex).items() if name[0] != "_" and not isinstance(value, modules)}
    assert bound - set(listed) - {"annotations", "TYPE_CHECKING"} == set()


# --- packaging -------------------------------------------------------------------------------------------------------


def test_every_package_is_listed() -> None:
    found = [
        ".".join([PACKAGE_FOLDERS[path.relative_to(ROOT).parts[0]], *path.parent.relative_to(ROOT).parts[1:]])
        for path in package_modules()
        if path.name == "__init__.py"
    ]
    assert PROJECT["tool"]["setuptools"]["packages"] == sorted(found)


def test_every_folder_of_modules_is_a_package() -> None:
    assert [named(path) for path in package_modules() if not (path.parent / "__init__.py").exists()] == []


@pytest.mark.parametrize("name", ["cli", "loaders", "stores"])
def test_symlinks_show_editors_the_moved_packages(name: str) -> None:
    link = ROOT / "docindex" / name
    assert link.is_symlink()
    assert link.readlink() == Path("..", name)


# --- dependencies ----------------------------------------------------------------------------------------------------


def declared() -> list[Requirement]:
    project = PROJECT["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values(), PROJECT["dependency-groups"]["dev"]]
    return [Requirement(line) for group in groups for line in group]


def pins(name: str) -> dict[str, list[str]]:
    """The lines of each pin: the requirement first, its hashes after it."""
    text = (ROOT / "constraints" / name).read_text(encoding="utf-8")
    blocks = [block for block in re.split(r"\n(?=[^\s#])", text.strip()) if block]
    return {canonicalize_name(re.split(r"[=\s;\[]", block, maxsplit=1)[0]): block.splitlines() for block in blocks}


@pytest.mark.parametrize("name", ["all.txt", "build.txt"])
def test_pins_have_hashes_and_no_address(name: str) -> None:
    for package, (first, *hashes) in pins(name).items():
        assert "==" in first, package
        assert hashes, package
        assert all("--hash=sha256:" in line for line in hashes), package
    assert "://" not in (ROOT / "constraints" / name).read_text(encoding="utf-8")


def test_pins_are_in_step_with_the_project() -> None:
    pinned = pins("all.txt")
    for requirement in declared():
        first = pinned[canonicalize_name(requirement.name)][0]
        version = re.search(r"==([^\s;\\]+)", first)
        assert version is not None
        assert requirement.specifier.contains(version[1]), first


def test_every_dependency_is_explained() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    wanted = {canonicalize_name(requirement.name) for requirement in declared()}
    wanted |= {canonicalize_name(Requirement(line).name) for line in PROJECT["build-system"]["requires"]}
    wanted |= {canonicalize_name(Requirement(line).name) for line in build_tools()}
    assert {canonicalize_name(name) for name in explained} == wanted
    assert len(set(explained)) == len(explained)


def build_tools() -> list[str]:
    lines = (ROOT / "constraints" / "build.in").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


# --- code ------------------------------------------------------------------------------------------------------------


def test_no_function_takes_arbitrary_keywords() -> None:
    found = [
        f"{named(path)}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and node.args.kwarg is not None
    ]
    assert found == []


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in ("list", "dict", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict")
    return False


def test_modules_hold_no_state() -> None:
    """A list, dict or set at module level is a constant, named like one; nothing rebinds a module's names."""
    found = []
    for path, tree in trees():
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if isinstance(node, ast.Assign | ast.AnnAssign) and is_mutable(node.value):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                found += [f"{named(path)}: {name}" for name in names if not name.isupper() and name != "__all__"]
        found += [f"{named(path)}:{node.lineno}: global" for node in ast.walk(tree) if isinstance(node, ast.Global)]
    assert found == []


def test_modules_have_one_idea() -> None:
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in package_modules()}
    assert {name: length for name, length in lengths.items() if length >= LONGEST_MODULE} == {}


def is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Constant) and isinstance(value.value, str))


def test_prompts_are_files() -> None:
    """No message is written in code, beside what the models' own layer tries and what is shipped for tests."""
    found = [
        f"{named(path)}:{node.lineno}"
        for path, tree in trees()
        if not named(path).startswith(("docindex/llm/", "docindex/testing/"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Message"
        if any(map(is_text, node.args[1:]))
    ]
    assert found == []


# --- files -----------------------------------------------------------------------------------------------------------

# Written in pieces, so that this file is not among those that it finds.
UNWELCOME = re.compile(
    "|".join(
        [
            "py" + r"pi\.org",
            "python" + r"hosted\.org",
            "ana" + r"conda\.org",
            "np" + r"mjs\.(?:org|com)",
            r"(?<![\w.~-])/" + "(?:work|opt/" + "pypi" + ")/",
            "/tmp/" + r"dl\b",
            "/root/" + r"\.",
            r"\." + "pyenv/",
            r"\b(?:" + "TO" + "DO|FIX" + "ME|XX" + r"X)\b",
        ]
    )
)


def test_no_file_names_a_registry_or_a_machine_or_unfinished_work() -> None:
    found = []
    for path in repository_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{named(path)}: {match[0]}" for match in UNWELCOME.finditer(text)]
    assert found == []


def test_files_are_small() -> None:
    assert {named(path): path.stat().st_size for path in repository_files() if path.stat().st_size > LARGEST_FILE} == {}


def test_links_in_the_documentation_lead_somewhere() -> None:
    broken = []
    for path in repository_files():
        if path.suffix != ".md" or "examples" in path.parts:
            continue
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            file = target.partition("#")[0]
            if file and "://" not in target and not target.startswith("mailto:") and not (path.parent / file).exists():
                broken.append(f"{named(path)}: {target}")
    assert broken == []
