"""A rule that refutes a map of a vector along one line: at some values of everything else one entry alone moves."""

from __future__ import annotations

from typing import cast

from gencompiler.proof.binders import replaced
from gencompiler.proof.calculus import fold
from gencompiler.proof.components import component, components
from gencompiler.proof.facts import Fact, NotInjective
from gencompiler.proof.graph import Term, literal, substitute
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.numbers import Values
from gencompiler.proof.tables import table
from gencompiler.proof.vector_refutations import Choice, points, values_of_symbols


def along_line(input_: Term, body: Term, choices: tuple[Choice, ...], point: Values, place: int) -> tuple[Term, Term]:
    """The element of the input that moves, the others as in `point`, and the one entry that moves with it.

    Networks are constants, as for some weights they are."""
    need(len(input_.shape) == 1 and body.shape == input_.shape, "{} is not a map of a vector", body)
    need(0 <= place < len(point), "no element of the input")
    points(input_, body, choices, (point, point))  # one point, so that nothing has two values
    constants: dict[Term, Term] = {}
    known: dict[Term, Term] = {}
    for atom, values, _ in choices:
        if atom.operation == "network" or len(atom.shape) > 1:
            constants[atom] = table(atom.shape, values) if atom.shape else literal(values[0])
        else:
            known |= {component(atom, k): literal(v) for k, v in enumerate(values)}
    own = component(input_, place)
    known |= {component(input_, k): literal(v) for k, v in enumerate(point) if k != place}
    entries = [fold(substitute(e, known)) for e in components(replaced(body, constants))]
    moving = [e for e in entries if own in e.symbols]
    need(len(moving) == 1 and moving[0].symbols == {own}, "{} entries move", len(moving))
    return own, moving[0]


@rule
def line_twice(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map that moves one entry alone along a line, and that takes one value twice there.

    The other entries do not depend on where on the line, so two inputs have one value.  Subject: the input, the body,
    the choices of what else it depends on, a point of the line, the place of the element that moves.  Premise: that of
    the entry."""
    input_, body, choices, point, place = cast(tuple[Term, Term, tuple[Choice, ...], Values, int], subject)
    own, moving = along_line(input_, body, choices, point, place)
    (found,) = premises
    need(isinstance(found, NotInjective), "the entry is not known to take a value twice")
    assert isinstance(found, NotInjective)
    need(found.input is own and found.body is moving, "a premise about another entry")
    return NotInjective(input_, body, values_of_symbols(choices))
