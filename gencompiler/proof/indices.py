"""Polynomials in index notation: indices, factors, monomials, and what changes their indices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from gencompiler.proof.graph import Term

#: An index: its kind, what it is, and a whole number to add.  Kinds: "c" a constant (0 plus the number), "t" a term,
#: "b" an index that is still open, "s" the n-th summed index of the monomial that is `level` polynomials further out.
Index = tuple[Any, ...]
#: A factor: ("atom", term, indices), ("fn", name, polynomials, indices), ("less" | "equal", index, index, offset).
Factor = tuple[Any, ...]
#: Factors with exponents in canonical order, and the extents of the summed indices.
Monomial = tuple[tuple[tuple[Factor, int], ...], tuple[int, ...]]
Polynomial = tuple[tuple[Monomial, Fraction], ...]
Open = dict[Monomial, Fraction]

#: A polynomial of more monomials, or a monomial of more summed indices, is not expanded.
LARGEST = 2048
MOST_SUMMED = 4
UNIT: Monomial = ((), ())


class TooLargeError(Exception):
    """An expansion is too large to be worth it."""


# -- polynomials -----------------------------------------------------------------------------------------------------


def number(value: Fraction) -> Open:
    """A constant."""
    return {UNIT: value} if value else {}


def add(left: Open, right: Open) -> Open:
    """The sum of two polynomials."""
    found = dict(left)
    for monomial, coefficient in right.items():
        found[monomial] = found.get(monomial, Fraction(0)) + coefficient
    return {m: c for m, c in found.items() if c}


def scale(value: Open, factor: Fraction) -> Open:
    """A polynomial times a number."""
    return {m: c * factor for m, c in value.items()} if factor else {}


# -- indices ---------------------------------------------------------------------------------------------------------


def mapped(item: Any, change: Callable[[Index, int], Index], level: int = 0) -> Any:
    """A factor with its indices changed; `level`: how many polynomials are around."""
    kind = item[0]
    if kind == "atom":
        return (kind, item[1], tuple(change(i, level) for i in item[2]))
    if kind == "index":
        return (kind, change(item[1], level))
    if kind == "fn":
        return (
            kind,
            item[1],
            tuple(mapped_polynomial(p, change, level + 1) for p in item[2]),
            tuple(change(i, level) for i in item[3]),
        )
    return (kind, change(item[1], level), change(item[2], level), item[3])


def mapped_polynomial(value: Polynomial, change: Callable[[Index, int], Index], level: int) -> Polynomial:
    return tuple(
        ((tuple((mapped(f, change, level), n) for f, n in factors), sizes), c) for (factors, sizes), c in value
    )


def indices_of(item: Any) -> Iterable[tuple[Index, int]]:
    """Every index of a factor with the number of polynomials around it."""
    found: list[tuple[Index, int]] = []

    def note(index: Index, level: int) -> Index:
        found.append((index, level))
        return index

    mapped(item, note)
    return found


def mentions(factor: Factor, index: Index) -> bool:
    return any(i[:2] == index[:2] for i, _ in indices_of(factor))


def mentions_summed(factor: Factor) -> bool:
    """Whether a function is of a summed index of its own monomial."""
    return any(i[0] == "s" and i[1] == level for i, level in indices_of(factor) if level)


def shifted(index: Index, level: int, shift: int) -> Index:
    """Summed indices of the monomial itself with higher numbers."""
    return ("s", level, index[2] + shift, index[-1]) if index[0] == "s" and index[1] == level else index


def moved_place(index: Index, level: int, names: dict[int, int]) -> Index:
    if index[0] == "s" and index[1] == level:
        return ("s", level, names[index[2]], index[-1])
    return index


def raised(index: Index, level: int, offset: int) -> Index:
    """An index as it is called `level` polynomials further in, plus a number."""
    found = (*index[:-1], index[-1] + offset)
    return ("s", found[1] + level, *found[2:]) if found[0] == "s" else found


def less(left: Index, right: Index) -> Factor | int:
    return evaluated(("less", (*left[:-1], 0), (*right[:-1], 0), left[-1] - right[-1]))


def equal(left: Index, right: Index) -> Factor | int:
    return evaluated(("equal", (*left[:-1], 0), (*right[:-1], 0), left[-1] - right[-1]))


def evaluated(factor: Factor) -> Factor | int:
    """A test whose two sides differ by a known number is 0 or 1; `left + offset < right`."""
    if factor[0] not in ("less", "equal"):
        return factor
    name, left, right, offset = factor
    offset += left[-1] - right[-1]
    left, right = (*left[:-1], 0), (*right[:-1], 0)
    if left == right:
        return int(offset < 0 if name == "less" else offset == 0)
    if name == "equal" and spelled(left) > spelled(right):
        left, right, offset = right, left, -offset
    return (name, left, right, offset)


def spelled(index: Index) -> str:
    """What orders the two sides of an equality."""
    return repr(tuple(str(p.data) if isinstance(p, Term) else p for p in index))


def is_index(term: Term, scope: dict[Term, Index]) -> bool:
    """Whether a scalar term is a whole number that indexes."""
    if term in scope or (term.operation == "literal" and Fraction(term.data).denominator == 1):
        return True
    if term.operation == "apply" and term.data in ("add", "subtract"):
        return is_index(term.arguments[0], scope) and term.arguments[1].operation == "literal"
    return term.operation == "symbol" and term.shape == () and term.data[2].name == "Integer"


def bound_by(symbol: Term, each: Term) -> bool:
    return bool(symbol.data[0] == "bound" and symbol.data[1] == str(each.data[0]))


def holds_view(term: Term) -> bool:
    from gencompiler.proof.views import has_view

    return has_view(term)


def positive(factor: Factor) -> bool:
    """Whether a factor is known to be a positive number."""
    if factor[0] == "fn" and factor[1] == ("reciprocal",):
        return positive_sum(factor[2][0])
    if factor[0] == "fn":
        return factor[1] in (("exp",), ("sqrt",), ("sigmoid",), ("softplus",), ("cosh",))
    if factor[0] != "atom" or factor[1].operation != "symbol":
        return False
    support = factor[1].data[2]
    return support.name in ("Positive", "Unit")


def positive_sum(value: Polynomial) -> bool:
    """Whether a polynomial is a positive constant plus terms that are nowhere negative."""
    kept = all(
        c > 0 and all(positive(f) or (n % 2 == 0 and f[0] in ("atom", "fn")) for f, n in factors)
        for (factors, _), c in value
    )
    return kept and any(m == UNIT for m, _ in value)
