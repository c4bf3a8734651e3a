"""reStructuredText as a tree, by docutils, in which nothing is lost that docutils itself does not know.

Unknown directives and roles, such as Sphinx's, keep their text. Nothing is registered: docutils' registries are shared
by all of a process, so what it should do otherwise is given to one parser as its own classes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

from docutils import frontend, nodes, utils
from docutils.parsers.rst import Parser, states
from docutils.statemachine import StringList

LONGEST_LINE = 20_000
"""Characters. Some of docutils' patterns take the square of a line's length."""

_NO_LEVEL = 5
"""Above every level of docutils' messages."""

_DOCUTILS = frozenset(("table", "csv-table", "list-table", "replace", "unicode"))
"""Directives that docutils does best."""
_CODE = frozenset(
    (
        *("code", "code-block", "sourcecode", "prompt", "doctest", "testcode", "testoutput"),
        *("ipython", "productionlist", "graphviz", "digraph", "graph", "mermaid", "uml", "plantuml"),
    )
)
_UNSEEN = frozenset(
    (
        *("include", "literalinclude", "raw", "class", "rst-class", "cssclass", "role", "default-role", "contents"),
        *("sectnum", "section-numbering", "date", "target-notes", "highlight", "index", "currentmodule", "module"),
        *("py:currentmodule", "program", "tabularcolumns", "testsetup", "default-domain", "todolist"),
    )
)
"""What shows nothing, or something that is not in the file."""
_ADMONITIONS = frozenset(
    ("attention", "caution", "danger", "error", "hint", "important", "note", "seealso", "tip", "warning", "todo")
)
_TITLED = frozenset(("admonition", "topic", "sidebar", "rubric", "centered", "tab-item", "dropdown", "card"))
"""Whose argument is a title; what other ones have is for programs, or a signature."""
_PLAIN = frozenset(
    (
        *("compound", "container", "epigraph", "highlights", "pull-quote", "header", "footer", "only", "ifconfig"),
        *("tab-set", "grid", "hlist", "cssclass", "list", "code-group"),
    )
)
"""Which only group what stands in them."""
_VERSIONS = {
    "versionadded": "Added in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
    "versionremoved": "Removed in version",
}
_OPTION = re.compile(r":(?![: ])((?:\\.|[^\\:]|:(?!\s|$))+):(?:\s+(.*)|$)")
_TARGET = re.compile(r"(?s)(.+?)\s*<[^<>]*>\Z")


def parse(text: str, *, headers: bool = False) -> nodes.document:
    """The tree of the text. It holds docutils' messages, too.

    Args:
        text: The reStructuredText.
        headers: It begins with headers like a mail's, as Python's enhancement proposals do.
    """
    parser = Parser(rfc2822=headers, inliner=_inliner())
    parser.state_classes = _state_classes()
    settings = frontend.get_default_settings(Parser)
    settings.report_level = settings.halt_level = _NO_LEVEL
    settings.warning_stream = ""
    settings.file_insertion_enabled = False
    settings.raw_enabled = False
    settings.syntax_highlight = "none"
    settings.line_length_limit = LONGEST_LINE
    document = utils.new_document("text", settings)
    parser.parse(text, document)
    return document


class _Inliner(states.Inliner):
    """Reads every role alike, by its text, whether docutils knows it or not."""

    def interpreted(
        self,
        rawsource: str,
        text: str,
        role: str,
        lineno: int,  # noqa: ARG002 (docutils' signature)
    ) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        if role == "math":
            inner = rawsource.partition("`")[2].rpartition("`")[0]
            return [nodes.math(rawsource, inner)], []
        words = nodes.unescape(text)
        titled = _TARGET.fullmatch(words)
        words = titled[1] if titled else words.removeprefix("!").removeprefix("~")
        name = role.rpartition(":")[2].lower()
        if name in ("pep", "rfc", "pep-reference", "rfc-reference") and not titled:
            words = f"{name[:3].upper()} {words}"
        return [nodes.inline(rawsource, words)], []


def _inliner() -> states.Inliner:
    """An inliner that has docutils' patterns in its own class, for it is there alone that docutils looks for them."""
    patterns = {name: value for name, value in vars(states.Inliner).items() if isinstance(value, str)}
    made: type[_Inliner] = type("_PatternedInliner", (_Inliner,), patterns)
    return made()


def _state_classes() -> tuple[type[states.RSTState], ...]:
    """The parser's states, of classes that are this parser's own, and with them its store of idle state machines."""
    made: list[type[states.RSTState]] = []
    known_explicit = states.Body.explicit
    constructs = [
        (_LenientBody.directive if read is _docutils_directive else read, pattern)
        for read, pattern in known_explicit.constructs
    ]
    explicit = SimpleNamespace(patterns=known_explicit.patterns, constructs=constructs)
    own = {"lenient_classes": made, "nested_sm_cache": [], "explicit": explicit}
    for known in states.state_classes:
        lenient = _LenientBody if issubclass(known, states.Body) else _LenientState
        made.append(type(known.__name__, (lenient, known), own))
    return tuple(made)


