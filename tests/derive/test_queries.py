"""Which equations answer a question, against enumeration on random networks of binary variables."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import pytest

from gencompiler.checks.joints import joints
from gencompiler.derive import drawing, queries
from gencompiler.derive.derive import derive
from gencompiler.derive.nodes import Derived, Factor
from gencompiler.model import nodes
from gencompiler.model.nodes import BINARY, Type
from gencompiler.proof.conditional_rules import conditional_equations, drawing_equations, marginal_equations
from gencompiler.proof.kernel import Unproved
from tests.checks.building import AT, apply, conditional, model, number, reference, variable
from tests.model.objectives import REAL_LATENT, TWO_LATENTS, resolved

Weights = dict[str, dict[str, Fraction]]


def network(seed: int, size: int = 4) -> tuple[Derived, Weights]:
    """A random directed graph of binary variables: logit of each is 1/2 plus a multiple of each parent."""
    random_ = random.Random(seed)
    names = [f"v{k}" for k in range(size)]
    random_.shuffle(names)
    weights: Weights = {}
    for k, name in enumerate(names):
        parents = [p for p in names[:k] if random_.random() < 0.5]
        weights[name] = {p: Fraction(random_.choice((-3, -2, 2, 3))) for p in parents}
    heads = []
    for name in sorted(names):
        logit: nodes.Expr = number(Fraction(1, 2))
        for parent, weight in weights[name].items():
            logit = apply("add", logit, apply("multiply", number(weight), reference(parent, (), BINARY)))
        law = nodes.Distribution(Type(BINARY), "Bernoulli", "logits", (logit,), span=AT)
        given = tuple(reference(p, (), BINARY) for p in weights[name])
        heads.append(conditional(reference(name, (), BINARY), given, law))
    built = model(variables=tuple(variable(n, "latent", BINARY, ()) for n in sorted(names)), conditionals=tuple(heads))
    return derive(built), weights


def probability(weights: Weights, values: dict[str, int], name: str) -> float:
    """p(name | its parents)"""
    logit = 0.5 + sum(float(w) * values[p] for p, w in weights[name].items())
    one = 1 / (1 + math.exp(-logit))
    return one if values[name] else 1 - one


def exact(weights: Weights, values: dict[str, int], targets: tuple[str, ...], given: tuple[str, ...]) -> float:
    """p(targets | given) by summing over everything else."""

    def mass(fixed: tuple[str, ...]) -> float:
        free = [n for n in weights if n not in fixed]
        total = 0.0
        for bits in itertools.product((0, 1), repeat=len(free)):
            full = {**values, **dict(zip(free, bits, strict=True))}
            total += math.prod(probability(weights, full, n) for n in weights)
        return total

    return mass((*targets, *given)) / mass(given)


def questions(size: int, seed: int) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    random_ = random.Random(seed)
    names = [f"v{k}" for k in range(size)]
    found = []
    for _ in range(12):
        sides = {n: random_.choice("tgh") for n in names}
        targets = tuple(n for n in names if sides[n] == "t")
        if targets:
            found.append((targets, tuple(n for n in names if sides[n] == "g")))
    return found


def evaluated(plan: queries.DensityPlan, weights: Weights, values: dict[str, int]) -> float:
    """What a plan says of p(targets | given), by its meaning."""
    if isinstance(plan, queries.Product):
        return math.prod(probability(weights, values, queries.variable_of(f.conditional)) for f in plan.factors)
    if isinstance(plan, queries.Ratio):
        return evaluated(plan.joint, weights, values) / evaluated(plan.marginal, weights, values)
    assert isinstance(plan, queries.FiniteSum)
    total = 0.0
    for bits in itertools.product((0, 1), repeat=len(plan.summed)):
        full = {**values, **dict(zip(plan.summed, bits, strict=True))}
        total += math.prod(probability(weights, full, queries.variable_of(f.conditional)) for f in plan.factors)
    return total


@pytest.mark.parametrize("seed", range(25))
def test_a_plan_is_the_conditional(seed: int) -> None:
    derived, weights = network(seed)
    for targets, given in questions(4, seed):
        plan = queries.density_plan(derived, "p", targets, given)
        for bits in itertools.product((0, 1), repeat=4):
            values = {f"v{k}": b for k, b in enumerate(bits)}
            assert evaluated(plan, weights, values) == pytest.approx(exact(weights, values, targets, given), rel=1e-9)


@pytest.mark.parametrize("seed", range(25))
def test_the_rule_agrees_with_the_plan(seed: int) -> None:
    """The trusted rule, on its own account, takes a product to be p(T | G) exactly where the plan is a product."""
    derived, _ = network(seed)
    (joint,) = joints(derived)
    for targets, given in questions(4, seed):
        plan = queries.density_plan(derived, "p", targets, given)
        try:
            used, _ = conditional_equations(joint.productions, targets, given)
        except Unproved:
            assert not isinstance(plan, queries.Product)
        else:
            assert isinstance(plan, queries.Product) and len(used) == len(plan.factors)
        try:
            used, hidden = marginal_equations(joint.productions, targets, given)
        except Unproved:
            assert not isinstance(plan, queries.FiniteSum)
        else:
            assert isinstance(plan, queries.FiniteSum) and set(plan.summed) == set(hidden)


@pytest.mark.parametrize("seed", range(25))
def test_a_draw_has_the_conditional_distribution(seed: int) -> None:
    """Where targets can be drawn given the rest, what the steps multiply up to is p(T | G) after summing the others."""
    derived, weights = network(seed)
    (joint,) = joints(derived)
    refused = 0
    for targets, given in questions(4, seed):
        try:
            steps = drawing.draw_plan(derived, "p", targets, given)
        except queries.Refused:
            refused += 1
            with pytest.raises(Unproved):
                drawing_equations(joint.productions, targets, given)
            continue
        assert len(drawing_equations(joint.productions, targets, given)) == len(steps)
        drawn = [queries.variable_of(s.conditional) for s in steps if isinstance(s, Factor)]
        known = set(given)
        for name in drawn:
            assert set(weights[name]) <= known
            known.add(name)
        extra = [n for n in drawn if n not in targets]
        for bits in itertools.product((0, 1), repeat=4):
            values = {f"v{k}": b for k, b in enumerate(bits)}
            total = 0.0
            for more in itertools.product((0, 1), repeat=len(extra)):
                full = {**values, **dict(zip(extra, more, strict=True))}
                total += math.prod(probability(weights, full, n) for n in drawn)
            assert total == pytest.approx(exact(weights, values, targets, given), rel=1e-9)
    assert seed or refused


# -- what is refused, and why ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("joint", "targets", "given", "reason"),
    [
        ("p", ("x",), (), "`z` is latent"),
        ("q", ("z", "x"), (), "no equation of `q` gives `x`"),
        ("p", ("z",), ("x",), "`z` is latent"),
    ],
)
def test_a_refused_density_says_why(joint: str, targets: tuple[str, ...], given: tuple[str, ...], reason: str) -> None:
    derived = derive(resolved(REAL_LATENT, ""))
    with pytest.raises(queries.Refused) as refusal:
        queries.density_plan(derived, joint, targets, given)
    assert reason in refusal.value.reason or "posterior" in refusal.value.reason


@pytest.mark.parametrize(
    ("joint", "targets", "given", "reason"),
    [
        ("p", ("h1",), ("x",), "posterior"),
        ("q", ("h2",), (), "gives `x`"),
        ("p", ("x",), ("x",), "is given"),
    ],
)
def test_a_refused_draw_says_why(joint: str, targets: tuple[str, ...], given: tuple[str, ...], reason: str) -> None:
    derived = derive(resolved(TWO_LATENTS, ""))
    with pytest.raises(queries.Refused) as refusal:
        drawing.draw_plan(derived, joint, targets, given)
    assert reason in refusal.value.reason


def test_a_pipeline_is_a_pushforward() -> None:
    base = """bijection Shift(u : Real | b : Real) -> Real = u + b
model Flow(D = 3) {
  observed x : Real[D], y : Real[D]
  latent z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> Shift
  p(y | x) = Normal(x, 1)
}
"""
    derived = derive(resolved(base, ""))
    plan = queries.density_plan(derived, "p", ("x", "y"), ())
    assert isinstance(plan, queries.Pushforward) and isinstance(plan.base, queries.Product)
    assert [queries.variable_of(f.conditional) for f in plan.base.factors] == ["z", "y"]
    with pytest.raises(queries.Refused, match="determined"):
        queries.density_plan(derived, "p", ("x",), ("z",))
    steps = drawing.draw_plan(derived, "p", ("x",), ())
    assert [type(s).__name__ for s in steps] == ["Factor", "Link"]
