"""The parts of what is integrated or summed: summands, factors, and logarithms as sums of functions of one variable."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof import domain
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import NONE, Exponentials, Monomial
from gencompiler.proof.graph import Term, apply, is_finite, literal, subterms
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.terms import ONE, minus
from gencompiler.proof.terms import times as product_of


class Divergent(Unproved):
    """A product of the table whose integral does not converge: `term` would have to be positive."""

    def __init__(self, term: Term) -> None:
        super().__init__(f"the integral converges only where {term} is positive")
        self.term = term


def split(log: Exponentials, y: Term) -> tuple[Exponentials, dict[Term, Exponentials]]:
    """A sum as what is free of y, and for each function of y its coefficient."""
    free: list[Exponentials] = []
    own: dict[Term, list[Exponentials]] = {}
    for exponent, polynomial in log.items():
        inner = {m: c for m, c in exponent if any(y in t.symbols for t, _ in m)}
        outer = frozenset((m, c) for m, c in exponent if m not in inner)
        for monomial, coefficient in polynomial.items():
            mine = frozenset((t, n) for t, n in monomial if y in t.symbols)
            kept: Exponentials = {outer: {monomial - mine: coefficient}}
            if inner or mine:
                own.setdefault(function(inner, mine), []).append(kept)
            else:
                free.append(kept)
    return ex.plus(*free), {t: v for t, parts in own.items() if (v := ex.plus(*parts))}


def function(exponent: ex.Polynomial, monomial: Monomial) -> Term:
    if not exponent and len(monomial) == 1:
        ((term, count),) = monomial
        return term if count == 1 else apply("power", term, literal(count))
    return ex.written({ex.frozen(exponent): {monomial: Fraction(1)}})


def power_of(term: Term, y: Term) -> Exponentials | None:
    """The exponent c of y^c; None where a term is no power of y."""
    if term is y:
        return ex.constant(1)
    if term.operation != "apply":
        return None
    if term.data == "power" and term.arguments[0] is y and term.arguments[1].operation == "literal":
        return ex.constant(term.arguments[1].data)
    if term.data == "multiply":
        parts = [power_of(a, y) for a in term.arguments]
        return ex.plus(*(p for p in parts if p is not None)) if all(p is not None for p in parts) else None
    if term.data != "exp":
        return None
    free, own = split(ex.normal(term.arguments[0]), y)
    return own[apply("log", y)] if not free and set(own) == {apply("log", y)} else None


def one_plus_power(forms: ClosedForms, term: Term, y: Term, sign: int = 1) -> tuple[Exponentials, Exponentials]:
    """(k, c) of log(1 + sign k y^c); raises Unproved."""
    need(term.operation == "apply" and term.data == "log", "{} is no logarithm", term)
    value = ex.plus(forms.normal(term.arguments[0]), ex.constant(-1))
    free, own = split(value, y)
    need(not free and len(own) == 1, "{} is not 1 plus a power", term)
    ((function, coefficient),) = own.items()
    exponent = power_of(function, y)
    if exponent is None:
        raise Unproved(f"{function} is no power of {y}")
    return ex.scaled(coefficient, sign), exponent


def with_unit_logs(
    forms: ClosedForms, own: dict[Term, Exponentials], y: Term
) -> tuple[Exponentials, dict[Term, Exponentials]]:
    """log(a + k y^c) = log(a) + log(1 + k y^c / a) of positive a, in a sum of functions: what is free, and the rest."""
    free: list[Exponentials] = []
    found: dict[Term, list[Exponentials]] = {}
    for term, coefficient in own.items():
        whole = forms.normal(term.arguments[0]) if term.operation == "apply" and term.data == "log" else {}
        outer, inner = split(whole, y)
        first = ex.written(outer)
        changed = term
        powers = len(inner) == 1 and power_of(next(iter(inner)), y) is not None
        if powers and outer not in ({}, ex.constant(1)) and forms.positive(first):
            free.append(ex.times(coefficient, forms.log(first)))
            rest = ex.times(ex.plus(whole, ex.scaled(outer, -1)), ex.inverse(outer))
            changed = apply("log", ex.written(ex.plus(ex.constant(1), rest)))
        found.setdefault(changed, []).append(coefficient)
    return ex.plus(*free), {t: v for t, parts in found.items() if (v := ex.plus(*parts))}


def in_logit(log: Exponentials, logit: Exponentials, y: Term, w: Term) -> Term:
    """A polynomial in log(y) - log(1 - y), written in w; raises Unproved."""
    up, down = apply("log", y), apply("log", minus(ONE, y))
    (down,) = [t for m in logit[NONE] for t, _ in m if t is not up]
    found: list[Exponentials] = []
    replaced: list[Exponentials] = []
    for exponent, polynomial in log.items():
        need(not any(y in t.symbols for m, _ in exponent for t, _ in m), "no polynomial in logit")
        for monomial, coefficient in polynomial.items():
            counts = dict(monomial)
            ups = counts.pop(up, 0)
            need(ups >= 0, "no polynomial in logit")
            kept = frozenset(counts.items())
            value: Exponentials = {exponent: {kept: coefficient}}
            shifted = ex.plus(ex.atom(w), ex.atom(down))
            replaced.append(ex.times(value, ex.power(shifted, ups)))
    found = [ex.plus(*replaced)]
    result = ex.written(found[0])
    need(y not in result.symbols, "{} is no function of the logit", result)
    return result


def without(body: Term, factor: Term) -> Term:
    """A product without one of its factors; raises Unproved where it is none."""
    if body is factor:
        return ONE
    need(body.operation == "apply" and body.data in ("multiply", "divide"), "{} is no factor", factor)
    left, right = body.arguments
    if body.data == "multiply" and factor not in subterms(left):
        return product_of(left, without(right, factor))
    return apply(body.data, without(left, factor), right)


def addends(term: Term) -> list[Term]:
    """A term as the sum of these, as it is written."""
    if term.operation == "apply" and term.data in ("add", "subtract"):
        left, right = map(addends, term.arguments)
        return [*left, *(right if term.data == "add" else (apply("negate", r) for r in right))]
    return [term]


def summands(term: Term) -> list[Term]:
    """A term as the sum of these, products distributed over sums."""
    if term.operation == "apply":
        match term.data:
            case "add":
                return [*summands(term.arguments[0]), *summands(term.arguments[1])]
            case "subtract":
                return [*summands(term.arguments[0]), *(apply("negate", s) for s in summands(term.arguments[1]))]
            case "negate":
                return [apply("negate", s) for s in summands(term.arguments[0])]
            case "multiply":
                left, right = map(summands, term.arguments)
                if len(left) * len(right) > 1:
                    need(len(left) * len(right) <= 256, "a sum of too many products")
                    return [apply("multiply", a, b) for a in left for b in right]
            case "divide":
                parts = summands(term.arguments[0])
                if len(parts) > 1:
                    return [apply("divide", p, term.arguments[1]) for p in parts]
    return [term]


def mentions(body: Term, y: Term, function: str) -> bool:
    return any(t.operation == "apply" and t.data == function and t.arguments[0] is y for t in subterms(body))


def ends(support: Support) -> tuple[Fraction | None, Fraction | None]:
    """The finite ends of a continuous support."""
    own = domain.of_support(support)
    coupled = support.name not in ("Real", "NonZero", "Positive", "NonNegative", "Unit", "Interval", "Open")
    if own is None or SUPPORTS[support.name].discrete or coupled:
        raise Unproved(f"{support} is no interval")
    lower = Fraction(own.lower) if is_finite(own.lower) else None
    return lower, Fraction(own.upper) if is_finite(own.upper) else None
