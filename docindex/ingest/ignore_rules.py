"""The rules of one file in the syntax of gitignore."""

from __future__ import annotations

import logging
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

logger = logging.getLogger("docindex")

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \t",
    "cntrl": "\0-\x1f\x7f",
    "digit": "0-9",
    "graph": "0-~!-.",
    "lower": "a-z",
    "print": " -.0-~",
    "punct": ":-@!-.[-`{-~",
    "space": " \t-\r",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
"""What stands for each in brackets, where no slash is matched, and a `!` that comes first says not."""
_CLASS = re.compile(r"\[:([A-Za-z]*):\]")
_BRACKET = re.compile(r"\\.|\[[!^]?\]?(?:\[:[A-Za-z]*:\]|[^\]])*\]")
"""One, or a character that is escaped."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of it that says something."""

    line: int
    text: str
    pattern: GitIgnoreSpecPattern
    only_folders: bool

    @property
    def takes_back(self) -> bool:
        """Whether it keeps what an earlier rule ignores."""
        return not self.pattern.include

    def matches(self, relative: str, is_folder: bool) -> bool:
        """Whether it matches this very path: that it matches a folder above is for the walk to see."""
        if self.only_folders and not is_folder:
            return False
        found = self.pattern.match_file(relative)
        return found is not None and not found.match.groupdict().get("ps_d")


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What a file says."""

    name: str
    """Its path relative to the root."""
    folder: str
    """Its folder with a slash at the end."""
    rules: tuple[Rule, ...]
    """The last one first."""

    def rule_for(self, path: Path, is_folder: bool) -> Rule | None:
        """The rule that decides about the path, if one of these does."""
        relative = path.as_posix().removeprefix(self.folder)
        return next((rule for rule in self.rules if rule.matches(relative, is_folder)), None)


def read_rules(name: str, folder: Path, data: bytes) -> RuleFile | None:
    """The rules that are in the bytes of a file; `name` is its path as messages have it. None where there are none."""
    # As the names of files are decoded, so that rules match names that are not UTF-8 too.
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    rules = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            rule = _rule(number, line.removesuffix("\r"))
        except (ValueError, re.error):
            logger.warning("%s line %d is no pattern and has no effect: %s", name, number, line)
            continue
        if rule.pattern.include is not None:
            rules.append(rule)
    base = folder.as_posix()
    return RuleFile(name, base if base.endswith("/") else f"{base}/", tuple(reversed(rules))) if rules else None


def _rule(number: int, line: str) -> Rule:
    bare = line.rstrip()
    only_folders = bare.endswith("/")
    # Without the slash at the end, the pattern matches the folder itself; with it, only what is in the folder.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # that what is a plain character in brackets may not stay one
        pattern = GitIgnoreSpecPattern(_without_classes(bare[:-1] if only_folders else line))
    return Rule(number, line.strip(), pattern, only_folders)


def _without_classes(pattern: str) -> str:
    """The pattern with what stands for them in place of `[:digit:]` and the like, which pathspec knows nothing of."""

    def members(found: re.Match[str]) -> str:
        if found[1] not in _CLASSES:
            raise ValueError(f"There is no class {found[1]}.")
        return _CLASSES[found[1]]

    return _BRACKET.sub(lambda found: found[0][:1] + _CLASS.sub(members, found[0][1:]), pattern)
