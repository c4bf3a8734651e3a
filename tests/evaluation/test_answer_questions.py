import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "answer_quality.py"


def test_the_sample_documents_hold_the_answers_to_the_questions_that_are_measured() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wrong" not in done.stdout
    assert "sample: 166 questions have their answers in the documents" in done.stdout
