"""What a working folder holds from earlier on: whether an index in it is the one that is wanted now."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from docindex.config import IndexConfig
from docindex.errors import ConfigError, IndexNotFoundError
from docindex.stores.manifest import read_manifest
from docindex.whole_files import write_whole


def same_settings(one: IndexConfig, other: IndexConfig) -> bool:
    """Whether two indexes have the same passages and vectors: the weight is tried, and the database is another one."""
    return replace(one, dense_weight=0.0, database=None) == replace(other, dense_weight=0.0, database=None)


def require_settings(path: Path, config: IndexConfig) -> None:
    """Lets an index with these settings pass, and a folder that holds none.

    Raises:
        ConfigError: It was built with others.
    """
    try:
        built = read_manifest(path).config
    except IndexNotFoundError:
        return
    if not same_settings(built, config):
        raise ConfigError(f"{path} was built with other settings: give another --work, or delete it.")


class CopyNote:
    """A file beside the copy of an index, which says what it is a copy of: which index, and which version of it.

    While the copy is made, the note names no version. So what a note stands beside may be deleted and made anew.
    """

    def __init__(self, copy: Path, origin: Path, version: object) -> None:
        self._copy = copy
        self._file = copy.with_name(f"{copy.name}.origin.json")
        index_id = read_manifest(origin).index_id  # an index that was made anew may have come as far as the old one
        self._wanted = {"path": str(origin.resolve()), "index_id": index_id, "version": str(version)}

    def is_current(self) -> bool:
        """Whether the copy is one of this version; one of another version, or an unfinished one, is deleted.

        Raises:
            ConfigError: There is an index that is no copy.
        """
        if not self._copy.exists():
            return False
        try:
            found = json.loads(self._file.read_bytes())
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"{self._copy} is no copy of the index at {self._wanted['path']}: give another --work, or delete it."
            ) from error
        if found == self._wanted:
            return True
        shutil.rmtree(self._copy)
        return False

    def begin(self) -> None:
        """Notes that the copy is being made."""
        write_whole(self._file, json.dumps(self._wanted | {"version": None}) + "\n")

    def finish(self) -> None:
        """Notes that the copy is whole."""
        write_whole(self._file, json.dumps(self._wanted) + "\n")


def forget_copy(path: Path) -> None:
    """For an index that is brought up to date by other means: it is no copy from now on."""
    path.with_name(f"{path.name}.origin.json").unlink(missing_ok=True)
