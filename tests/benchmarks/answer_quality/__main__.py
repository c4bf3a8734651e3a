"""Answer quality: what the engines and synthesis modes say, cite and refuse, on questions with known answers.

    python tests/benchmarks/answer_quality.py --check
    python tests/benchmarks/answer_quality.py --modes all --out answers.md
    python tests/benchmarks/answer_quality.py --engines all --debian DIR...

The questions of `data/answer_questions.jsonl` are about examples/documents and about three Debian packages that anyone
can get: debian-policy 4.6.2, debian-faq 11.1 and developers-reference 12.18 (`apt-get download`, then `dpkg-deb -x`
into a folder, which is what --debian takes). Other versions of them may have lost some answers; those questions are
left out, and counted. `data/answer_off_topic.txt` holds questions that neither corpus answers: half of them are plainly
foreign, half are about the same kinds of things. All were written before anything was measured with them, and ask for
other facts than examples/questions.jsonl, which the rules of docindex/answering were tuned with.

Each synthesis mode is asked with the plain engine, each other engine with the default mode. A text is compared with the
answer and its accepted wordings, and the nearest counts: exact match and F1 ask for no word more, so that whole
sentences score low by them; "holds the answer" asks that it be said. A verified citation is right when it shares text
with the sentence that answers the question. Precision is over the answers that cite, recall over all questions. Answers
are not taken from a cache.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from corpora import Corpus, gather_debian
from measuring import ENGINES, MODES, measure, ways
from questions import LARGEST_FILE, Asked, OffTopic, crowded, flaws, place_all, read_off_topic, read_questions
from tables import report

from docindex.errors import DocindexError
from docindex.evaluation import Evaluation, write_evaluation

ROOT = Path(__file__).parents[3]
DATA = Path(__file__).parents[1] / "data"
QUESTIONS = DATA / "answer_questions.jsonl"
OFF_TOPIC = DATA / "answer_off_topic.txt"
NO_DEBIAN = "The questions about Debian were left out: give --debian the folders with the packages' documents."

T = TypeVar("T")


def main() -> int:
    options = read_options()
    asked, off_topic = read_questions(QUESTIONS), read_off_topic(OFF_TOPIC)
    with tempfile.TemporaryDirectory() as temporary:
        work = options.index or Path(temporary)
        corpora = [Corpus("sample", options.sample)]
        if options.debian:
            corpora.append(gather_debian(options.debian, work / "debian-documents"))
        else:
            say(NO_DEBIAN)
        if options.check:
            return check(corpora, asked, off_topic)
        print(run(corpora, asked, off_topic, work, options), end="")
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=Path, default=ROOT / "examples" / "documents", help="the sample documents")
    parser.add_argument("--debian", type=Path, nargs="+", metavar="DIR", help="folders with the packages' documents")
    parser.add_argument("--index", type=Path, help="a folder for the indexes, which is kept; else a temporary one")
    parser.add_argument("--modes", default="compact", help=f"all, none, or some of {','.join(MODES)}")
    parser.add_argument("--engines", default="none", help=f"all, none, or some of {','.join(ENGINES)}")
    parser.add_argument("--limit", type=int, help="so many questions a corpus, and so many off-topic ones")
    parser.add_argument("--check", action="store_true", help="look whether the documents hold the answers, ask nothing")
    parser.add_argument("--out", type=Path, help="the tables, as Markdown")
    parser.add_argument(
        "--runs", type=Path, help="a folder for all answers, as JSON that `docindex eval compare` reads"
    )
    options = parser.parse_args()
    for name, known in (("modes", MODES), ("engines", ENGINES)):
        given = getattr(options, name)
        chosen = {"all": list(known), "none": []}.get(given, given.split(","))
        if unknown := [one for one in chosen if one not in known]:
            parser.error(f"--{name} {', '.join(unknown)}: give some of {', '.join(known)}")
        setattr(options, name, chosen)
    if not ways(options.modes, options.engines):
        parser.error("nothing to ask: give --modes or --engines")
    if not options.sample.is_dir():
        parser.error(f"{options.sample} is no folder")
    return options


def check(corpora: Sequence[Corpus], asked: Sequence[Asked], off_topic: Sequence[OffTopic]) -> int:
    """Prints what is wrong with the questions; 1 if anything is."""
    wrong = list(flaws(asked, off_topic))
    size = QUESTIONS.stat().st_size + OFF_TOPIC.stat().st_size
    if size >= LARGEST_FILE:
        wrong.append(f"the files have {size:,} bytes, and are to stay under {LARGEST_FILE:,}")
    for corpus in corpora:
        good, bad = place_all(of(corpus, asked), corpus.loaded())
        wrong += [*bad, *crowded(good)]
        print(f"{corpus.name}: {len(good)} questions have their answers in the documents")
    print(f"{len(off_topic)} off-topic questions, {size:,} bytes in all")
    for line in wrong:
        print(f"wrong: {line}")
    return 1 if wrong else 0


def run(
    corpora: Sequence[Corpus],
    asked: Sequence[Asked],
    off_topic: Sequence[OffTopic],
    work: Path,
    options: argparse.Namespace,
) -> str:
    """The tables of all ways on all corpora; written after each, so that an interruption leaves what is there."""
    evaluations: list[Evaluation] = []
    notes = [] if options.debian else [NO_DEBIAN]
    foreign = some(off_topic, options.limit)
    for corpus in corpora:
        with corpus.open(work / corpus.name) as index:
            good, bad = place_all(of(corpus, asked), index.document)
            if bad:
                notes.append(f"{len(bad)} questions about {corpus.name} were left out: --check says why.")
            for way in ways(options.modes, options.engines):
                try:
                    found = measure(way, index, corpus.name, some(good, options.limit), foreign, progress)
                except DocindexError as error:
                    notes.append(f"{corpus.name}: {way.name} was not measured: {error}")
                else:
                    evaluations.append(found)
                    if options.runs:
                        options.runs.mkdir(parents=True, exist_ok=True)
                        write_evaluation(found, options.runs / f"{corpus.name}-{way.engine}-{way.synthesis}.json")
                if options.out:
                    options.out.write_text(report(evaluations, notes), encoding="utf-8")
    return report(evaluations, notes)


def of(corpus: Corpus, asked: Sequence[Asked]) -> list[Asked]:
    """The questions about the corpus."""
    return [one for one in asked if one.corpus == corpus.name]


def some(items: Sequence[T], count: int | None) -> list[T]:
    """So many of them in their order, always the same ones; all without a count."""
    if count is None or count >= len(items):
        return list(items)
    chosen = random.Random(0).sample(range(len(items)), count)
    return [items[place] for place in sorted(chosen)]


def progress(what: str, done: int, total: int) -> None:
    if done % 20 == 0 or done == total:
        say(f"{what}: {done} of {total}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DocindexError as error:
        sys.exit(str(error))
