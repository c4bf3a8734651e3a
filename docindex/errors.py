"""Everything that docindex raises on purpose.

DocindexError
├── ConfigError                  an option or a saved configuration that can't be used
├── LoadError                    one source that could not be read
├── QueryError                   a question or filter that can't be run
├── StoreError                   the index directory
│   ├── IndexNotFoundError       there is no index at the path
│   ├── FormatError              written in a format that this version does not know
│   ├── EmbedderMismatchError    built with another embedding model
│   └── LockedError              another process is writing
├── ModelError                   a model that can't be had, verified, loaded or run
│   └── NoModelError             a model is needed and missing
├── RequestCancelledError        the caller gave up on a request
└── MissingDependencyError       an optional package is not installed

Messages are one sentence and end with the cure; the facts are attributes.
"""

from __future__ import annotations

from pathlib import Path


class DocindexError(Exception):
    """The root of every error that docindex raises on purpose."""


class ConfigError(DocindexError):
    """An option or a saved configuration that can't be used."""


class LoadError(DocindexError):
    """One source that could not be read."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class QueryError(DocindexError):
    """A question or filter that can't be run."""


class StoreError(DocindexError):
    """The index directory can't be used as asked."""


class IndexNotFoundError(StoreError):
    """There is no index at the path."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no index at {path}: build one with `docindex ingest FOLDER --index {path}`.")
        self.path = path


class FormatError(StoreError):
    """The index, or a bundle, was written in a format that this version does not know."""

    def __init__(self, found: object, supported: int, what: str = "The index") -> None:
        super().__init__(
            f"{what} has format {found}, and this docindex reads up to {supported}: upgrade docindex to open it."
        )
        self.found = found
        self.supported = supported


class EmbedderMismatchError(StoreError):
    """The index was built with another embedding model."""

    def __init__(self, built_with: str, opened_with: str) -> None:
        super().__init__(
            f"The index was built with the embedder {built_with} and can't be mixed with {opened_with}: "
            "open it with the first, or ingest into a new index."
        )
        self.built_with = built_with
        self.opened_with = opened_with


class LockedError(StoreError):
    """Another process is writing to the index."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"The index is being written by {holder}: wait for it to end, or stop it, and try again.")
        self.holder = holder


class ModelError(DocindexError):
    """A model can't be had, verified, loaded or run."""


class NoModelError(ModelError):
    """A model is needed and missing."""


class RequestCancelledError(DocindexError):
    """The caller gave up on a request before it ended."""


class MissingDependencyError(DocindexError):
    """An optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: `pip install 'docindex[{extra}]'`.")
        self.package = package
        self.extra = extra
