from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docindex.loaders.code import MOST_SYMBOLS, CodeLoader
from docindex.loaders.code_grammars import GRAMMARS
from docindex.loaders.media_types import CODE
from docindex.schema import Document, Source
from docindex.testing.loader_contract import LoaderContract

PYTHON = '''"""A module — with é."""

import os

LIMIT = 3


# Reads things.
@final
class Reader:
    """Reads."""

    mode = "r"

    # The only way.
    def load(self, path):
        def inner():
            return path

        return inner()

    @property
    def name(self):
        return "é"

    after = 1


async def main():
    print(Reader())


if __name__ == "__main__":
    main()
'''

SAMPLES = {
    ".js": (
        "/** Greets. */\nexport default class Greeter extends Base {\n  field = () => 1;\n  hello() { return 1 }\n}\n"
        "// Adds.\nexport const add = (a, b) => a + b;\nfunction* steps() {}\nmodule.exports.run = function () {};\n"
        "const api = { get: function () {} };\n",
        [
            (1, "class Greeter", "/** Greets. */"),
            (2, "field()", "field ="),
            (2, "hello()", "hello()"),
            (1, "add()", "// Adds."),
            (1, "function steps", "function* steps"),
            (1, "module.exports.run()", "module.exports.run"),
            (1, "a.js", "const api"),
            (1, "get()", "get: function"),
        ],
    ),
    ".ts": (
        "interface Shape { area(): number }\nexport type Id = string;\nenum Colour { Red }\n"
        "namespace Geo { export abstract class Box<T> { private size: number; area(): number { return 1 } } }\n"
        "export async function load(): Promise<void> {}\n",
        [
            (1, "interface Shape", "interface"),
            (1, "type Id", "export type"),
            (1, "enum Colour", "enum"),
            (1, "namespace Geo", "namespace"),
            (2, "class Box", "export abstract"),
            (3, "area()", "area()"),
            (1, "function load", "export async"),
        ],
    ),
    ".tsx": ("export const App = () => <div>{1}</div>;\n", [(1, "App()", "export const")]),
    ".java": (
        "package a;\n\n/** Doc. */\n@Deprecated\npublic class Main {\n  int x;\n  public Main() {}\n"
        "  @Override\n  public String toString() { return null; }\n  record Point(int x) {}\n  enum E { A }\n}\n",
        [
            (1, "class Main", "/** Doc. */"),
            (2, "Main()", "public Main()"),
            (2, "toString()", "@Override"),
            (2, "record Point", "record"),
            (2, "enum E", "enum"),
        ],
    ),
    ".go": (
        "package a\n\nimport \"fmt\"\n\n// Reader reads.\ntype Reader struct {\n\tn int\n}\n\n"
        "// Load loads.\nfunc (r *Reader) Load() error { return nil }\n\nfunc main() {}\n\n"
        "type (\n\tA int\n\tB int\n)\n",
        [
            (1, "type Reader", "// Reader reads."),
            (1, "func Reader.Load", "// Load loads."),
            (1, "func main", "func main"),
            (1, "type A", "type ("),
            (1, "type B", "B int"),
        ],
    ),
    ".rs": (
        "use std::fmt;\n\n/// A point.\n/// Really.\n#[derive(Debug)]\npub struct Point { x: i32 }\n\n"
        "impl fmt::Display for Point {\n    fn fmt(&self) {}\n}\nimpl<T> Wrap<T> { fn get(&self) {} }\n"
        "mod inner { pub trait T { fn f(&self); } }\nmacro_rules! m { () => {} }\n",
        [
            (1, "struct Point", "/// A point."),
            (1, "impl fmt::Display for Point", "impl fmt"),
            (2, "fn fmt", "fn fmt"),
            (1, "impl Wrap<T>", "impl<T>"),
            (2, "fn get", "fn get"),
            (1, "mod inner", "mod inner"),
            (2, "trait T", "pub trait"),
            (3, "fn f", "fn f"),
            (1, "macro m", "macro_rules!"),
        ],
    ),
    ".c": (
        "#include <a.h>\n\n/* Adds. */\nstatic int *add(int a, struct s *b)\n{\n  return 0;\n}\n"
        "struct point { int x; };\ntypedef struct { int y; } pair;\nenum e { A };\nint x;\n",
        [
            (1, "add()", "/* Adds. */"),
            (1, "struct point", "struct point"),
            (1, "typedef pair", "typedef"),
            (1, "enum e", "enum e"),
            (1, "a.c", "int x"),
        ],
    ),
    ".h": ("namespace n {\nclass A {\npublic:\n  void f() {}\n};\n}\n", [
        (1, "namespace n", "namespace"), (2, "class A", "class A"), (3, "f()", "void f"),
    ]),
    ".cpp": (
        "namespace n {\ntemplate <class T>\nclass Box : public Base {\n  T get() const { return t; }\n  T t;\n};\n"
        "void Box::set(int x) {}\nint &ref() { return y; }\n}\n",
        [
            (1, "namespace n", "namespace"),
            (2, "class Box", "template"),
            (3, "get()", "T get"),
            (2, "class Box", "T t;"),
            (2, "Box::set()", "void Box"),
            (2, "ref()", "int &ref"),
        ],
    ),
    ".rb": (
        "module M\n  # A dog.\n  class Dog < Animal\n    def bark\n      1\n    end\n\n"
        "    def self.make; end\n  end\nend\n",
        [
            (1, "module M", "module M"),
            (2, "class Dog", "# A dog."),
            (3, "def bark", "def bark"),
            (3, "def self.make", "def self"),
        ],
    ),
    ".php": (
        "<html><?php\nnamespace A;\n/** Doc. */\nfinal class B { public function c() {} }\nfunction d() {}\n"
        "interface I {}\ntrait T {}\n?>\n",
        [
            (1, "class B", "/** Doc. */"),
            (2, "function c", "public function"),
            (1, "function d", "function d"),
            (1, "interface I", "interface"),
            (1, "trait T", "trait"),
        ],
    ),
    ".cs": (
        "using System;\nnamespace A.B {\n  /// <summary>Doc.</summary>\n  [Attr]\n  public class C {\n"
        "    public C() {}\n    int F<T>() => 1;\n    struct S {}\n  }\n}\n",
        [
            (1, "namespace A.B", "namespace"),
            (2, "class C", "/// <summary>"),
            (3, "C()", "public C()"),
            (3, "F()", "int F"),
            (3, "struct S", "struct S"),
        ],
    ),
    ".sh": (
        "#!/bin/bash\nset -e\n\n# Says it.\nsay() {\n  echo\n}\nfunction other {\n  :\n}\nsay\n",
        [(1, "say()", "# Says it."), (1, "other()", "function other"), (1, "a.sh", "say")],
    ),
}  # fmt: skip


