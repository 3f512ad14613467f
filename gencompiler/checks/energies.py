"""Energies: that `∝` states a density at all.

That its total mass is finite is proved of what has finitely many values, or an integral in closed form; elsewhere it is
taken on the word of whoever wrote it, unless it is seen not to be.  That it is a number from 0 on is proved where it
can be, and refuted by a point where it is negative or not defined.  A point with equal elements, or at 0, may lie on a
null set, on which a density may be anything; so the point is one where hardly any formula has a singularity, and the
formula must also fail where the elements are made different."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.verdict import ASSUMED, PROVED, REFUTED, Obligation, Verdict
from gencompiler.derive.density import log_of
from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes
from gencompiler.proof import endless_search
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.confirmation import confirmed
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Term, support_of
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.numbers import Undecided, Values, compare
from gencompiler.proof.refute import atoms
from gencompiler.proof.refute_rules import Assignment, admissible
from gencompiler.proof.structure import Integrable
from gencompiler.proof.text import approximately, number, text
from gencompiler.proof.translate import Translation, variable

ID = "integrable"
DENSITY = "density"
REASON = "stated by `∝`"

_FROM_ZERO = nodes.Support("NonNegative")
#: Values at which hardly any formula has a singularity; where a support has none of them, whole numbers.
_GENERIC = tuple(Fraction(n, 13) for n in (-17, 17, -5, 5, -129, 129))
_WHOLE = (Fraction(1), Fraction(0), Fraction(-1))


def obligation(derived: Derived, energy: nodes.Energy) -> Obligation:
    """The total mass of an energy is finite."""
    model = derived.model
    variables = tuple(variable(v) for v in model.variables if v.name in energy.variables)
    log_density = Translation.of_model(model).term(log_of(energy.value))
    words = f"the total mass of `{_name(energy)}` is finite"
    return Obligation(ID, energy.joint, words, energy.span, Integrable(energy.joint, variables, log_density))


def density_obligation(derived: Derived, energy: nodes.Energy) -> Obligation:
    """The density of an energy is a number from 0 on."""
    term = Translation.of_model(derived.model).term(energy.value)
    words = f"`{_name(energy)}` is a density: defined, and nowhere negative"
    return Obligation(DENSITY, energy.joint, words, energy.value.span, Member(term, _FROM_ZERO))


def _name(energy: nodes.Energy) -> str:
    return f"{energy.joint}({', '.join(energy.variables)})"


def check(checking: Checking) -> None:
    """Two verdicts for each energy."""
    for energy in checking.model.energies:
        _check_density(checking, energy)
        settle_mass(checking, obligation(checking.derived, energy), _name(energy), {})


def settle_mass(checking: Checking, own: Obligation, name: str, labels: Mapping[Term, str]) -> None:
    """The verdict on the total mass of an energy; `labels` say what its variables are called where they have no names
    of their own."""
    if (shown := _finite(checking, own)) is not None:  # first: a look along dozens of lines takes ten times as long
        checking.record(Verdict(PROVED, own, shown))
    elif (found := _endless(own)) is not None:
        _report_endless(checking, own, found, name, labels)
    else:
        proof = prove("assumption", (own.goal, REASON))
        checking.record(Verdict(ASSUMED, own, proof, (REASON,)))


def _endless(own: Obligation) -> Proof | None:
    assert isinstance(own.goal, Integrable)
    found = endless_search.endless(own.goal.joint, own.goal.variables, own.goal.log_density)
    return found if found is not None and confirmed(found) else None


def _finite(checking: Checking, own: Obligation) -> Proof | None:
    assert isinstance(own.goal, Integrable)
    return endless_search.finite(checking.search, own.goal.joint, own.goal.variables, own.goal.log_density)


def _report_endless(checking: Checking, own: Obligation, found: Proof, energy: str, labels: Mapping[Term, str]) -> None:
    def called(term: Term) -> str:
        return text(term, labels).removeprefix("variable ")

    *_, assignment, (element, direction, _, towards), shear, box = found.subject
    name = called(element)
    told = [f"{called(one)} = {number(value)}" for one, value in assignment]
    way = f"`{name}` towards {'plus' if direction > 0 else 'minus'} infinity, it falls no faster than a multiple of"
    if towards:
        way = f"`{name}` towards an end of its support, it is at least a multiple of"
    elif shear:
        slopes = ", ".join(f"`{called(other)}` moves by {number(by)}" for other, by in shear)
        way = f"along lines on which {slopes} where `{name}` moves by 1, {way}"
    told += [f"{called(other)} from {number(low)} to {number(high)}" for other, (low, high) in box]
    note = ", ".join([*told, f"{way} the reciprocal of the distance"])
    message = f"the total mass of `{energy}` is not finite, so that it is no law"
    label = "infinite mass"
    help_ = ("a factor such as `exp(-x^2 / 2)` keeps the mass finite, and so does a bounded type",)
    checking.report(Finding("G503", message, own.span, label, notes=(f"counterexample: {note}",), help=help_))
    checking.record(Verdict(REFUTED, own, found, notes=(note,)))


def _check_density(checking: Checking, energy: nodes.Energy) -> None:
    own = density_obligation(checking.derived, energy)
    assert isinstance(own.goal, Member)
    term = own.goal.term
    try:
        proof = prove("member", (term, _FROM_ZERO), checking.search.range(term))
    except (NotFound, Unproved):
        found = _refutation(term)
    else:
        checking.record(Verdict(PROVED, own, proof))
        return
    if found is None or not confirmed(found):
        checking.record(Verdict(ASSUMED, own, prove("assumption", (own.goal, REASON)), (REASON,)))
        return
    note = f"counterexample: {_told(found)}"
    message = f"`{_name(energy)}` is not a density: it is negative or not defined somewhere"
    checking.report(Finding("G503", message, own.span, "not a number from 0 on", notes=(note,)))
    checking.record(Verdict(REFUTED, own, found, notes=(note,)))


# -- the search for a point that refutes -----------------------------------------------------------------------------


def _refutation(term: Term) -> Proof | None:
    free = atoms(term)
    for turn in range(len(_GENERIC)):
        point = _point(free, turn)
        if point is None or not _fails_nearby(term, point):
            continue
        try:
            return prove("outside", (term, _FROM_ZERO, point))
        except Unproved:
            continue
    return None


def _point(free: tuple[Term, ...], turn: int) -> Assignment | None:
    """A value for each atom, other ones in each turn; outputs of networks with one path and number are equal."""
    chosen: dict[object, Fraction] = {}
    for position, atom in enumerate(free):
        values = _GENERIC if atom.operation == "network" else _values_of(support_of(atom))
        if not values:
            return None
        chosen.setdefault(atom.data[:2], values[(turn + position * (turn % 2)) % len(values)])
    return tuple((atom, chosen[atom.data[:2]]) for atom in free)


def _values_of(support: nodes.Support) -> tuple[Fraction, ...]:
    generic = tuple(v for v in _GENERIC if admissible(support, v))
    return generic or tuple(v for v in _WHOLE if admissible(support, v))


def _fails_nearby(term: Term, point: Assignment) -> bool:
    """Whether a term is negative or not defined near a point, at elements of tensors that differ."""
    try:
        return any(compare(v, Fraction(0)) < 0 for v in evaluate(term, {a: _apart(a, v) for a, v in point}))
    except Undefined:
        return True
    except Undecided:
        return False


def _apart(atom: Term, value: Fraction) -> Values:
    """Different values near one, as many as a tensor has elements; a whole number stays what it is."""
    size = math.prod(atom.shape)
    step = Fraction(0) if value.denominator == 1 else Fraction(1, 97 * size)
    return tuple(value * (1 - k * step) for k in range(size))


def _told(found: Proof) -> str:
    term, _, assignment = found.subject
    if term.operation == "literal":
        return f"it is {number(term.data)}"
    told = [f"{atom} = {number(value)}" for atom, value in assignment]
    try:
        value = evaluate(term, dict(assignment))[0]
    except Undefined:
        return ", ".join([*told, f"{text(term)} is not defined"])
    return ", ".join([*told, f"{text(term)} = {approximately(value)}"])
