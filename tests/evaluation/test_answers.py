import pytest

from docindex.answering.compact import CompactSynthesizer
from docindex.answering.engine import RetrieverQueryEngine
from docindex.errors import QueryError
from docindex.evaluation import Question, evaluate_answers
from docindex.evaluation.answers import exact_match, normalized, scores_of, token_f1
from docindex.schema import Citation, Response
from docindex.testing.scripted_llm import ScriptedLLM

QUESTION = Question(
    question_id="1", text="how much oil?", kind="model", doc_id="d", start=20, end=28, answer="3 litres"
)


def cited(doc_id: str, start: int, end: int) -> Citation:
    return Citation(1, "n", doc_id, f"{doc_id}.txt", None, None, start, end, "quote", verified=True)


def responded(answer: str, *citations: Citation, no_answer: bool = False) -> Response:
    return Response("how much oil?", answer, no_answer, citations)


@pytest.mark.parametrize(
    ("said", "expected", "exact", "f1"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1.0, 1.0),
        ("It needs 3 litres.", "3 litres", 0.0, 2 * 2 / 6),
        ("a a b", "a b", 0.0, None),
        ("", "3 litres", 0.0, 0.0),
        ("the", "an", 1.0, 1.0),
        ("north south", "east west", 0.0, 0.0),
        ("red red blue", "red blue blue", 0.0, 2 * 2 / 6),
    ],
)
def test_texts_are_compared_as_squad_does(said: str, expected: str, exact: float, f1: float | None) -> None:
    if f1 is not None:
        assert exact_match(said, expected) == exact
        assert token_f1(said, expected) == pytest.approx(f1)
        assert token_f1(expected, said) == pytest.approx(f1)
    assert normalized("  The  U.S. 'Army'—an ARMY ") == "us armyan army"


def test_an_answer_with_the_right_citation() -> None:
    scores = scores_of(QUESTION, responded("It needs 3 litres. [1]", cited("d", 0, 40), cited("other", 20, 28)))
    assert scores == {
        "exact_match": 0.0,
        "f1": pytest.approx(2 * 2 / 6),
        "contains": 1.0,
        "citation_precision": 0.5,
        "citation_recall": 1.0,
        "false_refusal": 0.0,
    }


def test_markers_are_no_part_of_an_answer() -> None:
    assert scores_of(QUESTION, responded("3 litres [1] [12]"))["exact_match"] == 1.0


def test_citations_of_other_places_are_wrong() -> None:
    for citation in (cited("d", 0, 20), cited("d", 28, 40), cited("e", 20, 28)):
        scores = scores_of(QUESTION, responded("3 litres", citation))
        assert (scores["citation_precision"], scores["citation_recall"]) == (0.0, 0.0)


def test_a_refusal_is_false_where_there_is_an_answer() -> None:
    scores = scores_of(QUESTION, responded("The documents hold no answer.", no_answer=True))
    assert scores == {
        "exact_match": 0.0,
        "f1": 0.0,
        "contains": 0.0,
        "citation_recall": 0.0,
        "false_refusal": 1.0,
    }


def test_an_answer_is_false_where_there_is_none() -> None:
    foreign = Question(question_id="2", text="who?", kind="foreign")
    assert scores_of(foreign, responded("It was Bach.")) == {"false_answer": 1.0}
    assert scores_of(foreign, responded("No.", no_answer=True)) == {"false_answer": 0.0}


def test_a_whole_section_is_not_compared_with_an_answer() -> None:
    section = Question(question_id="3", text="Oil", kind="heading", doc_id="d", start=0, end=40, answer="x" * 40)
    assert set(scores_of(section, responded("3 litres", cited("d", 20, 28)))) == {
        "citation_precision",
        "citation_recall",
        "false_refusal",
    }


def test_an_engine_is_asked_every_question(index, docs) -> None:
    """The whole way: search, a model that says what it is told, and the checks of its sentences and citations."""
    index.ingest(docs)
    text = index.document("sub/engine.txt").text
    place = text.index("4.2 litres")
    questions = [
        Question(
            question_id="oil",
            text="How much oil does the engine need?",
            kind="given",
            doc_id="sub/engine.txt",
            start=place,
            end=place + len("4.2 litres"),
            answer="4.2 litres",
        ),
        Question(question_id="foreign", text="Who composed the opera The Magic Flute?", kind="foreign"),
        Question(question_id="empty", text=" ", kind="foreign"),
    ]
    llm = ScriptedLLM("The engine needs 4.2 litres of oil.", "The sources do not contain the answer.")
    engine = RetrieverQueryEngine(index._retriever("lexical"), CompactSynthesizer(llm, index.document), mode="lexical")
    heard: list[int] = []
    found = evaluate_answers(engine, questions, on_count=lambda what, done, total: heard.append(done))
    assert heard == [1, 2, 3]
    assert found.kind == "answers"
    assert found.mean("contains") == 1.0
    assert found.mean("citation_precision") == 1.0
    assert found.mean("citation_recall") == 1.0
    assert found.mean("false_refusal") == 0.0
    assert found.values("false_answer") == {"foreign": 0.0}
    assert found.results[2].error.startswith("The question is empty")
    assert found.as_dict()["failed"] == 1
    with pytest.raises(QueryError):
        engine.query(" ")
