"""Rules for choices by the sign of a number, and for products of vectors that are such choices.

    if w @ w > 0 then v + (k - w @ v) * w / (w @ w) else v

is defined everywhere, and its product with w is k where w is not 0, and 0 where it is."""

from __future__ import annotations

from typing import cast

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof import domain
from gencompiler.proof.binders import replaced
from gencompiler.proof.calculus import fold
from gencompiler.proof.facts import Fact, InRange
from gencompiler.proof.graph import WHOLE, Term, choose, contract, element, substitute, subterms, support_of, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.numerators import horner
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.ring import Ring
from gencompiler.proof.terms import ONE, ZERO, minus, negated, over, plus, times

#: What a number is where a comparison with a number holds, and where it does not.
_SIDES = {
    "greater": ("Open above", "Interval below"),
    "greater_equal": ("Interval above", "Open below"),
    "less": ("Open below", "Interval above"),
    "less_equal": ("Interval below", "Open above"),
}


def branches(term: Term) -> tuple[Term, Term, Term]:
    """The number that a choice compares with a number, and its branches, each with a symbol in the place of that number
    that has the values for which the branch is taken; of two that are compared, their difference, either way round.
    Where `a @ a` is not positive, a is 0."""
    need(term.operation == "choose", "{} is not a choice", term)
    condition, then, otherwise = term.arguments
    if condition.operation == "apply" and condition.data in ("equal", "not_equal"):
        return _first_and_others(term)
    known = condition.operation == "apply" and condition.data in _SIDES and condition.shape == ()
    need(known, "{} does not compare numbers", condition)
    compared, bound = condition.arguments
    turned = None
    if bound.operation != "literal":
        need(bound.shape == () and compared.shape == (), "{} compares vectors", condition)
        compared, turned, bound = minus(compared, bound), minus(bound, compared), ZERO
    need(compared.operation != "literal", "{} is a number", compared)
    parts = []
    for branch, side in zip((then, otherwise), _SIDES[condition.data], strict=True):
        kind, direction = side.split()
        ends = (bound.data, domain.REALS.upper) if direction == "above" else (domain.REALS.lower, bound.data)
        own = symbol("along", f"{compared} {direction} {bound}", Support(kind, ends))
        need(own not in term.symbols, "the name of {} is in use", compared)  # long terms are spelled alike
        values = {compared: own} if turned is None else {compared: own, turned: negated(own)}
        if bound is ZERO and direction == "below":
            values |= _vanishing(compared, branch)
        parts.append(replaced(branch, values))
    return compared, parts[0], parts[1]


def _first_and_others(term: Term) -> tuple[Term, Term, Term]:
    """The same of a choice by whether a whole number is the first, or the last, of its values."""
    condition, *parts = term.arguments
    name, value = condition.arguments
    own = domain.of_support(support_of(name)) if name.operation == "symbol" and name.shape == () else None
    if own is None or not SUPPORTS[support_of(name).name].discrete or value.operation != "literal":
        raise Unproved(f"{condition} does not single out a value")
    need(support_of(name).name not in ("Sign", "Permutation"), "{} has gaps", support_of(name))
    need(value.data in (own.lower, own.upper) and own.lower < own.upper, "{} is in the middle", value)
    start, stop = (own.lower + 1, own.upper) if value.data == own.lower else (own.lower, own.upper - 1)
    rest = symbol("along", f"{name} but not {value}", Support("Integer", (start, stop + 1)))
    need(rest not in term.symbols, "the name of {} is in use", name)
    places = (value, rest) if condition.data == "equal" else (rest, value)
    then, otherwise = (substitute(part, {name: place}) for part, place in zip(parts, places, strict=True))
    return name, then, otherwise


def vanishing(term: Term) -> tuple[Term, ...]:
    """The products with a that a branch of a choice takes to be 0, a @ a being no more than 0 there."""
    condition, then, otherwise = term.arguments
    if condition.data not in _SIDES:
        return ()
    compared, bound = condition.arguments
    if bound is not ZERO:
        return ()
    sides = zip((then, otherwise), _SIDES[condition.data], strict=True)
    below = [branch for branch, side in sides if side.endswith("below")]
    found = [t for branch in below for t in _vanishing(compared, branch)]
    return tuple(dict.fromkeys(found))


def _vanishing(square: Term, branch: Term) -> dict[Term, Term]:
    """The products with a that are 0 where a @ a is."""
    if square.operation != "contract":
        return {}
    left, right = square.arguments
    if left is not right or len(left.shape) != 1:
        return {}
    inside = [t for t in subterms(branch) if t.operation == "contract" and t.shape == () and left in t.arguments]
    return dict.fromkeys((t for t in inside if t is not square), ZERO)


