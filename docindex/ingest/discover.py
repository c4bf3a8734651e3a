"""From what the user named (folders, files, globs, "-") to files, with every path that is passed over accounted for."""

from __future__ import annotations

import glob
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from docindex.config import IngestOptions
from docindex.schema import Problem

STDIN = "-"
MANIFEST = "docindex.json"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that may be ingested."""

    path: Path
    location: str
    """What it is known by across runs: its absolute POSIX path, or "-"."""
    name: str
    """Relative to the source that was named."""
    root: str
    """The location of the source that was named."""
    bytes: int
    modified_at: datetime | None


@dataclass(slots=True)
class Discovery:
    """What the named sources hold."""

    files: list[FoundFile] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)
    roots: dict[str, int] = field(default_factory=dict)
    """The folders that were named, by location, with how many paths each holds."""


def discover(sources: Sequence[str | Path], options: IngestOptions, stack: ExitStack) -> Discovery:
    """All files under the sources, in the order of their names; `stack` owns the copy of standard input."""
    found = Discovery()
    seen: set[str] = set()
    for source in map(str, sources):
        for file in _expand(source, found, stack):
            if file.location in seen:
                continue
            seen.add(file.location)
            reason = _passed_over(file, options)
            if reason:
                found.skipped.append(Problem(file.name, reason))
            else:
                found.files.append(file)
    return found


def _expand(source: str, found: Discovery, stack: ExitStack) -> Iterator[FoundFile]:
    if source == STDIN:
        yield _standard_input(stack)
        return
    if "://" in source:
        found.failed.append(Problem(source, "is a web address: save the page to a file and ingest that"))
        return
    path = Path(source).expanduser()
    if path.is_dir():
        found.roots[_location(path)] = 0
        yield from _walk(path, path, found)
    elif path.exists() or path.is_symlink():
        yield from _file(path, path.parent, path, found)
    elif glob.has_magic(source):
        base = _fixed_part(path)
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        if not matches:
            found.failed.append(Problem(source, "matches no file"))
        for match in map(Path, matches):
            if not match.is_dir():
                yield from _file(match, base, base, found)
    else:
        found.failed.append(Problem(source, "no such file or folder"))
        found.roots[_location(path)] = 0


def _walk(folder: Path, root: Path, found: Discovery) -> Iterator[FoundFile]:
    visited = {_identity(folder)}
    for parent, folders, files in os.walk(folder, followlinks=True, onerror=lambda error: _unreadable(error, found)):
        here = Path(parent)
        kept = []
        for name in sorted(folders):
            child = here / name
            label = f"{_relative(child, root)}/"
            identity = _identity(child)
            if name.startswith("."):
                found.skipped.append(Problem(label, "hidden folder"))
            elif (child / MANIFEST).is_file():
                found.skipped.append(Problem(label, "a docindex index"))
            elif identity in visited:
                found.skipped.append(Problem(label, "a link to a folder that is already read"))
            else:
                visited.add(identity)
                kept.append(name)
        folders[:] = kept
        for name in sorted(files):
            found.roots[_location(root)] += 1
            if name.startswith("."):
                found.skipped.append(Problem(_relative(here / name, root), "hidden file"))
            else:
                yield from _file(here / name, root, root, found)


def _file(path: Path, base: Path, root: Path, found: Discovery) -> Iterator[FoundFile]:
    name = _relative(path, base)
    try:
        status = path.stat()
    except OSError as error:
        found.failed.append(Problem(name, f"can't be read: {error.strerror}"))
        return
    if not stat.S_ISREG(status.st_mode):
        found.skipped.append(Problem(name, "not a regular file"))
        return
    modified = datetime.fromtimestamp(status.st_mtime_ns // 1_000_000_000, UTC)
    yield FoundFile(path, _location(path), name, _location(root), status.st_size, modified)


def _standard_input(stack: ExitStack) -> FoundFile:
    copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="docindex-stdin-"))  # noqa: SIM115 - the stack does
    while block := sys.stdin.buffer.read(1 << 20):
        copy.write(block)
    copy.flush()
    return FoundFile(Path(copy.name), STDIN, "stdin", STDIN, copy.tell(), None)


def _passed_over(file: FoundFile, options: IngestOptions) -> str | None:
    for pattern in options.exclude:
        if _matches(file.name, pattern):
            return f"excluded by {pattern}"
    named_outright = file.location == file.root
    if options.include and not named_outright and not any(_matches(file.name, glob) for glob in options.include):
        return "not included"
    return "empty file" if file.bytes == 0 else None


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition("/")[2], pattern)


def _fixed_part(path: Path) -> Path:
    fixed = Path(path.anchor) if path.is_absolute() else Path()
    for part in path.parts[len(fixed.parts) :]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed


def _relative(path: Path, base: Path) -> str:
    return _readable(path.relative_to(base).as_posix())


def _location(path: Path) -> str:
    # Not resolve(): a link keeps the name under which the user knows it.
    return _readable(Path(os.path.normpath(path.absolute())).as_posix())


def _readable(name: str) -> str:
    """The name with bytes that are not UTF-8 written out, since the stores hold Unicode only."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (-1, hash(str(path)))
    return (status.st_dev, status.st_ino)


def _unreadable(error: OSError, found: Discovery) -> None:
    found.failed.append(Problem(_readable(str(error.filename)), f"can't be read: {error.strerror}"))
