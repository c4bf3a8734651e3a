"""A collection in BEIR's layout, small enough to be indexed by every test that changes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from docindex import Index
from docindex.evaluation.collection import open_collection
from docindex.evaluation.dataset import load_dataset

TEXTS = {
    "bees": ("Bees", "Bees dance to tell each other where flowers are. A hive holds forty thousand of them in summer."),
    "tides": ("Tides", "The moon moves the sea twice daily. Spring tides come when sun and moon pull in one line."),
    "granite": ("Granite", "Granite is made of quartz, feldspar and mica. It cools slowly, deep under the ground."),
    "chalk": ("Chalk", "Chalk is a soft white limestone, formed from the shells of tiny sea creatures."),
    "engine": ("Engine oil", "The engine needs four litres of oil. Change the oil every nine thousand kilometres."),
    "ferry": ("Ferry", "The ferry to the island leaves at seven in the morning. Bicycles travel free of charge."),
    "bread": ("Bread", "Sourdough bread rises with wild yeast. The dough rests for twelve hours in a cool place."),
    "owls": ("Owls", "Owls hunt at night and hear a mouse under the snow. Their feathers make no noise."),
}
QUERIES = {
    "q1": ("how do insects show where blossoms are", {"bees": 1}),
    "q2": ("why does the ocean rise and fall", {"tides": 2, "chalk": 0}),
    "q3": ("which rocks are white or made of quartz", {"granite": 1, "chalk": 1}),
    "q4": ("lubricant for the motor", {"engine": 1}),
    "q5": ("taking a bike on the boat", {"ferry": 1}),
    "q6": ("baking with a natural leaven", {"bread": 1}),
    "q7": ("silent birds in the dark", {"owls": 1}),
}


def write_collection(folder: Path) -> Path:
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": doc_id, "title": title, "text": text} for doc_id, (title, text) in TEXTS.items()]
    queries = [{"_id": query_id, "text": text} for query_id, (text, _) in QUERIES.items()]
    for name, records in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    for split, chosen in (("train", list(QUERIES)[:5]), ("test", list(QUERIES)[5:])):
        lines = [f"{q}\t{doc_id}\t{score}" for q in chosen for doc_id, score in QUERIES[q][1].items()]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *lines]) + "\n")
    return folder


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder; tests read it."""
    return write_collection(tmp_path_factory.mktemp("beir") / "toy")


@pytest.fixture(scope="session")
def collection_index(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Its index; tests read it and leave it as it is."""
    path = tmp_path_factory.mktemp("beir-index") / "index"
    opened = open_collection(collection, load_dataset(collection, "train"), path)
    assert opened.missing == 0
    with opened.index as index:
        yield index
