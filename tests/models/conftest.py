from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from docindex.models.catalogue import Catalogue, load_catalogue

PACKAGE, VERSION = "tiny-weights", "1.2.0"

CONTENT: Mapping[str, bytes] = {
    "model.safetensors": bytes(range(256)) * 5000,
    "tokenizer.json": b'{"version": "1.0"}',
    "config.json": b'{"model_type": "bert"}',
}
GGUF = b"GGUF" + b"\x03" * 200_000


def _files(content: Mapping[str, bytes], folder: str) -> str:
    return "".join(
        f"""
        [[model.file]]
        name = "{name}"
        bytes = {len(data)}
        sha256 = "{hashlib.sha256(data).hexdigest()}"
        member = "{folder}/{name}"
        hub_name = "sub/{name}"
        """
        for name, data in content.items()
    )


CATALOGUE = f"""
    [[model]]
    name = "tiny"
    kind = "embedder"
    licence = "Apache-2.0"
    description = "For tests"
    parameters = 1
    embedder = {{ dim = 4, max_tokens = 8, pooling = "cls", query_prefix = "query: ", passage_prefix = "passage: " }}
    package = {{ name = "{PACKAGE}", version = "{VERSION}" }}
    hub = {{ repo = "someone/tiny", revision = "0123456789abcdef0123456789abcdef01234567" }}
    {_files(CONTENT, "tiny_weights/model")}

    [[model]]
    name = "tiny-llm"
    kind = "llm"
    licence = "MIT"
    description = "For tests"
    parameters = 1
    llm = {{ context_tokens = 64, quantisation = "Q8_0" }}
    package = {{ name = "{PACKAGE}", version = "{VERSION}" }}
    {_files({"tiny.gguf": GGUF}, "tiny_weights")}

    [[model]]
    name = "tiny-hub"
    kind = "llm"
    licence = "MIT"
    description = "Only on the hub"
    parameters = 1
    llm = {{ context_tokens = 64, quantisation = "Q8_0" }}
    hub = {{ repo = "someone/tiny", revision = "0123456789abcdef0123456789abcdef01234567" }}
    {_files({"tiny.gguf": GGUF}, "tiny_weights")}
"""


class PackageIndex:
    """A folder of wheels that stands in for the user's package index."""

    content = CONTENT
    gguf = GGUF

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def members(self, change: Mapping[str, bytes] | None = None, version: str = VERSION) -> dict[str, bytes]:
        info = f"tiny_weights-{version}.dist-info"
        members = {
            "tiny_weights/__init__.py": b"raise RuntimeError('a package of weights is never imported')\n",
            "tiny_weights/tiny.gguf": GGUF,
            **{f"tiny_weights/model/{name}": data for name, data in CONTENT.items()},
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {version}\n"
            "Requires-Dist: a-package-that-does-not-exist\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            **(change or {}),
        }
        return members | {f"{info}/RECORD": "".join(f"{name},,\n" for name in members).encode()}

    def publish(self, change: Mapping[str, bytes] | None = None) -> None:
        """Puts the package on the index, with some of its members changed."""
        with zipfile.ZipFile(self.folder / f"tiny_weights-{VERSION}-py3-none-any.whl", "w") as wheel:
            for name, data in self.members(change).items():
                wheel.writestr(name, data)

    def install(self, site: Path, change: Mapping[str, bytes] | None = None, version: str = VERSION) -> None:
        """Unpacks the package into a folder of packages."""
        for name, data in self.members(change, version).items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_bytes(data)

    def clear(self) -> None:
        for wheel in self.folder.iterdir():
            wheel.unlink()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageIndex:
    """An index without packages, and no other; the hub is where nobody listens."""
    folder = tmp_path / "index"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return PackageIndex(folder)


@pytest.fixture(scope="session")
def catalogue_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogue") / "catalogue.toml"
    path.write_text(CATALOGUE)
    return path


@pytest.fixture(scope="session")
def catalogue(catalogue_file: Path) -> Catalogue:
    return load_catalogue(catalogue_file)
