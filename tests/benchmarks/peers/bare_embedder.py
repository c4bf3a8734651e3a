"""How fast docindex's embedder is alone, on the passages of a finished index: each distinct one once, as in an ingest.

    python bare_embedder.py INDEX MODEL REPORT

The report is JSON: the passages, how many are distinct, and the seconds for those.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from docindex.embedding.onnx import OnnxEmbedder
from docindex.stores.commit import open_stores

TEXTS_AT_ONCE = 512


def main() -> None:
    index, model, report = map(Path, sys.argv[1:])
    stores = open_stores(index)
    snapshot = stores.snapshot()
    passages = [
        stored.node.full_text for document in snapshot.documents() for stored in snapshot.nodes_of(document.doc_id)
    ]
    stores.close()
    distinct = list(dict.fromkeys(passages))
    embedder = OnnxEmbedder(model)
    embedder.embed(distinct[:8], kind="passage")
    started = time.monotonic()
    for start in range(0, len(distinct), TEXTS_AT_ONCE):
        embedder.embed(distinct[start : start + TEXTS_AT_ONCE], kind="passage")
    seconds = time.monotonic() - started
    found = {"passages": passages, "distinct": len(distinct), "seconds": seconds}
    report.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
