"""How a term or a number reads in a message: the language's own spelling, infix and with few parentheses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model.nodes import Real
from gencompiler.proof.graph import Term, bound_index, gradient_parts, subterms
from gencompiler.proof.numbers import Number

_PRECEDENCE = {"or": 1, "and": 2, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4, "+": 5, "-": 5, "*": 6, "/": 6}
_PRECEDENCE["^"] = 8
_UNARY, _ATOM = 7, 9

#: Longer numbers are told by their size.
_PRINTED_BITS = 256
#: Longer spellings of a part are left out.
_LONGEST = 120


def number(value: Real) -> str:
    """`3`, `-1/2`, `inf`; a fraction with a short decimal form as that decimal."""
    if not isinstance(value, Fraction):
        return str(value)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _PRINTED_BITS:
        return f"about {'-' if value < 0 else ''}2^{value.numerator.bit_length() - value.denominator.bit_length()}"
    if value.denominator == 1 or value.denominator > 10**9 or abs(value) > 10**9:
        return str(value)
    decimal = f"{float(value):g}"
    return decimal if "e" not in decimal and Fraction(decimal) == value else str(value)


def approximately(value: Number) -> str:
    """A number of an evaluation: exact, or the middle of its ball."""
    return number(value) if isinstance(value, Fraction) else f"about {value.str(6, radius=False)}"


def text(term: Term, labels: Mapping[Term, str] | None = None) -> str:
    """A short mathematical spelling of `term`; parts that have a label go by it."""
    speller = _Speller(labels or {})
    for part in subterms(term):  # from the leaves up, so that a deep term does not exhaust the stack
        speller.spell(part)
    return speller.spell(term)[0]


def short(path: str) -> str:
    """The last part of a path: a parameter goes by the name it was declared with."""
    return path.rpartition(".")[2]


class _Speller:
    """Spells terms; `spell` gives the text and how tightly it binds."""

    def __init__(self, labels: Mapping[Term, str]) -> None:
        self.labels = labels
        self.known: dict[Term, tuple[str, int]] = {}

    def spell(self, term: Term) -> tuple[str, int]:
        """A part that is too long to read stands as `…`; each part is spelled once, however often it is used."""
        if term in self.labels:
            return self.labels[term], _ATOM
        found = self.known.get(term)
        if found is None:
            found = self._spell(term)
            if len(found[0]) > _LONGEST:
                found = ("…", _ATOM)
            self.known[term] = found
        return found

    def _spell(self, term: Term) -> tuple[str, int]:
        match term.operation:
            case "literal":
                return number(term.data), _ATOM if term.data >= 0 else _UNARY
            case "constant":
                return str(term.data), _ATOM
            case "table":
                return _table(*term.data), _ATOM
            case "symbol":
                if term.data[0] == "root":
                    return f"t{term.data[1]}", _ATOM
                return short(term.data[1]) if term.data[0] == "parameter" else str(term.data[1]), _ATOM
            case "apply":
                return self._apply(term)
            case "choose":
                condition, then, otherwise = (self._inside(a, 0) for a in term.arguments)
                return f"if {condition} then {then} else {otherwise}", 0
            case "contract":
                return f"{self._inside(term.arguments[0], 6)} @ {self._inside(term.arguments[1], 7)}", 6
            case "reduce":
                return f"{term.data}({self._listed(term.arguments)})", _ATOM
            case "bounded":
                return f"lipschitz({self._listed(term.arguments)}, {number(term.data)})", _ATOM
            case "fixed_point" | "solution":
                return f"{term.operation}({self._listed(term.arguments)})", _ATOM
            case "jacobian_log_det":
                return f"log|det| of {self._inside(term.arguments[0], 0)}", 0
            case "matrix":
                return f"{term.data}({self._listed(term.arguments)})", _ATOM
            case "scan":
                return f"cumsum({self._listed(term.arguments)})", _ATOM
            case "bin":
                return f"bin({self._listed(term.arguments)})", _ATOM
            case "network":
                return f"{short(term.data[0])}({self._listed(term.arguments)})", _ATOM
            case "root":
                body, formal, target, *near = term.arguments
                if near:
                    return self.spell(near[0])
                return (
                    f"(the {self._inside(formal, 0)} with {self._inside(body, 5)} = {self._inside(target, 5)})",
                    _ATOM,
                )
            case "gradient":
                body, _, actuals = gradient_parts(term)
                return f"grad({self._inside(body, 0)})({self._listed(actuals)})", _ATOM
        return self._subscripted(term), _ATOM

    def _subscripted(self, term: Term) -> str:
        match term.operation:
            case "whole":
                return ":"
            case "before":
                return f"<{'=' if term.data else ''}{self._inside(term.arguments[0], 0)}"
            case "element":
                return f"{self._inside(term.arguments[0], _ATOM)}[{self._listed(term.arguments[1:])}]"
            case "select":
                return f"{self._inside(term.arguments[0], _ATOM)}[{_places(term.data)}]"
            case "each" if term.data[1] == 1 and bound_index(*term.data) not in term.arguments[0].symbols:
                return f"[{self._inside(term.arguments[0], 0)}]"
            case "each" | "recur":
                return f"(for {term.data[0]} in {term.data[1]}: {self._inside(term.arguments[0], 0)})"
        return f"join({self._listed(term.arguments)})"

    def _apply(self, term: Term) -> tuple[str, int]:
        fact = FUNCTIONS[term.data]
        if fact.operator is None:
            return f"{term.data}({self._listed(term.arguments)})", _ATOM
        if fact.arity == 1:
            spaced = fact.operator + (" " if fact.operator.isalpha() else "")
            return spaced + self._inside(term.arguments[0], _UNARY), _UNARY
        level = _PRECEDENCE[fact.operator]
        left, right = term.arguments
        joined = "^" if fact.operator == "^" else f" {fact.operator} "
        return f"{self._inside(left, level)}{joined}{self._inside(right, level + 1)}", level

    def _inside(self, term: Term, level: int) -> str:
        spelled, own = self.spell(term)
        return spelled if own >= level else f"({spelled})"

    def _listed(self, terms: Iterable[Term]) -> str:
        return ", ".join(self._inside(t, 0) for t in terms)


def _table(shape: tuple[int, ...], values: tuple[Real, ...]) -> str:
    """`[0.2, 0.8]`, row by row."""
    if not shape:
        return number(values[0])
    size = len(values) // shape[0]
    rows = (values[k : k + size] for k in range(0, len(values), size))
    return f"[{', '.join(_table(shape[1:], row) for row in rows)}]"


def _places(places: tuple[int, ...]) -> str:
    first, last = places[0], places[-1]
    if places == tuple(range(first, last + 1)):
        return f"{first}..{last + 1}"
    return ", ".join(map(str, places)) if len(places) <= 4 else f"{first}, {places[1]}, …, {last}"
