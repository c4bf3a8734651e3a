"""Files that commands write: their place is looked at before any work."""

from __future__ import annotations

from pathlib import Path

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
