"""Does a diffusion stay finite?  Where it may leave in finite time, its Fokker-Planck equation does not tell its law.

    dx = exp(x² / 2) dt      solves the stationary equation for Normal(0, 1), and is at infinity before long

Any of these is enough, with smooth coefficients:

* the drift grows at most linearly and G = Σ g² at most quadratically (Stroock & Varadhan 1979, theorem 10.2.2), and the
  measure that solves the stationary equation is then invariant (Bogachev, Krylov, Röckner & Shaposhnikov 2015, ch. 9);
* f_i = ½ (∂_i G_i + G_i S_i) with G of at most quadratic growth: reversible, and cut-off functions of vanishing energy
  make it recurrent, hence conservative (Fukushima, Oshima & Takeda 2011, theorem 1.6.6);
* L V <= C (1 + V) for a V that goes to infinity, with L = f·∇ + ½ Σ G_i ∂_i² (Khasminskii 2012, theorem 3.5), where f
  and G are polynomials; V = |x|², or V = -log p where that is a coercive polynomial.  The martingale problem is then
  well posed, and what solves the stationary equation is invariant (Echeverría 1982; Ethier & Kurtz 1986, theorem
  4.9.17)."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.proof import exponentials as ex
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term
from gencompiler.proof.polynomials import bounded_above, coercive, free_of, polynomial

Row = tuple[Exponentials, ...]


def stays_finite(
    time: Term, state: tuple[Term, ...], drifts: Row, squares: Row, score: Row, log_density: Exponentials
) -> bool:
    """Whether one of the conditions holds, from f, G, S = ∇ log p, element by element, and log p."""
    own = frozenset(state)
    quadratic = _grows(squares, own, 2)
    if quadratic and _grows(drifts, own, 1):
        return True
    if quadratic and _is_reversible(state, drifts, squares, score):
        return True
    return _is_confined(time, state, drifts, squares, score, log_density)


def _is_reversible(state: tuple[Term, ...], drifts: Row, squares: Row, score: Row) -> bool:
    rows = zip(state, drifts, squares, score, strict=True)
    return all(
        ex.is_zero(ex.plus(ex.scaled(f, 2), ex.scaled(ex.plus(ex.derivative(g, x), ex.times(g, s)), -1)))
        for x, f, g, s in rows
    )


def _is_confined(
    time: Term, state: tuple[Term, ...], drifts: Row, squares: Row, score: Row, log_density: Exponentials
) -> bool:
    """Khasminskii's condition with V = |x|² or V = -log p."""
    parts = [polynomial(value, state) for value in (*drifts, *squares)]
    if any(p is None or not free_of(p, time) for p in parts):
        return False
    pulls = [ex.scaled(ex.times(ex.atom(x), f), 2) for x, f in zip(state, drifts, strict=True)]
    radial = polynomial(ex.plus(*pulls, *squares), state)
    if radial is not None and bounded_above(radial, degree=2):
        return True
    energy = polynomial(ex.scaled(log_density, -1), state)
    tops = coercive(energy) if energy is not None else None
    if tops is None:
        return False
    falls = [ex.scaled(ex.times(f, s), -1) for f, s in zip(drifts, score, strict=True)]
    rows = zip(state, squares, score, strict=True)
    bends = [ex.scaled(ex.times(g, ex.derivative(s, x)), Fraction(-1, 2)) for x, g, s in rows]
    change = polynomial(ex.plus(*falls, *bends), state)
    return change is not None and bounded_above(change, by=tops)


def _grows(row: Row, state: frozenset[Term], limit: int) -> bool:
    degrees = [degree(value, state) for value in row]
    return all(d is not None and d <= limit for d in degrees)


def degree(value: Exponentials, state: frozenset[Term]) -> int | None:
    """The degree of a polynomial in the elements of the state, whose coefficients are free of it; None for others."""
    largest = 0
    for exponent, part in value.items():
        if any(t.symbols & state for monomial, _ in exponent for t, _ in monomial):
            return None
        for monomial in part:
            total = 0
            for term, count in monomial:
                if term.symbols & state and (term not in state or count < 0):
                    return None
                total += count if term in state else 0
            largest = max(largest, total)
    return largest
