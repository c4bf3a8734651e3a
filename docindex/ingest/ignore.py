"""`.docindexignore`: what in a folder is not to be read, in the syntax of gitignore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from docindex.errors import LoadError

if TYPE_CHECKING:
    from docindex.ingest.ignore_rules import RuleFile

IGNORE_FILE = ".docindexignore"
_LONGEST = 1 << 20


class IgnoreRules:
    """The rules of a folder and of those in it, each read once, when a path in its folder is first asked about.

    A file's rules hold for its folder and all below. The last rule of a file that matches a path decides, and a file
    deeper down decides before one higher up. A folder that is ignored is not to be entered: what is in it can't be
    taken back by a `!` rule. The cost of a path is that of matching it against the rules above it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[Path, tuple[RuleFile, ...]] = {}
        """For each folder the files that hold for what is in it, the deepest first."""

    def reason(self, path: Path, is_folder: bool) -> str | None:
        """Why the path is ignored, or None when it is not.

        Args:
            path: Below the root, and spelt as the root is; its parent is not ignored.
            is_folder: Whether it is a folder, or a link to one.

        Raises:
            LoadError: A file of rules that holds for the path can't be read. What it would have kept out is not known,
                so nothing of its folder should be read.
        """
        for file in self._holding_in(path.parent):
            rule = file.rule_for(path, is_folder)
            if rule is not None:
                return None if rule.takes_back else f"ignored by {file.name} line {rule.line}: {rule.text}"
        return None

    def _holding_in(self, folder: Path) -> tuple[RuleFile, ...]:
        known = self._files.get(folder)
        if known is None:
            above = () if folder == self._root else self._holding_in(folder.parent)
            own = _read(folder, self._root)
            known = self._files[folder] = (own, *above) if own else above
        return known


def _read(folder: Path, root: Path) -> RuleFile | None:
    path = folder / IGNORE_FILE
    name = path.relative_to(root).as_posix()
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LoadError(name, f"can't be read: {error.strerror}") from error
    if len(data) > _LONGEST:
        raise LoadError(name, f"is too large for a file of rules: it has more than {_LONGEST:,} bytes")
    from docindex.ingest.ignore_rules import read_rules  # most folders have none

    return read_rules(name, folder, data)
