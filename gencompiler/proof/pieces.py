"""Functions in pieces: which piece holds where a number lies, and the point at which to cut its domain if both do.

`resolved` decides every `if`, `abs`, `min`, … from the signs of what they compare; `Cut` says where one changes."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.proof import exponentials as ex
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term, apply, build, choose, literal, subterms
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.products import number
from gencompiler.proof.terms import ONE, ZERO, minus


class Cut(Exception):
    """What is to be integrated changes its form where the variable is `place`."""

    def __init__(self, place: Term) -> None:
        super().__init__(str(place))
        self.place = place


def linear(value: Exponentials, variable: Term) -> tuple[Exponentials, Exponentials] | None:
    """(a, b) of a value a * variable + b, a and b free of the variable; None for any other."""
    slope: list[Exponentials] = []
    rest: list[Exponentials] = []
    for exponent, polynomial in value.items():
        if any(variable in t.symbols for m, _ in exponent for t, _ in m):
            return None
        for monomial, coefficient in polynomial.items():
            inside = {t: n for t, n in monomial if variable in t.symbols}
            if not inside:
                rest.append({exponent: {monomial: coefficient}})
            elif inside == {variable: 1}:
                slope.append({exponent: {monomial - {(variable, 1)}: coefficient}})
            else:
                return None
    return ex.plus(*slope), ex.plus(*rest)


class Pieces:
    """Decides conditions on one variable; `discrete`: its values are whole numbers, and points count."""

    def __init__(self, forms: ClosedForms, variable: Term, discrete: bool) -> None:
        self.forms = forms
        self.variable = variable
        self.discrete = discrete
        self.known: dict[Term, Term] = {}

    def resolved(self, term: Term) -> Term:
        """The term without conditions on the variable; raises Cut where it must be cut first."""
        found = self.known.get(term)
        if found is None:
            found = self.known[term] = self._resolved(term) if self._touched(term) else term
        return found

    def _touched(self, term: Term) -> bool:
        return self.variable in term.symbols or any(_has_condition(t) for t in subterms(term))

    def _resolved(self, term: Term) -> Term:
        if term.operation == "choose":
            condition, then, otherwise = term.arguments
            try:
                return self.resolved(then if self._truth(condition) else otherwise)
            except Unproved:
                if self.variable in condition.symbols:
                    raise
            return choose(condition, self.resolved(then), self.resolved(otherwise))
        if term.operation != "apply":
            return term
        arguments = tuple(self.resolved(a) if FUNCTIONS[term.data].kind != "boolean" else a for a in term.arguments)
        match term.data:
            case "indicator":
                return self._indicated(term)
            case "abs":
                return arguments[0] if self._side(arguments[0], term) else apply("negate", arguments[0])
            case "relu":
                return arguments[0] if self._side(arguments[0], term) else ZERO
            case "sign":
                return literal(self._sign(arguments[0], term))
            case "max" | "min":
                first = self._side(minus(*arguments), term)
                return arguments[0] if first == (term.data == "max") else arguments[1]
        if all(a is b for a, b in zip(arguments, term.arguments, strict=True)):
            return term
        return build("apply", term.data, arguments)

    def _indicated(self, term: Term) -> Term:
        try:
            return ONE if self._truth(term.arguments[0]) else ZERO
        except Unproved:
            if self.variable in term.symbols:
                raise
        return term

    def _truth(self, condition: Term) -> bool:
        need(condition.operation == "apply", "the condition {} is not decided", condition)
        name = condition.data
        if name == "not":
            return not self._truth(condition.arguments[0])
        if name in ("and", "or"):
            both = [self._truth(a) for a in condition.arguments]
            return all(both) if name == "and" else any(both)
        need(name in _ORDERS, "the condition {} is not decided", condition)
        gap = minus(*map(self.resolved, condition.arguments))
        answers = {sign in _ORDERS[name] for sign in self._signs(gap)}
        return answers.pop() if len(answers) == 1 else self._sign(gap, condition) in _ORDERS[name]

    def _signs(self, term: Term) -> set[int]:
        """The signs that a term may have on the domain."""
        own = self.forms.normal(term)
        if not own:
            return {0}
        interval = self.forms.know(ex.written(own))
        possible = {-1: interval.lower < 0, 0: interval.contains(Fraction(0)), 1: interval.upper > 0}
        return {sign for sign, may in possible.items() if may}

    def _side(self, term: Term, at: Term) -> bool:
        """Whether a term is at least 0, or at most 0, on the whole domain: where it is 0, both are right."""
        possible = self._signs(term)
        return -1 not in possible if {-1, 1} - possible else self._sign(term, at) >= 0

    def _sign(self, term: Term, at: Term) -> int:
        """The sign of a difference on the whole domain, but for single points of a continuous one; raises Cut."""
        own = self.forms.normal(term)
        if not own:
            return 0
        plain = ex.written(own)
        interval = self.forms.know(plain)
        if interval.sign:
            return interval.sign
        parts = linear(own, self.variable)
        if parts is None or not parts[0]:
            raise Unproved(f"{at} is not decided")
        side = self._beside(parts[0], parts[1])
        if side:
            return side
        slope, rest = parts
        if not self.discrete and 0 in (interval.lower, interval.upper):
            # An affine function is 0 at one point only, unless its slope vanishes: then it may be 0 everywhere.
            need(self.forms.sign(ex.written(slope)) != 0, "{} is not decided where its slope is 0", at)
            return 1 if interval.lower == 0 else -1
        raise Cut(self.forms.plain(ex.written(ex.scaled(ex.times(rest, ex.inverse(slope)), -1))))

    def _beside(self, slope: Exponentials, rest: Exponentials) -> int:
        """The sign of an affine function whose zero lies beside the domain: slope (x - zero)."""
        direction = self.forms.sign(ex.written(slope))
        zero = ex.scaled(ex.times(rest, ex.inverse(slope)), -1)
        gap = ex.plus(ex.atom(self.variable), ex.scaled(self.forms.collected(zero), -1))
        return direction * self.forms.sign(ex.written(gap)) if direction else 0


def _has_condition(term: Term) -> bool:
    return term.operation == "choose" or (term.operation == "apply" and term.data == "indicator")


_ORDERS: dict[str, tuple[int, ...]] = {
    "less": (-1,),
    "less_equal": (-1, 0),
    "greater": (1,),
    "greater_equal": (0, 1),
    "equal": (0,),
    "not_equal": (-1, 1),
}


def at_number(term: Term, forms: ClosedForms) -> Term:
    """A term in which every condition between numbers is decided."""
    return Pieces(forms, ZERO, True).resolved(term)


def as_number(term: Term, forms: ClosedForms) -> Fraction | None:
    """The rational that a term is; None for any other."""
    return number(forms.normal(term))
