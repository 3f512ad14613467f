"""Rules for parts of a vector that mix each other linearly: rotations written out, shears, small systems of equations.

`join(a + b, a - t * b)` is, place by place, a square matrix times (a, b) plus an offset. Its inverse is Cramer's rule,
and its determinant is the product over the places."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import cast

from gencompiler.model.nodes import REAL
from gencompiler.proof.binders import releveled, replaced
from gencompiler.proof.domain import REALS
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Fact, InRange, LogAbs, NotInjective, VectorBijection, result
from gencompiler.proof.graph import Term, apply, bound_index, element, literal, select, subterms, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.map_rules import is_interval
from gencompiler.proof.numbers import Undecided, compare
from gencompiler.proof.refute_rules import Assignment, admissible, continuous
from gencompiler.proof.ring import Polynomial, Ring, product
from gencompiler.proof.terms import ONE, ZERO, minus, negated, over, plus, times, total
from gencompiler.proof.vector_rules import Places, assembled, in_blocks

#: Cramer's rule has as many products as there are orders of the parts.
LARGEST = 4


@dataclasses.dataclass(frozen=True)
class Mixing:
    """Part i of the result is the sum over j of `matrix[i][j]` times block j, plus `offsets[i]`; `size` places each."""

    matrix: tuple[tuple[Term, ...], ...]
    offsets: tuple[Term, ...]
    size: int

    def determinant(self) -> Term:
        """The determinant at every place, with sin^2 + cos^2 = 1 where that makes it a single product."""
        return _simplified(_determinant(self.matrix))

    def coefficients(self) -> tuple[Term, ...]:
        """Everything that has to be defined."""
        return (*(entry for row in self.matrix for entry in row), *self.offsets)


def mixed_blocks(input_: Term, body: Term) -> tuple[Places, ...]:
    """The places of the input that are read together, in order."""
    found: dict[Places, None] = {}
    for term in subterms(body):
        if term.operation == "select" and term.arguments[0] is input_:
            found[term.data] = None
        elif term.operation == "element" and term.arguments[0] is input_ and term.arguments[1].operation == "literal":
            found[(int(term.arguments[1].data),)] = None
    return tuple(sorted(found))


def mixing_of(input_: Term, body: Term, places: tuple[Places, ...]) -> Mixing:
    """A map as a mixing of the blocks at these places of the input; raises Unproved."""
    need(2 <= len(places) <= LARGEST and len({len(p) for p in places}) == 1, "not a few blocks of one size")
    need(len(input_.shape) == 1, "{} is no vector", input_)
    symbols, parts = in_blocks(input_, body, places)
    size = len(places[0])
    if size == 1:  # an entry of a block of one is the block, and `for i in 1: e` is e
        here = {element(s, (literal(0),)): s for s in symbols}
        parts = tuple(replaced(_only(p), here) for p in parts)
    rows = [_affine(part, symbols) for part in parts]
    need(all(len({t.shape for t in row} - {()}) <= 1 for row in rows), "parts of other shapes")
    return Mixing(tuple(row[:-1] for row in rows), tuple(row[-1] for row in rows), size)


def _only(part: Term) -> Term:
    """A term in which the one entry of each `for i in 1: e` stands for it."""
    if part.operation == "each" and part.data[1] == 1:
        return replaced(part.arguments[0], {bound_index(*part.data): literal(0)})
    if part.operation == "apply":
        return apply(part.data, *map(_only, part.arguments))
    return part


def _affine(term: Term, symbols: tuple[Term, ...]) -> tuple[Term, ...]:
    """The factors of the symbols in a term that is affine in them, then what is left; raises Unproved."""
    if term in symbols:
        return (*(ONE if s is term else ZERO for s in symbols), ZERO)
    if not term.symbols & set(symbols):
        return (*(ZERO for _ in symbols), term)
    need(term.operation == "apply", "{} is not linear in its parts", term)
    match term.data:
        case "add" | "subtract":
            combine = plus if term.data == "add" else minus
            sides = [_affine(a, symbols) for a in term.arguments]
            return tuple(combine(a, b) for a, b in zip(*sides, strict=True))
        case "negate":
            return tuple(_unless_zero(negated, a) for a in _affine(term.arguments[0], symbols))
        case "multiply" | "divide":
            left, right = term.arguments
            if not right.symbols & set(symbols):
                change = times if term.data == "multiply" else over
                return _each(change, _affine(left, symbols), right)
            if term.data == "multiply" and not left.symbols & set(symbols):
                return _each(times, _affine(right, symbols), left)
    raise Unproved(f"{term} is not linear in its parts")


def _each(change: Callable[..., Term], factors: tuple[Term, ...], other: Term) -> tuple[Term, ...]:
    """The factors times `other`, or divided by it; one of them must be left, so that `other` is known to be defined."""
    need(any(f is not ZERO for f in factors), "{} is multiplied by 0, and may not be defined", other)
    return tuple(_unless_zero(change, f, other) for f in factors)


def _unless_zero(change: Callable[..., Term], value: Term, *others: Term) -> Term:
    return value if value is ZERO else change(value, *others)


# -- determinants ----------------------------------------------------------------------------------------------------


def _determinant(matrix: tuple[tuple[Term, ...], ...]) -> Term:
    """The determinant by its definition, a signed sum over orders."""
    found: Term = ZERO
    for order in itertools.permutations(range(len(matrix))):
        factors = [matrix[row][column] for row, column in enumerate(order)]
        if ZERO in factors:
            continue
        product = functools.reduce(times, factors)
        odd = sum(a > b for a, b in itertools.combinations(order, 2)) % 2
        found = minus(found, product) if odd else plus(found, product)
    return found


def _minor(matrix: tuple[tuple[Term, ...], ...], row: int, column: int) -> Term:
    """The determinant without a row and a column, with its sign."""
    rest = tuple(tuple(t for j, t in enumerate(r) if j != column) for i, r in enumerate(matrix) if i != row)
    found = _determinant(rest) if rest else ONE
    return _unless_zero(negated, found) if (row + column) % 2 else found


def _simplified(term: Term) -> Term:
    """A sum as the one product that it equals by arithmetic and cos^2 = 1 - sin^2; itself where it equals none."""
    ring = Ring()
    found: Polynomial = {}
    for monomial, coefficient in ring.normal(term).items():
        whole = [(atom, n) for atom, n in monomial if not (_is_cosine(atom) and n >= 2)]
        part = product(tuple(whole), coefficient)
        for atom, n in monomial:
            if _is_cosine(atom) and n >= 2:
                sine = apply("sin", atom.arguments[0])
                square = minus(ONE, apply("power", sine, literal(2)))
                part = times(part, apply("power", square, literal(n // 2)))
                part = times(part, atom) if n % 2 else part
        for key, value in ring.normal(part).items():
            found[key] = found.get(key, Fraction(0)) + value
    found = {key: value for key, value in found.items() if value}
    if len(found) > 1:
        return term
    if not found:
        return ZERO
    ((monomial, coefficient),) = found.items()
    return product(monomial, coefficient)


def _is_cosine(atom: Term) -> bool:
    return atom.operation == "apply" and atom.data == "cos"


# -- the rule --------------------------------------------------------------------------------------------------------


@rule
def mixing(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Blocks that mix each other by a matrix of nonzero determinant at every place.

    Subject: the input, the body, the places of the blocks.  Premises: log|det|, and the range of every coefficient and
    offset, which says that it is defined."""
    input_, body, places = cast(tuple[Term, Term, tuple[Places, ...]], subject)
    found = mixing_of(input_, body, places)
    determinant = found.determinant()
    size, *ranges = premises
    need(support_of(input_) == REAL, "not a map of the reals")
    need(isinstance(size, LogAbs) and size.term is determinant, "the determinant may be 0")
    assert isinstance(size, LogAbs)
    defined = {r.term for r in ranges if isinstance(r, InRange)}
    need(set(found.coefficients()) <= defined, "a coefficient may not be defined")
    count = len(places)
    y = result(input_.shape)
    shifted = [minus(select(y, range(k * found.size, (k + 1) * found.size)), found.offsets[k]) for k in range(count)]
    solved = []
    for j in range(count):
        value: Term = ZERO
        for k in range(count):
            value = plus(value, _unless_zero(times, _minor(found.matrix, k, j), shifted[k]))
        solved.append(over(value, determinant))
    inverse = assembled(solved, places)
    log_det = total(size.value, (found.size,))
    return VectorBijection(input_, body, REALS, True, releveled(inverse), releveled(log_det))


