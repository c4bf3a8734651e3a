from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from docindex.answering.engines.joining import Joining
from docindex.answering.extract import ExtractSynthesizer
from docindex.schema import Document, TokenCounts

SENTENCES = st.sampled_from(["The sea is salt.", "The moon is round.", "Apples grow on trees.", "Rain falls."])


@given(st.lists(st.tuples(st.lists(SENTENCES, min_size=1, max_size=3, unique=True), st.integers(1, 4)), max_size=4))
def test_every_marker_leads_to_the_quote_that_it_led_to(cited, parts):
    joining = Joining()
    texts = [joining.text(cited("?", *sentences, first_marker=first)) for sentences, first in parts]
    whole = joining.whole("?", "\n".join(texts), timings_ms={})
    quotes = {citation.marker: citation.quote for citation in whole.citations}
    said = [(text, int(marker)) for text, marker in re.findall(r"([^.\n]+\.) \[(\d+)\]", whole.answer)]
    assert [text.strip() for text, _ in said] == [text for sentences, _ in parts for text in sentences]
    assert all(quotes[marker] == text.strip() for text, marker in said)
    assert len(set(quotes.values())) == len(quotes)
    assert [hit.rank for hit in whole.hits] == list(range(1, len(whole.hits) + 1))
    assert len({hit.node_id for hit in whole.hits}) == len(whole.hits) == len(quotes)


def test_costs_add_up_whether_or_not_a_part_is_used(cited):
    joining = Joining()
    joining.spend(TokenCounts(3, 2, 1))
    joining.cost(cited("?", "The sea is salt."))
    whole = joining.whole("?", "", timings_ms={})
    assert whole.tokens == TokenCounts(3, 2, 1)
    assert whole.citations == ()
    assert whole.model == "knowing"


def test_a_number_in_brackets_that_is_no_citation_stays(cited):
    joining = Joining()
    joining.text(cited("?", "The sea is salt."))
    assert joining.text(cited("?", "See [7] for the moon.")) == "See [7] for the moon. [2]"


def test_a_number_in_brackets_of_a_document_is_not_renumbered(make_hit):
    joining = Joining()
    documents = [Document(name, name, f"The {name} is blue, see Smith [1].") for name in ("pump", "fan")]
    for document in documents:
        extract = ExtractSynthesizer({document.doc_id: document}.get)
        hits = [make_hit(document, 0, len(document.text))]
        response = extract.synthesize(f"Is the {document.doc_id} blue?", hits).response
        text = joining.text(response)
    assert text == "“The fan is blue, see Smith ‹1›.” [2]"
