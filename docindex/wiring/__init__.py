"""The composition root: only this package names concrete stores, loaders and models. Each is imported when used."""

from docindex.wiring.answering import calibrate, chat, engine, policy, routed_engine, router
from docindex.wiring.indexes import derived_index, refresh_indexes
from docindex.wiring.models import model_store, open_embedder, open_llm, passage_chunker
from docindex.wiring.opening import create, open  # noqa: A004 - read as wiring.open
from docindex.wiring.parts import Parts
from docindex.wiring.retrieving import retriever

__all__ = [
    "Parts",
    "calibrate",
    "chat",
    "create",
    "derived_index",
    "engine",
    "model_store",
    "open",
    "open_embedder",
    "open_llm",
    "passage_chunker",
    "policy",
    "refresh_indexes",
    "retriever",
    "routed_engine",
    "router",
]
