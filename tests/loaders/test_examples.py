from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

from docindex.loaders.registry import default_registry
from docindex.schema import Document, Source

ROOT = Path(__file__).parents[2]


def documents_of(folder: Path) -> dict[str, list[Document]]:
    registry = default_registry()
    found = {}
    for path in sorted(folder.iterdir()):
        media_type = registry.media_type_of(path)
        assert media_type is not None
        found[path.name] = list(registry.load(Source(path.name, path, media_type)))
    return found


def test_a_dozen_files_in_five_formats(example_documents):
    found = documents_of(example_documents)
    assert len(found) >= 12
    assert len({document.media_type for documents in found.values() for document in documents}) >= 5
    assert all(document.text.strip() for documents in found.values() for document in documents)


def test_questions_are_answered_by_their_source_and_page(example_documents):
    found = documents_of(example_documents)
    questions = [json.loads(line) for line in (ROOT / "examples" / "questions.jsonl").read_text().splitlines()]
    answered = [question for question in questions if question["answer"] is not None]
    assert (len(answered), len(questions) - len(answered)) == (20, 8)
    for question in answered:
        texts = []
        for document in found[question["source"]]:
            page = document.pages[question["page"] - 1] if question["page"] else None
            texts.append(document.text[page.start : page.end] if page else document.text)
        text = " ".join(" ".join(texts).split()).lower()
        assert any(answer.lower() in text for answer in question["answer"]), question["question"]


def test_the_manual_is_what_its_script_writes(example_documents):
    spec = importlib.util.spec_from_file_location("make_examples", ROOT / "tools" / "make_examples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    committed = (example_documents / "user-manual.pdf").read_bytes()
    assert module.manual() == committed
    assert len(committed) < 200_000


def test_the_safety_notice_is_latin1(example_documents):
    data = (example_documents / "safety-notice.txt").read_bytes()
    assert b"\xb0C" in data
    assert "45 °C" in documents_of(example_documents)["safety-notice.txt"][0].text
