"""One table of several models: how large they are, how fast they run, and what they make of the example questions.

    python tests/benchmarks/families.py MODEL.gguf... [--forms F16,Q8_0,Q4_0,TQ2_0] [--questions 12] [--threads N]

A model is the path of a GGUF file, or a name of the catalogue. Checkpoints and sizes of one model make rows of one
table: convert each revision, and give all the files. `--forms` adds the first model in other forms, made by llama.cpp
from that very file; a form of fewer bits than it has loses something, one of more bits gains nothing. Rows whose length
a form can't divide fall back to another one: `in form` says which share of the weights took the form.

`divergence` is from the first model, in nats a token, where both know the same words. `right` counts answers that hold
an expected text and a verified citation of the right document, `refused` foreign questions that got no answer. The
rules of `docindex/answering` were tuned with these questions in sight, and quote a source where a model says nothing
that can be verified: the columns show what a model adds to that, or spoils. A row `quotes alone` is without any model.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from example_questions import EXAMPLES, is_right

from docindex import Index
from docindex.config import DEFAULT_LLM, AnswerOptions, Environment, LLMConfig
from docindex.errors import ModelError
from docindex.llm import logs
from docindex.llm.measuring import Speed, divergence, likelihoods, measure_speed
from docindex.schema import SynthesisMode
from docindex.wiring import model_store

HEAD = "| model | MB | load s | prefill t/s | decode t/s | in form | divergence | right | refused |"
RULE = "|---" * HEAD.count(" |") + "|"
Question = dict[str, str | list[str] | None]


@dataclass(frozen=True)
class Row:
    """What one model came to."""

    name: str
    speed: Speed
    in_form: str
    divergence: float | None
    right: str
    refused: str

    def __str__(self) -> str:
        far = "" if self.divergence is None else f"{self.divergence:.3f}"
        speed = self.speed
        return (
            f"| {self.name}: {speed.description} | {speed.weights_bytes / 1e6:.0f} | {speed.load_seconds:.2f} "
            f"| {speed.prefill_tokens:.0f} | {speed.decode_tokens:.1f} | {self.in_form} | {far} "
            f"| {self.right} | {self.refused} |"
        )


def requantized(path: Path, form: str, folder: Path) -> Path | None:
    """The model in another form; None where llama.cpp can't make it."""
    import llama_cpp  # after docindex.llm, which says how its threads wait

    made = folder / f"{path.stem}-{form}.gguf"
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{form}")
    params.allow_requantize = True
    logs.route()
    failed = llama_cpp.llama_model_quantize(str(path).encode(), str(made).encode(), params)
    return None if failed else made


def share_in_form(path: Path, form: str) -> str:
    """How much of the matrices is kept in the form."""
    tensors = [tensor for tensor in gguf.GGUFReader(path).tensors if len(tensor.shape) > 1]
    kept = sum(int(tensor.n_elements) for tensor in tensors if form.startswith(tensor.tensor_type.name))
    return f"{kept / sum(int(tensor.n_elements) for tensor in tensors):.0%}"


def asked(
    index_path: Path, config: LLMConfig, questions: Sequence[Question], synthesis: SynthesisMode
) -> tuple[str, str]:
    """How many questions with an answer were answered right, and how many without one were refused."""
    right = refused = 0
    with Index.open(index_path, llm=config) as index:
        engine = index.engine(answers=AnswerOptions(synthesis=synthesis, cache=False))
        for row in questions:
            response = engine.query(str(row["question"]))
            if isinstance(row["answer"], list):
                right += is_right(response, row["answer"], str(row["source"]))
            else:
                refused += response.no_answer
    answerable = sum(row["answer"] is not None for row in questions)
    return f"{right} of {answerable}", f"{refused} of {len(questions) - answerable}"


def models(given: Sequence[str], forms: Sequence[str], folder: Path) -> Iterator[tuple[str, Path, str]]:
    """Name, file and form of each model in turn; a form's file is deleted before the next one is made."""
    store = model_store(Environment.read())
    paths = {name: store.path(name, kind="llm") for name in given}
    for name, path in paths.items():
        yield Path(name).stem, path, ""
    first = paths[given[0]]
    for form in forms:
        made = requantized(first, form, folder)
        if made is None:
            print(f"{form}: llama.cpp can't make it of {first.name}")
            continue
        yield form, made, form
        made.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=[DEFAULT_LLM], help="GGUF files, or names of the catalogue")
    parser.add_argument("--forms", default="", help="such as F16,Q8_0,Q4_0,TQ2_0: the first model in these as well")
    parser.add_argument("--questions", type=int, help="how many of the example questions to ask (default: all)")
    parser.add_argument("--threads", type=int, help="CPU threads (default: one a core)")
    arguments = parser.parse_args()
    forms = [form for form in arguments.forms.split(",") if form]
    lines = (EXAMPLES / "questions.jsonl").read_text().splitlines()
    step = 1 if arguments.questions is None else max(1, len(lines) // max(1, arguments.questions))
    questions: list[Question] = [json.loads(line) for line in lines[::step]]
    print(f"{len(questions)} questions, load average {os.getloadavg()[0]:.1f}\n\n{HEAD}\n{RULE}")
    with tempfile.TemporaryDirectory() as scratch:
        index_path = Path(scratch) / "index"
        with Index.create(index_path) as index:
            index.ingest(EXAMPLES / "documents")
        right, refused = asked(index_path, LLMConfig(), questions, "extract")
        print(f"| quotes alone | | | | | | | {right} | {refused} |", flush=True)
        expected: np.ndarray | None = None
        for name, path, form in models(arguments.models, forms, Path(scratch)):
            config = LLMConfig(model=str(path), threads=arguments.threads)
            try:
                speed = measure_speed(path, config)
                found = likelihoods(path, config)
                expected = found if expected is None else expected
                far = divergence(expected, found) if found.shape == expected.shape else None
                right, refused = asked(index_path, config, questions, "compact")
            except ModelError as error:
                print(f"{name}: {error}", flush=True)
                continue
            print(Row(name, speed, share_in_form(path, form) if form else "", far, right, refused), flush=True)


if __name__ == "__main__":
    main()
