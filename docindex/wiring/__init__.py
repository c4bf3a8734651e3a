"""The composition root: only this package names concrete stores, loaders and models. Each is imported when used."""

from docindex.wiring.answering import awaitable, calibrate, engine, policy, routed_engine, router, structured_engine
from docindex.wiring.conversing import chat
from docindex.wiring.engines import EngineMaker
from docindex.wiring.indexes import derived_index, refresh_indexes
from docindex.wiring.models import model_store, open_embedder, open_llm, open_local_llm, passage_chunker
from docindex.wiring.opening import create, open  # noqa: A004 - read as wiring.open
from docindex.wiring.parts import Parts
from docindex.wiring.retrieving import retriever

__all__ = [
    "EngineMaker",
    "Parts",
    "awaitable",
    "calibrate",
    "chat",
    "create",
    "derived_index",
    "engine",
    "model_store",
    "open",
    "open_embedder",
    "open_llm",
    "open_local_llm",
    "passage_chunker",
    "policy",
    "refresh_indexes",
    "retriever",
    "routed_engine",
    "router",
    "structured_engine",
]
