"""Recall of the approximate index on the vectors that it holds, and the least effort that reaches the recall wanted.

The queries are stored vectors moved in the direction of the difference of two others, as far as questions lie from the
passages that answer them; so they have the spread of the data in every direction, and are no vector of the index. Their
true neighbours come from one pass over all vectors.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from docindex.stores.changes import set_fact
from docindex.stores.database import transaction
from docindex.stores.dense import PASS_ROWS, VectorSearch, default_index, unit
from docindex.stores.lance import scan, store_errors
from docindex.stores.lancedb_api import LanceTable
from docindex.stores.parts import StoreParts
from docindex.stores.plans import FACT, Known, SearchPlan, read_plan, with_effort
from docindex.stores.queries import rows_at, wait_for
from docindex.stores.rows import vectors_in

NEIGHBOURS = 10
WANTED_RECALL = 0.993
"""Of the sample: its error, of 0.003, is on the safe side of 0.99."""
QUERIES = 100
DRIFT = 0.05
"""An index that was made anew is measured again when its rows have become more, or fewer, by such a share."""
_MOVED = 0.6
"""Leaves a cosine of about 0.75 between a query and the vector that it was made of."""
_EFFORTS = (
    (0.03, 30),
    (0.04, 30),
    (0.05, 30),
    (0.065, 30),
    (0.08, 30),
    (0.1, 30),
    (0.12, 40),
    (0.16, 60),
    (0.2, 60),
    (0.28, 60),
    (0.4, 60),
    (0.55, 60),
    (0.75, 60),
    (1.0, 100),
    (1.0, 300),
)
"""Shares of the partitions that are looked through, and candidates that are compared exactly: the cheapest first."""
_ONE_BIT_CANDIDATES = 300
_LEAST_PROBES = 8
_SAME = 1e-5
"""Cosines this near are equal: two ways to compute one differ by as much."""


def measure_index(parts: StoreParts) -> None:
    """Measures the newest version's index, chooses how it is searched, and notes both; unless that was done before.

    Takes about as long as reading all vectors, and some seconds.
    """
    head = parts.head()
    table = parts.vectors.at(head.vectors_table)
    plan = default_index(table)
    if plan is None:
        return
    before = read_plan(parts.registry.fact(FACT))
    same = before is not None and (before.table, before.index) == (plan.table, plan.index)
    if same and before is not None and abs(before.rows - head.embedded) <= DRIFT * before.rows:
        return
    with store_errors(parts.vectors.kind):
        measured = chosen_plan(table, plan, head.embedded, parts.dim)
    with transaction(parts.engine) as connection:
        set_fact(connection, FACT, measured.as_text())
    parts.vectors.opened(head.vectors_table).known = Known(measured)


def chosen_plan(table: LanceTable, plan: SearchPlan, rows: int, dim: int) -> SearchPlan:
    """The plan with the least effort that reaches `WANTED_RECALL`, or with the most; and the recall that it has."""
    queries = sample_queries(table, rows, dim)
    tenth = nearest_cosines(table, queries, dim)[:, -1]
    tried = chosen = with_effort(plan, 0, 0)
    for share, candidates in _EFFORTS:
        probes = max(_LEAST_PROBES, round(share * plan.partitions))
        effort = with_effort(plan, probes, candidates if plan.bits > 1 else max(candidates, _ONE_BIT_CANDIDATES))
        if effort == tried:
            continue  # of few partitions, different shares are as many
        tried = effort
        recall = _recall(VectorSearch(table, dim, Known(effort)), queries, tenth)
        chosen = replace(effort, recall=round(recall, 4), rows=rows)
        if recall >= WANTED_RECALL:
            break
    return chosen


def sample_queries(table: LanceTable, rows: int, dim: int) -> NDArray[np.float32]:
    """Unit vectors that are like questions about what is stored, shape (n, dim); the same ones for the same table."""
    rng = np.random.default_rng(rows)
    count = min(QUERIES, rows)
    places = np.sort(rng.choice(rows, min(rows, 3 * count), replace=False))
    taken = vectors_in(wait_for(rows_at(table, places.tolist()).select(["vector"]).to_arrow()), dim)
    first, second, third = (taken[rng.permutation(len(taken))[:count]] for _ in range(3))
    made = first + _MOVED * (second - third)
    return unit(np.where(made.any(axis=1, keepdims=True), made, first))


def nearest_cosines(table: LanceTable, queries: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    """The cosines of each query's nearest vectors, from the best on: shape (n, NEIGHBOURS), from a pass over all."""
    best = np.full((len(queries), NEIGHBOURS), -1.0, np.float32)
    for batch in scan(table, ["vector"], PASS_ROWS):
        cosines = queries @ unit(vectors_in(batch, dim)).T
        for row in np.flatnonzero(cosines.max(axis=1, initial=-1.0) > best[:, -1]):
            joined = np.concatenate([best[row], cosines[row][cosines[row] > best[row, -1]]])
            best[row] = -np.sort(-joined)[:NEIGHBOURS]
    return best


def _recall(search: VectorSearch, queries: NDArray[np.float32], tenth: NDArray[np.float32]) -> float:
    found = 0
    for query, least in zip(queries, tenth, strict=True):
        found += sum(match.score >= float(least) - _SAME for match in search.dense(query, NEIGHBOURS))
    return float(found) / (len(queries) * NEIGHBOURS)
