"""What all tests share: the documents that the examples ship, and one index of them."""

from __future__ import annotations

import importlib.util
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from docindex import Index
from docindex.config import DEFAULT_LLM, Environment
from docindex.wiring import model_store

pytest.register_assert_rewrite("docindex.testing")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in the background so, and the programs that tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]

LONGEST = ("test_hostile.py", "test_docs.py")
"""Files whose tests take longest, the first of them over one fixture that no two workers should build."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first: begun last, they would run on one core while the others have nothing left."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def example_documents() -> Path:
    return ROOT / "examples" / "documents"


@pytest.fixture(scope="session")
def example_index(tmp_path_factory: pytest.TempPathFactory, example_documents: Path) -> Iterator[Index]:
    """An index of the example documents; tests read it and leave it as it is."""
    with Index.create(tmp_path_factory.mktemp("example") / "index") as index:
        report = index.ingest(example_documents)
        assert report.failed == ()
        yield index


@pytest.fixture(scope="session")
def families() -> ModuleType:
    """What writes tiny GGUF files. Test modules can't import each other, so it comes as a fixture."""
    spec = importlib.util.spec_from_file_location("families", ROOT / "tests" / "llm" / "families.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def family_words(families: ModuleType):
    """The vocabulary of those files: the beginning of the default model's."""
    return families.first_words(model_store(Environment.read()).path(DEFAULT_LLM))


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of three small documents."""
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "apple.txt").write_text("Apples grow on trees. The orchard in Kent has four hundred of them.\n")
    (folder / "sea.md").write_text(
        "# The sea\n\nThe sea is salt.\n\n## Tides\n\nThe moon moves the tides twice daily.\n"
    )
    (folder / "sub" / "engine.txt").write_text("The engine needs 4.2 litres of oil. Change it every 9,000 km.\n")
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """An empty index with the default embedder."""
    with Index.create(tmp_path / "index") as new:
        yield new
