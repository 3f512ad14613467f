"""The derivation pass: everything that follows from a model, in one plain record."""

from __future__ import annotations

from gencompiler.derive import acceptance, causal, diffusions, gradient, sde_terms, user_samplers
from gencompiler.derive import annealing as annealed
from gencompiler.derive.free_energy import summed_laws
from gencompiler.derive.inverse import derive_inverses
from gencompiler.derive.nodes import Acceptance, Derived, Failure
from gencompiler.derive.plain import plain as plain_kernels
from gencompiler.model import nodes
from gencompiler.node import walk


def derive(model: nodes.Model) -> Derived:
    """Inverses, log-determinants, gradients, acceptance ratios and recurrences of `model`, and what could not be
    derived."""
    written = model
    model, laws, no_laws = plain_kernels(user_samplers.with_samplers(model))
    laws = (*laws, *summed_laws(model))
    model, annealings, no_start = annealed.derive(written, model)
    inverses, log_dets, failures = derive_inverses(model)
    gradients, no_gradients = _gradients(model)
    acceptances, no_ratios = _acceptances(model)
    factors = tuple(causal.factor(c) for c in model.conditionals)
    forms, no_forms = diffusions.ito_forms(model)
    kernels, no_kernels = diffusions.kernels(model, forms)
    missing = (*no_laws, *no_start, *failures, *no_gradients, *no_ratios, *no_forms, *no_kernels)
    plain = sde_terms.plain(model, kernels) if kernels else model
    forms = {name: sde_terms.plain(sde, kernels) for name, sde in forms.items()}
    return Derived(
        plain,
        inverses,
        log_dets,
        acceptances,
        missing,
        gradients,
        factors,
        kernels,
        forms,
        model.trainings,
        laws,
        annealings,
    )


def _gradients(model: nodes.Model) -> tuple[dict[str, nodes.Expr], list[Failure]]:
    functions = {f.name: f for f in model.functions}
    wanted = {n.function for n in walk(model) if isinstance(n, nodes.Gradient)}
    found: dict[str, nodes.Expr] = {}
    failures: list[Failure] = []
    for name in sorted(wanted):
        try:
            found[name] = gradient.gradient(functions[name].body, functions[name].inputs[0], functions)
        except gradient.NoDerivative as problem:
            failures.append(Failure(name, problem.reason, span=problem.expr.span))
    return found, failures


def _acceptances(model: nodes.Model) -> tuple[dict[str, Acceptance], list[Failure]]:
    found: dict[str, Acceptance] = {}
    failures: list[Failure] = []
    for transition in model.transitions:
        result = acceptance.acceptance(model, transition)
        if isinstance(result, Acceptance):
            found[transition.name] = result
        elif isinstance(result, Failure):
            failures.append(result)
    return found, failures
