"""The folders of LanceDB tables in an index directory: which there are, which may go, how large they are."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISREG

from docindex.errors import StoreError
from docindex.stores.lance import KEPT, LanceTables, TableKind, TableVersion
from docindex.stores.sql import Registry

_TABLE = re.compile(r"(nodes|vectors)(-\d+)?\.lance")
_MANIFESTS = "_versions"
_LAST = 2**64 - 1


def table_folders(path: Path, kind: TableKind) -> list[Path]:
    """The folders of the tables of a kind, kept ones included."""
    return [*path.glob(f"{kind}*.lance"), *(path / KEPT).glob(f"{kind}*.lance")]


def bytes_under(folders: Iterable[Path]) -> int:
    """What the files of the folders take, a file with several names once."""
    sizes: dict[tuple[int, int], int] = {}
    for folder in folders:
        for parent, _, names in os.walk(folder):  # which, unlike rglob, minds no folder that goes meanwhile
            for name in names:
                try:
                    status = Path(parent, name).stat()
                except FileNotFoundError:  # a clean-up in another process took it
                    continue
                if S_ISREG(status.st_mode):
                    sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


def keep(tables: LanceTables, version: TableVersion) -> None:
    """Gives the files of a table's version second names, so that it stays when its table is cleaned.

    Raises:
        StoreError: The disk has no space for them, or the version is not there.
    """
    target = tables.kept_folder(version)
    if not target.exists():
        tables.at(version)
        link_version(tables.folder(version.name), target, version.number)


def link_version(source: Path, target: Path, number: int) -> None:
    """Makes a table of one version of another one, sharing its files; whole or not at all.

    Raises:
        StoreError: The disk has no space for it.
    """
    draft = target.with_suffix(".draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        for file in source.rglob("*"):
            part = file.relative_to(source)
            if not file.is_file() or part.parts[0] == "_refs" or not _belongs(part, number):
                continue
            (draft / part).parent.mkdir(parents=True, exist_ok=True)
            _link(file, draft / part)
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StoreError(
            f"Version {number} of {source.name} can't be kept ({error}): make space, and try again."
        ) from error


def sweep(path: Path, registry: Registry) -> None:
    """Removes tables that no version needs: what an interrupted writer left, or the last version of one took along."""
    commits = registry.oldest_first()
    if not commits:
        return
    tagged = set(registry.tags().values())
    versions = [(commit.version, table) for commit in commits for table in (commit.nodes_table, commit.vectors_table)]
    kept = {f"{table.name}-{table.number}.lance" for version, table in versions if version in tagged}
    head = commits[-1].version
    used = {f"{table.name}.lance" for version, table in versions if version == head or version not in tagged}
    for folder in path.iterdir():
        if _TABLE.fullmatch(folder.name) and folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)
    for folder in (path / KEPT).glob("*"):
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def _belongs(part: Path, number: int) -> bool:
    """Whether a file may belong to the version: all do but the manifests of others, under either way to name them."""
    return part.parts[0] != _MANIFESTS or part.name in (f"{_LAST - number}.manifest", f"{number}.manifest")


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except OSError:  # not every file system has links
        shutil.copy2(file, target)
