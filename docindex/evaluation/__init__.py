"""Measuring retrieval and answers: whatever finds documents, on a collection or on questions from one's own documents.

Example:
    >>> from docindex.evaluation import Dataset, evaluate
    >>> dataset = Dataset({"q": "red fruit"}, {"q": {"apple": 1}})
    >>> evaluate(lambda text, k: ["pear", "apple"], dataset).mean("mrr@10")
    0.5
"""

from docindex.evaluation.answers import evaluate_answers
from docindex.evaluation.bootstrap import Interval, interval, paired_difference
from docindex.evaluation.comparison import Comparison, Drop, MetricComparison, compare, drops
from docindex.evaluation.dataset import Dataset, load_dataset
from docindex.evaluation.metrics import DOCUMENT_METRICS, PASSAGE_METRICS, Metric, parse_metric, rank_documents
from docindex.evaluation.passages import evaluate_passages, index_find
from docindex.evaluation.questions import Question, check_places, read_questions, write_questions
from docindex.evaluation.results import Evaluation, QueryResult
from docindex.evaluation.retrieval import Found, evaluate, index_search, retriever_search, score
from docindex.evaluation.run_files import read_evaluation, read_run, write_evaluation

__all__ = [
    "DOCUMENT_METRICS",
    "PASSAGE_METRICS",
    "Comparison",
    "Dataset",
    "Drop",
    "Evaluation",
    "Found",
    "Interval",
    "Metric",
    "MetricComparison",
    "QueryResult",
    "Question",
    "check_places",
    "compare",
    "drops",
    "evaluate",
    "evaluate_answers",
    "evaluate_passages",
    "index_find",
    "index_search",
    "interval",
    "load_dataset",
    "paired_difference",
    "parse_metric",
    "rank_documents",
    "read_evaluation",
    "read_questions",
    "read_run",
    "retriever_search",
    "score",
    "write_evaluation",
    "write_questions",
]
