"""Which nodes of a language's syntax tree define something, and what it is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tree_sitter import Node

_LONGEST_NAME = 120
_RECEIVER = re.compile(r"\(\s*(?:\w+\s+)?\*?\s*(\w+)")
_COMMENTS = frozenset(("comment", "line_comment", "block_comment", "attribute_item"))
_FUNCTION_VALUES = frozenset(("arrow_function", "function_expression", "generator_function", "function"))


@dataclass(frozen=True, slots=True)
class Named:
    """A definition's name: as a heading, and as a part of a symbol."""

    heading: str
    symbol: str


Naming = Callable[[Node], Named | None]


@dataclass(frozen=True, slots=True)
class Grammar:
    """How to read one language."""

    language: str
    """As the metadata calls it."""
    module: str
    """The package that holds its parser."""
    definitions: Mapping[str, Naming]
    """Node types that may define something."""
    function: str = "language"
    wrappers: frozenset[str] = frozenset()
    """Node types around a definition that begin where a reader says that it begins: decorators, `export`."""
    leads: frozenset[str] = _COMMENTS
    """What belongs to the definition that follows."""


def text_of(node: Node | None) -> str:
    """The node's text on one line, or nothing if there is no node or its text is no name."""
    words = " ".join((node.text or b"").decode("utf-8", "replace").split()) if node is not None else ""
    return words if len(words) <= _LONGEST_NAME else ""


def _named(kind: str) -> Naming:
    """`kind name`, or `name()` for an empty kind, by the field that most grammars have."""
    return lambda node: _as_heading(kind, text_of(node.child_by_field_name("name")))


def _with_body(kind: str) -> Naming:
    """The same for what is only mentioned unless it has a body."""
    return lambda node: _named(kind)(node) if node.child_by_field_name("body") is not None else None


def _as_heading(kind: str, name: str) -> Named | None:
    if not name:
        return None
    return Named(f"{kind} {name}" if kind else f"{name}()", name)


def _declared(node: Node) -> Named | None:
    """A function of C or C++: its name is at the bottom of its declarators."""
    inner = node.child_by_field_name("declarator")
    while inner is not None and (deeper := inner.child_by_field_name("declarator")) is not None:
        inner = deeper
    if inner is not None and inner.type == "reference_declarator":  # its declarator has no field
        inner = next((child for child in inner.named_children if child.type == "function_declarator"), inner)
        inner = inner.child_by_field_name("declarator") or inner
    return _as_heading("", text_of(inner))


def _typedef(node: Node) -> Named | None:
    """A structure that only its typedef names."""
    of = node.child_by_field_name("type")
    if of is None or of.child_by_field_name("body") is None or of.child_by_field_name("name") is not None:
        return None
    return _as_heading("typedef", text_of(node.child_by_field_name("declarator")))


def _go_method(node: Node) -> Named | None:
    name = text_of(node.child_by_field_name("name"))
    receiver = _RECEIVER.match(text_of(node.child_by_field_name("receiver")))
    return _as_heading("func", f"{receiver[1]}.{name}" if receiver and name else name)


def _rust_impl(node: Node) -> Named | None:
    of, trait = text_of(node.child_by_field_name("type")), text_of(node.child_by_field_name("trait"))
    return Named(f"impl {trait} for {of}" if trait else f"impl {of}", of) if of else None


def _ruby_singleton(node: Node) -> Named | None:
    return _as_heading("def", f"self.{text_of(node.child_by_field_name('name'))}")


def _assigned(target: str, value: str) -> Naming:
    """A function of JavaScript that is the value of a variable, a property or a field."""

    def naming(node: Node) -> Named | None:
        given = node.child_by_field_name(value)
        if given is None or given.type not in _FUNCTION_VALUES:
            return None
        return _as_heading("", text_of(node.child_by_field_name(target)))

    return naming


def _kinds(kinds: Iterable[str], suffix: str) -> dict[str, Naming]:
    return {f"{kind}_{suffix}": _named(kind) for kind in kinds}


