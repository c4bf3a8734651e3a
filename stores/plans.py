"""How the approximate index of the vectors is searched: what is looked through, and what is compared exactly."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field

VECTOR_INDEX = "vector_ivf_"
"""The approximate index's name goes on with its number of partitions and the bits of a dimension, which LanceDB does
not tell in one word: `vector_ivf_244x4`. Those of an older docindex have one bit and do not say so."""
FACT = "vector_index"
"""The registry's fact that holds the plan of the newest index."""


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How one index is searched."""

    table: str
    index: str
    partitions: int
    bits: int
    """Of each dimension of a vector."""
    probes: int
    """Partitions that a search without filter looks through. A filter leaves few near neighbours in each partition, or
    has them where the query is not: one with a filter looks through all."""
    candidates: int
    """How many of the best by the index are compared exactly, at least."""
    recall: float | None = None
    """Of the ten nearest, how many are found on average: measured with `rows` vectors in the index."""
    rows: int = 0

    @property
    def all_partitions(self) -> int:
        """As many as there may be: LanceDB divided the partitions of an older docindex, and minds no higher number."""
        return 8 * self.partitions

    def refine_factor(self, k: int) -> int:
        """How many times k candidates are compared exactly."""
        return max(1 if self.bits > 1 else 4, math.ceil(self.candidates / k))

    def described(self) -> dict[str, str | int]:
        """For `docindex status`."""
        return {"type": "IVF_RQ", "partitions": self.partitions, "bits": self.bits, "searched": self.probes}

    def as_text(self) -> str:
        """The plan as the registry has it."""
        return json.dumps(asdict(self))


@dataclass(slots=True)
class Known:
    """What has been found out about a version of the vectors table, which never changes."""

    plan: SearchPlan | None
    """None where there is no approximate index."""
    counts: dict[str, int] = field(default_factory=dict)
    """How many rows pass a filter; "" lets all pass."""


def name_of(partitions: int, bits: int) -> str:
    """What an index is called."""
    return f"{VECTOR_INDEX}{partitions}x{bits}"


def default_plan(table: str, index: str) -> SearchPlan:
    """The plan of an index that was not measured yet: cautious."""
    partitions, _, bits = index.removeprefix(VECTOR_INDEX).partition("x")
    plan = SearchPlan(table, index, int(partitions), int(bits or 1), probes=0, candidates=0)
    return with_effort(plan, probes=max(50, plan.partitions // 5), candidates=60 if plan.bits > 1 else 300)


def with_effort(plan: SearchPlan, probes: int, candidates: int) -> SearchPlan:
    """The plan with another effort."""
    probes = min(probes, plan.partitions)
    return SearchPlan(plan.table, plan.index, plan.partitions, plan.bits, probes, candidates)


def read_plan(text: str | None) -> SearchPlan | None:
    """The plan that `as_text` wrote."""
    if text is None:
        return None
    try:
        return SearchPlan(**json.loads(text))
    except (ValueError, TypeError):
        return None  # of another version of docindex: the default one serves
