"""What of a question an answer leaves open."""

from __future__ import annotations

from dataclasses import dataclass

from docindex.answering.questions import Kind, analyse_question, could_answer, kind_of
from docindex.answering.terms import Terms, analyse
from docindex.schema import Response

_MAY_BE_OPEN = 1 / 3
"""The share of the question's words that an answer may lack: it has others for them."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far an answer goes."""

    verified: bool
    """A citation in it is."""
    of_kind: bool
    """It holds a thing of the kind that is asked for: a number, a price, a name."""
    open: frozenset[str]
    """Stems of the question's words that neither what is cited nor its headings say."""
    complete: bool


def coverage(question: str, response: Response) -> Coverage:
    """How far the response answers the question."""
    asked = analyse_question(question)
    verified = is_verified(response)
    cited = quoted(response)
    of_kind = is_of_kind(question, response)
    cited_nodes = {citation.node_id for citation in response.citations}
    standing = (
        "\n".join([hit.title, *hit.node.headings, hit.node.context])
        for hit in response.hits
        if hit.node_id in cited_nodes
    )
    missing = asked.words - cited.words - analyse("\n".join(standing)).words
    complete = verified and of_kind and len(missing) <= _MAY_BE_OPEN * len(asked.words)
    return Coverage(verified, of_kind, missing, complete)


def is_verified(response: Response) -> bool:
    """Whether it is an answer, and a citation in it is verified."""
    return not response.no_answer and any(citation.verified for citation in response.citations)


def quoted(response: Response) -> Terms:
    """What a verified answer says, with its verified quotes."""
    quotes = [citation.quote for citation in response.citations if citation.verified]
    return analyse("\n".join([response.answer, *quotes]) if quotes else "")


def is_of_kind(question: str, response: Response) -> bool:
    """Whether the answer has a thing of the kind that is asked for; a cell of a table is, whatever it holds."""
    cells = any(citation.verified and citation.row is not None for citation in response.citations)
    return cells or could_answer(kind_of(question), quoted(response))


def asks_for_a_thing(question: str) -> bool:
    """Whether a number, a price, a time or a name is asked for, so that it can be told whether an answer has it."""
    return kind_of(question) not in (Kind.OPEN, Kind.YES_NO)
