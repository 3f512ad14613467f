"""The kernel of a linear SDE dx = (a(t) x + b(t)) dt + g(t) dW in closed form: signal, shift and variance.

    m = exp(A), A = ∫ a        c = m ∫ b / m        v = m² ∫ g² / m²

Where g² = -2 a Σ_k c_k m^{p_k} no integral is needed: v = Σ_k 2 c_k / (2 - p_k) (m^{p_k} - m²), for a constant g² / a
the familiar c (1 - m²).  Nothing here is trusted: `checks.stochastic_calculus` differentiates."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.derive.antiderivative import NoIntegralError, antiderivative, is_constant, ratio_of
from gencompiler.proof import exponentials as ex
from gencompiler.proof.components import elementwise
from gencompiler.proof.exponentials import Exponentials, written
from gencompiler.proof.graph import Term, apply, literal, substitute
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.sde_facts import Diffusion
from gencompiler.proof.sde_rules import affine, scalar_state
from gencompiler.proof.terms import ONE, ZERO, plus, times


@dataclasses.dataclass(frozen=True)
class Solution:
    """x(t) given x(start) is Normal(signal x(start) + shift, noise²); functions of time."""

    signal: Term
    shift: Term
    noise: Term
    variance: Term


def solve(diffusion: Diffusion, start: Fraction) -> Solution:
    """The moments of the solution; raises NoIntegralError with what is in the way."""
    try:
        return _Linear(diffusion, start).solution()
    except Unproved as problem:
        raise NoIntegralError(str(problem)) from None


class _Linear:
    def __init__(self, diffusion: Diffusion, start: Fraction) -> None:
        self.time = diffusion.time
        self.start = start
        self.a, self.b = affine(diffusion)
        x = scalar_state(diffusion)
        noises = [ex.normal(elementwise(g, diffusion.state, x)) for g in diffusion.noises]
        self.square = ex.plus(*(ex.power(g, 2) for g in noises))
        if not all(x not in t.symbols for e, p in self.square.items() for m in p for t, _ in m):
            raise NoIntegralError("the noise depends on the state")
        #: log of the signal
        self.log = self._definite(self.a)

    def solution(self) -> Solution:
        if not set(self.log) <= {ex.NONE}:
            signal = apply("exp", written(self.log))
        else:
            signal = written(ex.exponential(self.log))
        variance, noise = self._variance()
        return Solution(signal, self._shift(), noise, variance)

    def _definite(self, value: Exponentials) -> Exponentials:
        """∫ from the start."""
        found = antiderivative(value, self.time)
        return ex.plus(found, ex.scaled(self._at_start(found), -1))

    def _at_start(self, value: Exponentials) -> Exponentials:
        if is_constant(value, self.time):
            return value
        return ex.normal(substitute(written(value), {self.time: literal(self.start)}))

    def _power(self, count: Fraction) -> Exponentials:
        """The signal to a power."""
        return ex.exponential(ex.scaled(self.log, count))

    # -- shift -------------------------------------------------------------------------------------------------------

    def _shift(self) -> Term:
        if not self.b:
            return ZERO
        level = ratio_of(self.b, ex.scaled(self.a, -1)) if self.a else None
        if level is not None and is_constant(level, self.time):
            return times(written(level), self._rise(Fraction(1)))
        return written(ex.times(self._power(Fraction(1)), self._definite(ex.times(self.b, self._power(Fraction(-1))))))

    def _rise(self, count: Fraction) -> Term:
        """1 - m^count, exactly 0 at the start and without cancellation near it."""
        return apply("negate", apply("expm1", written(ex.scaled(self.log, count))))

    # -- variance ----------------------------------------------------------------------------------------------------

    def _variance(self) -> tuple[Term, Term]:
        if not self.square:
            return ZERO, ZERO
        parts = self._powers()
        if parts is not None:
            return self._from_powers(parts)
        integral = antiderivative(ex.times(self.square, self._power(Fraction(-2))), self.time)
        variance = self._growth(integral)
        if self.log:
            variance = times(written(self._power(Fraction(2))), variance)
        return variance, _root(variance)

    def _growth(self, integral: Exponentials) -> Term:
        """F(t) - F(start); of one exponential with a constant factor, by expm1."""
        if len(integral) == 1:
            ((exponent, polynomial),) = integral.items()
            factor: Exponentials = {ex.NONE: polynomial}
            inner: Exponentials = {ex.NONE: dict(exponent)} if exponent else {}
            if inner and is_constant(factor, self.time):
                first = self._at_start(inner)
                grown = apply("expm1", written(ex.plus(inner, ex.scaled(first, -1))))
                return times(written(ex.times(factor, ex.exponential(first))), grown)
        return written(ex.plus(integral, ex.scaled(self._at_start(integral), -1)))

    def _powers(self) -> dict[Fraction, Exponentials] | None:
        """d_k by p_k of v = Σ_k d_k (m^{p_k} - m²); None where g² is no such sum."""
        if not self.log or not set(self.log) <= {ex.NONE}:
            return None
        found: dict[Fraction, Exponentials] = {}
        rate = ex.scaled(self.a, -2)
        for exponent, polynomial in self.square.items():
            inner: Exponentials = {ex.NONE: dict(exponent)} if exponent else {}
            count = _multiple(inner, self.log)
            level = ratio_of({ex.NONE: polynomial}, rate)
            if count is None or count == 2 or level is None or not is_constant(level, self.time):
                return None
            found[count] = ex.scaled(level, 2 / (2 - count))
        return found

    def _from_powers(self, parts: dict[Fraction, Exponentials]) -> tuple[Term, Term]:
        """In y = m² where all powers are even: factors 1 - y are taken out, so that v is exact near the start."""
        if all(p >= 0 and p.denominator == 1 and p % 2 == 0 for p in parts):
            degree = max(1, *(int(p) // 2 for p in parts))
            polynomial: list[Exponentials] = [{} for _ in range(degree + 1)]
            for count, level in parts.items():
                polynomial[int(count) // 2] = ex.plus(polynomial[int(count) // 2], level)
                polynomial[1] = ex.plus(polynomial[1], ex.scaled(level, -1))
            return self._factored(polynomial)
        total = ZERO
        for count, level in sorted(parts.items()):
            low, high = min(count, Fraction(2)), max(count, Fraction(2))
            rise = times(written(self._power(low)), self._rise(high - low))
            signed = level if count < 2 else ex.scaled(level, -1)
            total = plus(total, times(written(signed), rise))
        return total, _root(total)

    def _factored(self, polynomial: list[Exponentials]) -> tuple[Term, Term]:
        count = 0
        while len(polynomial) > 1 and not ex.plus(*polynomial):
            polynomial, count = _divided(polynomial), count + 1
        rise = self._rise(Fraction(2))
        raised = rise if count == 1 else apply("power", rise, literal(count))
        rest = ex.plus(*(ex.times(c, self._power(Fraction(2 * k))) for k, c in enumerate(polynomial)))
        variance = _scaled(rest, raised)
        if count % 2 == 0 and is_constant(rest, self.time):
            half = rise if count == 2 else apply("power", rise, literal(count // 2))
            return variance, _scaled(ex.root(rest), half)
        return variance, _root(variance)


def _scaled(factor: Exponentials, term: Term) -> Term:
    return term if factor == ex.constant(1) else times(written(factor), term)


def _divided(polynomial: list[Exponentials]) -> list[Exponentials]:
    """The quotient by 1 - y, which divides it: b_k = a_0 + … + a_k."""
    found: list[Exponentials] = []
    total: Exponentials = {}
    for coefficient in polynomial[:-1]:
        total = ex.plus(total, coefficient)
        found.append(total)
    while len(found) > 1 and not found[-1]:
        found.pop()
    return found


def _multiple(inner: Exponentials, log: Exponentials) -> Fraction | None:
    """p with inner = p log, rational; None where there is none."""
    if not inner:
        return Fraction(0)
    ratio = ratio_of(inner, log)
    if ratio is None or set(ratio) != {ex.NONE} or set(ratio[ex.NONE]) != {ex.UNIT}:
        return None
    return ratio[ex.NONE][ex.UNIT]


def _root(variance: Term) -> Term:
    """sqrt(v); of an even power of the time, the power itself."""
    if variance is ONE:
        return ONE
    if variance.operation == "apply" and variance.data == "power" and variance.arguments[1] is literal(2):
        return variance.arguments[0]
    return apply("sqrt", variance)
