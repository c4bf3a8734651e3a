"""The seams: every part that can be swapped, as a Protocol. Whoever has read these few pages knows the library.

Implementations are named in `docindex.wiring` and nowhere else. Contract suites for those that others implement are
in `docindex.testing`; ours pass them too.
"""

from docindex.protocols.answering import AnswerStream, Engine, QueryEngine, Retriever, StreamingEngine, Synthesizer
from docindex.protocols.models import (
    LLM,
    BatchingLLM,
    ChoosingLLM,
    Completion,
    CompletionStore,
    Embedder,
    KeptCompletion,
    Message,
    Token,
    Vectors,
)
from docindex.protocols.reading import Chunker, Loaded, Loader, LoaderRegistry
from docindex.protocols.records import (
    ChangeSet,
    DocumentChange,
    DocumentRecord,
    FileStamp,
    Match,
    NodeVectors,
    SourceRecord,
    StoredNode,
    StoredTable,
    VersionRecord,
)
from docindex.protocols.stores import DerivedIndex, IndexStore, OnProgress, Snapshot, Writer

__all__ = [
    "LLM",
    "AnswerStream",
    "BatchingLLM",
    "ChangeSet",
    "ChoosingLLM",
    "Chunker",
    "Completion",
    "CompletionStore",
    "DerivedIndex",
    "DocumentChange",
    "DocumentRecord",
    "Embedder",
    "Engine",
    "FileStamp",
    "IndexStore",
    "KeptCompletion",
    "Loaded",
    "Loader",
    "LoaderRegistry",
    "Match",
    "Message",
    "NodeVectors",
    "OnProgress",
    "QueryEngine",
    "Retriever",
    "Snapshot",
    "SourceRecord",
    "StoredNode",
    "StoredTable",
    "StreamingEngine",
    "Synthesizer",
    "Token",
    "Vectors",
    "VersionRecord",
    "Writer",
]
