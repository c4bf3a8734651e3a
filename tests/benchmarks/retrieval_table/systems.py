"""The rows of other systems."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from measuring import NDCG, RECALL, Measured, quantiles

from docindex.evaluation.dataset import Dataset
from docindex.evaluation.retrieval import Found, score

PEERS = Path(__file__).parent.parent / "peers"


def of_peers(options: argparse.Namespace, dataset: Dataset) -> Iterator[Measured]:
    sys.path.insert(0, str(PEERS))  # its modules are scripts of other environments, too, and no package
    import asking

    for system in options.peers:
        reply = asking.ask(
            system,
            options.data,
            options.work.expanduser().resolve(),
            dataset.queries,
            passages=options.k,
            documents=options.documents,
        )
        found = {query_id: Found(tuple(ranking)) for query_id, ranking in reply.rankings.items()}
        evaluation = score(found, dataset, metrics=(NDCG, RECALL), name=f"{system} {reply.version}")
        yield Measured(evaluation, quantiles(reply.milliseconds), settings=reply.settings)
