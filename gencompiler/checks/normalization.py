"""Is every density that a spec writes one: defined, nowhere negative, of mass 1; and are claimed distribution functions
those of their densities?"""

from __future__ import annotations

import dataclasses

from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.verdict import PROVED, REFUTED, Obligation
from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes
from gencompiler.proof import mass_search, sign_search
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.density_facts import HasMass, IsCdf, NotMass
from gencompiler.proof.domain import NON_NEGATIVE
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import InRange
from gencompiler.proof.graph import Term, symbol
from gencompiler.proof.kernel import Proof
from gencompiler.proof.mass_rules import TOLERANCE
from gencompiler.proof.scope import DensityTerms, density_terms
from gencompiler.proof.text import approximately, number, text

SIGN, MASS, CDF = "nonnegative", "mass", "cdf"


@dataclasses.dataclass(frozen=True)
class Stated:
    """A density with what must hold of it."""

    density: nodes.Density
    terms: DensityTerms
    sign: Obligation
    mass: Obligation
    cdf: Obligation | None


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
        cdf = None
        if density.cdf is not None and terms.cdf is not None:
            words = f"the claimed distribution function is that of `{name}`"
            goal = IsCdf(terms.variables[0], terms.body, terms.cdf)
            cdf = Obligation(CDF, name, words, density.cdf.span, goal)
        found.append(Stated(density, terms, sign, mass, cdf))
    return found


def obligations(derived: Derived) -> list[Obligation]:
    """Sign and mass of every density, and the claims about distribution functions."""
    return [o for s in stated(derived) for o in (s.sign, s.cdf, s.mass) if o is not None]


def check(checking: Checking) -> None:
    """The verdicts on all densities; the proofs are kept in `checking.densities` for their uses."""
    for one in stated(checking.derived):
        _check(checking, one)


def _check(checking: Checking, one: Stated) -> None:
    terms = one.terms
    sign = checking.settle(
        one.sign,
        lambda: sign_search.weakened_sign(checking.search, terms.whole),
        lambda failure: sign_search.negative(terms.whole, terms.variables),
        lambda failure, found: _negative(one, failure, found),
    )
    cdf: Proof | None = None
    if one.cdf is not None and terms.cdf is not None:
        verdict = checking.settle(
            one.cdf,
            lambda: mass_search.distribution_function(checking.search, terms.variables[0], terms.body, terms.cdf),
            lambda failure: mass_search.not_cdf(terms.variables[0], terms.body, terms.cdf),
            lambda failure, found: _other_cdf(one, failure, found),
        )
        cdf = verdict.proof if verdict.status == PROVED else None
    if sign.status != PROVED:
        return
    mass = checking.settle(
        one.mass,
        lambda: mass_search.mass(checking.search, terms.variables, terms.body, cdf),
        lambda failure: mass_search.other_mass(terms.variables, terms.body),
        lambda failure, found: _other_mass(one, failure, found),
        ("normalized", one.density.name),
    )
    if mass.proof is not None and sign.proof is not None and mass.status != REFUTED:
        checking.densities[terms.body] = (sign.proof, mass.proof)


# -- what to say -----------------------------------------------------------------------------------------------------


def _named(one: Stated, assignment: tuple[tuple[Term, object], ...]) -> str:
    return ", ".join(f"{text(s, one.terms.labels)} = {number(v)}" for s, v in assignment)  # type: ignore[arg-type]


def _negative(one: Stated, failure: NotFound, found: Proof | None) -> Finding:
    if found is None:
        message = f"cannot prove that `{one.density.name}` is defined and nowhere negative"
        return Finding("G503", message, one.sign.span, "this may be negative", notes=(str(failure),))
    term, _, assignment = found.subject
    try:
        told = f"the density is {approximately(evaluate(term, dict(assignment))[0])}"
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
    value = mass_search.value_of(found)
    shown = f"the {word} is {value}" if value else f"the {word} is not 1"
    note = ", ".join(p for p in (_named(one, assignment), shown) if p)
    message = f"the {word} of `{one.density.name}` is not 1"
    return Finding("G503", message, one.mass.span, "not a density", notes=(f"counterexample: {note}",))


def _other_cdf(one: Stated, failure: NotFound, found: Proof | None) -> Finding:
    assert one.cdf is not None
    if found is None:
        message = f"cannot prove that {one.cdf.words}"
        return Finding("G503", message, one.cdf.span, "its derivative may differ", notes=(str(failure),))
    note = f"counterexample: {_named(one, found.subject[3])}"
    message = f"the claimed distribution function is not that of `{one.density.name}`"
    return Finding("G503", message, one.cdf.span, "its derivative is another, or it is no probability", notes=(note,))


__all__ = ["check", "obligations", "stated", "symbol"]
