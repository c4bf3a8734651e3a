"""LlamaIndex's default vector store with vectors of its own making left out; prints what that took as JSON.

with_llamaindex.py build|search FILES STORE NODES QUERIES
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from llama_index.core import MockEmbedding, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.schema import QueryBundle, TextNode
from timing import peak, recall, resident, timed

K = 10


def build(files: Path, store: Path, nodes: int) -> dict[str, object]:
    vectors = np.load(files / "vectors.npy", mmap_mode="r")[:nodes]
    started = time.perf_counter()
    made = [TextNode(id_=str(row), text="x" * 420, embedding=vector.tolist()) for row, vector in enumerate(vectors)]
    index = VectorStoreIndex(made, embed_model=MockEmbedding(embed_dim=vectors.shape[1]))
    built = time.perf_counter()
    index.storage_context.persist(str(store))
    size = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
    persist_s = round(time.perf_counter() - built, 1)
    return {"build_s": round(built - started, 1), "persist_s": persist_s, "bytes": size, "rss_peak": peak()}


def search(files: Path, store: Path, nodes: int, count: int) -> dict[str, object]:
    queries = np.load(files / "queries.npy")[:count]
    vectors = np.load(files / "vectors.npy", mmap_mode="r")[:nodes]
    truth = np.argsort(-(queries @ np.asarray(vectors).T), axis=1)[:, :K]
    started = time.perf_counter()
    storage = StorageContext.from_defaults(persist_dir=str(store))
    index = load_index_from_storage(storage, embed_model=MockEmbedding(embed_dim=queries.shape[1]))
    loaded = time.perf_counter()
    retriever = index.as_retriever(similarity_top_k=K)

    def ask(number: int) -> list[int]:
        hits = retriever.retrieve(QueryBundle("x", embedding=queries[number].tolist()))
        return [int(hit.node.node_id) for hit in hits]

    figures, answers = timed(ask, range(count))
    figures["recall"] = recall(answers, truth)
    return {"load_s": round(loaded - started, 1), "rss": resident(), "searches": {"default": figures}}


def main() -> None:
    task, files, store, nodes, queries = sys.argv[1:]
    folders = Path(files), Path(store)
    print(json.dumps(build(*folders, int(nodes)) if task == "build" else search(*folders, int(nodes), int(queries))))


if __name__ == "__main__":
    main()
