"""Limits of terms where a positive number grows without bound: finite terms, or an infinity with its sign."""

from __future__ import annotations

import math

from gencompiler.catalog.functions import FUNCTIONS, STEPS
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.graph import Term, apply, is_finite, literal
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.terms import ZERO

#: A finite limit as a term, or an infinity.
Limit = Term | float


def limit(forms: ClosedForms, term: Term, variable: Term) -> Limit:
    """The limit of a term as `variable`, a positive number, goes to infinity; raises Unproved."""
    if variable not in term.symbols:
        return term
    if term is variable:
        return math.inf
    need(term.operation == "apply", "no limit of {} is known", term)
    name = term.data
    if name in ("add", "subtract"):
        try:
            return _sum([limit(forms, p, variable) for p in addends(term)])
        except Unproved:
            own = ex.written(forms.normal(term))  # infinities may cancel there
            need(own is not term, "no limit of {} is known", term)
            if own.operation != "apply" or own.data not in ("add", "subtract"):
                return limit(forms, own, variable)
            return _sum([limit(forms, p, variable) for p in addends(own)])
    arguments = [limit(forms, a, variable) for a in term.arguments]
    match name:
        case "negate":
            return _negative(arguments[0])
        case "multiply":
            return _product(forms, *arguments)
        case "divide":
            return _quotient(forms, *arguments)
        case "power":
            return _power(forms, *arguments)
    return _function(forms, name, arguments)


def addends(term: Term) -> list[Term]:
    if term.operation == "apply" and term.data in ("add", "subtract"):
        left, right = map(addends, term.arguments)
        return [*left, *(right if term.data == "add" else [apply("negate", r) for r in right])]
    return [term]


def _sum(parts: list[Limit]) -> Limit:
    need(len(parts) > 0, "no limit")
    endless = {p for p in parts if isinstance(p, float)}
    need(len(endless) <= 1, "a difference of infinities")
    if endless:
        return endless.pop()
    total: Term = ZERO
    for part in parts:
        assert not isinstance(part, float)
        total = part if total is ZERO else apply("add", total, part)
    return total


def _negative(value: Limit) -> Limit:
    return -value if isinstance(value, float) else apply("negate", value)


def _product(forms: ClosedForms, left: Limit, right: Limit) -> Limit:
    if not isinstance(left, float) and not isinstance(right, float):
        return apply("multiply", left, right)
    sign = _sign(forms, left) * _sign(forms, right)
    need(sign != 0, "a product of an infinity and what may be 0")
    return sign * math.inf


def _quotient(forms: ClosedForms, left: Limit, right: Limit) -> Limit:
    if isinstance(right, float):
        need(not isinstance(left, float), "a quotient of infinities")
        return ZERO
    if isinstance(left, float):
        sign = _sign(forms, left) * _sign(forms, right)
        need(sign != 0, "an infinity over what may be 0")
        return sign * math.inf
    need(forms.sign(right) != 0, "a quotient by what may be 0")
    return apply("divide", left, right)


def _power(forms: ClosedForms, base: Limit, exponent: Limit) -> Limit:
    if isinstance(base, float):
        need(base > 0 and not isinstance(exponent, float), "a power of an infinity")
        sign = _sign(forms, exponent)
        need(sign != 0, "a power that may be 0")
        return math.inf if sign > 0 else ZERO
    if isinstance(exponent, float):
        above = forms.sign(apply("subtract", base, literal(1)))
        need(forms.positive(base) and above != 0, "a power of what may be 1")
        return math.inf if (above > 0) == (exponent > 0) else ZERO
    if not forms.normal(base):
        need(forms.sign(exponent) > 0, "a power of 0 that may not be positive")
        return ZERO
    need(forms.positive(base), "a power of what may not be positive")
    return apply("power", base, exponent)


def _sign(forms: ClosedForms, value: Limit) -> int:
    return int(math.copysign(1, value)) if isinstance(value, float) else forms.sign(value)


def _function(forms: ClosedForms, name: str, arguments: list[Limit]) -> Limit:
    """A continuous function at a finite limit; a monotone one at the ends of its domain."""
    need(len(arguments) == 1 and name not in STEPS, "no limit of {}", name)
    (argument,) = arguments
    if not isinstance(argument, float):
        return -math.inf if name == "log" and not forms.normal(argument) else apply(name, argument)
    fact = FUNCTIONS[name]
    ends = [part.strip() for part in fact.range[1:-1].split(",")]
    domain = [part.strip() for part in fact.domain[1:-1].split(",")]
    need(fact.monotone is not None, "no limit of {}", name)
    place = domain.index("inf" if argument > 0 else "-inf") if ("inf" if argument > 0 else "-inf") in domain else -1
    need(place >= 0, "{} is not defined there", name)
    end = ends[place if fact.monotone == "increasing" else 1 - place]
    if end in ("inf", "-inf"):
        return float(end)
    from gencompiler.model.formula import formula
    from gencompiler.proof.translate import Translation

    found = Translation().term(formula(end))
    need(found.operation != "literal" or is_finite(found.data), "no limit")
    return found
