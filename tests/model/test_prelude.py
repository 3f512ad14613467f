"""The prelude's declarations are found by their headings and parsed alone: nothing is missed, and spans are the file's."""

from gencompiler.model import prelude
from gencompiler.syntax import tree
from gencompiler.syntax.parse import parse


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


def test_a_files_own_declaration_hides_the_preludes() -> None:
    shipped = prelude.load().definitions
    own = shipped["Affine"]
    hidden = shipped.hidden_by({"Softplus": own, "Mine": own})
    assert hidden["Softplus"] is own and hidden["Mine"] is own and hidden["Affine"] == own
    assert len(hidden) == len(shipped) + 1 == len(list(hidden))
    assert "Mine" in hidden and "Mine" not in shipped
