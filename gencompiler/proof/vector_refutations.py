"""Rules that refute statements about maps of vectors, at points whose elements differ.

A network is any function on two different inputs: a hidden unit tells them apart, and the last layer, affine, gives any
two values to the two.  So its outputs may be chosen at each of two points, where its inputs are not the same."""

from __future__ import annotations

import contextlib
import math
from fractions import Fraction
from typing import cast

from gencompiler.model.nodes import Support
from gencompiler.proof import domain, exponentials, views
from gencompiler.proof.binders import replaced
from gencompiler.proof.boxes import difference
from gencompiler.proof.calculus import fold
from gencompiler.proof.components import component, components
from gencompiler.proof.evaluate import Point, Undefined, evaluate
from gencompiler.proof.facts import Fact, InRange, NotInjective, NotOnto
from gencompiler.proof.graph import (
    Shape,
    Term,
    bound_index,
    literal,
    select,
    substitute,
    subterms,
    support_of,
    symbol,
)
from gencompiler.proof.index_rules import entry, in_entries
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.map_rules import is_interval
from gencompiler.proof.numbers import Undecided, Values
from gencompiler.proof.refute_rules import admissible, differs, is_free
from gencompiler.proof.tables import table

#: An atom and its elements at each of two points: those of a symbol are the same at both.
Choice = tuple[Term, Values, Values]

MATRICES = ("Lower", "Upper", "Orthogonal", "Invertible")


def is_matrix_of(support: Support, shape: Shape, values: Values) -> bool:
    """Whether these elements, row by row, are a matrix of the support, exactly."""
    if len(shape) != 2 or not all(isinstance(v, Fraction) for v in values):
        return False
    rows, columns = shape
    table = [values[k * columns : (k + 1) * columns] for k in range(rows)]
    match support.name:
        case "Lower" | "Upper" if rows == columns:
            lower = support.name == "Lower"
            empty = all(table[i][j] == 0 for i in range(rows) for j in range(columns) if (i < j) == lower and i != j)
            return empty and all(table[i][i] > 0 for i in range(rows))
        case "Orthogonal":  # the columns, or the rows, where those are fewer
            lines = table if rows <= columns else list(zip(*table, strict=True))
            products = [[sum(a * b for a, b in zip(r, s, strict=True)) for s in lines] for r in lines]
            return all(products[i][j] == int(i == j) for i in range(len(lines)) for j in range(len(lines)))
        case "Invertible" if rows == columns:
            return rank(table) == rows
    return False


def rank(table: list[Values]) -> int:
    """The rank of a table of rationals, by elimination."""
    return len(reduced(table))


def reduced(table: list[Values]) -> list[tuple[int, list[Fraction]]]:
    """The rows of the reduced echelon form that are not 0, each with the place of its leading 1."""
    found: list[tuple[int, list[Fraction]]] = []
    for row in table:
        left = list(row)
        for at, known in found:
            left = [v - left[at] * w for v, w in zip(left, known, strict=True)]
        at = next((k for k, v in enumerate(left) if v != 0), -1)
        if at >= 0:
            own = [v / left[at] for v in left]
            found = [(k, [v - r[at] * w for v, w in zip(r, own, strict=True)]) for k, r in found]
            found.append((at, own))
    return found


def points(input_: Term, body: Term, choices: tuple[Choice, ...], ends: tuple[Values, Values]) -> tuple[Point, Point]:
    """The two points, which must be ones that parameters, networks and the input can be at."""
    found: tuple[dict[Term, Fraction | Values], ...] = ({input_: ends[0]}, {input_: ends[1]})
    size = 1
    for extent in input_.shape:
        size *= extent
    for end in ends:
        need(len(end) == size and all(admissible(support_of(input_), v) for v in end), "not an input")
    for atom, first, second in choices:
        need(len(first) == len(second) and all(isinstance(v, Fraction) for v in (*first, *second)), "not exact")
        found[0][atom], found[1][atom] = first, second
    constants: dict[object, Values] = {}
    for atom, first, second in choices:
        if atom.operation == "network":
            same = constants.setdefault(atom.data[:2], first) == first
            need(same, "one network with two values, which its inputs may not tell apart")
            need(first == second or told_apart(body, atom, found), "the network sees the same at both points")
            need(first == second or not shared(body, atom), "one network in two places")
            continue
        need(atom.operation == "symbol" and atom is not input_ and first == second, "{} has one value", atom)
        support = support_of(atom)
        own = is_matrix_of(support, atom.shape, first) if support.name in MATRICES else is_free(atom, first)
        need(own, "{} cannot be so", atom)
    return found[0], found[1]


def values_of_symbols(choices: tuple[Choice, ...]) -> tuple[tuple[Term, Values], ...]:
    """The values of the symbols among some choices; those of networks are outputs."""
    return tuple((a, v) for a, v, _ in choices if a.operation == "symbol")


def told_apart(body: Term, atom: Term, found: tuple[Point, ...]) -> bool:
    """Whether the inputs of a network differ between two points; with a bound on its slope that is not enough."""
    if any(t.operation == "bounded" and t.arguments[0] is atom for t in subterms(body)):
        return False
    if views.has_view(atom) or any(s.data[0] == "bound" for s in atom.symbols):
        return False
    for argument in atom.arguments:
        with contextlib.suppress(Undecided, Undefined):  # one that is known at both points is enough
            one, other = (evaluate(argument, point) for point in found)
            if any(differs(a, b) for a, b in zip(one, other, strict=True)):
                return True
    return False


def shared(body: Term, atom: Term) -> bool:
    """Whether a body applies one network to several inputs."""
    same = {t.arguments for t in subterms(body) if t.operation == "network" and t.data[0] == atom.data[0]}
    return len(same) > 1


