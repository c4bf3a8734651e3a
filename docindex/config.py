"""Settings: what an index is built with, what this process uses, and the only reading of environment variables."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self

from docindex.errors import ConfigError
from docindex.schema import LoadOptions

VERSION = "0.1.0"
"""Of docindex itself."""

FORMAT_VERSION = 2
"""The on-disk format that this version writes."""

DEFAULT_INDEX = Path(".docindex")
DEFAULT_EMBEDDER = "all-minilm-l6-v2"
DEFAULT_LLM = "smollm2-135m-instruct"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexConfig:
    """How an index is built. Saved in the index, and fixed once it holds documents."""

    embedder: str = DEFAULT_EMBEDDER
    """A name in the model catalogue, or a folder with a sentence-transformers model."""
    chunk_tokens: int = 200
    """The most tokens of one node, its context header included, in the embedder's own tokens."""
    overlap_tokens: int = 24
    """About how many tokens neighbouring nodes share, in whole sentences."""
    levels: tuple[int, ...] = ()
    """Tokens of larger nodes above the passages, ascending, such as (512, 2048): what search can widen its hits to.
    They take space, and no embedding."""
    dense_weight: float = 0.7
    """The share of the dense score in hybrid search; the lexical one has the rest."""
    exact_below: int = 20_000
    """Up to how many nodes dense search compares with every vector; above, an approximate index is built."""
    database: str | None = None
    """An SQLAlchemy URL for the registry; the default is an SQLite file in the index."""

    def __post_init__(self) -> None:
        _in_range("chunk_tokens", self.chunk_tokens, 16, 8192)
        _in_range("overlap_tokens", self.overlap_tokens, 0, self.chunk_tokens // 2)
        for below, level in pairwise((self.chunk_tokens, *self.levels)):
            if not below < level <= 1_000_000:
                raise ConfigError(f"levels are {self.levels}: give ascending numbers above chunk_tokens.")
        _in_range("dense_weight", self.dense_weight, 0.0, 1.0)
        _in_range("exact_below", self.exact_below, 0, 10_000_000)

    def as_dict(self) -> dict[str, Any]:
        """The settings as they are saved."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Self:
        """The settings back from their saved form.

        Raises:
            ConfigError: A key is unknown or a value is out of range.
        """
        _known_keys(cls, saved)
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in saved.items()
        }
        return cls(**known)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """How web pages are fetched."""

    rate: float = 1.0
    """Requests a second to one host; a site's own wish for fewer is followed."""
    timeout: float = 20.0
    """Seconds to wait for a server to connect, or to go on."""
    seconds: float = 120.0
    """Seconds that one request may take in all."""
    max_bytes: int = 64 << 20
    """The largest page, unpacked."""
    total_bytes: int = 2 << 30
    """All pages of one ingest; they are kept on disk until they are read."""
    max_pages: int = 1000
    """Pages of one sitemap."""
    attempts: int = 3
    """How often a request is made that fails for the moment."""
    longest_wait: float = 60.0
    """Seconds to wait at most when a server asks for it, before a retry or between pages."""
    user_agent: str = "docindex"
    """Sent with each request; the word before a slash is what robots.txt rules are looked up by."""
    allow_private: bool = False
    """Also fetch from private, local and other addresses that are not public."""

    def __post_init__(self) -> None:
        for name in ("rate", "timeout", "seconds"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: give a value above 0.")
        for name in ("max_bytes", "total_bytes", "max_pages", "attempts"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}: give 1 or more.")

    @property
    def agent(self) -> str:
        """The product token of the user agent."""
        return self.user_agent.partition("/")[0].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """What one ingest reads and how."""

    include: tuple[str, ...] = ()
    """Globs over source names: read only these. A file that is named outright is read in any case."""
    exclude: tuple[str, ...] = ()
    """Globs over source names: never read these."""
    sync: bool = False
    """Delete documents whose files are gone from the given folders."""
    allow_empty_sync: bool = False
    """Mirror a folder even when it holds nothing; without this, an unmounted disk would empty the index."""
    dry_run: bool = False
    """Report what would be done and about how long it would take, and do nothing."""
    wait: Literal["text", "vectors"] = "vectors"
    """Return when everything is found by words, or when it is found by meaning too."""
    checksum: bool = False
    """Read every file to see whether it has changed, also where its size and times say that it has not."""
    retry: bool = False
    """Also read files again whose parser crashed or ran out of time before, and that have not changed since."""
    processes: int | None = None
    """Parser processes; None is one a core, up to four."""
    lease_seconds: float = 0.0
    """How long to wait for another process that is writing to the index."""
    load: LoadOptions = field(default_factory=LoadOptions)
    """How files are read."""
    web: WebOptions = field(default_factory=WebOptions)
    """How web pages are fetched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMConfig:
    """How the local model runs. It belongs to a process, not to an index."""

    model: str = DEFAULT_LLM
    """A name in the model catalogue, or the path of any GGUF file."""
    context_tokens: int | None = None
    """The context window; None takes the model's own, up to 8,192."""
    max_tokens: int = 256
    """The longest answer."""
    gpu_layers: int = -1
    """How many layers to offload; -1 is all that the build and the device can take, 0 none."""
    require_gpu: bool = False
    """Fail rather than run on the CPU."""
    threads: int | None = None
    """CPU threads; None is one a core."""

    def __post_init__(self) -> None:
        if self.context_tokens is not None:
            _in_range("context_tokens", self.context_tokens, 256, 1_048_576)
        _in_range("max_tokens", self.max_tokens, 1, 65_536)
        _in_range("gpu_layers", self.gpu_layers, -1, 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the environment variables say. `DOCINDEX_...`, all optional."""

    index: Path = DEFAULT_INDEX
    """DOCINDEX_INDEX: the index that commands use without `--index`."""
    models: Path | None = None
    """DOCINDEX_MODELS: where models are kept, instead of the user's cache folder."""
    offline: bool = False
    """DOCINDEX_OFFLINE: never use the network; a missing model is an error."""
    llm: str = DEFAULT_LLM
    """DOCINDEX_LLM: the model that answers."""
    log: str = field(default="WARNING")
    """DOCINDEX_LOG: the level of the log on standard error."""

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """The settings of this process."""
        models = variables.get("DOCINDEX_MODELS")
        return cls(
            index=Path(variables.get("DOCINDEX_INDEX") or DEFAULT_INDEX),
            models=Path(models).expanduser() if models else None,
            offline=variables.get("DOCINDEX_OFFLINE", "").lower() not in ("", "0", "false", "no"),
            llm=variables.get("DOCINDEX_LLM") or DEFAULT_LLM,
            log=variables.get("DOCINDEX_LOG", "WARNING").upper(),
        )


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}: give a value from {low} to {high}.")


def _known_keys(cls: type, saved: Mapping[str, Any]) -> None:
    known = [f.name for f in dataclasses.fields(cls)]
    for key in saved:
        if key not in known:
            raise ConfigError(f"{cls.__name__} has no setting {key!r}: the settings are {', '.join(known)}.")
