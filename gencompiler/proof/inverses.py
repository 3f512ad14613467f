"""The inverse of a strictly monotone function, in closed form where there is one: what undoes it step by step, then the
root of a polynomial of degree one or two, the real root of a cubic, Lambert's W; else a root that is computed.  A
cubic's root, W and a power whose exponent is rounded lose digits that the function itself keeps: there the closed form
is where the computation of the root starts.

Part of what a proof trusts: `solve` is given a function that is known to be injective, and writes down the one argument
at which it has a value.  So a factor that is free of the argument is not 0, and an equation has no other solution."""

from __future__ import annotations

import math
from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model.nodes import REAL
from gencompiler.proof.boxes import Evaluation
from gencompiler.proof.calculus import derivative, fold, is_number
from gencompiler.proof.domain import Interval
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, choose, literal, substitute, subterms, symbol
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.logarithms import in_logarithm, of_product
from gencompiler.proof.numerators import cleared, coefficients, horner, rewritten
from gencompiler.proof.ring import Polynomial, Ring
from gencompiler.proof.roots import root, root_symbol
from gencompiler.proof.terms import ONE, ZERO, minus, negated, over, plus, times


def solve(body: Term, x: Term, y: Term, where: Interval, rising: bool, signs: Evaluation) -> Term:
    """The x in `where` with body = y.  `signs` knows the intervals of x and of y."""
    solver = _Solver(x, signs)
    closed: Term | None
    try:
        closed = solver.solve(body, y, 1 if rising else -1)
    except Unproved:
        closed = None
    if closed is not None and not solver.rounds:
        return closed
    own = root_symbol(body, x.shape)
    return root(substitute(body, {x: own}), own, y, (where.lower, where.upper, rising), closed)


