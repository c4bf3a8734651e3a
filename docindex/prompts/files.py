"""The prompts as files: the shipped ones, and one's own in place of some of them.

Everything that the language model is asked with is one of these files, or a user's question alone.

A prompt is a template, and only its file is ever read as one: questions and text of documents are values that are put
into it, whatever they look like.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Self

from docindex.errors import ConfigError
from docindex.schema import digest

logger = logging.getLogger("docindex")

_ENDING = ".txt"
_PURPOSE = re.compile(r"\{#-?\s*(.+)")
_VERSION_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template."""

    name: str
    text: str
    path: Path | None = None
    """Its file; None of a shipped one."""

    @property
    def file_name(self) -> str:
        """What its file is called."""
        return f"{self.name}{_ENDING}"

    @property
    def purpose(self) -> str:
        """What it is for: the first line of the comment that it begins with."""
        found = _PURPOSE.match(self.text)
        return found[1].removesuffix("-#}").strip() if found else ""

    @property
    def variables(self) -> frozenset[str]:
        """What it puts in.

        Raises:
            jinja2.TemplateSyntaxError: It is no template.
        """
        from docindex.prompts import templates  # brings Jinja, which whoever asks no model need not wait for

        return templates.variables(self.text)

    def render(self, values: Mapping[str, object]) -> str:
        """The text with the values in it, without the space around it.

        Raises:
            ConfigError: One's own template can't be filled in.
        """
        from docindex.prompts import templates

        try:
            return templates.render(self.text, self._file, values).strip()
        except templates.BrokenTemplateError as error:
            if self.path is None:
                raise
            raise self.fault(error.line, error.reason) from error

    def check(self, shipped: Prompt) -> None:
        """Tells whether it can stand in for a shipped one.

        Raises:
            ConfigError: It is no template, or wants what that one is not given.
        """
        from docindex.prompts import templates

        try:
            templates.check(self.text, self._file)
        except templates.BrokenTemplateError as error:
            raise self.fault(error.line, error.reason) from error
        unknown = self.variables - shipped.variables
        for name, line in templates.names(self.text):
            if name in unknown:
                near = _meant(name, shipped.variables)
                hint = f" ({near})" if near else ""
                given = ", ".join(sorted(shipped.variables)) or "nothing"
                raise self.fault(line, f"{name!r} is not given to this prompt{hint}: it is given {given}")

    def fault(self, line: int, reason: str) -> ConfigError:
        """What is wrong with a line of it."""
        cure = "mend the line, or delete the file to have the shipped prompt"
        return ConfigError(f"{self.path}, line {line}: {reason.rstrip('.')}; {cure}.")

    @property
    def _file(self) -> str:
        return str(self.path or self.file_name)


@dataclass(frozen=True, slots=True)
class Prompts:
    """Every prompt by its name: one's own where there is one, else the shipped one."""

    own: Mapping[str, Prompt] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: str | Path | None) -> Self:
        """The shipped prompts, with those of a folder in their place; its hidden files are passed over.

        Raises:
            ConfigError: There is no such folder; or a file in it has the name of no prompt, is no template, or wants
                what its prompt is not given.
        """
        if folder is None:
            return cls()
        try:
            paths = sorted(path for path in Path(folder).iterdir() if not path.name.startswith("."))
        except OSError as error:
            raise ConfigError(
                f"{folder} is no folder that can be read ({error.strerror}): `docindex prompts DIR` writes one."
            ) from error
        own = [_read(path) for path in paths]
        prompts = cls(MappingProxyType({prompt.name: prompt for prompt in own}))
        logger.info("Prompts %s: %s from %s.", prompts.version, ", ".join(prompts.own) or "none", folder)
        return prompts

    def render(self, name: str, values: Mapping[str, object] | None = None) -> str:
        """The text of a prompt with the values in it, without the space around it.

        Raises:
            ConfigError: One's own template can't be filled in.
        """
        return (self.own.get(name) or shipped()[name]).render(values or {})

    @property
    def version(self) -> str:
        """A digest of all of them: another one where any says something else."""
        return digest(*((self.own.get(name) or prompt).text for name, prompt in shipped().items()))[:_VERSION_LENGTH]

    def own_version(self, *names: str) -> str:
        """A digest of those of one's own among these; empty where all of them say what the shipped ones do."""
        own = [self.own[name].text for name in names if name in self.own]
        same = all(self.own[name].text == shipped()[name].text for name in names if name in self.own)
        return "" if same else digest(*own)[:_VERSION_LENGTH]


SHIPPED = Prompts()
"""Without any of one's own."""


@cache
def shipped() -> Mapping[str, Prompt]:
    """The shipped prompts by their names, which are sorted."""
    from importlib import resources

    files = sorted(resources.files("docindex.prompts").iterdir(), key=lambda file: file.name)
    texts = {file.name.removesuffix(_ENDING): file.read_text("utf-8") for file in files if file.name.endswith(_ENDING)}
    return MappingProxyType({name: Prompt(name, text) for name, text in texts.items()})


def write_shipped(folder: Path) -> list[Path]:
    """Writes the shipped prompts into a new or empty folder, to be changed there; returns the files.

    Raises:
        ConfigError: There is something in the folder.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise ConfigError(f"{folder} is no empty folder, and nothing is written over: name a new one.")
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for prompt in shipped().values():
        path = folder / prompt.file_name
        path.write_text(prompt.text, encoding="utf-8")
        paths.append(path)
    return paths


def _read(path: Path) -> Prompt:
    known = shipped().get(path.name.removesuffix(_ENDING))
    if known is None or path.name != known.file_name:
        near = _meant(path.name, [prompt.file_name for prompt in shipped().values()])
        raise ConfigError(f"{path} has the name of no prompt: {near or '`docindex prompts` lists them.'}")
    try:
        prompt = Prompt(known.name, path.read_text("utf-8-sig"), path)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{path} can't be read as text ({error}): save it as UTF-8, or delete it.") from error
    prompt.check(known)
    return prompt


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.casefold(), sorted(known), n=2)
    return f"did you mean {' or '.join(near)}?" if near else ""
