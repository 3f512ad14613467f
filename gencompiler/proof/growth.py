"""Does a diffusion stay finite?  Where it may leave in finite time, its Fokker-Planck equation does not tell its law.

    dx = exp(x² / 2) dt      solves the stationary equation for Normal(0, 1), and is at infinity before long

Two conditions are enough, with smooth coefficients:

* the drift grows at most linearly and G = Σ g² at most quadratically (Stroock & Varadhan 1979, theorem 10.2.2), and the
  measure that solves the stationary equation is then invariant (Bogachev, Krylov, Röckner & Shaposhnikov 2015, ch. 9);
* f_i = ½ G_i S_i with G free of the state: reversible, and conservative as a finite measure has no boundary at infinity
  (Fukushima, Oshima & Takeda 2011, theorem 1.6.6)."""

from __future__ import annotations

from gencompiler.proof import exponentials as ex
from gencompiler.proof.exponentials import Exponentials
from gencompiler.proof.graph import Term

Row = tuple[Exponentials, ...]


def stays_finite(state: tuple[Term, ...], drifts: Row, squares: Row, score: Row) -> bool:
    """Whether one of the two conditions holds, from f, G and S = ∇ log p, element by element."""
    own = frozenset(state)
    if _grows(drifts, own, 1) and _grows(squares, own, 2):
        return True
    balanced = (
        ex.plus(ex.scaled(f, 2), ex.scaled(ex.times(g, s), -1)) for f, g, s in zip(drifts, squares, score, strict=True)
    )
    return _grows(squares, own, 0) and all(ex.is_zero(gap) for gap in balanced)


def _grows(row: Row, state: frozenset[Term], limit: int) -> bool:
    degrees = [degree(value, state) for value in row]
    return all(d is not None and d <= limit for d in degrees)


def degree(value: Exponentials, state: frozenset[Term]) -> int | None:
    """The degree of a polynomial in the elements of the state, whose coefficients are free of it; None for others."""
    largest = 0
    for exponent, polynomial in value.items():
        if any(t.symbols & state for monomial, _ in exponent for t, _ in monomial):
            return None
        for monomial in polynomial:
            total = 0
            for term, count in monomial:
                if term.symbols & state and (term not in state or count < 0):
                    return None
                total += count if term in state else 0
            largest = max(largest, total)
    return largest
