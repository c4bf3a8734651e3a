"""LlamaIndex: its default vector store, written by `persist`, behind an ingestion pipeline with a document store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from llama_index.core import Document, SimpleDirectoryReader, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import MetadataMode
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.readers.file import HTMLTagReader
from peer import HTML_FILES, PDF_FILES, TEXT_FILES, K, Peer, Task, run
from sentence_transformers import SentenceTransformer
from transformers import AutoTokenizer


class LlamaIndex(Peer):
    packages = ("llama-index-core", "llama-index-embeddings-huggingface", "sentence-transformers", "torch")
    max_tokens = 256

    def __init__(self, task: Task) -> None:
        self.task = task
        self.index_folder = Path(task.store) / "storage"
        self.pipeline_folder = Path(task.store) / "pipeline_storage"
        self.model = HuggingFaceEmbedding(model_name=task.model)
        splitter = SentenceSplitter(
            chunk_size=task.chunk_tokens,
            chunk_overlap=task.overlap_tokens,
            tokenizer=AutoTokenizer.from_pretrained(task.model).tokenize,
        )
        self.pipeline = IngestionPipeline(
            transformations=[splitter, self.model],
            docstore=SimpleDocumentStore(),
            docstore_strategy=DocstoreStrategy.DUPLICATES_ONLY,
            disable_cache=True,
        )
        self.settings = (
            "VectorStoreIndex on the default SimpleVectorStore, persist(); SentenceSplitter of "
            f"{task.chunk_tokens} tokens of the model's tokenizer, overlap {task.overlap_tokens}, "
            "SimpleDirectoryReader (HTML by HTMLTagReader); "
            f"HuggingFaceEmbedding in batches of {self.model.embed_batch_size}; unchanged documents by "
            "IngestionPipeline's docstore, the index is loaded and written again only if there is something new"
        )

    def documents(self) -> list[Document]:
        task = self.task
        if task.kind == "records":
            return [Document(text=text, doc_id=key) for key, text in task.records()]
        reader = SimpleDirectoryReader(
            input_dir=task.data,
            recursive=True,
            exclude_hidden=False,  # the folder of the corpora may lie in a hidden one, such as the user's cache
            filename_as_id=True,
            required_exts=[*TEXT_FILES, *HTML_FILES, *PDF_FILES],
            file_extractor={suffix: HTMLTagReader(tag="body") for suffix in HTML_FILES},
        )
        found: list[Document] = reader.load_data()
        return found

    def ingest(self) -> None:
        nodes = self.pipeline.run(documents=self.documents())
        self.index = VectorStoreIndex(nodes, embed_model=self.model)

    def persist(self) -> None:
        self.index.storage_context.persist(persist_dir=str(self.index_folder))
        self.pipeline.persist(str(self.pipeline_folder))

    def ingest_again(self) -> None:
        self.pipeline.load(str(self.pipeline_folder))
        nodes = self.pipeline.run(documents=self.documents())
        if nodes:
            self.open()
            self.index.insert_nodes(nodes)
            self.persist()

    def open(self) -> None:
        storage = StorageContext.from_defaults(persist_dir=str(self.index_folder))
        self.index = load_index_from_storage(storage, embed_model=self.model)

    def search(self) -> list[str]:
        hits = self.index.as_retriever(similarity_top_k=K).retrieve(self.task.query)
        if self.task.kind == "records":
            return [hit.node.ref_doc_id for hit in hits]
        return [self.task.key(hit.node.metadata["file_path"]) for hit in hits]

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [list(vector) for vector in self.model.get_text_embedding_batch(list(texts))]

    def passages(self) -> Iterator[str]:
        for node in self.index.docstore.docs.values():
            yield node.get_content(metadata_mode=MetadataMode.EMBED)


if __name__ == "__main__":
    run(LlamaIndex, SentenceTransformer)
