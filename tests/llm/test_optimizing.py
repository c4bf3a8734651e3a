"""What is kept of a model's forms; the measuring itself is a benchmark."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from docindex.config import Environment, LLMConfig
from docindex.errors import ModelError
from docindex.llm import measuring, optimizing
from docindex.llm.measuring import Speed, divergence, likelihoods, measure_speed
from docindex.llm.optimizing import OptimizedModels, _requantized
from docindex.wiring.models import model_file, model_store, optimized_models

CONFIG = LLMConfig(context_tokens=512)


def speed(prefill: float, decode: float = 50.0) -> Speed:
    return Speed(
        load_seconds=0.5,
        prefill_tokens=prefill,
        decode_tokens=decode,
        first_token_seconds=1.0,
        prompt_tokens=512,
        weights_bytes=10,
        description="model",
    )


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[float, float]]:
    """Prefill rate and divergence of each form, instead of measuring."""
    rates = {
        "model": (100.0, 0.0),
        "BF16": (150.0, 0.0),
        "F16": (250.0, 0.0),
        "Q8_0": (200.0, 0.0001),
        "Q4_0": (400.0, 0.08),
    }

    def forms(path: Path, folder: Path, on_form: Callable[[str], None]) -> Iterator[tuple[str, Path]]:
        for name in optimizing.FORMS:
            on_form(name)
            (folder / f"{name}.gguf").write_text(name)
            yield name, folder / f"{name}.gguf"

    monkeypatch.setattr(optimizing, "_requantized", forms)
    monkeypatch.setattr(optimizing, "measure_speed", lambda path, config: speed(rates[path.stem][0]))
    monkeypatch.setattr(optimizing, "likelihoods", lambda path, config: np.float32(rates[path.stem][1]))
    monkeypatch.setattr(optimizing, "divergence", lambda one, other: float(other))
    return rates


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_text("as it is")
    return path


def test_the_model_that_answers_has_the_form_that_was_kept(measured: dict, model: Path, tmp_path: Path):
    environment = Environment(models=tmp_path / "models", offline=True)
    assert model_file(str(model), environment) == model
    made = optimized_models(model_store(environment)).make(model, CONFIG, lambda name: None)
    assert model_file(str(model), environment) == made.path != model


def test_the_fastest_form_that_loses_nothing_is_kept(measured: dict, model: Path, tmp_path: Path):
    models = OptimizedModels(tmp_path / "optimized")
    assert models.find(model) is None
    told: list[str] = []
    found = models.make(model, CONFIG, told.append)
    assert found.best.name == "F16"
    assert found.path == models.find(model)
    assert found.path is not None
    assert found.path.read_text() == "F16"
    assert [form.name for form in found.forms] == told == ["as it is", "BF16", "F16", "Q8_0", "Q4_0"]
    assert [form.as_good for form in found.forms] == [True, True, True, True, False]
    assert sorted(path.suffix for path in models.folder.iterdir()) == [".gguf", ".json"]


def test_a_model_that_is_fastest_as_it_is_stays_so(measured: dict, model: Path, tmp_path: Path):
    models = OptimizedModels(tmp_path / "optimized")
    models.make(model, CONFIG, lambda name: None)
    measured["model"] = (900.0, 0.0)
    found = models.make(model, CONFIG, lambda name: None)
    assert found.path is None
    assert models.find(model) is None
    assert list(models.folder.iterdir()) == []


def test_a_changed_file_is_another_model(measured: dict, model: Path, tmp_path: Path):
    models = OptimizedModels(tmp_path / "optimized")
    models.make(model, CONFIG, lambda name: None)
    os.utime(model, (1, 1))
    assert models.find(model) is None
    assert models.find(tmp_path / "gone.gguf") is None


def test_undoing_goes_back_to_the_model_as_it_is(measured: dict, model: Path, tmp_path: Path):
    models = OptimizedModels(tmp_path / "optimized")
    models.make(model, CONFIG, lambda name: None)
    assert models.remove(model)
    assert models.find(model) is None
    assert not models.remove(model)


def test_a_folder_that_takes_no_file_is_an_error(measured: dict, model: Path):
    with pytest.raises(ModelError, match="make room"):
        OptimizedModels(model / "optimized").make(model, CONFIG, lambda name: None)


def test_the_divergence_is_that_of_the_probabilities():
    one = np.log(np.array([[0.5, 0.5], [0.9, 0.1]], np.float32))
    assert divergence(one, one) == 0.0
    other = np.log(np.array([[0.25, 0.75], [0.9, 0.1]], np.float32))
    assert divergence(one, other) == pytest.approx((0.5 * np.log(2) + 0.5 * np.log(2 / 3)) / 2, rel=1e-5)


@pytest.mark.parametrize("form", ["BF16", "Q8_0"])
def test_requantised_weights_say_nearly_the_same(
    form: str, llm_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(optimizing, "FORMS", {form: optimizing.FORMS[form]})
    monkeypatch.setattr(measuring, "TEXT", measuring.TEXT[:400])
    ((name, path),) = _requantized(llm_path, tmp_path, lambda name: None)
    assert name == form
    expected = likelihoods(llm_path, CONFIG)
    assert np.exp(expected).sum(axis=1) == pytest.approx(1.0, abs=1e-3)
    assert 0 <= divergence(expected, likelihoods(path, CONFIG)) < optimizing.MOST_DIVERGENCE


def test_a_speed_is_measured(llm_path: Path):
    found = measure_speed(llm_path, CONFIG, prompt_tokens=40, tokens=2, runs=1)
    assert found.prefill_tokens > 0
    assert found.decode_tokens > 0
    assert 0 < found.first_token_seconds < 60
    assert "Q4_1" in found.description
    assert found.answer_seconds(100, 10) == pytest.approx(100 / found.prefill_tokens + 10 / found.decode_tokens)
