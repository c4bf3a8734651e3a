"""Settings: what an index is built with, what this process uses, and the only reading of environment variables."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self, get_args

from docindex.errors import ConfigError
from docindex.schema import EngineName, LoadOptions, SynthesisMode

__version__ = "0.1.0"

FORMAT_VERSION = 2
"""The on-disk format that this version writes."""

DEFAULT_INDEX = Path(".docindex")
DEFAULT_EMBEDDER = "all-minilm-l6-v2"
DEFAULT_LLM = "smollm2-135m-instruct"
DEFAULT_MODELS = (DEFAULT_EMBEDDER, DEFAULT_LLM)
"""What everything works with; the other models of the catalogue serve those who ask for them."""

CacheType = Literal["f16", "q8_0", "q8_0/f16"]
"""How a KV cache is kept: two bytes a number, a little more than one, or the latter for keys alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexConfig:
    """How an index is built. Saved in the index, and fixed once it holds documents."""

    embedder: str = DEFAULT_EMBEDDER
    """A name in the catalogue, a folder with a sentence-transformers model, or a GGUF file that makes embeddings."""
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
    """Delete documents whose files are gone from the given sources."""
    allow_empty_sync: bool = False
    """Mirror a folder even when it holds nothing; without this, an unmounted disk would empty the index."""
    dry_run: bool = False
    """Report what would be done and about how long it would take, and do nothing."""
    wait: Literal["text", "vectors"] = "vectors"
    """Return when everything is found by words, or when it is found by meaning too."""
    checksum: bool = False
    """Read every file to see whether it has changed, also where its size and times say that it has not."""
    retry: bool = False
    """Also read files again whose parser crashed or ran out of time before, or of which a part could not be read, and
    that have not changed since."""
    processes: int | None = None
    """Parser processes; None is one a core, up to four."""
    lease_seconds: float = 0.0
    """How long to wait for another process that is writing to the index."""
    load: LoadOptions = field(default_factory=LoadOptions)
    """How files are read."""
    web: WebOptions = field(default_factory=WebOptions)
    """How web pages are fetched."""

    def __post_init__(self) -> None:
        if self.wait not in ("text", "vectors"):
            raise ConfigError(f"wait is {self.wait!r}: give text or vectors.")
        if self.processes is not None:
            _in_range("processes", self.processes, 1, 1000)
        if not self.lease_seconds >= 0:
            raise ConfigError(f"lease_seconds is {self.lease_seconds}: give a value of 0 or more.")


