"""The same model in the form that runs fastest on this machine.

A model is stored to be small. In another form the same weights may run twice as fast: how matrices are packed decides
which instructions can be used. The forms are made from the model, measured, and held to saying the same.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import llama_cpp

from docindex.config import LLMConfig
from docindex.errors import ModelError
from docindex.llm import logs
from docindex.llm.measuring import Speed, divergence, likelihoods, measure_speed

FORMS = {
    "BF16": llama_cpp.LLAMA_FTYPE_MOSTLY_BF16,
    "F16": llama_cpp.LLAMA_FTYPE_MOSTLY_F16,
    "Q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
    "Q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0,
}
"""What is tried beside the model as it is. Processors that multiply BF16 read it fastest."""
MOST_DIVERGENCE = 0.005
"""Nats a token. 8 bits for 4 are far below it; other 4 bits for 4 are far above."""
_PROMPT_TOKENS, _ANSWER_TOKENS = 1000, 64
"""The answer that is to be fast: a prompt with passages, and a few sentences."""
_AS_IT_IS = "as it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of the model, as it was measured."""

    name: str
    speed: Speed
    divergence: float
    """From the model as it is, in nats a token."""

    @property
    def answer_seconds(self) -> float:
        """How long an answer to a prompt with passages takes."""
        return self.speed.answer_seconds(_PROMPT_TOKENS, _ANSWER_TOKENS)

    @property
    def as_good(self) -> bool:
        """It says what the model as it is says."""
        return self.divergence <= MOST_DIVERGENCE


@dataclass(frozen=True, slots=True)
class Optimized:
    """What came of it."""

    forms: tuple[Form, ...]
    """The model as it is first."""
    best: Form
    path: Path | None
    """The file of the best form; None where that is the model as it is."""


class OptimizedModels:
    """A folder of models in the form that runs fastest here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, path: Path) -> Path | None:
        """The best form of a model, if one was made of this very file and is better than the file."""
        found = self._path(path)
        return found if found.is_file() else None

    def remove(self, path: Path) -> bool:
        """Goes back to the model as it is; False where it was so already."""
        found = self._path(path)
        there = found.is_file()
        found.unlink(missing_ok=True)
        found.with_suffix(".json").unlink(missing_ok=True)
        return there

    def make(self, path: Path, config: LLMConfig, on_form: Callable[[str], None]) -> Optimized:
        """Tries all forms and keeps the fastest of those that lose nothing; takes a minute or more.

        Args:
            path: The model's file.
            config: How it is going to run.
            on_form: Told the name of each form before it is made and measured.

        Raises:
            ModelError: The model can't be loaded, or the folder takes no file.
        """
        on_form(_AS_IT_IS)
        expected = likelihoods(path, config)
        forms = [Form(name=_AS_IT_IS, speed=measure_speed(path, config), divergence=0.0)]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".part-", dir=self.folder) as scratch:
                made: dict[str, Path] = {}
                for name, file in _requantized(path, Path(scratch), on_form):
                    made[name] = file
                    lost = divergence(expected, likelihoods(file, config))
                    forms.append(Form(name=name, speed=measure_speed(file, config), divergence=lost))
                best = min((form for form in forms if form.as_good), key=lambda form: form.answer_seconds)
                kept = self._keep(path, made[best.name], forms) if best.name in made else None
        except OSError as error:
            raise ModelError(
                f"{path.name} can't be kept in another form in {self.folder} ({error}): make room there."
            ) from error
        if kept is None:
            self.remove(path)
        return Optimized(tuple(forms), best, kept)

    def _keep(self, path: Path, made: Path, forms: list[Form]) -> Path:
        kept = self._path(path)
        record = {"model": str(path), "forms": [asdict(form) for form in forms]}
        kept.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
        made.replace(kept)
        return kept

    def _path(self, path: Path) -> Path:
        """Where a file's best form is; a file that was changed has another place."""
        try:
            stat = path.stat()
        except OSError:
            return self.folder / "none.gguf"
        facts = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
        return self.folder / f"{path.stem}-{hashlib.blake2b(facts.encode(), digest_size=8).hexdigest()}.gguf"


def _requantized(path: Path, folder: Path, on_form: Callable[[str], None]) -> Iterator[tuple[str, Path]]:
    """The forms that llama.cpp can make of the model."""
    logs.route()
    for name, kind in FORMS.items():
        on_form(name)
        params = llama_cpp.llama_model_quantize_default_params()
        params.ftype = kind
        params.allow_requantize = True
        file = folder / f"{name}.gguf"
        with logs.captured():
            failed = llama_cpp.llama_model_quantize(str(path).encode(), str(file).encode(), params)
        if not failed:
            yield name, file
