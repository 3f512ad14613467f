"""Decoders: is the scale of what a latent variable explains bounded away from 0?

Where it is not, the likelihood has no maximum: a decoder that puts one row at its mean and lets the scale there go to 0
has any log-likelihood it likes (Mattei & Frellsen, NeurIPS 2018, proposition 1).
"""

from __future__ import annotations

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.checks.checking import Checking, Finding
from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.graph import Term, name_of, subterms
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.scope import distribution_terms, index_symbol
from gencompiler.proof.translate import Translation

#: The parameter of a law of the reals that, as it goes to 0, lets the density at the centre go to infinity.
_SCALE = "scale"


def check(checking: Checking) -> None:
    """Warn of a scale that a latent variable chooses, and that may come as near to 0 as it likes."""
    model = checking.model
    latents = {v.name for v in model.variables if v.role == "latent"}
    observed = {v.name for v in model.variables if v.role == "observed"}
    for conditional in model.conditionals:
        targets = {n.name for t in conditional.targets for n in walk(t) if isinstance(n, nodes.Reference)}
        if conditional.joint != "p" or not targets & observed or not _is_fitted(model):
            continue
        inside = Translation.of_model(model).binding({r.index: index_symbol(r) for r in conditional.indices})
        distribution, arguments = distribution_terms(inside, conditional.distribution)
        scale = _scale(distribution, arguments)
        if scale is None or not _mentions(scale, latents) or _is_bounded(checking, scale):
            continue
        _report(checking, distribution)


def _is_fitted(model: nodes.Model) -> bool:
    """Whether a phase raises the density of `p` at data."""
    return any(
        "p" in phase.update and isinstance(part, nodes.LogDensity) and part.joint == "p"
        for training in model.trainings
        for phase in training.objective.phases
        for part in walk(phase.value)
    )


def _scale(distribution: nodes.Distribution, arguments: tuple[Term, ...]) -> Term | None:
    family = DISTRIBUTIONS.get(distribution.family)
    if family is None or family.support != "Real":
        return None
    form = next(f for f in family.forms if f.name == distribution.form)
    names = [name for name, _ in form.parameters]
    return arguments[names.index(_SCALE)] if _SCALE in names else None


def _mentions(term: Term, names: set[str]) -> bool:
    return any(part.operation == "symbol" and name_of(part) in names for part in subterms(term))


def _is_bounded(checking: Checking, scale: Term) -> bool:
    """Whether the scale is proven to stay above a positive number."""
    try:
        return float(range_of(checking.search.range(scale).conclusion, scale).lower) > 0
    except NotFound:
        return False


def _report(checking: Checking, distribution: nodes.Distribution) -> None:
    message = f"the latent variables may bring the scale of this `{distribution.family}` to 0: no maximum likelihood"
    notes = ("a row at its mean, the scale near 0, is worth any log-likelihood: Mattei & Frellsen 2018, proposition 1",)
    help_ = ("keep it above a positive number: `0.01 + softplus(s)`",)
    checking.report(Finding("G714", message, distribution.span, "a scale without a floor", (), notes, help_))