@rule
def singular_between(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A mixing whose determinant has different signs at two values of what it depends on: 0 on the way from one to the
    other, where the map takes one value along a line.

    Subject: the input, the body, the places of the blocks, the two assignments.  Premise: the range of the determinant,
    which says that it is defined."""
    input_, body, places, one, other = cast(tuple[Term, Term, tuple[Places, ...], Assignment, Assignment], subject)
    determinant = mixing_of(input_, body, places).determinant()
    (known,) = premises
    need(isinstance(known, InRange) and known.term is determinant, "the determinant may not be defined")
    need(support_of(input_) == REAL and continuous(determinant), "not known to be continuous")
    need({s for s, _ in one} == {s for s, _ in other} >= determinant.symbols, "a symbol without a value")
    signs = []
    for assignment in (one, other):
        for name, value in assignment:
            need(name.operation == "symbol" and is_interval(support_of(name)), "no way between values of {}", name)
            need(admissible(support_of(name), value), "{} cannot be {}", name, value)
        signs.append(sign_at(determinant, assignment))
    need(signs[0] * signs[1] < 0, "the determinant keeps its sign")
    return NotInjective(input_, body)


def sign_at(term: Term, assignment: Assignment) -> int:
    """The sign of a term that is the same at every place."""
    try:
        values = evaluate(term, dict(assignment))
        signs = {compare(value, Fraction(0)) for value in values}
    except (Undecided, Undefined) as problem:
        raise Unproved(str(problem)) from None
    need(len(signs) == 1, "different signs at different places")
    return signs.pop()