_JAVASCRIPT: dict[str, Naming] = {
    **_kinds(("class", "function"), "declaration"),
    "generator_function_declaration": _named("function"),
    "method_definition": _named(""),
    "variable_declarator": _assigned("name", "value"),
    "assignment_expression": _assigned("left", "right"),
    "pair": _assigned("key", "value"),
    "field_definition": _assigned("property", "value"),
}
_JAVASCRIPT_WRAPPERS = frozenset(
    ("export_statement", "lexical_declaration", "variable_declaration", "expression_statement", "ambient_declaration")
)
_TYPESCRIPT: dict[str, Naming] = {
    **_JAVASCRIPT,
    **_kinds(("interface", "enum"), "declaration"),
    "abstract_class_declaration": _named("class"),
    "type_alias_declaration": _named("type"),
    "internal_module": _named("namespace"),
    "public_field_definition": _assigned("name", "value"),
}
_C: dict[str, Naming] = {
    **{f"{kind}_specifier": _with_body(kind) for kind in ("struct", "union", "enum")},
    "function_definition": _declared,
    "type_definition": _typedef,
}
_DECLARED_KINDS = ("class", "interface", "enum", "record")

GRAMMARS: Mapping[str, Grammar] = {
    "text/x-python": Grammar(
        "python",
        "tree_sitter_python",
        {"class_definition": _named("class"), "function_definition": _named("def")},
        wrappers=frozenset(("decorated_definition",)),
    ),
    "text/x-javascript": Grammar("javascript", "tree_sitter_javascript", _JAVASCRIPT, wrappers=_JAVASCRIPT_WRAPPERS),
    "text/x-typescript": Grammar(
        "typescript", "tree_sitter_typescript", _TYPESCRIPT, "language_typescript", _JAVASCRIPT_WRAPPERS
    ),
    "text/x-tsx": Grammar("typescript", "tree_sitter_typescript", _TYPESCRIPT, "language_tsx", _JAVASCRIPT_WRAPPERS),
    "text/x-java": Grammar(
        "java",
        "tree_sitter_java",
        {
            **_kinds(_DECLARED_KINDS, "declaration"),
            "annotation_type_declaration": _named("@interface"),
            "method_declaration": _named(""),
            "constructor_declaration": _named(""),
        },
    ),
    "text/x-go": Grammar(
        "go",
        "tree_sitter_go",
        {"function_declaration": _named("func"), "method_declaration": _go_method, "type_spec": _named("type")},
        wrappers=frozenset(("type_declaration",)),
    ),
    "text/x-rust": Grammar(
        "rust",
        "tree_sitter_rust",
        {
            **_kinds(("struct", "enum", "union", "trait", "mod"), "item"),
            "function_item": _named("fn"),
            "function_signature_item": _named("fn"),
            "impl_item": _rust_impl,
            "macro_definition": _named("macro"),
        },
    ),
    "text/x-c": Grammar("c", "tree_sitter_c", _C),
    "text/x-c++": Grammar(
        "c++",
        "tree_sitter_cpp",
        {**_C, "class_specifier": _with_body("class"), "namespace_definition": _named("namespace")},
        wrappers=frozenset(("template_declaration",)),
    ),
    "text/x-ruby": Grammar(
        "ruby",
        "tree_sitter_ruby",
        {
            "class": _named("class"),
            "module": _named("module"),
            "method": _named("def"),
            "singleton_method": _ruby_singleton,
        },
    ),
    "text/x-php": Grammar(
        "php",
        "tree_sitter_php",
        {
            **_kinds(("class", "interface", "trait", "enum"), "declaration"),
            "function_definition": _named("function"),
            "method_declaration": _named("function"),
            "namespace_definition": _with_body("namespace"),
        },
        "language_php",
    ),
    "text/x-csharp": Grammar(
        "c#",
        "tree_sitter_c_sharp",
        {
            **_kinds((*_DECLARED_KINDS, "struct", "namespace"), "declaration"),
            "method_declaration": _named(""),
            "constructor_declaration": _named(""),
        },
    ),
    "text/x-shellscript": Grammar("shell", "tree_sitter_bash", {"function_definition": _named("")}),
}
"""By media type."""
