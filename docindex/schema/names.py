"""The names of the ways to search, to answer and to remember."""

from __future__ import annotations

from typing import Literal

SearchMode = Literal["hybrid", "dense", "lexical"]
Via = Literal["passages", "graph", "parents", "summaries", "tree", "tree-walk"]
"""What passages are found through."""
Expand = Literal["none", "merge", "parent"]
EngineName = Literal[
    "retriever",
    "auto",
    "subquestions",
    "multi-step",
    "hyde",
    "tables",
    "graph",
    "summary",
    "compare",
    "agent",
]
"""How a question is gone about."""
SynthesisMode = Literal["compact", "simple", "refine", "tree-summarise", "accumulate", "extract", "context-only"]
"""How an answer is made of passages."""
TransformName = Literal["multi-query", "hyde", "step-back", "decompose", "rewrite"]
MemoryKind = Literal["recent", "summary", "relevant"]
"""What follow-ups may lean on: the last turns, these and a summary of the older ones, or the turns most alike."""