@rule
def by_cases(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A choice by the size of a number lies in the hull of its branches, each for the numbers for which it is taken.

    Premises: the ranges of the number, and of the branches with a symbol in its place; then of the products that vanish
    in one, so that they are defined: 0 times what is not is no number."""
    (term,) = cast(tuple[Term], subject)
    compared, then, otherwise = branches(term)
    number, first, second, *others = premises
    range_of(number, compared)
    for product, known in zip(vanishing(term), others, strict=True):
        range_of(known, product)
    return InRange(term, domain.hull(range_of(first, then), range_of(second, otherwise)))


# -- products of vectors ---------------------------------------------------------------------------------------------


def distributed(product: Term) -> Term:
    """`a @ b` of two vectors with sums, numbers and choices taken out, equal wherever `a @ b` is defined."""
    need(product.operation == "contract" and product.shape == (), "{} is not a product of vectors", product)
    return _plain(_expanded(_trimmed(product)))


def _trimmed(term: Term) -> Term:
    """`w[l, :]` written `w[l]`, as everywhere else."""
    views = [t for t in subterms(term) if t.operation == "element" and t.arguments[-1] is WHOLE]
    short = {t: element(t.arguments[0], t.arguments[1:-1]) for t in views if len(t.arguments) > 2}
    return replaced(term, short) if short else term


def _expanded(term: Term) -> Term:
    """A number in which every product of vectors is taken apart."""
    inside = [t for t in subterms(term) if t.operation == "contract" and t.shape == ()]
    return replaced(term, {t: _dot(*t.arguments) for t in inside}) if inside else term


def _dot(left: Term, right: Term) -> Term:
    for own, other, first in ((left, right, True), (right, left, False)):
        if own.operation == "choose" and own.arguments[0].shape == ():
            condition, then, otherwise = own.arguments
            there, not_there = (_taken(other, condition, holds) for holds in (True, False))
            if first:
                return choose(condition, _dot(then, there), _dot(otherwise, not_there))
            return choose(condition, _dot(there, then), _dot(not_there, otherwise))
        if own.operation != "apply" or own.shape == ():
            continue
        pair = [(a, other) if first else (other, a) for a in own.arguments]
        match own.data:
            case "add" | "subtract" if all(a.shape for a in own.arguments):
                return (plus if own.data == "add" else minus)(_dot(*pair[0]), _dot(*pair[1]))
            case "negate":
                return negated(_dot(*pair[0]))
            case "multiply" if own.arguments[0].shape == () or own.arguments[1].shape == ():
                vector = 1 if own.arguments[0].shape == () else 0
                return times(_expanded(own.arguments[1 - vector]), _dot(*pair[vector]))
            case "divide" if own.arguments[1].shape == ():
                return _quotient(_dot(*pair[0]), _expanded(own.arguments[1]))
    return ONE if left is right and _is_unit(left) else contract(left, right)


def _is_unit(vector: Term) -> bool:
    """Whether a vector is one of the orthonormal columns of a declared matrix."""
    if vector.operation != "element" or len(vector.arguments) != 3 or vector.arguments[1] is not WHOLE:
        return False
    basis = vector.arguments[0]
    declared = basis.operation == "symbol" and support_of(basis).name == "Orthogonal" and len(basis.shape) == 2
    return declared and basis.shape[0] >= basis.shape[1]


def _taken(term: Term, condition: Term, holds: bool) -> Term:
    """A choice by a condition that is known."""
    if term.operation == "choose" and term.arguments[0] is condition:
        return term.arguments[1 if holds else 2]
    return term


def _quotient(above: Term, below: Term) -> Term:
    """above / below, a common factor taken out."""
    if above is below:
        return ONE
    if above.operation == "apply" and above.data == "multiply" and below in above.arguments:
        left, right = above.arguments
        return right if left is below else left
    return over(above, below)


def _plain(term: Term) -> Term:
    """Sums and products in normal form, branch by branch; a branch where a @ a is not positive knows that a is 0."""
    if term.operation != "choose":
        return fold(horner(Ring().normal(term)))
    condition, then, otherwise = term.arguments
    if condition.operation == "apply" and condition.data == "greater" and condition.arguments[1] is ZERO:
        otherwise = replaced(otherwise, _vanishing(condition.arguments[0], otherwise))
    return choose(condition, _plain(then), _plain(otherwise))


@rule
def distributed_product(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The range of `a @ b` is that of the same number written with fewer products.

    Premises: the range of the product, so that it is defined, and of the number as it is rewritten."""
    (term,) = cast(tuple[Term], subject)
    defined, found = premises
    range_of(defined, term)
    return InRange(term, range_of(found, distributed(term)))
