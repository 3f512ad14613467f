"""Maps of the circle by their lifts: what the formula of a map of angles says of a whole turn.

Part of what a proof trusts.  An `Angle` is a number modulo 2 pi, and so is the value of a map of angles: its formula is
a lift, a function f of -pi <= u < pi whose values count modulo 2 pi.  A continuous f is a bijection of the circle
exactly where it is strictly monotone on [-pi, pi] and f(pi) - f(-pi) is 2 pi or -2 pi: it goes around once.  (Injective
modulo 2 pi, a continuous f is monotone with an image no longer than a turn; onto, one no shorter.)

Angles are counted in half turns, u = pi t, in which the ends are numbers and waves have exact values there."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from fractions import Fraction

from gencompiler.model.nodes import Support
from gencompiler.proof.calculus import at, fold
from gencompiler.proof.domain import Interval
from gencompiler.proof.graph import Shape, Term, apply, constant, literal, reduce, substitute, symbol
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.ring import Polynomial, Ring
from gencompiler.proof.terms import ZERO, minus, negated, over, plus, times

PI = constant("pi")
TURN = times(literal(2), PI)
#: Half turns of an angle, the closure of the circle cut open at -pi.
HALF_TURNS = Interval(-1, 1)
#: What a term of these operations is worth follows from what its arguments are worth.
_FUNCTIONS = ("apply", "choose", "join", "select", "element", "each", "contract", "reduce", "scan", "matrix")


def is_circle(support: Support) -> bool:
    """Whether a support's values are the points of a circle."""
    return support.name == "Angle"


def half_turns(shape: Shape) -> Term:
    """The symbol of an angle in half turns."""
    return symbol("turns", "t", Support("Interval", (Fraction(-1), Fraction(1))), shape)


def in_half_turns(input_: Term, body: Term) -> Term:
    """A formula of an angle u as one of t, u = pi t."""
    return substitute(body, {input_: times(PI, half_turns(input_.shape))})


def advance(body: Term, t: Term) -> Term:
    """f(1) - f(-1), a number that all elements have where it is a scalar.

    By the form of f: what is free of t stays, sums and multiples advance as their parts do, sin and cos are back after
    whole turns, and so is whatever depends on t through what is back.  Else both values are written down."""
    if t not in body.symbols:
        return ZERO
    if body is t:
        return literal(2)
    if body.operation == "apply":
        found = _advance_of_function(body, t)
        if found is not None:
            return found
    if body.operation == "contract" and len(body.arguments[0].shape) == len(body.arguments[1].shape) == 1:
        fixed, moving = sorted(body.arguments, key=lambda a: t in a.symbols)
        if t not in fixed.symbols:
            return fold(reduce("sum", apply("multiply", fixed, advance(moving, t))))
    if body.operation in _FUNCTIONS and all(_is_zero(advance(a, t)) for a in body.arguments):
        return ZERO
    return minus(at(body, t, Fraction(1)), at(body, t, Fraction(-1)))


def _advance_of_function(body: Term, t: Term) -> Term | None:
    parts = body.arguments
    match body.data:
        case "add":
            return fold(plus(*(advance(a, t) for a in parts)))
        case "subtract":
            return fold(minus(*(advance(a, t) for a in parts)))
        case "negate":
            return fold(apply("negate", advance(parts[0], t)))
        case "multiply" if any(t not in a.symbols for a in parts):
            fixed, moving = sorted(parts, key=lambda a: t in a.symbols)
            return fold(times(fixed, advance(moving, t)))
        case "divide" if t not in parts[1].symbols:
            return fold(over(advance(parts[0], t), parts[1]))
        case "sin" | "cos":
            turns = Ring().normal(fold(over(advance(parts[0], t), TURN)))
            whole = not turns or (set(turns) == {()} and turns[()].denominator == 1)
            return ZERO if whole else None
    return None


def _is_zero(term: Term) -> bool:
    return not Ring().normal(term)


def turns_of(body: Term, t: Term, simplexes: AbstractSet[Term]) -> Fraction:
    """How often a map of t goes around, where the elements of each of `simplexes` sum to 1; raises Unproved where that
    is not known to be one number."""
    ring = Ring()
    ones = {atom for s in simplexes for atom in _alone(ring.normal(reduce("sum", s)))}
    found: Polynomial = {}
    for monomial, coefficient in ring.normal(fold(over(advance(body, t), TURN))).items():
        key = tuple((atom, n) for atom, n in monomial if atom not in ones)
        found[key] = found.get(key, Fraction(0)) + coefficient
    found = {m: c for m, c in found.items() if c}
    if set(found) <= {()}:
        return found.get((), Fraction(0))
    raise Unproved(f"how often {body} goes around is not known")


def _alone(normal: Polynomial) -> tuple[Term, ...]:
    """The atom that a normal form is, once; nothing of another form."""
    ((monomial, coefficient),) = normal.items() if len(normal) == 1 else (((), Fraction(0)),)
    return (monomial[0][0],) if coefficient == 1 and len(monomial) == 1 and monomial[0][1] == 1 else ()


def wound(y: Term, start: Term) -> Term:
    """The angle y as a number from `start` up to a turn beyond it."""
    return minus(y, times(TURN, apply("floor", over(minus(y, start), TURN))))


def principal(y: Term) -> Term:
    """The angle y as a number of [-pi, pi)."""
    return wound(y, negated(PI))


def free_of(term: Term, input_: Term) -> bool:
    """Whether the value of a term does not depend on the input, by its normal form."""
    return all(input_ not in atom.symbols for monomial in Ring().normal(term) for atom, _ in monomial)