class TestCodeLoader(LoaderContract):
    media_type = "text/x-python"
    suffix = ".py"

    def loader(self) -> CodeLoader:
        return CodeLoader()

    def write(self, path: Path) -> None:
        path.write_text(PYTHON)


def outline(document: Document) -> list[tuple[int, str, str]]:
    return [
        (heading.level, heading.text, document.text[heading.start :].split("\n")[0]) for heading in document.headings
    ]


def test_python(load):
    document = load("pkg/a.py".rpartition("/")[2], PYTHON)[0]
    assert document.text == PYTHON
    assert outline(document) == [
        (1, "class Reader", "# Reads things."),
        (2, "def load", "# The only way."),
        (3, "def inner", "def inner():"),
        (2, "def load", "return inner()"),
        (2, "def name", "@property"),
        (1, "class Reader", "after = 1"),
        (1, "def main", "async def main():"),
        (1, "a.py", 'if __name__ == "__main__":'),
    ]
    assert document.title == "a.py"
    assert document.metadata == {
        "language": "python",
        "symbols": ("Reader", "Reader.load", "Reader.load.inner", "Reader.name", "main"),
    }


@pytest.mark.parametrize("suffix", SAMPLES)
def test_languages(load, suffix):
    text, expected = SAMPLES[suffix]
    document = load(f"a{suffix}", text)[0]
    found = outline(document)
    assert [(level, heading) for level, heading, _ in found] == [(level, heading) for level, heading, _ in expected]
    for (_, _, line), (_, _, beginning) in zip(found, expected, strict=True):
        assert line.startswith(beginning)
    assert document.text == text


def test_every_media_type_for_code_has_a_grammar():
    assert set(GRAMMARS) == set(CODE.values())


