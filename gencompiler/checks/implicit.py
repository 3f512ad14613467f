"""Deterministic equations that are no pipelines: is what they compute a value of the variable, and why has it no
density?"""

from __future__ import annotations

import dataclasses

from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.verdict import Obligation
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.node import children, walk
from gencompiler.proof import refute
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.facts import Member
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.scope import index_symbol
from gencompiler.proof.terms import ZERO
from gencompiler.proof.text import text
from gencompiler.proof.translate import Translation

ID = "computed"

#: What is to blame where no one part is.
FORMULA = "its formula"


def law(model: nodes.Model, equation: nodes.Deterministic) -> Member:
    """What must hold of `x = f(z)`: the value is one of the variable's."""
    variable = next(v for v in model.variables if v.name == equation.target)
    return Member(Translation.of_model(model).term(equation.value), variable.type.support)


def quantity_law(model: nodes.Model, quantity: nodes.Quantity) -> Member:
    """The same of `h[t] = f(…)`, for every value of its indices."""
    variable = next(v for v in model.variables if v.name == quantity.name)
    indices = {r.index: index_symbol(r) for r in quantity.indices}
    return Member(Translation.of_model(model).binding(indices).term(quantity.value), variable.type.support)


def quantity_obligation(derived: Derived, quantity: nodes.Quantity) -> Obligation:
    label, goal = quantity_label(derived.model, quantity), quantity_law(derived.model, quantity)
    words = f"`{label}` gives values in {goal.support}"
    return Obligation(ID, label, words, quantity.span, goal)


def quantity_label(model: nodes.Model, quantity: nodes.Quantity) -> str:
    """`h[t] = …`, with the range of `t` where guards tell several such equations apart."""
    from gencompiler.model.print import expression, ranges

    alike = sum(expression(q.place) == expression(quantity.place) for q in model.quantities)
    return f"{expression(quantity.place)} = …{ranges(quantity.indices) if alike > 1 else ''}"


def obligation(derived: Derived, equation: nodes.Deterministic) -> Obligation:
    goal = law(derived.model, equation)
    words = f"the equation for `{equation.target}` gives values in {goal.support}"
    return Obligation(ID, equation.target, words, equation.span, goal)


def check(checking: Checking) -> dict[str, Proof]:
    """The verdicts on all deterministic equations; returns the proofs, by target (of quantities, by label)."""
    proofs = {}
    stated: list[tuple[Obligation, nodes.Deterministic | nodes.Quantity, str]] = []
    stated += [(obligation(checking.derived, d), d, d.target) for d in checking.model.deterministic]
    stated += [(quantity_obligation(checking.derived, q), q, q.name) for q in checking.model.quantities]
    for own, equation, target in stated:
        verdict = _settle(checking, own, equation, target)
        if verdict is not None and isinstance(verdict.conclusion, Member):
            proofs[own.subject] = verdict
    return proofs


def _settle(
    checking: Checking, own: Obligation, equation: nodes.Deterministic | nodes.Quantity, target: str
) -> Proof | None:
    goal = own.goal
    assert isinstance(goal, Member)
    variable = next(v for v in checking.model.variables if v.name == target)

    def attempt() -> Proof:
        found = checking.search.range(goal.term)
        try:
            return prove("member", (goal.term, goal.support), found)
        except Unproved as failure:
            raise NotFound("range", goal.term, str(failure)) from None

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        told = "leave" if found is not None else "leave, as far as can be shown,"
        message = f"the values of this equation {told} {variable.type}"
        also = (Label(variable.span, f"declared {variable.type.support}"),)
        shown = text(goal.term) if goal.term is not ZERO else ""
        notes = (f"`{target}` is {shown}",) if len(shown) < 60 else ()
        help_ = ("map it there: `exp(…)`, `sigmoid(…)`", f"or declare `{target} : Real`")
        return Finding("G502", message, equation.value.span, f"not known to be {goal.support}", also, notes, help_)

    return checking.settle(own, attempt, lambda _: refute.outside(goal.term, goal.support), explain).proof


# -- why there is no density -----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why a variable is implicit: `words`, and the place to blame."""

    words: str
    span: Span


def reason(model: nodes.Model, name: str) -> Reason | None:
    """Why `name` has no density; None where no deterministic equation computes it."""
    equation = next((d for d in model.deterministic if d.target == name), None)
    if equation is None:
        return None
    free = {v.name for v in model.variables if v.role == "latent"}
    blamed = _blamed(model, equation.value, free)
    if blamed is None:
        return Reason(f"`{name}` is implicit because no latent variable enters its equation", equation.span)
    what, span = blamed
    return Reason(f"`{name}` is implicit because {what} is not invertible", span)


def _blamed(model: nodes.Model, value: nodes.Expr, latents: set[str]) -> tuple[str, Span] | None:
    """The outermost part of a formula that mentions a latent variable and cannot be undone, and its place."""
    if not _mentions(value, latents):
        return None
    if isinstance(value, nodes.NetworkOutput):
        network = next(n for n in model.networks if n.path == value.path)
        return f"`{network.kind}`", value.span
    if isinstance(value, nodes.ExternalOutput):
        return f"`{value.external}`", value.span
    if isinstance(value, nodes.Let):
        last = next((b.value for b in reversed(value.bindings) if _mentions(b.value, latents)), None)
        return _blamed(model, last if last is not None else value.body, latents)
    holding = [c for c in children(value) if isinstance(c, nodes.Expr) and _mentions(c, latents)]
    if len(holding) == 1 and (found := _blamed(model, holding[0], latents)) is not None and found[0] != FORMULA:
        return found
    return FORMULA, value.span


def _mentions(value: nodes.Expr, names: set[str]) -> bool:
    return any(isinstance(n, nodes.Reference) and n.name in names for n in walk(value))
