"""A rule that refutes: a second solution of f(u) = f(p), of which only a small box is known that holds one.

Krawczyk's test (Newton-Algorithmen zur Bestimmung von Nullstellen mit Fehlerschranken, Computing 4, 1969; Neumaier,
Interval Methods for Systems of Equations, 1990, section 5.1).  For g(w) = f(w) - f(p) on a box X around c, a matrix Y,
and J an enclosure of g' on X,

    K = c - Y g(c) + (I - Y J) (X - c)  in the inside of X      =>      g has a zero in X

since w - Y g(w) maps X into K, and Y is not singular, as I - Y J is a contraction.  Solutions need not be rational, as
those of exp(x) cos(y) = 1, exp(x) sin(y) = 0 with y = 2 pi."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

from flint import arb, ctx

from gencompiler.model.nodes import REAL
from gencompiler.proof import enclosure
from gencompiler.proof.binders import replaced
from gencompiler.proof.box_sign_rules import smooth_in
from gencompiler.proof.calculus import derivative
from gencompiler.proof.components import component, components
from gencompiler.proof.domain import of_support
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact, NotInjective
from gencompiler.proof.graph import Term, subterms, support_of, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.map_rules import is_interval
from gencompiler.proof.numbers import Number, Undecided, Values, ball
from gencompiler.proof.vector_refutations import MATRICES, Choice, points, shared, told_apart, values_of_symbols

#: A number that is solved for: an element of the input, or of a network's output, at the second point.
Unknown = tuple[Term, int]


class System:
    """f(w) - f(p) = 0 in scalar terms, one equation for each element of the result.

    `constant`: the elements of the result that depend on nothing that is solved for."""

    def __init__(self, input_: Term, body: Term, atoms: tuple[Term, ...], unknowns: tuple[Unknown, ...]) -> None:
        self.names, self.solved = output_names(atoms), unknowns
        written = components(replaced(body, self.names))
        self.unknowns = tuple(component(self.names.get(atom, atom), place) for atom, place in unknowns)
        need(len(set(self.unknowns)) == len(unknowns), "an unknown twice")
        self.equations = tuple(e for e in written if e.symbols & set(self.unknowns))
        self.constant = tuple(e for e in written if not e.symbols & set(self.unknowns))
        need(len(unknowns) == len(self.equations) > 0, "as many unknowns as equations")
        for equation in self.equations:
            need(all(smooth_in(equation, w) for w in self.unknowns), "{} is in pieces", equation)
        self.slopes = tuple(tuple(derivative(e, w) for w in self.unknowns) for e in self.equations)

    def elements(self, point: dict[Term, Values]) -> dict[Term, Number]:
        """The values of the scalar symbols at a point that gives those of tensors and networks."""
        found: dict[Term, Number] = {}
        for atom, values in point.items():
            own = self.names.get(atom, atom)
            found.update({component(own, k): value for k, value in enumerate(values)})
        return found


def output_names(atoms: tuple[Term, ...]) -> dict[Term, Term]:
    """A symbol for each of the networks among some atoms, and for each matrix whose elements are not free: what is
    evaluated at given elements, as here, need not know that."""
    return {
        atom: symbol("output", f"{atom.data[0]} {atom.data[1]} {k}", REAL, atom.shape)
        for k, atom in enumerate(atoms)
        if atom.operation == "network" or (len(atom.shape) == 2 and support_of(atom).name in MATRICES)
    }


@rule
def second_solution(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map of a vector takes its value at one point a second time, somewhere in a small box.

    Subject: the input, the body, the choices of what else it depends on, the two points (the second is the centre of
    the box), the unknowns, the box's radius, Y by rows."""
    input_, body, choices, ends, unknowns, radius, rows = cast(
        tuple[
            Term,
            Term,
            tuple[Choice, ...],
            tuple[Values, Values],
            tuple[Unknown, ...],
            Fraction,
            tuple[tuple[Fraction, ...], ...],
        ],
        subject,
    )
    here, there = points(input_, body, choices, ends)
    need(radius > 0 and len(input_.shape) == 1 and body.shape == input_.shape, "no box")
    _apart(input_, body, choices, ends, unknowns, radius)
    for atom in (a for a, _ in unknowns if a is not input_):
        need(told_apart(body, atom, (here, there)) and not shared(body, atom), "the network may see the same twice")
    system = System(input_, body, tuple(a for a, _, _ in choices), unknowns)
    first = system.elements(cast(dict[Term, Values], here))
    centre = system.elements(cast(dict[Term, Values], there))
    try:
        with ctx.workprec(enclosure.PRECISION):
            around = arb(0, ball(radius).upper())
            box = {**centre, **{w: ball(centre[w]) + around for w in system.unknowns}}
            gaps = [_one(e, centre) - _one(e, first) for e in system.equations]
            slopes = [[_one(s, box) for s in row] for row in system.slopes]
            for equation in system.equations:
                _one(equation, box)
            for same in system.constant:
                need(evaluate(same, first) == evaluate(same, centre), "{} differs", same)
            for k, row in enumerate(rows):
                need(len(row) == len(gaps), "not a square matrix")
                reach = abs(sum((ball(y) * g for y, g in zip(row, gaps, strict=True)), arb(0)))
                for j in range(len(gaps)):
                    product = sum((ball(y) * slopes[i][j] for i, y in enumerate(row)), arb(0))
                    reach += abs(arb(int(j == k)) - product) * ball(radius)
                need(bool(reach < ball(radius)), "the box is not seen to hold a solution")
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    need(len(rows) == len(system.equations), "not a square matrix")
    return NotInjective(input_, body, values_of_symbols(choices))


def _apart(
    input_: Term,
    body: Term,
    choices: tuple[Choice, ...],
    ends: tuple[Values, Values],
    unknowns: tuple[Unknown, ...],
    radius: Fraction,
) -> None:
    """The second point is an input wherever it is in its box, and another one than the first."""
    solved = [place for atom, place in unknowns if atom is input_]
    outputs = {atom for atom, _ in unknowns if atom is not input_}
    networks = {atom for atom, _, _ in choices if atom.operation == "network"}
    need(outputs <= networks, "what is solved for has a value")
    # At the solution itself, not only at the centre, the inputs of a network that has two values are told apart.
    need(not (solved and outputs), "an input and an output of a network, both solved for")
    moving = {a for a, first, second in choices if a.operation == "network" and first != second} | outputs
    seen = {t for atom in moving for argument in atom.arguments for t in subterms(argument)}
    need(not seen & outputs, "a network of what is solved for")
    constant = all(first == second for atom, first, second in choices if atom.operation == "network")
    given = {t for t in subterms(body) if t.operation == "network"} <= networks
    need(not solved or (constant and given), "a network of what is solved for")
    allowed = of_support(support_of(input_))
    need(is_interval(support_of(input_)) and allowed is not None, "inputs of several pieces")
    assert allowed is not None
    for place in solved:
        value = ends[1][place]
        need(allowed.contains(value - radius) and allowed.contains(value + radius), "the box leaves the inputs")
    sizes = [abs(a - b) for a, b in zip(*ends, strict=True)]
    need(any(s > (radius if k in solved else 0) for k, s in enumerate(sizes)), "the box holds the first point")


def _one(term: Term, point: dict[Term, Number]) -> arb:
    (value,) = evaluate(term, point)
    return ball(value)
