"""A spec for nearly every system: each parses, is in the house style, and keeps its tree when it is formatted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gencompiler.diagnostics.span import SourceText
from gencompiler.node import walk
from gencompiler.syntax import tree
from gencompiler.syntax.format import format_source
from gencompiler.syntax.parse import parse

FOLDER = Path(__file__).parent / "examples"
EXAMPLES = sorted(FOLDER.glob("**/*.gen"))


def parsed(text: str) -> tree.File:
    return parse(SourceText("example.gen", text))


def test_all_examples_are_here() -> None:
    assert len(EXAMPLES) == 64


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_example(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    file = parsed(text)
    assert file.declarations
    assert format_source(text) == text
    # squeezed onto one line, the text means the same, and formatting finds a stable layout
    squeezed = " ".join(re.sub(r"#[^\n]*", "", text).split())
    again = format_source(squeezed)
    assert without_docs(parsed(again)) == without_docs(file)
    assert format_source(again) == again


def without_docs(file: tree.File) -> str:
    """The tree as text, without the docstrings, whose white space matters."""
    return re.sub(r"doc=('[^']*'|\"[^\"]*\"|None)", "", repr(file))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_node_has_the_span_of_its_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for node in walk(parsed(text)):
        inside = text[node.span.start : node.span.end]
        assert (inside and inside == inside.strip()) or isinstance(node, tree.File), node
        if isinstance(node, tree.Name | tree.Number):
            assert inside == (node.id if isinstance(node, tree.Name) else node.text)
        if isinstance(node, tree.Log):
            assert inside.startswith("log")
        if isinstance(node, tree.Model):
            assert inside.startswith("model") and inside.endswith("}")
