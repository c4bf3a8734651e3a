"""Whether a question leans on the one before it, or can be understood alone: English, by its form."""

from __future__ import annotations

import re

from docindex.answering.terms import analyse, any_of

_AUXILIARY = any_of("is are was were do does did has have had can could will would shall should must may might")
_ARTICLE = any_of("the a an my our your every each some any no all most many")
_POINTING = any_of(
    "it its they them their theirs this that these those there then he him his she her hers i we us you me one ones "
    "same such else instead not both either neither more why how what when where"
)
_LEAD = r"^\W*(?:(?:and|or|but|so|then|well|ok|okay)\b\W*)*"
_STATE = r"(?!\w+(?:ed|ing|nt)\b|(?:new|free|wrong|missing|best|left|next|known|made|sold|built|shown)\b)"
"""What may follow "what is" and names no thing: "covered", "different"."""

_OWN_SUBJECT = re.compile(
    rf"\b{_AUXILIARY}(?:n['’]t)? {_ARTICLE} (?!(?:{_POINTING}|other)\b)\w"  # "why is the sky"
    rf"|\b(?:how|where|when) {_AUXILIARY} (?:I|we|you) \w+ (?!{_POINTING}\b)\w\w+"  # "how do I bake bread"
    rf"|{_LEAD}{_ARTICLE} [\w-]+(?: [\w-]+)? {_AUXILIARY}\b"  # "so the sky is"
    rf"|(?P<alone>{_LEAD}(?:"
    rf"(?:(?:why|when|where|how(?: \w+)?) )?{_AUXILIARY}(?:n['’]t)? "  # "how is gold mined"
    rf"|(?:what|which|who|whom)\b[^?.!]*? (?:do|does|did) "  # "what do cats eat"
    rf"|(?:what|who) (?:is|are|was|were) {_STATE}"  # "what is gold"
    r"|(?:please )?(?:tell me about|explain|describe|define) "  # "explain photosynthesis"
    rf")(?!{_ARTICLE} |{_POINTING}\b)\w\w+)",
    re.IGNORECASE,
)
"""A whole question about a thing that it names itself."""
_SPAN = r"(?:year|month|week|weekend|morning|afternoon|evening|century|day|days|time|who|which|are who)\b"
_REFERENCE = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|then|ones)\b"
    rf"|\b(?:this|these|those) (?!{_SPAN})|\b(?:this|these|those|that)\b(?=\W*$)"
    # "the firm that built it" points at nothing before, "does that cover" does
    rf"|(?:^\W*|\b(?:{_AUXILIARY}|and|or|but|so|of|for|with|in|on|at|to|by|from|about|like|than|after|before) )that\b"
    rf"(?! {_SPAN})"
    rf"|(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bbe )\bthere\b(?! (?:is|are|was|were|will|be)\b)|\bthere\W*$"
    r"|\b(?:which|the|other|another|does|\w+er) one\b(?! of\b)",
    re.IGNORECASE,
)
"""What stands for something that was said before."""
_EXPLETIVE = re.compile(
    r"\bwhat (?:time|day|date|year) is it\b|\bis it true that\b"
    r"|\bit (?:is )?(?:rain|snow)\w*|\b(?:is|does) it (?:rain|snow)\w*",
    re.IGNORECASE,
)
"""An "it" that stands for nothing."""
_BOUND = re.compile(
    r"\b(?:its|their|his|her)(?= \w)"
    r"|\b(?:when|if|because|while|before|after|once|as|until|though|although|since|than|that) "
    r"(?:it|they|he|she|its|their|his|her)\b",
    re.IGNORECASE,
)
"""What stands for the subject of its own sentence: "the moon change its shape", but not "the warranty cover it"."""
_GOING_ON = re.compile(
    r"\b(?:else|same|instead)\b|^\W*(?:and|or|but|so|what about|how about|why|what if)\b", re.IGNORECASE
)
_FEWEST_WORDS = 2
"""A question with fewer words that carry meaning leans."""


def leans(question: str, before: str = "") -> bool:
    """Whether a question can't be understood without the one before it.

    It can where it has a subject of its own and points back at nothing. One that begins with "and" or "why", or says
    little, goes on about what was said only without such a subject, or where its words are also those of the question
    `before`.
    """
    own = _OWN_SUBJECT.search(question)
    text = _EXPLETIVE.sub(" ", question)
    if own is not None:
        text = _EXPLETIVE.sub(" ", question[: own.end()] + _BOUND.sub(" ", question[own.end() :]))
    if _REFERENCE.search(text):
        return True
    terms = analyse(question)
    if terms.size < _FEWEST_WORDS and (own is None or own["alone"] is None):
        return True
    return _GOING_ON.search(question) is not None and (own is None or bool(terms.words & analyse(before).words))
