"""From what the user named (folders, files, globs, "-") to files, with every path that is passed over accounted for."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from glob import escape, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from docindex.errors import LoadError
from docindex.ingest.found import Discovery, FoundFile, Root, is_remote, modified_at
from docindex.ingest.globs import EVERYTHING, Pattern, split_glob
from docindex.ingest.ignore import IGNORE_FILE, IgnoreRules
from docindex.schema import Problem

if TYPE_CHECKING:
    from docindex.config import IngestOptions

STDIN = "-"
MANIFEST = "docindex.json"
EMPTY = "empty file"
AN_INDEX = "a docindex index"
_SAME_NAME = "is called as another file is, once bytes that are not UTF-8 are written out: rename one of them"


def discover(
    sources: Sequence[str | Path],
    options: IngestOptions,
    stack: ExitStack,
    known: Callable[[], Mapping[str, str]] = dict,
    *,
    most: int | None = None,
) -> Discovery:
    """All files under the sources, in the order of their names; with `most`, no more than so many of them.

    `stack` owns the copies of what is no file; `known` gives the validators of web pages that are not to be read again
    unless they have changed.
    """
    found = Discovery()
    remote: RemoteSources | None = None
    seen: dict[str, Path] = {}
    for source in map(str, sources):
        if is_remote(source):
            from docindex.ingest.remote import RemoteSources  # what it imports is for such sources alone

            remote = remote or RemoteSources(options, stack, known, found)
            files = remote.bring(source)
        else:
            files = _expand(source, found, stack)
        for file in files:
            if file.location in seen:
                if not _is_at(file, seen[file.location]):
                    found.failed.append(Problem(file.name, _SAME_NAME))
                continue
            seen[file.location] = file.path
            reason = _passed_over(file, options)
            if reason:
                found.skipped.append(Problem(file.name, reason))
                if reason == EMPTY and file.location != STDIN:  # a pipe that broke says nothing of what it was to bring
                    found.emptied.append(file.location)
            else:
                found.files.append(file)
                if len(found.files) == most:
                    return found
    return found


def _expand(source: str, found: Discovery, stack: ExitStack) -> Iterator[FoundFile]:
    if source == STDIN:
        yield _standard_input(stack)
        return
    if not source.strip():  # a shell variable that is not set would mean the current folder
        found.failed.append(Problem('""', "is empty: name a file or a folder"))
        return
    path = path_of(source)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        mode = None
    except OSError as error:  # a folder above may not be entered, or no name can be so long
        found.failed.append(Problem(source, f"can't be read: {error.strerror}"))
        return
    if mode is not None and stat.S_ISDIR(mode):
        if _is_index(path):  # as where a shell names all that a folder holds
            found.skipped.append(Problem(source, AN_INDEX))
            return
        matching = yield from _walk(path, EVERYTHING, found)
        found.roots.append(Root(_location(path), _location(path), EVERYTHING, matching))
    elif mode is not None or path.is_symlink():
        yield from _file(path, _relative(path, path.parent), _location(path), _location(path), found)
    elif has_magic(source):
        base, pattern = split_glob(path)
        if _is_index(base):
            found.skipped.append(Problem(source, AN_INDEX))
            return
        matching = (yield from _walk(base, pattern, found)) if base.is_dir() else 0
        found.roots.append(Root(_location(path), _location(base), pattern, matching))
        if not matching:
            found.failed.append(Problem(source, "matches no file"))
            found.roots += _missing(path)  # names may have brackets in them
    else:
        found.failed.append(Problem(source, "no such file or folder"))
        found.roots += _missing(path)


def _missing(path: Path) -> Iterator[Root]:
    """What is gone where nothing is: all that was below it when it was a folder, and itself when it was a file."""
    location = _location(path)
    yield Root(location, location, EVERYTHING, 0)
    folder, _, name = location.rpartition("/")
    try:
        neighbours = sum(1 for _ in Path(os.path.normpath(path.absolute())).parent.iterdir())
    except (OSError, ValueError):
        neighbours = 0
    yield Root(folder or "/", folder, Pattern.of(escape(name)), neighbours)


def path_of(source: str) -> Path:
    """The path that a source names.

    A tilde is a home folder, unless something is called so: the lock files of Office are.
    """
    path = Path(source)
    if os.path.lexists(path):
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # there is no such user
        return path


def root_of(source: str) -> Path | None:
    """The folder or file in which the files of a source are, or will be; None for what is no path."""
    if source == STDIN or is_remote(source):
        return None
    path = path_of(source)
    return split_glob(path)[0] if has_magic(source) and not os.path.lexists(path) else path


def _walk(root: Path, pattern: Pattern, found: Discovery) -> Generator[FoundFile, None, int]:
    """The files below a folder that match; returns how many there are, with those that are passed over."""
    matching = 0
    visited = {_identity(root)}
    rules = IgnoreRules(root)
    base = _location(root)
    below = base if base.endswith("/") else f"{base}/"
    for parent, folders, files in os.walk(root, followlinks=True, onerror=lambda error: _unreadable(error, found)):
        here = Path(parent)
        left = pattern.along(here.relative_to(root).parts)
        inside = "" if here == root else f"{_relative(here, root)}/"
        kept = []
        for name in sorted(name for name in folders if left.after(name).goes_on):
            child = here / name
            identity = _identity(child)
            reason = _folder_passed_over(child, rules, found)
            if reason is None and identity in visited:
                reason = "a link to a folder that is already read"
            if reason is not None:
                found.skipped.append(Problem(f"{_relative(child, root)}/", reason))
            else:
                visited.add(identity)
                kept.append(name)
        folders[:] = kept
        matched = sorted(name for name in files if left.after(name).is_met)
        matching += len(matched)
        for name in matched:
            if name == IGNORE_FILE:
                continue
            path, relative = here / name, f"{inside}{_readable(name)}"
            reason = "hidden file" if name.startswith(".") else _ignored(path, rules, found, is_folder=False)
            if reason is not None:
                found.skipped.append(Problem(relative, reason))
            else:
                yield from _file(path, relative, f"{below}{relative}", base, found)
    return matching


def _folder_passed_over(child: Path, rules: IgnoreRules, found: Discovery) -> str | None:
    if child.name.startswith("."):
        return "hidden folder"
    return AN_INDEX if _is_index(child) else _ignored(child, rules, found, is_folder=True)


def _is_index(folder: Path) -> bool:
    try:
        return (folder / MANIFEST).is_file()
    except OSError:
        return False  # that it can't be read is told by the walk into it


def _ignored(path: Path, rules: IgnoreRules, found: Discovery, *, is_folder: bool) -> str | None:
    try:
        return rules.reason(path, is_folder)
    except LoadError as error:
        if all(problem.source != error.source for problem in found.failed):
            found.failed.append(Problem(error.source, error.reason))
        return f"what to ignore here is not known: {error}"


def _file(path: Path, name: str, location: str, root: str, found: Discovery) -> Iterator[FoundFile]:
    try:
        status = path.stat()
    except OSError as error:
        found.failed.append(Problem(name, f"can't be read: {error.strerror}"))
        return
    if not stat.S_ISREG(status.st_mode):
        found.skipped.append(Problem(name, "not a regular file"))
        return
    yield FoundFile(path, location, name, root, status.st_size, modified_at(status), status=status)


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
    return EMPTY if file.bytes == 0 else None


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name.rpartition("/")[2], pattern)


def _is_at(file: FoundFile, path: Path) -> bool:
    """Whether what has come twice is one file, and not two whose names are written out alike."""
    return file.status is None or os.path.normpath(file.path.absolute()) == os.path.normpath(path.absolute())


def _relative(path: Path, base: Path) -> str:
    return _readable(path.relative_to(base).as_posix())


def _location(path: Path) -> str:
    # Not resolve(): a link keeps the name under which the user knows it.
    return _readable(Path(os.path.normpath(path.absolute())).as_posix())


def _readable(name: str) -> str:
    """The name with bytes that are not UTF-8 written out, since the stores hold Unicode only."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "backslashreplace")


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (-1, hash(str(path)))
    return (status.st_dev, status.st_ino)


def _unreadable(error: OSError, found: Discovery) -> None:
    found.failed.append(Problem(_readable(str(error.filename)), f"can't be read: {error.strerror}"))