def test_symbols_are_qualified_and_not_too_many(load):
    assert load("a.rs", SAMPLES[".rs"][0])[0].metadata["symbols"] == (
        *("Point", "Point.fmt", "Wrap<T>", "Wrap<T>.get", "inner", "inner.T", "inner.T.f", "m"),
    )
    many = "\n".join(f"def f{number}(): pass" for number in range(2000))
    document = load("a.py", many)[0]
    assert len(document.metadata["symbols"]) == MOST_SYMBOLS
    assert len(document.headings) == 2000


def test_broken_code_is_still_text_with_what_can_be_told(load):
    document = load("a.py", "def one():\n    return 1)\n\nx = = 3 $\n\nclass Three:\n    pass\n")[0]
    assert "x = = 3" in document.text
    assert "class Three" in [heading.text for heading in document.headings]


def test_a_comment_belongs_to_what_it_stands_above(load):
    text = "x = 1  # about x\ndef a():\n    pass\n\n# Licence.\n\n"
    text += "def b():\n    pass\n# About c,\n# at length.\ndef c(): pass\n"
    document = load("a.py", text)[0]
    starts = [line for _, _, line in outline(document) if not line.startswith("# Licence")]
    assert starts == ["def a():", "def b():", "# About c,"]
    inside = load("b.py", "class A:\n    # About d.\n    def d(self): pass\n")[0]
    assert [line for _, _, line in outline(inside)] == ["class A:", "# About d."]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200_000,
        "def f():\n " * 5_000,
        "class A: " * 50_000,
        "x = [" + "1, " * 400_000 + "]",
        "function f(){" * 50_000,
        "a<" * 50_000,
        "<a>" * 50_000,
        "\n".join("{" * (number % 90) for number in range(5_000)),
    ],
)
@pytest.mark.parametrize("suffix", [".py", ".js", ".cpp"])
def test_hostile_code_takes_bounded_time(load, text, suffix):
    started = time.process_time()
    assert load(f"a{suffix}", text)[0].text == text
    assert time.process_time() - started < 20


PIECES = [
    "class A:\n",
    "def f(x):\n",
    "    ",
    "pass\n",
    "# é\n",
    "@d\n",
    "x = 1\n",
    "\n",
    "}",
    "if x:\n",
    "'''",
    "return\n",
]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_headings_stand_at_their_definitions(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("code") / "a.py"
    path.write_text(text)
    document = next(iter(CodeLoader().load(Source("a.py", path, "text/x-python"))))
    assert document.text == text
    starts = [heading.start for heading in document.headings]
    assert starts == sorted(starts)
    for heading in document.headings:
        assert document.text[heading.start :].strip()
        if heading.text.startswith(("class", "def")):
            assert heading.text in document.text


@pytest.mark.parametrize("suffix", SAMPLES)
def test_code_that_is_cut_off_anywhere_has_an_orderly_outline(load, suffix):
    text = SAMPLES[suffix][0]
    for end in range(0, len(text), 7):
        document = load(f"a{suffix}", text[:end])[0]
        starts = [heading.start for heading in document.headings]
        assert document.text == text[:end]
        assert starts == sorted(starts)
        assert all(0 <= start < end for start in starts)


@pytest.mark.parametrize(
    ("head", "encoding", "comment"),
    [
        ("# -*- coding: gbk -*-", "gbk", "计算两个数的和"),
        ("#!/usr/bin/python\n# vim: set fileencoding=iso-8859-2 :", "iso8859-2", "Příliš žluťoučký kůň"),
        ("#!/usr/bin/python\r\n# coding=euc-jp", "euc-jp", "二つの数の和を計算する"),
        ("# coding: gbk", "utf-8", "Größe"),
        ("# coding: no-such", "utf-8", "Größe"),
        ("x = 1\n# coding: koi8-r", "cp1252", "Die Größe der Lösung, schön gelöst für München."),
        ("#\n#\n# coding: koi8-r", "cp1252", "Die Größe der Lösung, schön gelöst für München."),
    ],
)
def test_the_encoding_that_a_file_declares_is_believed(tmp_path, head, encoding, comment):
    path = tmp_path / "a.py"
    path.write_bytes(f"{head}\n# {comment}\nx = 1\n".encode(encoding))
    (document,) = CodeLoader().load(Source("a.py", path, "text/x-python"))
    assert f"# {comment}\n" in document.text
