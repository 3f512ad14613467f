"""Is every density that a spec writes one: defined, nowhere negative, of mass 1, or under `∝` of a finite one?  And are
claimed distribution functions those of their densities?"""

from __future__ import annotations

import dataclasses

from gencompiler.checks import energies
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.verdict import PROVED, REFUTED, Obligation
from gencompiler.derive.density import log_of
from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes
from gencompiler.proof import mass_refutations, mass_search, refute, sign_search
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.budget import MASS_PROOF, MASS_STEPS, Account, drawing, limited
from gencompiler.proof.density_facts import HasMass, IsCdf, NotMass
from gencompiler.proof.domain import NON_NEGATIVE
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import InRange, Member
from gencompiler.proof.graph import Term, symbol
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.mass_rules import TOLERANCE
from gencompiler.proof.scope import DensityTerms, density_terms
from gencompiler.proof.stick_rules import on_simplex
from gencompiler.proof.structure import Integrable
from gencompiler.proof.text import approximately, number, text

SIGN, MASS, CDF, ORDER = "nonnegative", "mass", "cdf", "support"


_POSITIVE = nodes.Support("Positive")


@dataclasses.dataclass(frozen=True)
class Stated:
    """A density with what must hold of it."""

    density: nodes.Density
    terms: DensityTerms
    sign: Obligation
    mass: Obligation
    cdf: Obligation | None
    order: Obligation | None


def stated(derived: Derived) -> list[Stated]:
    """Every density that the file states, or that the model uses."""
    found = []
    for density in derived.model.user_densities:
        terms, span, name = density_terms(derived.model, density), density.value.span, density.name
        discrete = "sum" if terms.discrete else "integral"
        sign = Obligation(
            SIGN, name, f"`{name}` is defined, and nowhere negative", span, InRange(terms.whole, NON_NEGATIVE)
        )
        mass = Obligation(
            MASS, name, f"the {discrete} of `{name}` is 1", span, HasMass(terms.variables, terms.body, TOLERANCE)
        )
        if not density.normalized:
            log_terms = density_terms(derived.model, dataclasses.replace(density, value=log_of(density.value)))
            goal_ = Integrable(name, terms.variables, log_terms.body)
            mass = Obligation(energies.ID, name, f"the total mass of `{name}` is finite", span, goal_)
        cdf = None
        if density.cdf is not None and terms.cdf is not None:
            words = f"the claimed distribution function is that of `{name}`"
            goal = IsCdf(terms.variables[0], terms.body, terms.cdf)
            cdf = Obligation(CDF, name, words, density.cdf.span, goal)
        order = None
        if density.width is not None and terms.width is not None:
            words = f"the ends of the support of `{name}` are in order"
            order = Obligation(ORDER, name, words, density.variables[0].span, Member(terms.width, _POSITIVE))
        found.append(Stated(density, terms, sign, mass, cdf, order))
    return found


def obligations(derived: Derived) -> list[Obligation]:
    """Sign and mass of every density, the order of the ends of its support where these are parameters, and the claims
    about distribution functions."""
    return [o for s in stated(derived) for o in (s.order, s.sign, s.cdf, s.mass) if o is not None]


def check(checking: Checking) -> None:
    """The verdicts on all densities; the proofs are kept in `checking.densities` for their uses."""
    for one in stated(checking.derived):
        _check(checking, one)


def _check(checking: Checking, one: Stated) -> None:
    terms = one.terms
    if one.order is not None and not _in_order(checking, one, one.order):
        return
    sign = checking.settle(
        one.sign,
        lambda: sign_search.weakened_sign(checking.search, terms.whole),
        lambda failure: sign_search.negative(terms.whole, terms.own),
        lambda failure, found: _negative(one, failure, found),
    )
    cdf: Proof | None = None
    if one.cdf is not None and terms.cdf is not None:
        verdict = checking.settle(
            one.cdf,
            lambda: mass_search.distribution_function(checking.search, terms.variables[0], terms.body, terms.cdf),
            lambda failure: mass_refutations.not_cdf(terms.variables[0], terms.body, terms.cdf),
            lambda failure, found: _other_cdf(one, failure, found),
        )
        cdf = verdict.proof if verdict.status == PROVED else None
    if sign.status != PROVED:
        return
    if not one.density.normalized:
        energies.settle_mass(checking, one.mass, one.density.name, terms.labels)
        return
    purse = Account(MASS_STEPS)  # what the proof leaves, a refutation has
    seen: list[Proof] = []  # before the ways to a proof that take long

    def look() -> None:
        other = mass_refutations.suspected(terms.variables, terms.body)
        if other is not None:
            seen.append(other)
            raise NotFound("mass", terms.body, "the mass is another than 1")

    def attempt() -> Proof:
        with drawing(purse), limited(MASS_PROOF):
            return mass_search.mass(checking.search, terms.variables, terms.body, cdf, look)

    def refute() -> Proof | None:
        with drawing(purse):
            return seen[0] if seen else mass_refutations.other_mass(terms.variables, terms.body)

    mass = checking.settle(
        one.mass,
        attempt,
        lambda failure: refute(),
        lambda failure, found: _other_mass(one, failure, found),
        ("normalized", one.density.name),
    )
    if mass.proof is not None and sign.proof is not None and mass.status != REFUTED:
        checking.densities[terms.body] = (sign.proof, mass.proof)


