"""The chunker that parser processes make from a model's folder cuts as the embedder's own tokens ask for."""

from __future__ import annotations

from pathlib import Path

from docindex.chunking.passages import PassageChunker
from docindex.embedding.onnx import OnnxEmbedder
from docindex.schema import Document
from docindex.wiring import passage_chunker


def test_a_prompt_takes_its_room_here_too(tiny, tmp_path: Path) -> None:
    files: dict[str, object] = {
        "sentence_bert_config.json": {"max_seq_length": 24},
        "config_sentence_transformers.json": {"prompts": {"query": "query: ", "document": "passage: rain "}},
    }
    folder = tiny.write(tmp_path / "prompted", config={"max_position_embeddings": 24}, files=files)
    embedder = OnnxEmbedder(folder)
    assert embedder.max_tokens < 24
    document = Document("a", "a", "The rain and the wind. Wind rain wind. " * 90, title="On rain")
    for chunk_tokens in (16, 200):
        most = min(chunk_tokens, embedder.max_tokens)
        own = PassageChunker(embedder.token_offsets, max_tokens=most, overlap_tokens=4)
        assert passage_chunker(str(folder), chunk_tokens, 4).chunk(document) == own.chunk(document)
    whole = PassageChunker(embedder.token_offsets, max_tokens=24, overlap_tokens=4)
    assert whole.chunk(document) != own.chunk(document)
