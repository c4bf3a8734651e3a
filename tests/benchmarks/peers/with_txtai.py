"""txtai: an embeddings database with its content in SQLite and its vectors in Faiss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bs4 import BeautifulSoup
from liteparse import LiteParse
from peer import HTML_FILES, PDF_FILES, TEXT_FILES, K, Peer, Task, run
from transformers import AutoTokenizer
from txtai import Embeddings
from txtai.models.pooling import Pooling
from txtai.pipeline import Segmentation, Textractor

SEPARATOR = "#"
"""Between the document and the number of the passage in an id."""
MOST_PAGES = 100_000
"""Left alone, its PDF reader stops after 1,000 pages and says nothing."""


class Txtai(Peer):
    packages = ("txtai", "faiss-cpu", "chonkie", "liteparse", "transformers", "torch")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.path = str(Path(task.store) / "index")
        tokenizer = AutoTokenizer.from_pretrained(task.model)
        self.max_tokens = tokenizer.model_max_length
        self.chunking = {
            "chunker": "sentence",
            "tokenizer": tokenizer,
            "chunk_size": task.chunk_tokens,
            "chunk_overlap": task.overlap_tokens,
        }
        self.settings = (
            "Embeddings(content=True), save(): SQLite and Faiss; Textractor with Chonkie's sentence chunker of "
            f"{task.chunk_tokens} tokens of the model's tokenizer, overlap {task.overlap_tokens}, PDF by its LiteParse "
            "backend without OCR and its limit of 1,000 pages, HTML by BeautifulSoup (its own conversion repeats the "
            "text of nested tables many times over); its own mean pooling in batches of 32; nothing finds what is "
            "unchanged: the second ingest is load(), upsert() of everything and save()"
        )

    def passage_rows(self) -> Iterator[tuple[str, str]]:
        task = self.task
        if task.kind == "records":
            split = Segmentation(**self.chunking)
            for key, text in task.records():
                yield from self.rows(key, split(text))
            return
        pdf = Textractor(backend="liteparse", **self.chunking)
        pdf.html.backend.liteparse = LiteParse(
            output_format="markdown", ocr_enabled=False, max_pages=MOST_PAGES, quiet=True
        )
        for path in task.files(PDF_FILES):
            yield from self.rows(task.key(path), pdf(path))
        split = Segmentation(**self.chunking)
        for path in task.files((*HTML_FILES, *TEXT_FILES)):
            text = Path(path).read_text(encoding="utf-8")
            if path.endswith(HTML_FILES):
                text = BeautifulSoup(text, "html.parser").get_text()
            yield from self.rows(task.key(path), split(text))

    def rows(self, key: str, passages: Sequence[str]) -> Iterator[tuple[str, str]]:
        for number, passage in enumerate(passages):
            yield f"{key}{SEPARATOR}{number}", passage

    def empty(self) -> Embeddings:
        return Embeddings(path=self.task.model, content=True)

    def ingest(self) -> None:
        self.embeddings = self.empty()
        self.embeddings.index(self.passage_rows())

    def persist(self) -> None:
        self.embeddings.save(self.path)

    def ingest_again(self) -> None:
        self.open()
        self.embeddings.upsert(self.passage_rows())
        self.persist()

    def open(self) -> None:
        self.embeddings = Embeddings()
        self.embeddings.load(self.path)

    def search(self) -> list[str]:
        return [hit["id"].rsplit(SEPARATOR, 1)[0] for hit in self.embeddings.search(self.task.query, K)]

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [vector.tolist() for vector in self.empty().batchtransform(list(texts))]

    def passages(self) -> Iterator[str]:
        for row in self.embeddings.search("select text from txtai", limit=self.embeddings.count()):
            yield row["text"]


if __name__ == "__main__":
    run(Txtai, Pooling)
