from .answering import (
    calibrate,
    engine,
    policy,
    routed_engine,
    router,
    spanned,
    structured_engine,
)
from .conversing import chat
from .engines import EngineMaker
from .indexes import derived_index, follow, refresh_indexes, settled
from .models import (
    model_store,
    open_embedder,
    open_llm,
    open_local_llm,
    passage_chunker,
)
from .opening import create, open  # noqa: A004 - read as wiring.open
from .parts import Parts
from .retrieving import retriever

__all__ = [
    "EngineMaker",
    "Parts",
    "calibrate",
    "chat",
    "create",
    "derived_index",
    "engine",
    "follow",
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
    "settled",
    "spanned",
    "structured_engine",
]
