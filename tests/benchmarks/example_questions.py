"""How many of the example questions are answered with a verified citation, and how many foreign ones are refused.

    python tests/benchmarks/example_questions.py

The rules of `docindex/answering` were tuned with these questions in sight: this is a check that they still hold, not an
estimate of quality on other documents.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path

from docindex import Index, Response

EXAMPLES = Path(__file__).parents[2] / "examples"


def is_right(response: Response, wanted: list[str], source: str) -> bool:
    """The answer holds one of the texts, and a verified citation names the source."""
    says_it = any(text.lower() in response.answer.lower() for text in wanted)
    return says_it and any(citation.verified and citation.source == source for citation in response.citations)


def main() -> None:
    """Prints a line a question that went wrong, then the counts."""
    questions = [json.loads(line) for line in (EXAMPLES / "questions.jsonl").read_text().splitlines()]
    right = refused = 0
    first_token = []
    with tempfile.TemporaryDirectory() as folder, Index.create(Path(folder) / "index") as index:
        index.ingest(EXAMPLES / "documents")
        engine = index.engine()
        for row in questions:
            response = engine.query(row["question"])
            if row["answer"] is None:
                good = response.no_answer
                refused += good
            else:
                good = is_right(response, row["answer"], row["source"])
                right += good
                first_token.append(response.timings_ms["first_token"])
            if not good:
                print(f"wrong: {row['question']}\n       {response.answer}")
    answerable = sum(row["answer"] is not None for row in questions)
    print(f"answered with a verified citation   {right} of {answerable}")
    print(f"foreign questions refused           {refused} of {len(questions) - answerable}")
    print(f"first token, median                 {statistics.median(first_token):.0f} ms")


if __name__ == "__main__":
    main()
