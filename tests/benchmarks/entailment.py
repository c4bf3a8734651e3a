"""How well a model tells the passage that a sentence stands in from another one, and a true number from a false one.

    python tests/benchmarks/entailment.py [--limit N]

What `--entailment` asks is asked about the sentences of the sample documents that answer the questions of
`data/answer_questions.jsonl`: each with its own passage, with the passage that is nearest to it among those that do not
hold it, and, if it has a number, with its own passage and another number. Told apart is the share of sentences that are
found likelier with their own passage: 0.5 is what guessing gives. It is easy reading, since each sentence stands in its
passage word by word. DOCINDEX_LLM names the model.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from docindex import Index
from docindex.answering.prompting import entailment_prompt
from docindex.config import Environment, LLMConfig
from docindex.evaluation import interval
from docindex.llm.yes_no import likelihood_of_yes
from docindex.protocols import ChoosingLLM
from docindex.schema import Hit
from docindex.wiring import open_llm

HERE = Path(__file__).parent
sys.path.append(str(HERE / "answer_quality"))

from corpora import Corpus  # noqa: E402
from questions import Place, place_all, read_questions  # noqa: E402

NEAREST = 20
"""Passages among which a sentence's own one is looked for, and another one."""
NUMBER = re.compile(r"\d+")


def main() -> None:
    """Prints what share of the sentences is told apart, and what a judgement takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, help="the first so many sentences only")
    options = parser.parse_args()
    environment = Environment.read()
    sample = Corpus("sample", HERE.parents[1] / "examples" / "documents")
    with tempfile.TemporaryDirectory() as folder, sample.open(Path(folder) / "index") as index:
        cases = list(sentences(index))[: options.limit]
    wins: dict[str, list[float]] = {"another passage": [], "another number": []}
    with open_llm(LLMConfig(model=environment.llm), environment) as llm:
        began = time.perf_counter()
        for claim, own, other in cases:
            likely = asked(llm, claim, own)
            wins["another passage"].append(win(likely, asked(llm, claim, other)))
            if NUMBER.search(claim):
                wins["another number"].append(win(likely, asked(llm, with_another_number(claim), own)))
        took = time.perf_counter() - began
    judged = len(cases) + sum(map(len, wins.values()))
    print(f"{environment.llm}: {judged} judgements, {took / judged * 1000:,.0f} ms each")
    for name, values in wins.items():
        found = interval(values)
        print(f"  told from {name}: {found.mean:.3f} ({found.low:.3f}-{found.high:.3f}) of {len(values)} sentences")


def sentences(index: Index) -> Iterator[tuple[str, Hit, Hit]]:
    """Each sentence that answers a question once, with its passage and the nearest one that does not hold it."""
    placed, _ = place_all(
        [one for one in read_questions(HERE / "data" / "answer_questions.jsonl") if one.corpus == "sample"],
        index.document,
    )
    for place in dict.fromkeys(place for question in placed for place in question.places[:1]):
        document = index.document(place.doc_id)
        if document is None:
            continue
        claim = " ".join(document.text[place.start : place.end].split())
        hits = index.search(claim, k=NEAREST)
        own = next((hit for hit in hits if holds(hit, place)), None)
        other = next((hit for hit in hits if not touches(hit, place)), None)
        if own is not None and other is not None:
            yield claim, own, other


def holds(hit: Hit, place: Place) -> bool:
    """Whether all of the sentence is in the passage."""
    node = hit.node
    return node.doc_id == place.doc_id and node.start <= place.start and place.end <= node.end


def touches(hit: Hit, place: Place) -> bool:
    """Whether any of it is."""
    node = hit.node
    return node.doc_id == place.doc_id and node.start < place.end and place.start < node.end


def asked(llm: ChoosingLLM, claim: str, hit: Hit) -> float:
    """How likely the model finds that the passage says it."""
    return likelihood_of_yes(llm, entailment_prompt(claim, hit))


def with_another_number(claim: str) -> str:
    """The sentence with its first number raised by a half and one."""
    return NUMBER.sub(lambda found: str(int(found[0]) * 3 // 2 + 1), claim, count=1)


def win(own: float, other: float) -> float:
    """1 where the passage that has the sentence is found likelier, 0.5 where both are found so alike."""
    return float(own > other) + 0.5 * (own == other)


if __name__ == "__main__":
    main()
