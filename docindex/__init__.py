"""Index folders of documents and answer questions from them, locally, with checked citations.

Example:
    >>> from docindex import Index
    >>> with Index.create(folder / "handbook") as index:
    ...     index.ingest(documents).failed
    ...     response = index.query("How long does the warranty last?")
    ()
    >>> response.no_answer
    False
"""

import logging

from docindex.config import VERSION as _VERSION
from docindex.config import Environment, IndexConfig, IngestOptions, LLMConfig
from docindex.errors import (
    ConfigError,
    DocindexError,
    EmbedderMismatchError,
    FormatError,
    IndexNotFoundError,
    LoadError,
    LockedError,
    MissingDependencyError,
    ModelError,
    NoModelError,
    QueryError,
    RequestCancelledError,
    StoreError,
)
from docindex.index import Index
from docindex.protocols import QueryEngine
from docindex.schema import (
    Citation,
    Document,
    Hit,
    IngestReport,
    LoadOptions,
    Node,
    Progress,
    Response,
)

__version__ = _VERSION

__all__ = [
    "Citation",
    "ConfigError",
    "DocindexError",
    "Document",
    "EmbedderMismatchError",
    "Environment",
    "FormatError",
    "Hit",
    "Index",
    "IndexConfig",
    "IndexNotFoundError",
    "IngestOptions",
    "IngestReport",
    "LLMConfig",
    "LoadError",
    "LoadOptions",
    "LockedError",
    "MissingDependencyError",
    "ModelError",
    "NoModelError",
    "Node",
    "Progress",
    "QueryEngine",
    "QueryError",
    "RequestCancelledError",
    "Response",
    "StoreError",
]

logging.getLogger("docindex").addHandler(logging.NullHandler())
