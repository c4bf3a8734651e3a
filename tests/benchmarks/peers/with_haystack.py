"""Haystack: its in-memory document store, saved to disk, and the usual components of an indexing pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from haystack import Document
from haystack.components.caching import CacheChecker
from haystack.components.converters import HTMLToDocument, PyPDFToDocument, TextFileToDocument
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.document_stores.types import DuplicatePolicy
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from peer import HTML_FILES, PDF_FILES, TEXT_FILES, K, Peer, Task, run
from sentence_transformers import SentenceTransformer

WORDS_A_TOKEN = 0.65
"""Its splitter counts words, or tokens of another model: this gives about the wanted number of MiniLM's."""


class Haystack(Peer):
    packages = ("haystack-ai", "sentence-transformers-haystack", "sentence-transformers", "torch")
    max_tokens = 256

    def __init__(self, task: Task) -> None:
        self.task = task
        self.path = Path(task.store) / "store.json"
        words, overlap = round(task.chunk_tokens * WORDS_A_TOKEN), round(task.overlap_tokens * WORDS_A_TOKEN)
        self.splitter = DocumentSplitter(split_by="word", split_length=words, split_overlap=overlap)
        self.embedder = SentenceTransformersDocumentEmbedder(model=task.model, progress_bar=False)
        self.store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        self.settings = (
            f"InMemoryDocumentStore, save_to_disk(); DocumentSplitter of {words} words, overlap {overlap}, "
            "PyPDFToDocument, HTMLToDocument, TextFileToDocument and DocumentCleaner; "
            f"SentenceTransformersDocumentEmbedder in batches of {self.embedder.batch_size}; unchanged documents by "
            "CacheChecker on their path or id (it would not notice an edit)"
        )

    def documents(self, *, new_only: bool) -> list[Document]:
        task = self.task
        if task.kind == "records":
            texts = dict(task.records())
            keys = self.misses("meta.key", list(texts)) if new_only else list(texts)
            return [Document(content=texts[key], meta={"key": key}) for key in keys]
        found: list[Document] = []
        for suffixes, converter in (
            (PDF_FILES, PyPDFToDocument(store_full_path=True)),
            (HTML_FILES, HTMLToDocument(store_full_path=True)),
            (TEXT_FILES, TextFileToDocument(store_full_path=True)),
        ):
            paths = task.files(suffixes)
            if new_only:
                paths = self.misses("meta.file_path", paths)
            found += converter.run(sources=paths)["documents"]
        return DocumentCleaner().run(documents=found)["documents"] if found else []

    def misses(self, field: str, items: list[str]) -> list[str]:
        return list(CacheChecker(self.store, cache_field=field).run(items=items)["misses"])

    def ingest(self) -> None:
        self.write(self.documents(new_only=False))

    def write(self, documents: list[Document]) -> None:
        passages = self.splitter.run(documents=documents)["documents"]
        self.embedder.warm_up()
        embedded = self.embedder.run(documents=passages)["documents"]
        DocumentWriter(self.store, policy=DuplicatePolicy.OVERWRITE).run(documents=embedded)

    def persist(self) -> None:
        self.store.save_to_disk(str(self.path))

    def ingest_again(self) -> None:
        self.open()
        documents = self.documents(new_only=True)
        if documents:
            self.write(documents)
            self.persist()

    def open(self) -> None:
        self.store = InMemoryDocumentStore.load_from_disk(str(self.path))

    def search(self) -> list[str]:
        embedder = SentenceTransformersTextEmbedder(model=self.task.model, progress_bar=False)
        embedder.warm_up()  # it shares the loaded model with the other embedder
        vector = embedder.run(text=self.task.query)["embedding"]
        hits = InMemoryEmbeddingRetriever(self.store, top_k=K).run(query_embedding=vector)["documents"]
        if self.task.kind == "records":
            return [hit.meta["key"] for hit in hits]
        return [self.task.key(hit.meta["file_path"]) for hit in hits]

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.embedder.warm_up()
        documents = [Document(content=text) for text in texts]
        return [list(document.embedding) for document in self.embedder.run(documents=documents)["documents"]]

    def passages(self) -> Iterator[str]:
        for document in self.store.filter_documents():
            yield document.content


if __name__ == "__main__":
    run(Haystack, SentenceTransformer)
