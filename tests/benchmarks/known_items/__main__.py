"""Known-item search on long manuals: how much context each way of retrieval takes to give a section that is looked for.

    apt-get install r-doc-pdf debian-policy
    python tests/benchmarks/known_items.py [--docs FOLDER...] [--include GLOBS] [--questions N] [--out FILE]

The manuals are the PDF files of two Debian packages: R's (3,092 pages) and Debian's Policy with the filesystem
standard (243). The same text in other formats is left out, since a copy of a section would count as wrong. Each folder
becomes an index with larger nodes above its passages, kept in the work folder: a first run embeds all passages, a
quarter to half an hour for R's manuals on two cores.

Questions are made by rule, and there are three kinds, each with a section of the manual that is looked for:

- `heading` asks with the heading of the section. Every passage of the section carries that heading in its context
  line, which is embedded and searched with it, so this is as easy as it gets.
- `heading, unseen` asks the same of an index of its own whose documents have no headings: neither structure, titles
  and context lines, nor the lines of text in which a heading stands, in page heads and tables of contents, too. What is
  left is whether the section is found by what it says.
- `sentence` asks with three to five words of a sentence; that sentence has to be found, and its section covered.

A hit is right when it overlaps what is looked for, in the right document. Five hits of a larger size are right more
often and cost more, so that hit@5 alone flatters them: beside it stand the share of the section that they cover, and
their length in the embedder's tokens. The columns on the right compare at equal length: best first, the tokens up to
the first right hit and until half of the section is covered (medians; a question that does not get there counts as more
than any other), and the share of the questions that get there within a budget. For these each way looks at the same
thirty best passages, as auto-merging does for ten hits. Intervals are 95 % bootstrap ones; `better` is the difference
from flat passages, question by question.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from building import build, say
from items import items_of, unseen
from measuring import Measured, measure
from platformdirs import user_cache_path
from report import report
from ways import LEVELS

from docindex import wiring
from docindex.config import DEFAULT_EMBEDDER, Environment
from docindex.embedding.bert_folder import TOKENIZER
from docindex.embedding.tokens import TextTokenizer

DOCS = (Path("/usr/share/doc/r-doc-pdf"), Path("/usr/share/doc/debian-policy"))
KINDS = ("heading", "heading, unseen", "sentence")


def main() -> int:
    options = read_options()
    folder = wiring.model_store(Environment.read()).path(DEFAULT_EMBEDDER, kind="embedder")
    tokenizer = TextTokenizer(folder / TOKENIZER, 512)
    found: list[Measured] = []
    for docs in options.docs:
        for measured in of_manual(docs, options, tokenizer):
            found.append(measured)
            if options.out:  # after each kind of question, so that an interruption leaves what is there
                options.out.write_text(json.dumps([one.as_dict() for one in found], indent=1) + "\n", encoding="utf-8")
                options.out.with_suffix(".md").write_text(report(found), encoding="utf-8")
    print(report(found))
    return 0


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=Path, nargs="+", default=list(DOCS), help="folders, each with one manual")
    parser.add_argument("--include", default="*.pdf,*.pdf.gz", metavar="GLOBS", help="which files of them")
    parser.add_argument("--questions", type=int, default=200, help="of each kind")
    parser.add_argument("--kinds", type=lambda text: text.split(";"), default=list(KINDS), help="parted by semicolons")
    parser.add_argument("--work", type=Path, default=user_cache_path("docindex") / "known-items", help="kept")
    parser.add_argument("--out", type=Path, help="JSON; the tables go beside it, as .md")
    options = parser.parse_args()
    for docs in options.docs:
        if not docs.is_dir():
            parser.error(f"{docs} is missing: apt-get install r-doc-pdf debian-policy, or give --docs")
    if unknown := [kind for kind in options.kinds if kind not in KINDS]:
        parser.error(f"there are no questions of the kind {unknown[0]!r}: choose {'; '.join(KINDS)}")
    return options


def of_manual(docs: Path, options: argparse.Namespace, tokenizer: TextTokenizer) -> Iterator[Measured]:
    """The measurements of a manual, one for each kind of question."""
    files = sorted({path.resolve() for glob in options.include.split(",") for path in docs.rglob(glob)})
    manual = build(docs.name, files, options.work.expanduser().resolve(), LEVELS)
    with manual.open(manual.index) as parts:
        snapshot = parts.store.snapshot()
        documents = [document for record in snapshot.documents() if (document := snapshot.load(record.doc_id))]
        for kind in options.kinds:
            items = items_of(documents, kind, options.questions)
            if not items:
                say(f"{docs.name}: no question can be made of the kind {kind}")
                continue
            if kind != "heading, unseen":
                yield measure(manual, kind, items, parts, tokenizer)
                continue
            bare = manual.without_headings(documents)
            with manual.open(bare) as others:
                yield measure(manual, kind, unseen(items, documents), others, tokenizer)


if __name__ == "__main__":
    sys.exit(main())
