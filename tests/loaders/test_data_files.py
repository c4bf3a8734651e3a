from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from docindex.errors import LoadError
from docindex.loaders.data_files import TomlLoader, YamlLoader
from docindex.schema import Document, Limits, LoadOptions, Source
from docindex.testing.loader_contract import LoaderContract

COMPOSE = """\
# How the shop runs on one machine.
name: shop
version: "3"

services:
  # Answers the browsers.
  web:
    image: nginx   # the newest
    ports: ["80:80"]
  store:
    image: postgres
volumes: {data: {}}
notes: |
  Back up
  every night.
"""

CLUSTER = """\
---
kind: Service
metadata:
  name: web
spec:
  ports: [80]
---
kind: Deployment
metadata: {name: web}
---
just: words
"""

PROJECT = """\
# What it is made of.
title = "Wind gauge"

# Who makes it.
[maker]
name = "Ann"
text = \"\"\"
[not a table]
\"\"\"
grid = [
  [1],
  ["x"]
]
[maker.address]   # where
"str[eet" = "[[x]]" # [no]

[[part]]
name = "vane"
[[part]]
name = 'bo#lt'
"""


class TestYamlLoader(LoaderContract):
    media_type = "application/yaml"
    suffix = ".yaml"

    def loader(self) -> YamlLoader:
        return YamlLoader()

    def write(self, path: Path) -> None:
        path.write_text(COMPOSE)


class TestTomlLoader(LoaderContract):
    media_type = "application/toml"
    suffix = ".toml"

    def loader(self) -> TomlLoader:
        return TomlLoader()

    def write(self, path: Path) -> None:
        path.write_text(PROJECT)


@pytest.fixture
def yaml(tmp_path: Path):
    return lambda text, name="a.yaml": _load(YamlLoader(), tmp_path / name, text)


@pytest.fixture
def toml(tmp_path: Path):
    return lambda text, name="a.toml": _load(TomlLoader(), tmp_path / name, text)


def _load(loader: YamlLoader | TomlLoader, path: Path, text: str) -> Document:
    path.write_text(text)
    (document,) = loader.load(Source(path.name, path, "text/x-data"))
    return document


def _outline(document: Document) -> list[tuple[int, str]]:
    return [(heading.level, heading.text) for heading in document.headings]


def _lines(document: Document) -> list[str]:
    return [document.text[heading.start :].partition("\n")[0].strip() for heading in document.headings]


def test_yaml_stays_as_written(yaml):
    assert yaml(COMPOSE).text == COMPOSE


def test_keys_that_open_a_block_are_headings_and_comments_belong_to_what_follows(yaml):
    document = yaml(COMPOSE)
    assert _outline(document) == [
        (1, "services"),
        (2, "web"),
        (2, "store"),
        (1, "volumes"),
        (1, "notes"),
    ]
    assert _lines(document) == ["services:", "# Answers the browsers.", "store:", "volumes: {data: {}}", "notes: |"]
    assert document.title == "shop"


def test_a_value_alone_needs_a_heading_only_after_a_block(yaml):
    assert _outline(yaml("a: 1\nb: 2\nc:\n  d: 3\ne: 4\n")) == [(1, "c"), (1, "e")]


def test_items_are_headed_by_their_names(yaml):
    plays = "- hosts: all\n  name: Set up\n  tasks:\n    - name: deep\n      run: x\n- name: Tear down\n- 3\n"
    document = yaml(plays)
    assert _outline(document) == [(1, "Set up"), (2, "tasks"), (1, "Tear down")]
    assert _lines(document) == ["- hosts: all", "tasks:", "- name: Tear down"]


def test_each_of_several_documents_is_a_heading(yaml):
    document = yaml(CLUSTER)
    assert _outline(document) == [
        (1, "Service web"),
        (2, "metadata"),
        (2, "spec"),
        (1, "Deployment web"),
        (1, "document 3"),
    ]
    assert _lines(document)[::3] == ["---", "---"]
    assert document.title == "a.yaml"


