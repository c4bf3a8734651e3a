"""`.docindexignore`: what in a folder is not to be read, in the syntax of gitignore."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from pathspec.patterns.gitignore import GitIgnorePatternError
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from docindex.errors import LoadError

logger = logging.getLogger("docindex")

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
        self._files: dict[Path, tuple[_RuleFile, ...]] = {}
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

    def _holding_in(self, folder: Path) -> tuple[_RuleFile, ...]:
        known = self._files.get(folder)
        if known is None:
            above = () if folder == self._root else self._holding_in(folder.parent)
            own = _read(folder, self._root)
            known = self._files[folder] = (own, *above) if own else above
        return known


@dataclass(frozen=True, slots=True)
class _Rule:
    line: int
    text: str
    pattern: GitIgnoreSpecPattern
    only_folders: bool

    @property
    def takes_back(self) -> bool:
        return not self.pattern.include

    def matches(self, relative: str, is_folder: bool) -> bool:
        """Whether it matches this very path: that it matches a folder above is for the walk to see."""
        if self.only_folders and not is_folder:
            return False
        found = self.pattern.match_file(relative)
        return found is not None and not found.match.groupdict().get("ps_d")


@dataclass(frozen=True, slots=True)
class _RuleFile:
    name: str
    """Its path relative to the root."""
    folder: str
    """Its folder with a slash at the end."""
    rules: tuple[_Rule, ...]
    """The last one first."""

    def rule_for(self, path: Path, is_folder: bool) -> _Rule | None:
        """The rule that decides about the path, if one of these does."""
        relative = path.as_posix().removeprefix(self.folder)
        return next((rule for rule in self.rules if rule.matches(relative, is_folder)), None)


def _read(folder: Path, root: Path) -> _RuleFile | None:
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
    # As the names of files are decoded, so that rules match names that are not UTF-8 too.
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    rules = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            rule = _rule(number, line.removesuffix("\r"))
        except GitIgnorePatternError:
            logger.warning("%s line %d is no pattern and has no effect: %s", name, number, line)
            continue
        if rule.pattern.include is not None:
            rules.append(rule)
    base = folder.as_posix()
    return _RuleFile(name, base if base.endswith("/") else f"{base}/", tuple(reversed(rules))) if rules else None


def _rule(number: int, line: str) -> _Rule:
    bare = line.rstrip()
    only_folders = bare.endswith("/")
    # Without the slash at the end, the pattern matches the folder itself; with it, only what is in the folder.
    pattern = GitIgnoreSpecPattern(bare[:-1] if only_folders else line)
    return _Rule(number, line.strip(), pattern, only_folders)
