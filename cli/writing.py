"""Files that commands write: their place is looked at before any work, and they are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from docindex.errors import ConfigError


def require_place(path: Path | None) -> None:
    """Passes where a file can be made by that name, or none is wanted; what takes long asks this first.

    Raises:
        ConfigError: Its folder is missing, or the name is a folder's.
    """
    if path is None:
        return
    if path.is_dir():
        raise ConfigError(f"{path} is a folder: give the name of a file in it.")
    if not path.parent.is_dir():
        raise ConfigError(f"{path.parent} is no folder: make it first, or choose another place for {path.name}.")


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of the one at the path once the block is done; if it fails, that one stays.

    What is no file, such as a pipe, is written to as it is.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    path = path.resolve()  # a link stays one
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
