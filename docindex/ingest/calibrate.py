"""The last of an ingest: what the scores of the index look like with an answer and without one is found out anew."""

from __future__ import annotations

from pathlib import Path

from docindex.protocols import Embedder, Snapshot
from docindex.retrieval.nulls_file import NULLS, read_nulls, write_nulls
from docindex.retrieval.nulls_fit import fit_nulls


def calibrate(folder: Path, snapshot: Snapshot, embedder: Embedder) -> bool:
    """Fits the null scores of an index, if it has changed much since they were; says whether it did.

    The file holds scores and nothing of the texts. An index of too little prose has none.
    """
    held = read_nulls(folder / NULLS, embedder.fingerprint)
    if held is not None and not held.is_stale(snapshot.count()):
        return False
    model = fit_nulls(snapshot, embedder, fingerprint=embedder.fingerprint)
    if model is None:
        (folder / NULLS).unlink(missing_ok=True)
        return False
    write_nulls(folder / NULLS, model)
    return True
