"""How fast a model runs on this machine, and how far it is from another one in what it says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from docindex.config import LLMConfig
from docindex.llm.context import Row
from docindex.llm.opening import open_model
from docindex.llm.sequence import LiveSequence
from docindex.llm.states import SavedStates

TEXT = (
    "The instrument is delivered in a case with a lid. Before it is used for the first time, charge the battery for "
    "three hours; a green lamp shows that it is full. Place the sensor on a level surface, at least two metres away "
    "from motors and heating pipes, and switch it on with the button at the back. It looks for the base station for up "
    "to a minute. When the two have found each other, the display shows the temperature, the humidity and the time of "
    "the last reading. If it shows a crossed circle instead, move the sensor closer and press the button again. "
    "Readings are taken every five minutes and kept for ninety days. They can be copied to a computer: connect the "
    "cable, open the folder that appears, and take the file whose name is the month. The columns are the date, the "
    "hour, the temperature in degrees, the humidity in per cent, and the voltage of the battery. A missing reading is "
    "an empty field, not a zero. Clean the case with a dry cloth. Solvents make the plastic brittle, and water inside "
    "the sensor ends its warranty, which otherwise lasts for two years from the day of purchase. Why do the numbers "
    "of two sensors in one room differ? Because air is not the same everywhere: near a window it is cooler by a degree "
    "or two, and under the ceiling it is warmer. Compare them side by side for an hour before you return one of them."
)
"""What is read to measure; any plain English would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What was measured."""

    load_seconds: float
    """With the file in the page cache, most likely."""
    prefill_tokens: float
    """Of a prompt that are read in a second."""
    decode_tokens: float
    """Of an answer that are written in a second."""
    first_token_seconds: float
    """For a prompt of `prompt_tokens` of which nothing was read before."""
    prompt_tokens: int
    weights_bytes: int
    description: str

    def answer_seconds(self, prompt_tokens: int, tokens: int) -> float:
        """How long an answer of so many tokens takes, to a prompt that was not read before."""
        return prompt_tokens / self.prefill_tokens + tokens / self.decode_tokens


def measure_speed(path: Path, config: LLMConfig, *, prompt_tokens: int = 512, tokens: int = 32, runs: int = 2) -> Speed:
    """Loads the model and runs it; the best of the runs counts, because everything else that runs here only slows it.

    Raises:
        ModelError: It can't be loaded, or its context is shorter than prompt and answer.
    """
    started = time.perf_counter()
    model, context = open_model(path, config, path.name)
    with model, closing(context):
        load_seconds = time.perf_counter() - started
        live = LiveSequence(context, SavedStates(memory_bytes=0, most_tokens=0))
        prompt = _repeated(model.tokenize(TEXT), prompt_tokens)
        reading, first, writing = [], [], []
        for _ in range(runs):
            live.forget()
            started = time.perf_counter()
            live.hold(prompt[:-1], _go_on)
            reading.append(time.perf_counter() - started)
            live.append(prompt[-1:])
            token = int(context.logits().argmax())
            first.append(time.perf_counter() - started)
            started = time.perf_counter()
            for _ in range(tokens):
                live.append([token])
                token = int(context.logits().argmax())
            writing.append(time.perf_counter() - started)
        return Speed(
            load_seconds=load_seconds,
            prefill_tokens=(prompt_tokens - 1) / min(reading),
            decode_tokens=tokens / min(writing),
            first_token_seconds=min(first),
            prompt_tokens=prompt_tokens,
            weights_bytes=model.weights_bytes,
            description=model.description,
        )


def likelihoods(path: Path, config: LLMConfig) -> NDArray[np.float32]:
    """(n, vocabulary) logarithms of the probability of each next token, at some places of a text.

    The KV cache is in f16, so that two models differ by their weights alone.

    Raises:
        ModelError: The model can't be loaded.
    """
    model, context = open_model(path, replace(config, cache_type="f16"), path.name)
    with model, closing(context):
        tokens = model.tokenize(TEXT)
        if model.begin_token is not None:
            tokens.insert(0, model.begin_token)
        found = []
        for start in range(0, len(tokens), context.batch_tokens):
            batch = tokens[start : start + context.batch_tokens]
            asked = range(3, len(batch), 4)  # some are enough, and all would take a lot of memory
            context.decode([Row(token, start + at, 0, at in asked) for at, token in enumerate(batch)])
            found += [_log_softmax(context.logits(at)) for at in asked]
        return np.array(found)


def divergence(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The mean Kullback-Leibler divergence in nats of what one model expects from what the other does."""
    return float((np.exp(one) * (one - other)).sum(axis=1).mean())


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max()
    found: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum())
    return found


def _repeated(tokens: Sequence[int], count: int) -> list[int]:
    return [tokens[at % len(tokens)] for at in range(count)]


def _go_on() -> None:
    return
