"""No pass drops a span: every node of every tree points into the spec, the prelude, or is marked as built in."""

from __future__ import annotations

from pathlib import Path

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.span import BUILTIN, SourceText
from gencompiler.node import Node, walk

SPECS = sorted(Path("specs").rglob("*.gen"))


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_every_node_has_a_span(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    done = pipeline.run(SourceText(path.as_posix(), text), until="lower")
    trees: list[Node] = [done.surface, done.model, *done.programs.values()]
    trees += [*done.derived.inverses.values(), *done.derived.log_dets.values(), *done.derived.acceptances.values()]
    trees += done.derived.gradients.values()
    for tree in trees:
        for node in walk(tree):
            if node.span == BUILTIN:
                continue
            source = done.sources[node.span.source]
            assert 0 <= node.span.start <= node.span.end <= len(source.text)


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_statements_of_row_programs_point_into_the_spec(path: Path) -> None:
    done = pipeline.run(SourceText(path.as_posix(), path.read_text(encoding="utf-8")), until="lower")
    for program in done.programs.values():
        assert program.body == () or any(s.span.source == path.as_posix() for s in program.body)
