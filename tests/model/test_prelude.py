"""The prelude's declarations are found by their headings and parsed alone: nothing is missed, and spans are the file's."""

from pathlib import Path

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.model import prelude
from gencompiler.syntax import tree
from gencompiler.syntax.parse import parse

SPECS = Path(__file__).parents[2] / "specs" / "physics"
WALK = "sde walk(x) { dx = dW }"


def test_each_declaration_parsed_alone_is_the_one_of_its_file() -> None:
    shipped = prelude.load()
    whole = [d for source in shipped.sources.values() for d in parse(source).declarations]
    definitions = {d.name.id: d for d in whole if isinstance(d, tree.Definition)}
    objectives = {d.name.id: d for d in whole if isinstance(d, tree.Objective)}
    assert len(definitions) + len(objectives) == len(whole)
    assert dict(shipped.definitions) == definitions
    assert dict(shipped.objectives) == objectives
    for declared in (shipped.definitions, shipped.objectives):
        for name, found in declared.items():
            original = definitions.get(name) or objectives[name]
            assert (found.span, found.name.span) == (original.span, original.name.span)


def test_definitions_of_a_kind_are_told_by_their_headings() -> None:
    shipped = prelude.load().definitions
    walk = next(d for d in parse(SourceText("walk.gen", WALK)).declarations if isinstance(d, tree.Definition))
    for known in (shipped, shipped.hidden_by({"walk": walk, "Affine": walk})):
        for kind in ("def", "bijection", "density", "transition", "sde"):
            assert sorted(known.of_kind(kind)) == sorted(n for n, d in known.items() if d.kind == kind)


def test_a_spec_with_an_sde_parses_what_it_mentions() -> None:
    prelude._declared.cache_clear()
    pipeline.run(SourceText("ve.gen", (SPECS / "ve.gen").read_text("utf-8")), until="resolve")
    assert 0 < prelude._declared.cache_info().currsize <= 3


def test_a_files_own_declaration_hides_the_preludes() -> None:
    shipped = prelude.load().definitions
    own = shipped["Affine"]
    hidden = shipped.hidden_by({"Softplus": own, "Mine": own})
    assert hidden["Softplus"] is own and hidden["Mine"] is own and hidden["Affine"] == own
    assert len(hidden) == len(shipped) + 1 == len(list(hidden))
    assert "Mine" in hidden and "Mine" not in shipped
