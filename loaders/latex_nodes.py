"""LaTeX as a tree, by pylatexenc. That library has no types; what comes from here has."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexwalker import (
    LatexCharsNode,
    LatexEnvironmentNode,
    LatexGroupNode,
    LatexMacroNode,
    LatexMathNode,
    LatexSpecialsNode,
    LatexWalker,
    get_default_latex_context_db,
)
from pylatexenc.latexwalker import (
    LatexNode as _LibraryNode,
)
from pylatexenc.macrospec import EnvironmentSpec, MacroSpec, MacroStandardArgsParser

logger = logging.getLogger("docindex.loaders")
logging.getLogger("pylatexenc").addHandler(logging.NullHandler())  # else it prints what it makes of broken files

Kind: TypeAlias = Literal["text", "group", "macro", "environment", "special", "math", "display"]

_MATH = frozenset(
    (
        *("equation", "align", "gather", "multline", "eqnarray", "displaymath", "math", "alignat", "flalign", "split"),
        *("IEEEeqnarray", "dmath", "subequations", "xalignat"),
    )
)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class LatexNode:
    """A node of the tree."""

    kind: Kind
    name: str
    """Of a macro or environment; of a group its opening delimiter; of anything else how it stands in the source."""
    children: tuple[LatexNode, ...] = ()
    arguments: tuple[LatexNode, ...] = ()
    """Those that are given, each one a group. Without stars."""
    shown: str = ""
    """Of a symbol or accented letter: the characters that it is. Of an argument: its source."""

    @property
    def required(self) -> tuple[LatexNode, ...]:
        """The arguments in braces."""
        return tuple(argument for argument in self.arguments if argument.name != "[")

    @property
    def last(self) -> LatexNode | None:
        """The last argument in braces."""
        return self.required[-1] if self.required else None


class LatexParser:
    """Parses LaTeX however broken it is."""

    def __init__(self, macros: Mapping[str, str], environments: Mapping[str, str]) -> None:
        """Takes the macros and environments that are not in the library, or that it takes for something else.

        Their arguments are given as `*` for a star, `[` for an optional and `{` for a required argument.
        """
        self._context = get_default_latex_context_db()
        self._context.add_context_category(
            "docindex",
            prepend=True,
            macros=[MacroSpec(name, args_parser=_arguments(spec)) for name, spec in macros.items()],
            environments=[EnvironmentSpec(name, args_parser=_arguments(spec)) for name, spec in environments.items()],
        )
        self._own = frozenset(macros)
        self._to_text = LatexNodes2Text(math_mode="verbatim")

    def parse(self, text: str) -> list[LatexNode]:
        """The nodes of the text.

        Raises:
            RecursionError: It is nested too deeply.
        """
        walker = LatexWalker(text, latex_context=self._context, tolerant_parsing=True)
        found: list[LatexNode] = []
        at = 0
        while at < len(text):
            nodes, start, length = walker.get_latex_nodes(pos=at)
            found += self._converted(nodes)
            at = max(at + 1, start + length)  # it may have stopped at something that it makes nothing of
        return found

    def _converted(self, nodes: Iterable[_LibraryNode] | None) -> Iterator[LatexNode]:
        for node in nodes or ():
            match node:
                case LatexCharsNode():
                    yield LatexNode("text", node.chars)
                case LatexGroupNode():
                    yield LatexNode("group", node.delimiters[0], tuple(self._converted(node.nodelist)))
                case LatexSpecialsNode():
                    yield LatexNode("special", node.specials_chars, shown=self._to_text.specials_node_to_text(node))
                case LatexMathNode():
                    yield self._math(node)
                case LatexEnvironmentNode():
                    if node.environmentname.removesuffix("*") in _MATH:
                        yield LatexNode("display", node.latex_verbatim())
                    else:
                        children = tuple(self._converted(node.nodelist))
                        yield LatexNode("environment", node.environmentname, children, self._given(node))
                case LatexMacroNode():
                    yield LatexNode("macro", node.macroname, (), self._given(node), self._shown(node))
                    if node.macro_post_space:
                        yield LatexNode("text", node.macro_post_space)

    def _math(self, node: LatexMathNode) -> LatexNode:
        source = node.latex_verbatim()
        if node.displaytype == "display":
            return LatexNode("display", source)
        if _BLANK_LINE.search(source):  # no formula has one: a sign of money stands where none closes it
            return LatexNode("group", "{", (LatexNode("text", "$"), *self._converted(node.nodelist)))
        return LatexNode("math", source)

    def _given(self, node: LatexMacroNode | LatexEnvironmentNode) -> tuple[LatexNode, ...]:
        given = [argument for argument in (node.nodeargd.argnlist or ()) if argument] if node.nodeargd else []
        converted = ((next(self._converted([each]), None), str(each.latex_verbatim())) for each in given)
        return tuple(
            replace(argument, shown=source[1:-1])
            if argument.kind == "group"
            else LatexNode("group", "{", (argument,), shown=source)
            for argument, source in converted
            if argument and (argument.kind, argument.name) != ("text", "*")
        )

    def _shown(self, node: LatexMacroNode) -> str:
        if node.macroname in self._own:
            return ""
        spec = self._to_text.latex_context.get_macro_spec(node.macroname)
        if not spec or not spec.simplify_repl:
            return ""
        try:
            return str(self._to_text.macro_node_to_text(node))
        except RecursionError:
            raise
        except Exception as error:  # noqa: BLE001 - the library counts on arguments that broken files lack
            logger.debug("The macro %s can't be shown: %r", node.macroname, error)
            return ""


def _arguments(spec: str) -> MacroStandardArgsParser:
    return MacroStandardArgsParser(spec, optional_arg_no_space=spec.endswith("["))