def _in_order(checking: Checking, one: Stated, own: Obligation) -> bool:
    """Whether the lower end of a support is shown to be below the upper."""
    width = one.terms.width
    assert width is not None

    def attempt() -> Proof:
        try:
            return prove("member", (width, _POSITIVE), checking.search.range(width))
        except Unproved as failure:
            raise NotFound("range", width, str(failure)) from None

    verdict = checking.settle(
        own,
        attempt,
        lambda failure: refute.outside(width, _POSITIVE),
        lambda f, found: _out_of_order(one, own, f, found),
    )
    return verdict.status == PROVED


def _out_of_order(one: Stated, own: Obligation, failure: NotFound, found: Proof | None) -> Finding:
    message = f"cannot prove that {own.words}"
    help_ = ("write the upper end as the lower one and a width: `Interval(a, a + w)` with `w : Positive`",)
    note = str(failure)
    if found is not None:
        message = f"the ends of the support of `{one.density.name}` may be in the wrong order"
        note = f"counterexample: {_named(one, found.subject[2])}"
    return Finding("G503", message, own.span, "the lower end may not be below the upper", notes=(note,), help=help_)


# -- what to say -----------------------------------------------------------------------------------------------------


def _named(one: Stated, assignment: tuple[tuple[Term, object], ...]) -> str:
    return ", ".join(f"{text(s, one.terms.labels)} = {number(v)}" for s, v in assignment)  # type: ignore[arg-type]


def _negative(one: Stated, failure: NotFound, found: Proof | None) -> Finding:
    if found is None:
        message = f"cannot prove that `{one.density.name}` is defined and nowhere negative"
        return Finding("G503", message, one.sign.span, "this may be negative", notes=(str(failure),))
    term, _, assignment = found.subject
    try:
        value = approximately(evaluate(term, dict(assignment))[0])
        told = f"the density is {value}" if not any(map(on_simplex, one.terms.variables)) else "the density is negative"
        message, label = f"`{one.density.name}` is negative somewhere", "negative at the counterexample"
    except Undefined:
        told = "the density is not defined"
        message, label = f"`{one.density.name}` is not defined everywhere", "not defined at the counterexample"
    note = ", ".join([p for p in (_named(one, assignment), told) if p])
    return Finding("G503", message, one.sign.span, label, notes=(f"counterexample: {note}",))


def _other_mass(one: Stated, failure: NotFound, found: Proof | None) -> Finding:
    word = "sum" if one.terms.discrete else "integral"
    if found is None:
        message = f"cannot prove that the {word} of `{one.density.name}` is 1"
        help_ = ("supply its distribution function: `claim cdf(…) == …`",) if not one.terms.discrete else ()
        return Finding("G503", message, one.mass.span, f"its {word} may not be 1", notes=(str(failure),), help=help_)
    assert isinstance(found.conclusion, NotMass)
    assignment = found.subject[2]
    value = mass_refutations.value_of(found)
    shown = f"the {word} is {value}" if value else f"the {word} is not 1"
    note = ", ".join(p for p in (_named(one, assignment), shown) if p)
    message = f"the {word} of `{one.density.name}` is not 1"
    help_ = (f"divide by the {word}, as a function of the parameters",)
    return Finding("G503", message, one.mass.span, "not a density", notes=(f"counterexample: {note}",), help=help_)


def _other_cdf(one: Stated, failure: NotFound, found: Proof | None) -> Finding:
    assert one.cdf is not None
    if found is None:
        message = f"cannot prove that {one.cdf.words}"
        return Finding("G503", message, one.cdf.span, "its derivative may differ", notes=(str(failure),))
    note = f"counterexample: {_named(one, found.subject[3])}"
    message = f"the claimed distribution function is not that of `{one.density.name}`"
    return Finding("G503", message, one.cdf.span, "its derivative is another, or it is no probability", notes=(note,))


__all__ = ["check", "obligations", "stated", "symbol"]
