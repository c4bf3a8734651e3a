"""The models that docindex knows by name: those that its `catalogue.toml` lists, and those of a file of the user's."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from docindex.errors import ModelError, NoModelError

ModelKind = Literal["embedder", "llm", "reranker"]
Pooling = Literal["mean", "cls"]

CATALOGUE = Path(__file__).with_name("catalogue.toml")
EMBEDDER_FILES = ("model.safetensors", "tokenizer.json", "config.json")
"""What the folder of an embedder must hold."""
_EXPORTED_FILES = ("model.onnx", "tokenizer.json")
"""What the folder of a reranker may hold instead."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file of a model, the same from every source."""

    name: str
    bytes: int
    sha256: str
    member: str | None
    """Its path in the package's wheel; None where the package does not carry it."""
    hub_name: str
    """Its path in the hub's repository."""


@dataclass(frozen=True, slots=True)
class PackageSource:
    """A package of the package index that carries the model's files."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository of a model hub, at one commit."""

    repo: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderSettings:
    """How an embedder is used."""

    dim: int
    max_tokens: int
    """The longest text, special tokens included."""
    pooling: Pooling
    query_prefix: str
    passage_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMSettings:
    """What an LLM was made with. Its chat template is in the GGUF file."""

    context_tokens: int
    quantisation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model of the catalogue. `embedder` or `llm` is set, as the kind says, and neither of a reranker."""

    name: str
    kind: ModelKind
    licence: str
    """An SPDX identifier."""
    description: str
    parameters: int
    files: tuple[ModelFile, ...]
    embedder: EmbedderSettings | None
    llm: LLMSettings | None
    package: PackageSource | None
    hub: HubSource | None

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.bytes for file in self.files)

    @property
    def gguf(self) -> str | None:
        """The GGUF file that the model is; None where it is a folder, as embedders of the catalogue are."""
        names = () if self.kind == "embedder" else (file.name for file in self.files)
        return next((name for name in names if name.endswith(".gguf")), None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Models by name, in the order of the file."""

    models: tuple[ModelSpec, ...]

    def get(self, name: str) -> ModelSpec | None:
        """The model of that name, where there is one."""
        return next((spec for spec in self.models if spec.name == name), None)

    def find(self, name: str, kind: ModelKind | None = None) -> ModelSpec:
        """The model of that name.

        Raises:
            NoModelError: There is none; the message lists the names that there are, of the kind that is wanted.
        """
        spec = self.get(name)
        if spec is None:
            known = ", ".join(spec.name for spec in self.models if kind in (None, spec.kind))
            choice = f"one of {known}" if known else f"list it in a {CATALOGUE.name} of your own (docs/models.md)"
            raise NoModelError(f"There is no model {name!r}: give a path, or {choice}.")
        return spec


def load_catalogue(path: Path = CATALOGUE) -> Catalogue:
    """The catalogue in the file; without one, that of docindex.

    Raises:
        ModelError: The file is not a catalogue; the message names the model and the key at fault.
    """
    try:
        root = _Table(tomllib.loads(path.read_text(encoding="utf-8")), path.name)
    except (OSError, ValueError) as error:
        cure = "install docindex again" if path == CATALOGUE else "correct it"
        raise ModelError(f"The model catalogue {path} can't be read ({error}): {cure}.") from error
    models = tuple(_model(table) for table in root.tables("model"))
    root.close()
    names = [spec.name for spec in models]
    for name in names:
        if names.count(name) > 1:
            raise ModelError(f"The model catalogue {path} lists {name} twice: leave one.")
    return Catalogue(models)


def known_models(own: Path) -> Catalogue:
    """The catalogue of docindex and, where it is there, one of the user's, whose models take the place of namesakes."""
    known = load_catalogue()
    if not own.is_file():
        return known
    added = load_catalogue(own)
    return Catalogue((*(spec for spec in known.models if added.get(spec.name) is None), *added.models))


def find(name: str) -> ModelSpec:
    """The model of that name in docindex's own catalogue.

    Raises:
        NoModelError: There is none; the message lists the names that there are.
    """
    return load_catalogue().find(name)


