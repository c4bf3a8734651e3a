r"""LaTeX made ready for a parser: comments and verbatim text are taken out, and macros of the file's own are known.

What a `%`, a brace or a `\verb` means depends on where it stands, which a grammar of nested groups can't tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

CODE_MACRO = "docindexcode"
"""Stands for a stretch of code, by its number in braces."""
VERB_MACRO = "docindexverb"
"""Stands for verbatim text in a line."""

_CODE = (
    *("verbatim", "Verbatim", "BVerbatim", "LVerbatim", "SaveVerbatim"),
    *("lstlisting", "minted", "alltt", "Highlighting"),
)
_DROPPED = ("comment", "filecontents", "tikzpicture", "pspicture", "pgfpicture", "forest", "CCSXML")
"""Notes, other files, and drawings: what is text in the last can't be told from what draws."""

_TOKEN = re.compile(
    r"\\begin[ \t]*\{(?P<env>" + "|".join((*_CODE, *_DROPPED)) + r")(?P<star>\*?)\}"
    r"|\\(?:verb\*?|lstinline(?:\[[^\]\n]*\])?|mintinline(?:\[[^\]\n]*\])?\{[^{}\n]*\})"
    r"(?P<mark>[^\sA-Za-z*{])(?P<verb>[^\n]*?)(?P=mark)"
    r"|(?P<target>\\(?:url|path|nolinkurl|href)[ \t]*\{)(?P<address>[^{}\n]*)\}"
    r"|\\iffalse\b"
    r"|\\[^A-Za-z]"
    r"|(?P<line>^[ \t]*%[^\n]*\n)"
    r"|%[^\n]*",
    re.MULTILINE,
)
_CODE_OPTIONS = re.compile(r"\A[ \t]*(?:\[[^\]]*\]|\{[^{}\n]*\})*[ \t]*\n?")
_DEFINITION = re.compile(
    r"\\(?:newcommand|renewcommand|providecommand|DeclareRobustCommand|newrobustcmd)\*?[ \t]*"
    r"\{?[ \t]*\\(?P<new>[A-Za-z]+)[ \t]*\}?[ \t]*(?:\[(?P<arity>\d)\])?[ \t]*(?:\[(?P<default>[^\]\n]*)\])?\s*\{"
    r"|\\(?:def|gdef|edef|xdef)[ \t]*\\(?P<def>[A-Za-z]+)(?P<parameters>(?:#\d)*)[ \t]*\{"
)
_SLIDES = ("{beamer}", "{beamerarticle}", "\\begin{frame}", "\\frametitle")
_OVERLAY = re.compile(
    r"(\\(?:begin[ \t]*\{[A-Za-z]+\*?\}|[A-Za-z]+\*?))[ \t]*"
    r"<(?:(?=[^<>\n]*[\d+])[\w+\-.,|:@() ]{1,60}|beamer|article|handout|trans|presentation|second|all)>"
)
_COLUMN = re.compile(r"\\column[ \t]*(?:\[[^\]\n]{0,100}\])?[ \t]*\{[^{}\n]{0,100}\}")
_ONE_BORDER = re.compile(r"\s*\\(?:begin|end)[ \t]*\{[A-Za-z]+\*?\}(?:\[[^\]]*\])?\s*")
_MOST_MACROS = 2_000
_LONGEST_BODY = 2_000


@dataclass(frozen=True, slots=True)
class UserMacro:
    """A macro that the file defines."""

    arity: int
    default: str | None
    """What the first argument is when it is left out; None where it can't be."""
    body: str

    @property
    def takes(self) -> str:
        """Its arguments: `[` for an optional and `{` for a required one."""
        return "{" * self.arity if self.default is None else "[" + "{" * (self.arity - 1)


@dataclass(slots=True)
class LatexSource:
    """What a parser may be given."""

    text: str = ""
    code: list[str] = field(default_factory=list)
    """By the number that stands for it in the text."""
    macros: dict[str, UserMacro] = field(default_factory=dict)


def prepare(text: str) -> LatexSource:
    """The source without comments, its verbatim parts kept apart."""
    found = LatexSource()
    parts: list[str] = []
    unclosed: set[str] = set()
    at = 0
    while token := _TOKEN.search(text, at):
        parts.append(text[at : token.start()])
        at = token.end()
        if token["env"]:
            close = f"\\end{{{token['env']}{token['star']}}}"
            end = -1 if close in unclosed else text.find(close, at)
            if end < 0:
                unclosed.add(close)
                parts.append(token[0])
            else:
                if token["env"] in _CODE:
                    parts.append(_placeholder(found, CODE_MACRO, _CODE_OPTIONS.sub("", text[at:end], count=1)))
                at = end + len(close)
        elif token["mark"]:
            parts.append(_placeholder(found, VERB_MACRO, token["verb"]))
        elif token["target"]:
            parts.append(f"{token['target']}{_placeholder(found, VERB_MACRO, token['address'])}}}")
        elif token[0] == "\\iffalse":
            end = -1 if "\\fi" in unclosed else text.find("\\fi", at)
            if end < 0:
                unclosed.add("\\fi")
            else:
                at = end + 3
        elif not token["line"] and token[0][0] != "%":
            parts.append(token[0])
    parts.append(text[at:])
    found.text, found.macros = _take_definitions(_without_overlays("".join(parts)))
    found.text = _with_borders(found)
    return found


def _without_overlays(text: str) -> str:
    """The text of slides without what says when each thing is shown; any other text as it is."""
    if not any(slides in text for slides in _SLIDES):
        return text
    return _COLUMN.sub("\n\n", _OVERLAY.sub(r"\1", text))


def _placeholder(found: LatexSource, macro: str, text: str) -> str:
    found.code.append(text)
    return f"\\{macro}{{{len(found.code) - 1}}}"


def _take_definitions(text: str) -> tuple[str, dict[str, UserMacro]]:
    """The text without definitions of macros, and those macros."""
    macros: dict[str, UserMacro] = {}
    parts: list[str] = []
    at = 0
    for definition in _DEFINITION.finditer(text):
        end = _group_end(text, definition.end())
        if definition.start() < at or end is None or len(macros) >= _MOST_MACROS:
            continue
        arity = int(definition["arity"] or 0) or (definition["parameters"] or "").count("#")
        name = definition["new"] or definition["def"]
        macros[name] = UserMacro(arity, definition["default"], text[definition.end() : end])
        parts.append(text[at : definition.start()])
        at = end + 1
    return "".join((*parts, text[at:])), macros


def _group_end(text: str, start: int) -> int | None:
    """Where the group that is open at `start` is closed; None if that is far away."""
    depth = 1
    for brace in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, start, start + _LONGEST_BODY):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if not depth:
            return brace.start()
    return None


def _with_borders(found: LatexSource) -> str:
    """The text with what stands for one border of an environment replaced by that border: a parser needs to see it."""
    borders = {name: macro.body for name, macro in found.macros.items() if _ONE_BORDER.fullmatch(macro.body)}
    if not borders:
        return found.text
    use = re.compile(rf"(?<!\\)\\({'|'.join(map(re.escape, borders))})(?![A-Za-z])")
    for name in borders:
        del found.macros[name]
    return use.sub(lambda match: borders[match[1]], found.text)