@rule
def two_vectors(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """One value at two different inputs, all exact.  Subject: the input, the body, the choices, the two inputs."""
    input_, body, choices, first, second = cast(tuple[Term, Term, tuple[Choice, ...], Values, Values], subject)
    need(first != second, "two different inputs")
    here, there = points(input_, body, choices, (first, second))
    try:
        left, right = evaluate(body, here), evaluate(body, there)
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    exact = all(isinstance(v, Fraction) for v in (*left, *right)) and left == right
    need(exact or _one_formula(input_, body, choices, first, second), "the values differ")
    return NotInjective(input_, body, values_of_symbols(choices))


def _one_formula(input_: Term, body: Term, choices: tuple[Choice, ...], first: Values, second: Values) -> bool:
    """Whether each element of a map without networks has one closed normal form at two points, where it is defined."""
    if any(a.operation == "network" or len(a.shape) > 1 for a, _, _ in choices):
        return False
    known = {component(a, k): literal(v) for a, values, _ in choices for k, v in enumerate(values)}
    for entry_ in components(body):
        forms = []
        for end in (first, second):
            here = {**known, **{component(input_, k): literal(v) for k, v in enumerate(end)}}
            forms.append(exponentials.normal(substitute(entry_, here)))
        if forms[0] != forms[1]:
            return False
    return True


def entry_alone(input_: Term, body: Term) -> tuple[Term, Term]:
    """A number and a function of it: of a map that does the same to every place, or the last entry of one by index.

    Where the function takes one value twice, so does the map: all places, or the last one, which no other sees, at each
    of the two."""
    with contextlib.suppress(Unproved):
        body = in_entries(body)
    if body.operation == "each":
        own, inner = entry(input_, body)
        return own, substitute(inner, {bound_index(*body.data): literal(body.data[1] - 1)})
    own = symbol("block", f"{input_}[i]", support_of(input_))
    need(body.shape == input_.shape, "the result has another shape than the input")
    found = replaced(body, {input_: own})
    need(found.shape == () and all(s.shape == () for s in found.symbols), "{} is not the same at every place", body)
    return own, found


@rule
def entry_twice(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A map one entry of which takes a value twice.  Subject: the input, the body.  Premise: that of the entry."""
    input_, body = cast(tuple[Term, Term], subject)
    own, inner = entry_alone(input_, body)
    (found,) = premises
    need(isinstance(found, NotInjective), "the entry is not known to take a value twice")
    assert isinstance(found, NotInjective)
    need(found.input is own and found.body is inner, "a premise about another entry")
    return NotInjective(input_, body, found.at)


@rule
def part_not_onto(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A part of the result whose proven range misses values of the support.

    Subject: the body, the places of the part, the support.  Premise: the range of the part."""
    body, places, support = cast(tuple[Term, tuple[int, ...], Support], subject)
    (found,) = premises
    wanted = domain.of_support(support)
    if wanted is None or not isinstance(found, InRange) or found.term is not select(body, places):
        raise Unproved("no range of this part")
    need(not wanted.within(found.interval), "every value of {} may be reached", support)
    return NotOnto(body, support)


def entry_there(input_: Term, body: Term, choices: tuple[Choice, ...], place: int) -> Term:
    """One entry of the result as a formula of the input's elements, at values of the parameters."""
    known: dict[Term, Term] = {}
    tables: dict[Term, Term] = {}
    for atom, first, second in choices:
        need(atom.operation == "symbol" and atom is not input_ and first == second, "{} has one value", atom)
        need(len(first) == math.prod(atom.shape), "{} has other elements", atom)
        need(all(isinstance(v, Fraction) for v in first), "not exact")
        own = is_matrix_of(support_of(atom), atom.shape, first)
        need(own if support_of(atom).name in MATRICES else is_free(atom, first), "{} cannot be so", atom)
        if len(atom.shape) == 2:
            tables[atom] = table(atom.shape, first)
        else:
            known |= {component(atom, k): literal(v) for k, v in enumerate(first)}
    return fold(substitute(components(substitute(body, tables))[place], known))


@rule
def entry_missed(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """At some values of the parameters one entry of the result misses values of the support.

    Subject: the input, the body, the choices, the place of the entry, the support.  Premise: the range of the entry."""
    input_, body, choices, place, support = cast(tuple[Term, Term, tuple[Choice, ...], int, Support], subject)
    (found,) = premises
    wanted = domain.of_support(support)
    need(len(body.shape) == 1 and 0 <= place < body.shape[0], "no entry")
    entry_ = entry_there(input_, body, choices, place)
    need(isinstance(found, InRange) and found.term is entry_, "no range of this entry")
    assert isinstance(found, InRange)
    need(wanted is not None and is_interval(support), "{} is no interval", support)
    assert wanted is not None
    need(not wanted.within(found.interval), "every value of {} may be reached", support)
    return NotOnto(body, support, values_of_symbols(choices))


@rule
def always_in_order(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Two entries of the result of which one is never below the other: what has them the other way is not reached.

    Subject: the body, the two places, the support.  Premise: the range of their difference."""
    body, greater, less, support = cast(tuple[Term, int, int, Support], subject)
    (found,) = premises
    wanted = domain.of_support(support)
    entries = components(body)
    need(greater != less and max(greater, less) < len(entries), "not two entries")
    gap = difference(entries[greater], entries[less])
    need(isinstance(found, InRange) and found.term is gap, "the difference is not known")
    assert isinstance(found, InRange)
    need(found.interval.within(domain.NON_NEGATIVE), "both orders may be reached")
    need(wanted is not None and is_interval(support) and wanted.lower < wanted.upper, "{} has one value", support)
    return NotOnto(body, support)