class _Table:
    """A TOML table that is read key by key; what was not read when it is closed is an unknown key."""

    def __init__(self, values: Mapping[str, object], label: str) -> None:
        self._left = dict(values)
        self.label = label

    def text(self, key: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self._left.pop(key, None)
        if not isinstance(value, str) or (pattern is not None and not pattern.fullmatch(value)):
            raise self.wrong(key, value)
        return value

    def optional_text(self, key: str) -> str | None:
        return self.text(key) if key in self._left else None

    def count(self, key: str) -> int:
        value = self._left.pop(key, None)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(key, value)
        return value

    def table(self, key: str) -> _Table | None:
        value = self._left.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(key, value)
        return _Table(value, f"{self.label}, {key}")

    def tables(self, key: str) -> list[_Table]:
        value = self._left.pop(key, None)
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise self.wrong(key, value)
        return [_Table(entry, f"{self.label}, {entry.get('name', key)}") for entry in value]

    def close(self) -> None:
        if self._left:
            raise ModelError(f"The model catalogue ({self.label}) has the unknown key {next(iter(self._left))!r}.")

    def wrong(self, key: str, value: object) -> ModelError:
        return ModelError(f"The model catalogue ({self.label}) has {key} = {value!r}, which can't be.")


def _model(table: _Table) -> ModelSpec:
    named = table.text("kind")
    kind: ModelKind | None = next((known for known in get_args(ModelKind) if known == named), None)
    if kind is None:
        raise table.wrong("kind", named)
    spec = ModelSpec(
        name=table.text("name", _NAME),
        kind=kind,
        licence=table.text("licence"),
        description=table.text("description"),
        parameters=table.count("parameters"),
        embedder=_embedder(table.table("embedder")),
        llm=_llm(table.table("llm")),
        package=_package(table.table("package")),
        hub=_hub(table.table("hub")),
        files=tuple(_file(entry) for entry in table.tables("file")),
    )
    table.close()
    if (spec.embedder is None) == (kind == "embedder") or (spec.llm is None) == (kind == "llm"):
        raise table.wrong("kind", kind)
    names = {file.name for file in spec.files}
    weights, exported = names.issuperset(EMBEDDER_FILES), names.issuperset(_EXPORTED_FILES)
    whole: dict[ModelKind, bool] = {
        "embedder": weights,
        "llm": spec.gguf is not None,
        "reranker": weights or exported or spec.gguf is not None,
    }
    if not whole[kind]:
        raise table.wrong("file", sorted(names))
    return spec


def _file(table: _Table) -> ModelFile:
    name = table.text("name", _FILE_NAME)
    file = ModelFile(
        name=name,
        bytes=table.count("bytes"),
        sha256=table.text("sha256", _SHA256),
        member=table.optional_text("member"),
        hub_name=table.optional_text("hub_name") or name,
    )
    table.close()
    return file


def _embedder(table: _Table | None) -> EmbedderSettings | None:
    if table is None:
        return None
    pooling = table.text("pooling")
    if pooling not in ("mean", "cls"):
        raise table.wrong("pooling", pooling)
    settings = EmbedderSettings(
        dim=table.count("dim"),
        max_tokens=table.count("max_tokens"),
        pooling="mean" if pooling == "mean" else "cls",
        query_prefix=table.text("query_prefix"),
        passage_prefix=table.text("passage_prefix"),
    )
    table.close()
    return settings


def _llm(table: _Table | None) -> LLMSettings | None:
    if table is None:
        return None
    settings = LLMSettings(context_tokens=table.count("context_tokens"), quantisation=table.text("quantisation"))
    table.close()
    return settings


def _package(table: _Table | None) -> PackageSource | None:
    if table is None:
        return None
    source = PackageSource(table.text("name"), table.text("version"))
    table.close()
    return source


def _hub(table: _Table | None) -> HubSource | None:
    if table is None:
        return None
    source = HubSource(table.text("repo"), table.text("revision"))
    table.close()
    return source