class _Solver:
    """`rounds`: whether a step that was taken rounds more than the function that it undoes."""

    def __init__(self, x: Term, signs: Evaluation) -> None:
        self.x = x
        self.signs = signs
        self.rounds = False

    def solve(self, body: Term, y: Term, rising: int) -> Term:
        """The x with body = y; raises Unproved where there is no closed form.

        `rising`: 1 or -1 as the body rises or falls in x, 0 where that is not known."""
        if body is self.x:
            return y
        if body.operation != "apply":
            raise Unproved(f"{body} is not undone")
        inside = [a for a in body.arguments if self.x in a.symbols]
        if len(inside) > 1:
            return self._together(body, y, rising)
        (inner,) = inside
        undone = self._step(body, inner, y)
        return self.solve(inner, fold(undone), rising * self._step_sign(body, inner))

    def _step_sign(self, body: Term, inner: Term) -> int:
        """1, -1 or 0 as one step preserves the direction, turns it, or that is not known."""
        if len(body.arguments) == 1:
            fact = FUNCTIONS[body.data]
            if fact.monotone:
                return 1 if fact.monotone == "increasing" else -1
            return self._side(inner)
        first = body.arguments[0] is inner
        other = body.arguments[1] if first else body.arguments[0]
        if body.data in ("add", "subtract"):
            return 1 if body.data == "add" or first else -1
        if body.data in ("multiply", "divide"):
            return self.signs.range(other).sign * (1 if body.data == "multiply" or first else -1)
        return 0

    def _step(self, body: Term, inner: Term, y: Term) -> Term:
        """The value of `inner` where body = y."""
        name = body.data
        if len(body.arguments) == 1:
            return self._unary(name, inner, y)
        first = body.arguments[0] is inner
        other = body.arguments[1] if first else body.arguments[0]
        match name:
            case "add":
                return minus(y, other)
            case "subtract":
                return plus(y, other) if first else minus(other, y)
            case "multiply":
                if other.operation == "apply" and other.data == "exp":
                    return times(y, apply("exp", negated(other.arguments[0])))
                return over(y, other)
            case "divide":
                return times(y, other) if first else over(other, y)
            case "power":
                return self._power(inner, other, y) if first else over(apply("log", y), apply("log", other))
        raise Unproved(f"{body} is not undone")

    def _unary(self, name: str, inner: Term, y: Term) -> Term:
        fact = FUNCTIONS[name]
        if fact.monotone and fact.inverse is not None:
            return instance(fact.inverse, y=y)
        if name in ("abs", "cosh"):
            sign = self._side(inner)
            size = y if name == "abs" else _arcosh(y)
            return size if sign > 0 else negated(size)
        raise Unproved(f"{name} is not undone")

    def _side(self, inner: Term) -> int:
        """1 where `inner` is never negative, -1 where it is never positive."""
        found = self.signs.range(inner)
        need(found.lower >= 0 or found.upper <= 0, "{} has both signs", inner)
        return 1 if found.lower >= 0 else -1

    def _power(self, inner: Term, exponent: Term, y: Term) -> Term:
        found = self.signs.range(inner)
        if is_number(exponent) and exponent.data.denominator == 1 and exponent.data != 0:
            count = int(exponent.data)
            if count == -1:
                return over(ONE, y)
            self.rounds = self.rounds or count != 2
            if count % 2:
                if found.lower >= 0:
                    return _positive_root(y, count)
                return times(apply("sign", y), _positive_root(apply("abs", y), count))
            size = _positive_root(y, count)
            return size if self._side(inner) > 0 else negated(size)
        need(found.lower >= 0, "{} may be negative", inner)
        reciprocal = literal(1 / Fraction(exponent.data)) if is_number(exponent) else over(ONE, exponent)
        self.rounds = self.rounds or not (is_number(exponent) and reciprocal.data.denominator in (1, 2))
        return apply("power", y, reciprocal)

    # -- more than one occurrence --------------------------------------------------------------------------------------

    def _together(self, body: Term, y: Term, rising: int) -> Term:
        for attempt in (self._algebraic, self._radical, self._lambert, self._by_logarithm):
            try:
                return attempt(body, y, rising)
            except Unproved:
                continue
        raise Unproved(f"{body} has no closed inverse")

    def _by_logarithm(self, body: Term, y: Term, rising: int) -> Term:
        """exp(v) with the v at which the body, or its logarithm where it is a product, has its value."""
        inside = self.signs.range(apply("log", self.x))  # refused where x may not be positive
        if body.data in ("multiply", "divide") and self.signs.range(body).sign > 0:
            body, y = of_product(body, lambda t: self.signs.range(t).sign > 0), fold(apply("log", y))
        need(apply("log", self.x) in subterms(body), "no logarithm of {}", self.x)
        v = symbol("inner", f"log {body.depth}", REAL, self.x.shape)
        moved = in_logarithm(body, self.x, v)
        need(self.x not in moved.symbols, "not a function of a logarithm")
        own = _Solver(v, Evaluation({**self.signs.box, v: inside}, self.signs.given))
        found = own.solve(moved, y, rising)
        self.rounds = True
        return apply("exp", found)

    def _free(self, *terms: Term) -> None:
        for term in terms:
            need(self.x not in term.symbols, "{} depends on {}", term, self.x)

    def _equation(self, body: Term, y: Term) -> tuple[Term, set[Term], Term]:
        """N - y D of the body N / D, the parts of it that depend on x, and D."""
        numerator, divided = cleared(body)
        denominator: Term = ONE
        for factor, count in divided:
            if self.x in factor.symbols and count > 0:  # a factor of the numerator, which may be 0
                numerator = times(numerator, apply("power", factor, literal(count)))
                continue
            if self.x in factor.symbols:
                need(self.signs.range(factor).sign != 0, "{} may be 0", factor)
            denominator = times(denominator, apply("power", factor, literal(-count)))
        normal = Ring().normal(rewritten(fold(minus(numerator, times(y, denominator)))))
        return horner(normal), {a for m in normal for a, _ in m if self.x in a.symbols}, denominator

    def _algebraic(self, body: Term, y: Term, rising: int) -> Term:
        """N(t) - y D(t) = 0 for a function t of x, of degree 1, 2 or 3."""
        equation, generators, denominator = self._equation(body, y)
        need(len(generators) == 1, "not a function of one part")
        (t,) = generators
        found = coefficients(equation, t)
        self._free(*found.values())
        need(min(found) >= 0, "a power that is divided by")
        shared = math.gcd(*found)
        if shared > 1:  # a function of a power of t
            found = {k // shared: c for k, c in found.items()}
            t = apply("power", t, literal(shared))
        need(t.depth < body.depth, "{} is no simpler than {}", t, body)  # or solving would not come to an end
        need(max(found) <= 3, "the degree is too high")
        value = self._root(found, t, body, rising, denominator)
        return self.solve(t, fold(value), 0)

    def _radical(self, body: Term, y: Term, rising: int) -> Term:
        """A + B √Q = 0, where A² - B² Q = 0 has one solution x, or one x²: no branch is left to choose.

        In x² it is linear where A = a x, and B and Q = q + r x² have no other x: then x = -B / a √Q, and by A² = B² Q
        √Q = |a| √(q / (a² - r B²)), which does not cancel."""
        equation, generators, _ = self._equation(body, y)
        roots = [g for g in generators if g.operation == "apply" and g.data == "sqrt"]
        need(generators - {*roots} <= {self.x} and len(roots) == 1, "not a root beside the argument")
        (root_,) = roots
        parts = coefficients(equation, root_)
        need(set(parts) <= {0, 1}, "a power of a root")
        a, b, inside = parts.get(0, ZERO), parts[1], root_.arguments[0]
        self.rounds = True
        squared = fold(minus(times(a, a), times(times(b, b), inside)))
        found = coefficients(squared, self.x)
        self._free(*found.values())
        if max(found) == 1:
            need(self.signs.range(fold(found[1])).sign != 0, "{} may be 0", found[1])
            return fold(over(negated(found.get(0, ZERO)), found[1]))
        linear, under = coefficients(a, self.x), coefficients(inside, self.x)
        self._free(b, *linear.values(), *under.values())
        need(set(linear) == {1} and set(under) <= {0, 2} and set(found) <= {0, 2}, "more than one solution")
        need(self.signs.range(fold(found[2])).sign * self.signs.range(linear[1]).sign != 0, "a factor may be 0")
        side = negated(b) if self.signs.range(linear[1]).sign > 0 else b
        size = apply("sqrt", over(under.get(0, ZERO), found[2]))  # √Q / |a|
        ratio = over(linear[1], b)
        large = apply("sqrt", over(under.get(0, ZERO), minus(times(ratio, ratio), under.get(2, ZERO))))  # |B| √Q / |a|
        far = apply("greater", apply("abs", b), apply("abs", linear[1]))  # where B² might overflow
        return fold(choose(far, times(apply("sign", side), large), times(side, size)))

    def _root(self, found: dict[int, Term], t: Term, body: Term, rising: int, denominator: Term) -> Term:
        degree = max(found)
        c = [found.get(k, ZERO) for k in range(4)]
        if degree == 1:
            return over(negated(c[0]), c[1])
        if degree == 2:
            return self._quadratic(c, t, rising or self.signs.range(derivative(body, self.x)).sign, denominator)
        return self._cubic(c)

    def _quadratic(self, c: list[Term], t: Term, rising: int, denominator: Term) -> Term:
        """2 a t + b = ±√(b² - 4ac), with the sign of dy/dt times that of the denominator; in the form that does not
        cancel."""
        inner = 1 if t is self.x else self.signs.range(derivative(t, self.x)).sign
        side = rising * inner * self.signs.range(denominator).sign
        need(side != 0, "the branch is not known")
        inside = minus(times(c[1], c[1]), times(literal(4), times(c[2], c[0])))
        size = apply("sqrt", apply("max", fold(inside), ZERO))
        directed = size if side > 0 else negated(size)
        by_leading = over(minus(directed, c[1]), times(literal(2), c[2]))
        by_constant = over(times(literal(-2), c[0]), plus(c[1], directed))
        middle = self.signs.range(c[1])
        if middle.sign == side:
            return by_constant
        leads = self.signs.range(c[2]).sign != 0
        if leads and (middle.upper <= 0 if side > 0 else middle.lower >= 0):
            return by_leading
        agrees = apply("greater" if side > 0 else "less", c[1], ZERO)
        return choose(agrees, by_constant, by_leading)

    def _cubic(self, c: list[Term]) -> Term:
        """t³ + a t² + b t + e with p = b - a²/3 > 0 has one real root: with t = s - a/3,
        s = -2 √(p/3) sinh(asinh(3 q / (2 p) √(3/p)) / 3)."""
        self.rounds = True
        a, b, e = (fold(over(k, c[3])) for k in (c[2], c[1], c[0]))
        third = literal(Fraction(1, 3))
        p = fold(minus(b, times(third, times(a, a))))
        cube = times(a, times(a, a))
        q = plus(minus(times(literal(Fraction(2, 27)), cube), times(third, times(a, b))), e)
        shift = times(third, a)
        if not Ring().normal(p):
            flipped = fold(negated(q))
            return minus(times(apply("sign", flipped), _positive_root(apply("abs", flipped), 3)), shift)
        need(self.signs.range(p).sign > 0, "a cubic that may have three roots")
        width = apply("sqrt", over(p, literal(3)))
        inside = over(times(literal(Fraction(3, 2)), fold(q)), times(p, width))
        return minus(times(literal(-2), times(width, apply("sinh", times(third, apply("asinh", inside))))), shift)

    # -- Lambert's W ---------------------------------------------------------------------------------------------------

    def _lambert(self, body: Term, y: Term, rising: int) -> Term:
        """α x + β exp(γ x) + δ, β x exp(γ x) + δ, and α x + β log(x) + δ."""
        ring = Ring()
        x = self.x
        parts: dict[tuple[int, str, Term | None], Polynomial] = {}
        gammas: dict[Term, Term] = {}
        for monomial, coefficient in ring.normal(rewritten(body)).items():
            rest: list[tuple[Term, int]] = []
            degree, kind, special = 0, "", None
            for atom, count in monomial:
                if x not in atom.symbols:
                    rest.append((atom, count))
                elif atom is x and count == 1:
                    degree = 1
                elif atom.operation == "apply" and atom.data in ("exp", "log") and not kind:
                    need(atom.data == "exp" or count == 1, "a power of a logarithm")
                    kind, special = atom.data, atom
                    if atom.data == "exp":
                        gammas[atom] = self._rate(atom.arguments[0], count)
                else:
                    raise Unproved("another part")
            key = (degree, kind, special)
            parts.setdefault(key, {})[tuple(rest)] = coefficient
        constant_ = horner(parts.pop((0, "", None), {}))
        target = fold(minus(y, constant_))
        linear = parts.pop((1, "", None), None)
        need(len(parts) == 1, "more than one exponential")
        ((degree, kind, special), own), *_ = parts.items()
        beta = horner(own)
        assert special is not None
        self.rounds = True
        if kind == "log":
            need(degree == 0 and linear is not None, "another form")
            return self._with_log(horner(linear or {}), beta, special.arguments[0], target)
        gamma = gammas[special]
        if degree == 1:
            need(linear is None, "another form")
            need(self.signs.range(times(gamma, x)).lower >= -1, "another branch of W")
            return over(apply("lambert_w", over(times(gamma, target), beta)), gamma)
        need(linear is not None, "another form")
        return self._with_exp(horner(linear or {}), beta, gamma, target)

    def _rate(self, exponent: Term, count: int) -> Term:
        found = coefficients(exponent, self.x)
        need(set(found) <= {1}, "an exponent that is not linear")
        self._free(found[1])
        return fold(times(literal(count), found[1]))

    def _with_exp(self, alpha: Term, beta: Term, gamma: Term, y: Term) -> Term:
        """γ x = Y - ω(Z) = log ω(Z) - log k with Z = Y + log k, Y = γ y / α, k = β γ / α > 0: the form that does not
        cancel."""
        ratio = fold(over(times(beta, gamma), alpha))
        need(self.signs.range(ratio).sign > 0, "the exponential and the line have different directions")
        scaled = fold(over(times(gamma, y), alpha))
        log_ratio = fold(apply("log", ratio))
        moved = fold(plus(scaled, log_ratio))
        small = minus(scaled, apply("wright_omega", moved))
        large = minus(apply("log", apply("wright_omega", apply("max", moved, ONE))), log_ratio)
        return over(choose(apply("greater", moved, ONE), fold(large), small), gamma)

    def _with_log(self, alpha: Term, beta: Term, inside: Term, y: Term) -> Term:
        """r x = ω(y / β - log(c) + log(r)) with r = α / β, for α x + β log(c x) = y."""
        scale = coefficients(inside, self.x)
        need(set(scale) == {1}, "a logarithm of a sum")
        c = scale[1]
        self._free(c)
        ratio = fold(over(alpha, beta))
        need(self.signs.range(ratio).sign > 0 and self.signs.range(c).sign > 0, "another form")
        shift = fold(apply("log", fold(over(ratio, c))))
        return over(apply("wright_omega", fold(plus(over(y, beta), shift))), ratio)


def _positive_root(y: Term, count: int) -> Term:
    if count == 2:
        return apply("sqrt", y)
    return apply("power", y, literal(Fraction(1, count)))


def _arcosh(y: Term) -> Term:
    return apply("log", plus(y, apply("sqrt", apply("max", times(minus(y, ONE), plus(y, ONE)), ZERO))))