@dataclass(frozen=True, slots=True)
class FirstIngest:
    """What a new index is about to be filled with: `Index.create` begins to parse it while the stores are made."""

    sources: tuple[str | Path, ...]
    """As `Index.ingest` is going to be given them."""
    options: IngestOptions = field(default_factory=IngestOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOptions:
    """How answers are made."""

    synthesis: SynthesisMode = "compact"
    """How an answer is made of the passages."""
    strict: bool = False
    """Withhold sentences that could not be verified, which are marked otherwise."""
    entailment: bool = False
    """Have the model judge whether the cited passage supports each sentence that it wrote."""
    least_entailment: float = 0.0
    """A sentence of which the model finds that less likely counts as not verified; 0 counts none so."""
    steps: int = 4
    """How many questions an engine may ask on its way to one answer."""
    sentences: int = 5
    """How long the summary of a document is."""
    documents: tuple[str, ...] = ()
    """Ids of the documents that are summarised or compared; without any, those that the question names."""
    database: str | None = None
    """An SQLAlchemy URL: engines that ask tables ask this database instead of the tables of the documents."""
    cache: bool = True
    """Answer a prompt that was answered before, for the same version of the index, from what is kept."""
    prompts: str | Path | None = None
    """A folder with prompts of one's own, in place of the shipped ones of the same names. It serves the search, too,
    where that has the model asked and its options name no other."""

    def __post_init__(self) -> None:
        if self.synthesis not in get_args(SynthesisMode):
            raise ConfigError(f"There is no synthesis {self.synthesis!r}: choose {', '.join(get_args(SynthesisMode))}.")
        if not 0 <= self.least_entailment <= 1:
            raise ConfigError(f"least_entailment is {self.least_entailment}: give a probability from 0 to 1.")
        if self.least_entailment and not self.entailment:
            raise ConfigError("least_entailment is a bound for what the model judges: set entailment, too.")
        if self.entailment and self.synthesis in _VERBATIM:
            raise ConfigError(f"{self.synthesis!r} quotes as it stands, which needs no entailment: leave that out.")
        _in_range("steps", self.steps, 1, 20)
        _in_range("sentences", self.sentences, 1, 100)

    def usable_by(self, engine: EngineName) -> Self:
        """These, without what would never be looked at by an engine of the name."""
        return dataclasses.replace(
            self,
            documents=self.documents if engine in _DOCUMENT_ENGINES else (),
            database=self.database if engine in _TABLE_ENGINES else None,
            entailment=self.entailment and engine not in _QUOTING_ENGINES,
            least_entailment=0.0 if engine in _QUOTING_ENGINES else self.least_entailment,
        )

    def asks_model(self, engine: EngineName) -> bool:
        """Whether an engine of the name may ask the local model, whatever the search does."""
        return engine != "summary" and not (self.synthesis in _VERBATIM and engine in _PASSAGE_ENGINES)

    def check_engine(self, engine: EngineName) -> None:
        """Refuses what an engine of the name would never look at, so that nobody waits for it to matter.

        Raises:
            ConfigError: `database` or `documents` is given, and the engine asks no tables or takes no documents; or
                `entailment`, and no sentence of its answers is the model's.
        """
        usable = self.usable_by(engine)
        if usable.database != self.database:
            choices = ", ".join(_TABLE_ENGINES)
            raise ConfigError(f"The engine {engine!r} asks no tables, and a database is given: choose {choices}.")
        if usable.documents != self.documents:
            choices = ", ".join(_DOCUMENT_ENGINES)
            raise ConfigError(f"The engine {engine!r} is not for given documents: choose {choices}, or give a filter.")
        if usable.entailment != self.entailment:
            raise ConfigError(f"The engine {engine!r} writes no sentences, which entailment is of: leave that out.")


_TABLE_ENGINES: tuple[EngineName, ...] = ("tables", "auto", "agent", "subquestions", "multi-step", "compare")
_DOCUMENT_ENGINES: tuple[EngineName, ...] = ("summary", "compare", "auto", "agent")
_QUOTING_ENGINES: tuple[EngineName, ...] = ("summary", "tables")
_PASSAGE_ENGINES: tuple[EngineName, ...] = ("retriever", "graph")
_VERBATIM: tuple[SynthesisMode, ...] = ("extract", "context-only")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """How a model behind an HTTP server is asked."""

    connect_seconds: float = 5.0
    """For the connection to be made."""
    read_seconds: float = 120.0
    """The longest silence: the reading of a long prompt is one."""
    total_seconds: float = 600.0
    """For one answer in all, with all tries."""
    attempts: int = 4
    """How often a request is made that fails for the moment. One that has given out a token is not made again."""
    longest_wait: float = 60.0
    """Seconds to wait at most where the server says when to ask again."""
    parallel: int = 8
    """Requests at once in `complete_many`."""

    def __post_init__(self) -> None:
        for name in ("connect_seconds", "read_seconds", "total_seconds", "longest_wait"):
            if not 0 < getattr(self, name) <= 86_400:
                raise ConfigError(f"{name} is {getattr(self, name)}: give seconds above 0, up to a day.")
        for name, most in (("attempts", 100), ("parallel", 1000)):
            if not 1 <= getattr(self, name) <= most:
                raise ConfigError(f"{name} is {getattr(self, name)}: give a value from 1 to {most}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMConfig:
    """How the local model runs. It belongs to a process, not to an index."""

    model: str = DEFAULT_LLM
    """A name in the model catalogue, the path of any GGUF file, or an address: `http://localhost:8080/v1#name`."""
    context_tokens: int | None = None
    """The context window; None takes the model's own, up to 8,192, or what its server says, else 4,096."""
    max_tokens: int = 256
    """The longest answer."""
    gpu_layers: int = -1
    """How many layers to offload; -1 is all that the build and the device can take, 0 none."""
    experts_on_cpu: bool = False
    """Of a mixture of experts, keep the experts in the machine's memory where its layers are offloaded."""
    require_gpu: bool = False
    """Fail rather than run on the CPU."""
    threads: int | None = None
    """CPU threads; None is one a core."""
    cache_type: CacheType | None = None
    """How the KV cache is kept: all in "f16", all in "q8_0", which takes half the memory, or the keys in q8_0 and the
    values in f16, which is read sooner than either where no layer is on a GPU. With keys in q8_0, an answer on a CPU is
    the same however it is computed: alone, beside others, or after a context that was kept. None takes "q8_0/f16" where
    no layer is on a GPU, flash attention is on and the model's heads are wide enough, else "f16"."""
    flash_attention: bool | None = None
    """Attention is computed in one go, where the model can have that; a cache with q8_0 in it needs it. None is on, but
    for a model that is not quantised and has no layer on a GPU: it reads sooner without."""
    state_cache_bytes: int = 256 << 20
    """Memory for contexts that were read before, so that they need not be read again; 0 keeps none."""
    state_disk_bytes: int = 0
    """The same on disk, beside the models, for all processes together; 0 keeps none. What is kept there was computed
    from the documents that were read, and is readable to this user only."""
    speculation: Literal["prompt-lookup"] | None = None
    """Guesses what an answer copies from its prompt, and computes it several tokens at a time: the same texts with a
    cache with q8_0 in it, sooner where much is copied and the machine has cores to spare. None guesses nothing."""
    answer_seconds: float | None = None
    """The longest that one answer may take once it has its turn; None is as long as it takes."""
    thinking: Literal["auto", "yes", "no"] = "auto"
    """Whether the model thinks before it answers: "auto" goes by its template, and asks it not to where that can;
    "yes" asks it to, and tells of a model behind a server that it does."""
    thinking_tokens: int = 1024
    """The longest thought, on top of the answer; up to half of the context window."""
    http: HttpOptions = field(default_factory=HttpOptions)
    """How a model behind a server is asked."""

    def __post_init__(self) -> None:
        if self.context_tokens is not None:
            _in_range("context_tokens", self.context_tokens, 256, 1_048_576)
        _in_range("max_tokens", self.max_tokens, 1, 65_536)
        _in_range("gpu_layers", self.gpu_layers, -1, 10_000)
        if self.threads is not None:
            _in_range("threads", self.threads, 1, 1024)
        _in_range("thinking_tokens", self.thinking_tokens, 0, 1_048_576)
        if self.thinking not in ("auto", "yes", "no"):
            raise ConfigError(f"thinking is {self.thinking!r}: give auto, yes or no.")
        if self.cache_type is not None and self.cache_type not in get_args(CacheType):
            raise ConfigError(f"cache_type is {self.cache_type!r}: give {', '.join(get_args(CacheType))} or None.")
        if self.cache_type not in ("f16", None) and self.flash_attention is False:
            raise ConfigError(f"cache_type {self.cache_type!r} needs flash_attention: give f16, or leave that on.")
        if self.speculation not in ("prompt-lookup", None):
            raise ConfigError(f"speculation is {self.speculation!r}: give prompt-lookup or None.")
        for name in ("state_cache_bytes", "state_disk_bytes"):
            _in_range(name, getattr(self, name), 0, 1 << 50)
        if self.answer_seconds is not None and not self.answer_seconds > 0:
            raise ConfigError(f"answer_seconds is {self.answer_seconds}: give a value above 0, or None.")


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
    llm_key: str | None = field(default=None, repr=False)
    """DOCINDEX_LLM_KEY: what the server of the model wants to see; shown nowhere."""
    log: str = field(default="WARNING")
    """DOCINDEX_LOG: the level of the log on standard error."""
    telemetry: bool = False
    """DOCINDEX_TELEMETRY: tell OpenTelemetry of each answer; needs the `telemetry` extra."""

    @classmethod
    def read(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """The settings of this process."""
        models = variables.get("DOCINDEX_MODELS")
        return cls(
            index=Path(variables.get("DOCINDEX_INDEX") or DEFAULT_INDEX),
            models=Path(models).expanduser() if models else None,
            offline=_is_on(variables.get("DOCINDEX_OFFLINE", "")),
            llm=variables.get("DOCINDEX_LLM") or DEFAULT_LLM,
            llm_key=variables.get("DOCINDEX_LLM_KEY", "").strip() or None,
            log=variables.get("DOCINDEX_LOG", "WARNING").upper(),
            telemetry=_is_on(variables.get("DOCINDEX_TELEMETRY", "")),
        )


def _is_on(value: str) -> bool:
    return value.lower() not in ("", "0", "false", "no")


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}: give a value from {low} to {high}.")


def _known_keys(cls: type, saved: Mapping[str, Any]) -> None:
    known = [f.name for f in dataclasses.fields(cls)]
    for key in saved:
        if key not in known:
            raise ConfigError(f"{cls.__name__} has no setting {key!r}: the settings are {', '.join(known)}.")