class _LenientState(states.RSTState):
    """A state whose nested states are lenient, too."""

    lenient_classes: Sequence[type[states.RSTState]] = ()

    def __init__(self, state_machine: states.RSTStateMachine, debug: bool = False) -> None:
        super().__init__(state_machine, debug)
        self.nested_sm_kwargs = {"state_classes": self.lenient_classes, "initial_state": "Body"}


_docutils_directive: Callable[..., tuple[list[nodes.Node], bool]] = states.Body.directive  # which has no types


class _LenientBody(_LenientState, states.Body):
    """A state in which directives may stand."""

    state_machine: states.RSTStateMachine

    def directive(self, match: re.Match[str], alt: str = "") -> tuple[list[nodes.Node], bool]:  # type: ignore[override]
        """Any directive: by docutils where that works, else by what stands in it.

        Docutils presets one option alone, for the directive of a substitution.
        """
        name = match.group(1).lower()
        machine = self.state_machine
        if name in _DOCUTILS:
            line = machine.abs_line_offset()
            found, finished = _docutils_directive(self, match, alt=alt) if alt else _docutils_directive(self, match)
            if not any(isinstance(node, nodes.system_message) for node in found):
                return found, finished
            machine.goto_line(line)
        block, _, offset, finished = machine.get_first_known_indented(match.end(), strip_top=False)
        parts = _split(cast("StringList", block), offset)  # that it is one, its stub does not say
        found = self._found(name.removeprefix("rst:"), parts, parts.options.get("alt") or alt)
        return found, finished or machine.is_next_line_blank()

    def _found(self, name: str, parts: _Parts, alt: str) -> list[nodes.Node]:
        """The nodes of a directive, by what kind of content it has."""
        content = list(parts.content)
        arguments = " ".join(parts.arguments)
        match name:
            case _ if name in _UNSEEN:
                return []
            case "meta":
                return [nodes.meta("", name=key, content=value) for key, value in parts.options.items()]
            case "title":
                return [nodes.meta("", name="title", content=arguments)]
            case "image":
                return [nodes.image("", alt=alt)]
            case "math":
                text = "\n".join([*parts.arguments, *content])
                return [nodes.math_block(text, text)]
            case "line-block":
                return [nodes.line_block("", *(nodes.line(line, line) for line in content))]
            case "toctree":
                entries = (_TARGET.sub(r"\1", line.strip()) for line in content)
                block = nodes.line_block("", *(nodes.line(entry, entry) for entry in entries if entry))
                return [*self._paragraph(parts.options.get("caption", "")), block]
            case "parsed-literal":
                inline, _ = self.inline_text("\n".join(content), self.state_machine.abs_line_number())
                return [nodes.literal_block("", "", *inline)]
            case _ if name in _CODE:
                text = "\n".join(content)
                return [*self._paragraph(parts.options.get("caption", "")), nodes.literal_block(text, text)]
            case _:
                return [self._group(name, parts, alt)]

    def _group(self, name: str, parts: _Parts, alt: str) -> nodes.Element:
        """What a directive with text in it holds."""
        arguments = " ".join(parts.arguments)
        group: nodes.Element = nodes.container()
        if name in _ADMONITIONS:
            group = nodes.admonition("", nodes.title("", name.capitalize()), *self._paragraph(arguments))
        elif name in _TITLED:
            group = nodes.admonition("", nodes.title("", arguments))
        elif name in _VERSIONS:
            version, _, text = arguments.partition(" ")
            group += self._paragraph(f"{_VERSIONS[name]} {version}{': ' if text else ''}{text}")
        elif name == "figure":
            group += nodes.image("", alt=alt)
        elif name not in _PLAIN:
            group += [nodes.paragraph("", line) for line in parts.arguments]  # signatures: no markup is in them
        self.nested_parse(parts.content, parts.offset, group)
        return group

    def _paragraph(self, text: str) -> list[nodes.Node]:
        if not text:
            return []
        found, _ = self.inline_text(text, self.state_machine.abs_line_number())
        return [nodes.paragraph("", "", *found)]


@dataclass(frozen=True, slots=True)
class _Parts:
    """A directive taken apart."""

    arguments: list[str]
    options: dict[str, str]
    content: StringList
    offset: int
    """The line at which the content begins."""


def _split(block: StringList, offset: int) -> _Parts:
    """The parts of the lines of a directive, the first one being the rest of the directive's own line."""
    lines = [line.strip() for line in block]
    at = 0
    while at < len(lines) and lines[at] and not _OPTION.match(lines[at]):
        at += 1
    arguments = lines[:at]
    if not at and lines and not lines[0]:
        at = 1
    options: dict[str, str] = {}
    key = ""
    while at < len(lines) and lines[at]:
        option = _OPTION.match(block[at])
        if option:
            key = option[1].lower()
            options[key] = option[2] or ""
        elif key and block[at][0].isspace():
            options[key] = f"{options[key]} {lines[at]}".strip()
        else:
            break
        at += 1
    return _Parts(arguments, options, block[at:], offset + at)
