"""LangChain: Chroma in a folder, filled through the indexing API with a record manager."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from langchain_chroma import Chroma
from langchain_classic.indexes import SQLRecordManager
from langchain_community.document_loaders import BSHTMLLoader, DirectoryLoader, PyPDFLoader, TextLoader
from langchain_core.documents import Document
from langchain_core.indexing import index
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from peer import HTML_FILES, PDF_FILES, TEXT_FILES, K, Peer, Task, run
from sentence_transformers import SentenceTransformer
from transformers import AutoTokenizer

COLLECTION = "documents"
LOADERS = ((PDF_FILES, PyPDFLoader), (HTML_FILES, BSHTMLLoader), (TEXT_FILES, TextLoader))


class LangChain(Peer):
    packages = (
        "langchain-core",
        "langchain-chroma",
        "chromadb",
        "langchain-huggingface",
        "sentence-transformers",
        "torch",
    )
    max_tokens = 256

    def __init__(self, task: Task) -> None:
        self.task = task
        self.folder = Path(task.store)
        self.model = HuggingFaceEmbeddings(model_name=task.model)
        self.splitter = RecursiveCharacterTextSplitter.from_huggingface_tokenizer(
            AutoTokenizer.from_pretrained(task.model),
            chunk_size=task.chunk_tokens,
            chunk_overlap=task.overlap_tokens,
        )
        self.settings = (
            f"Chroma with persist_directory; RecursiveCharacterTextSplitter of {task.chunk_tokens} tokens of the "
            f"model's tokenizer, overlap {task.overlap_tokens}, DirectoryLoader with PyPDFLoader, BSHTMLLoader and "
            "TextLoader; HuggingFaceEmbeddings; filled, and unchanged documents found, by index() with "
            'SQLRecordManager on SQLite, cleanup="incremental", in its batches of 100'
        )

    def documents(self) -> list[Document]:
        task = self.task
        if task.kind == "records":
            return [Document(page_content=text, metadata={"source": key}) for key, text in task.records()]
        found: list[Document] = []
        for suffixes, loader in LOADERS:
            globs = [f"**/*{suffix}" for suffix in suffixes]
            found += DirectoryLoader(task.data, glob=globs, loader_cls=loader).load()
        return found

    def ingest(self) -> None:
        self.open()
        records = SQLRecordManager(f"chroma/{COLLECTION}", db_url=f"sqlite:///{self.folder / 'record_manager.sql'}")
        records.create_schema()
        index(
            self.splitter.split_documents(self.documents()),
            records,
            self.store,
            cleanup="incremental",
            source_id_key="source",
            key_encoder="blake2b",
        )

    def persist(self) -> None:
        """Chroma has written everything as it came."""

    def ingest_again(self) -> None:
        self.ingest()

    def open(self) -> None:
        self.store = Chroma(COLLECTION, embedding_function=self.model, persist_directory=str(self.folder / "chroma"))

    def search(self) -> list[str]:
        sources = [hit.metadata["source"] for hit in self.store.similarity_search(self.task.query, k=K)]
        return sources if self.task.kind == "records" else [self.task.key(source) for source in sources]

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        vectors: list[list[float]] = self.model.embed_documents(list(texts))
        return vectors

    def passages(self) -> Iterator[str]:
        yield from self.store.get(include=["documents"])["documents"]


if __name__ == "__main__":
    run(LangChain, SentenceTransformer)
