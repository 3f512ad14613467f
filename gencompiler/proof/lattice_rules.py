"""Rules for maps of vectors of integers: parts of the result that are parts of the input, or their negatives, shifted
by whole numbers."""

from __future__ import annotations

from typing import cast

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof.binders import releveled, replaced
from gencompiler.proof.discrete_rules import is_integers, whole_steps
from gencompiler.proof.facts import Defined, Fact, Invertible, NotOnto, result
from gencompiler.proof.graph import Term, is_finite, literal, select, substitute, support_of, symbol
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.lemma_rules import summands
from gencompiler.proof.terms import ZERO, minus, negated, plus
from gencompiler.proof.vector_rules import Places, assembled, in_blocks

#: Operations whose values are among, or sums and products of, the elements of their arguments.
_PLAIN = ("select", "join", "scan", "contract")
_ARITHMETIC = ("add", "subtract", "multiply", "negate", "min", "max", "abs", "relu")


def is_whole(term: Term) -> bool:
    """Whether every element of a term is a whole number, wherever it is defined."""
    match term.operation:
        case "literal":
            return is_finite(term.data) and term.data.denominator == 1
        case "symbol":
            return SUPPORTS[support_of(term).name].discrete
        case "choose":
            return all(map(is_whole, term.arguments[1:]))
        case "element" | "each":
            return is_whole(term.arguments[0])
        case "reduce":
            return term.data in ("sum", "prod", "min", "max") and is_whole(term.arguments[0])
        case "apply":
            if term.data == "power":
                base, exponent = term.arguments
                return is_whole(base) and exponent in (literal(2), literal(3), literal(4))
            whole = term.data in ("floor", "sign", "indicator") or FUNCTIONS[term.data].kind == "boolean"
            return whole or (term.data in _ARITHMETIC and all(map(is_whole, term.arguments)))
    return term.operation in _PLAIN and all(map(is_whole, term.arguments))


def shifted_block(own: Term, part: Term, arrived: dict[Term, Term], solved: frozenset[Term]) -> tuple[int, Term]:
    """A part as ±own + c: the sign, and c, whole numbers that depend on no block but those that are solved.

    `arrived`: other parts of the result, which are known.  Raises Unproved."""
    sign, rest = 0, ZERO
    for summand, each in summands(replaced(part, arrived)):
        if summand is own and sign == 0:
            sign = each
        else:
            rest = (plus if each > 0 else minus)(rest, summand)
    need(sign != 0, "{} is no shift of {}", part, own)
    unsolved = {s for s in rest.symbols if s.data[0] == "block"} - solved
    need(not unsolved, "{} depends on a block solved later", rest)
    need(is_whole(rest), "{} may be no whole number", rest)
    return sign, rest


class Shifts:
    """The parts of a map of integers, and where each of them arrives in the result."""

    def __init__(self, input_: Term, body: Term, places: tuple[Places, ...]) -> None:
        need(all(places), "an empty block")
        self.symbols, self.parts = in_blocks(input_, body, places)
        starts = [sum(map(len, places[:k])) for k in range(len(places))]
        whole = symbol("result", "result", support_of(input_), input_.shape)
        self.arrived = [select(whole, range(s, s + len(own))) for s, own in zip(starts, places, strict=True)]

    def solved(self, k: int, known: dict[Term, Term]) -> Term:
        """Block k in terms of the result, where the blocks of `known` are; raises Unproved."""
        others = {p: a for j, (p, a) in enumerate(zip(self.parts, self.arrived, strict=True)) if j != k}
        sign, rest = shifted_block(self.symbols[k], self.parts[k], others, frozenset(known))
        moved = self.arrived[k] if rest is ZERO else minus(self.arrived[k], substitute(rest, known))
        return moved if sign > 0 else negated(moved)


@rule
def lattice(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """Each part of the result is its block of integers, or the negative of it, and whole numbers that depend on blocks
    solved before and on other parts of the result, which are known.

    Hoogeboom, Peters, van den Berg & Welling, Integer discrete flows, NeurIPS 2019, section 3; in turns Gomez et al.,
    The reversible residual network, NeurIPS 2017.  Subject: the input, the body, the declared support, the places of
    the input that belong to each part of the result, the order in which the blocks are solved.  Premise: that the body
    is defined."""
    input_, body, declared, places, order = cast(
        tuple[Term, Term, Support, tuple[Places, ...], tuple[int, ...]], subject
    )
    need(is_integers(support_of(input_)) and is_integers(declared), "not a map of the integers")
    need(premises == (Defined(body),), "not known to be defined")
    need(sorted(order) == list(range(len(places))), "not an order of the blocks")
    shifts = Shifts(input_, body, places)
    known: dict[Term, Term] = {}
    for k in order:
        known[shifts.symbols[k]] = shifts.solved(k, known)
    own = symbol("result", "result", support_of(input_), input_.shape)
    inverse = substitute(assembled([known[s] for s in shifts.symbols], places), {own: result(input_.shape)})
    return Invertible(input_, body, declared, releveled(inverse), ZERO)


@rule
def lattice_skips(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A part a b + c of a map of integers, a other than 1 and -1 and c a whole number, is never c + 1.

    Subject: the input, the body, the declared support, the places, the number of the part."""
    input_, body, declared, places, k = cast(tuple[Term, Term, Support, tuple[Places, ...], int], subject)
    need(is_integers(support_of(input_)) and is_integers(declared), "not a map of the integers")
    symbols, parts = in_blocks(input_, body, places)
    need(0 <= k < len(parts), "no such part")
    slope, _ = whole_steps(symbols[k], parts[k])
    need(abs(slope) != 1, "{} takes every integer", parts[k])
    return NotOnto(body, declared)