def test_an_interface_has_the_title_that_it_says(yaml):
    document = yaml("openapi: 3.1.0\ninfo:\n  title: Pets\npaths:\n  /pets:\n    get: {}\n  /pets/{id}:\n    get: {}\n")
    assert document.title == "Pets"
    assert _outline(document)[1:] == [(1, "paths"), (2, "/pets"), (2, "/pets/{id}")]


def test_a_template_is_text_with_the_headings_its_lines_suggest(yaml):
    template = '{{- if .on }}\nspec:\n  a: {{ b }}\n# Both.\n"x y":\n  c: 1\n{{ end }}\n'
    document = yaml(template)
    assert document.text == template
    assert list(zip(_outline(document), _lines(document), strict=True)) == [
        ((1, "spec"), "spec:"),
        ((1, "x y"), "# Both."),
    ]


def test_tags_aliases_and_keys_of_any_kind(yaml):
    document = yaml("base: &b\n  x: 1\nuse: *b\n? [1, 2]\n: !!python/object:os.system\n  y: 1\n*b : 2\n")
    assert _outline(document) == [(1, "base"), (1, "use")]


def test_aliases_that_would_grow_without_end_cost_nothing(yaml):
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(60))
    started = time.process_time()
    assert yaml(bomb).text == bomb
    assert time.process_time() - started < 1


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "- - a: ", "a:\n" + " "])
def test_deep_nesting_is_no_problem(yaml, opening):
    text = "x:\n  y: 1\nz:\n" + opening * 20_000
    assert yaml(text).text == text


def test_toml_stays_as_written_and_its_tables_are_headings(toml):
    document = toml(PROJECT)
    assert document.text == PROJECT
    assert document.title == "Wind gauge"
    assert list(zip(_outline(document), _lines(document), strict=True)) == [
        ((1, "maker"), "# Who makes it."),
        ((1, "maker.address"), "[maker.address]   # where"),
        ((1, "part: vane"), "[[part]]"),
        ((1, "part: bo#lt"), "[[part]]"),
    ]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('[project]\nname = "docs"\n', "docs"),
        ("[package]\nname = 'crate'\n", "crate"),
        ("[server]\nname = 'crate'\n", "a.toml"),
        ("", "a.toml"),
    ],
)
def test_titles(toml, text, title):
    assert toml(text).title == title


def test_broken_toml_is_text_all_the_same(toml):
    text = '[a]\nx = {{ template }}\n[ b . \'c d\' ]\ny = """\n[open]\n'
    document = toml(text)
    assert document.text == text
    assert _outline(document) == [(1, "a"), (1, "b.c d")]


def test_a_file_over_the_limit_is_refused(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(COMPOSE)
    source = Source("a.yaml", path, "text/x-data", LoadOptions(limits=Limits(file_bytes=10)))
    for loader in (YamlLoader(), TomlLoader()):
        with pytest.raises(LoadError, match="file_bytes"):
            list(loader.load(source))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("ab:-# \n[]{}\"'|>&*!?,=.%\t"), max_size=60) | st.text(max_size=30))
@example("a:\n  - b: |\n")
@example("---\n...\n---\n")
def test_any_text_stays_as_it_is(tmp_path, text):
    for loader in (YamlLoader(), TomlLoader()):
        document = _load(loader, tmp_path / "a", text.encode("utf-8", "replace").decode())
        starts = [heading.start for heading in document.headings]
        assert starts == sorted(starts)
        assert all(heading.text and heading.start < len(document.text) for heading in document.headings)
        assert all(start == 0 or document.text[start - 1] == "\n" for start in starts)


def test_endless_nesting_is_text(tmp_path: Path):
    path = tmp_path / "deep.yaml"
    path.write_text("[" * 200_000)
    [document] = YamlLoader().load(Source("deep.yaml", path, "text/x-yaml"))
    assert len(document.text) == 200_000
