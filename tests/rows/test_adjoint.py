"""Gradients of row programs against torch's, once and twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.rows import nodes
from gencompiler.rows.adjoint import dependence, gradient, pullback
from gencompiler.rows.graph import Graph
from gencompiler.rows.nodes import Expr, Program
from gencompiler.rows.unsupported import NotLowered
from gencompiler.rows.verify import verify
from tests.rows import building as b
from tests.rows.harness import inputs, parameters, run_torch
from tests.rows.recipes import Built, Maker, Sizes
from tests.rows.test_particles import ROWS, as_program

SIZES = Sizes()


def both(recipe: tuple[object, ...], name: str) -> Program:
    """A recipe's value and its gradient in an input."""
    built = Built(SIZES)
    value = built.build(recipe)
    return built.program({"value": value, "gradient": gradient(built.graph, value, built.names[name])})


def assert_gradient(program: Program, name: str, seed: int) -> None:
    verify(program, "gradient")
    given_, values = inputs(program, ROWS, seed), parameters(program, seed)
    given_[name].requires_grad_()
    value, found = run_torch(program, given_, values, ROWS)
    count = program.outputs[0].type.particles
    value = value.reshape(ROWS, -1) if value.numel() > 1 else value.expand(ROWS, count)
    wanted = [_derivative(value[:, k].sum(), given_[name]) for k in range(count)]
    expected = torch.stack(wanted, 1).reshape(-1, *given_[name].shape[1:])
    own = program.outputs[1].type.particles
    expected = expected if own == count else expected[::count] if count > 1 else expected
    torch.testing.assert_close(found.expand(expected.shape), expected, rtol=1e-7, atol=1e-9)


def _derivative(value: Tensor, variable: Tensor) -> Tensor:
    if not value.requires_grad:
        return torch.zeros_like(variable)
    (found,) = torch.autograd.grad(value, variable, allow_unused=True, retain_graph=True)
    return torch.zeros_like(variable) if found is None else found


@given(seed=st.integers(0, 2**32), per=st.booleans(), name=st.sampled_from(["x", "y"]))
@settings(max_examples=120, deadline=None)
def test_gradients_are_those_of_torch(seed: int, per: bool, name: str) -> None:
    recipe = Maker(seed, SIZES).make(None, 4, per)
    try:
        program = both(recipe, name)
    except NotLowered as refusal:
        assert per and "all its row's particles share" in str(refusal)
        return
    assert_gradient(program, name, seed % 1000)


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if f.derivatives])
def test_every_derivative_of_the_catalogue(name: str) -> None:
    graph = Graph()
    x = graph.intern(b.read("x", b.row(3)))
    inside = graph.elementwise("sigmoid", x, span=b.AT)  # in every domain
    other = graph.elementwise("softplus", x, span=b.AT)
    arguments = (inside, other)[: FUNCTIONS[name].arity]
    value = graph.reduce("sum", graph.elementwise(name, *arguments, span=b.AT), b.AT)
    assert_gradient(as_program(graph, {"value": value, "gradient": gradient(graph, value, x)}), "x", 0)


@pytest.mark.parametrize(
    ("function", "rule"), [("tanh", "1 - tanh(a)"), ("multiply", "a"), ("softplus", "sigmoid(-a)")]
)
def test_a_wrong_derivative_is_caught(function: str, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = dataclasses.replace(FUNCTIONS[function], derivatives=(rule,) * FUNCTIONS[function].arity)
    monkeypatch.setitem(FUNCTIONS, function, wrong)
    with pytest.raises(AssertionError):
        _check_all(function)


def _check_all(function: str) -> None:
    for seed in range(60):
        recipe = ("reduce", "sum", Maker(seed, SIZES).make(4, 3, False))
        assert_gradient(both(recipe, "x"), "x", seed)
    test_every_derivative_of_the_catalogue(function)


@pytest.mark.parametrize("kind", ["Dot", "Permute", "Concat", "Reduce"])
def test_a_wrong_rule_is_caught(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gencompiler.rows.pullbacks import Pullbacks

    pull = Pullbacks.pull

    def doubled(self: Pullbacks, node: Expr, adjoint: Expr) -> None:
        twice = self.graph.elementwise("multiply", self.graph.number(2, b.AT), adjoint, span=b.AT)
        pull(self, node, twice if type(node).__name__ == kind else adjoint)

    monkeypatch.setattr(Pullbacks, "pull", doubled)
    with pytest.raises(AssertionError):
        for seed in range(300):
            assert_gradient(both(("reduce", "sum", Maker(seed, SIZES).make(4, 3, False)), "x"), "x", seed)


# -- networks, differentiated again ----------------------------------------------------------------------------------


def network(activation: str) -> tuple[Graph, Expr, Expr, tuple[nodes.ParameterUse, ...]]:
    """v · f(W2 f(W1 x + b1) + b2)"""
    graph = Graph()
    x = graph.intern(b.read("x", b.row(3)))
    value, uses = x, []
    for layer, (width, before) in enumerate([(5, 3), (4, 5)]):
        weight = graph.intern(b.parameter(f"W{layer}", (None, None), (width, before)))
        bias = graph.intern(b.parameter(f"b{layer}", (None,), (width,)))
        affine = graph.elementwise("add", graph.dot(value, weight, True, b.AT), bias, span=b.AT)
        value = graph.name(graph.elementwise(activation, affine, span=b.AT), "hidden")
        uses += [b.use(f"W{layer}", width, before), b.use(f"b{layer}", width)]
    v = graph.intern(b.parameter("v", (None,), (4,)))
    output = graph.reduce("sum", graph.elementwise("multiply", value, v, span=b.AT), b.AT)
    return graph, x, output, (*uses, b.use("v", 4))


def by_hand(activation: Callable[[Tensor], Tensor], x: Tensor, values: dict[str, Tensor]) -> Tensor:
    for layer in range(2):
        x = activation(x @ values[f"W{layer}"].T + values[f"b{layer}"])
    return x @ values["v"]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_gradient_penalty_trains(activation: str) -> None:
    """(|grad C(x)| - 1)^2 and its gradient in the weights, as in WGAN-GP, against torch's double backward."""
    graph, x, output, uses = network(activation)
    found = gradient(graph, output, x)
    norm = graph.reduce("norm", found, b.AT)
    apart = graph.elementwise("subtract", norm, graph.number(1, b.AT), span=b.AT)
    penalty = graph.elementwise("multiply", apart, apart, span=b.AT)
    program = verify(as_program(graph, {"penalty": penalty}, *uses), "test")
    given_ = inputs(program, 6)
    leaves = {path: value.requires_grad_() for path, value in parameters(program).items()}
    (ours,) = run_torch(program, given_, leaves, 6)

    given_["x"].requires_grad_()
    value = by_hand(getattr(torch, activation), given_["x"], leaves)
    (slope,) = torch.autograd.grad(value.sum(), given_["x"], create_graph=True)
    theirs = (slope.norm(dim=-1) - 1) ** 2
    torch.testing.assert_close(ours, theirs)
    mine = torch.autograd.grad(ours.sum(), list(leaves.values()), allow_unused=True)
    wanted = torch.autograd.grad(theirs.sum(), list(leaves.values()), allow_unused=True)
    for (path, leaf), a, c in zip(leaves.items(), mine, wanted, strict=True):
        zero = torch.zeros_like(leaf)
        torch.testing.assert_close(zero if a is None else a, zero if c is None else c, msg=path)


def test_a_pullback_is_a_vector_times_the_jacobian() -> None:
    graph, x, output, uses = network("tanh")
    field = graph.elementwise("multiply", x, output, span=b.AT)
    cotangent = graph.draw("normal", 0, graph.scalar("step", b.AT), (3,), b.AT)
    found = pullback(graph, field, x, cotangent)
    program = verify(as_program(graph, {"field": field, "e": cotangent, "found": found}, *uses), "test")
    given_, values = inputs(program, 4), parameters(program)
    given_["x"].requires_grad_()
    value, e, ours = run_torch(program, given_, values, 4)
    (theirs,) = torch.autograd.grad((value * e).sum(), given_["x"])
    torch.testing.assert_close(ours, theirs)


# -- what a gradient is of -------------------------------------------------------------------------------------------


def test_the_first_argument_alone() -> None:
    """f(x, x) for f(a, b) = a b: the gradient in a is b."""
    graph = Graph()
    x = graph.intern(b.read("x", b.row(3)))
    place = graph.placeholder(x, b.AT)
    value = graph.reduce("sum", graph.elementwise("multiply", place, x, span=b.AT), b.AT)
    assert graph.substitute(gradient(graph, value, place), place, x) is x
    assert graph.placeholder(x, b.AT) is not place


def test_what_does_not_depend_has_gradient_zero() -> None:
    graph, x, output, _ = network("tanh")
    other = graph.intern(b.read("y", b.row(2)))
    zero = gradient(graph, output, other)
    assert zero == graph.broadcast(graph.number(0, b.AT), 2, b.AT)
    stopped = graph.reduce("sum", graph.elementwise("stop", x, span=b.AT), b.AT)
    assert gradient(graph, stopped, x) == graph.broadcast(graph.number(0, b.AT), 3, b.AT)
    assert dependence(graph, output, x)
    assert not dependence(graph, output, other)


def test_loops_that_are_too_long_are_refused() -> None:
    graph = Graph()
    x = graph.intern(b.read("x", b.row(3)))
    for count in (graph.integer(65, b.AT), graph.scalar("steps", b.AT)):
        plan = graph.loop("steps", "t", count, {"z": x}, b.AT, depth=0)
        (after,) = graph.close(plan, (graph.elementwise("tanh", plan.inside[0], span=b.AT),))
        with pytest.raises(NotLowered, match="iterations"):
            gradient(graph, graph.reduce("sum", after, b.AT), x)


def test_a_module_of_the_user_has_no_gradient() -> None:
    graph = Graph()
    x = graph.intern(b.read("x", b.row(3)))
    value = graph.reduce("sum", graph.external("net", (x,), (3,), b.AT), b.AT)
    with pytest.raises(NotLowered, match="not written in the spec"):
        gradient(graph, value, x)


def test_logsumexp_of_nothing_possible() -> None:
    """Minus infinity throughout: the value is, and no gradient is nan."""
    graph = Graph()
    x = graph.intern(b.read("x", b.row(3)))
    low = graph.elementwise("subtract", x, graph.number(float("inf"), b.AT), span=b.AT)
    value = graph.reduce("logsumexp", low, b.AT)
    program = as_program(graph, {"value": value, "gradient": gradient(graph, value, x)})
    value_, found = run_torch(program, inputs(program, 2), {}, 2)
    assert value_.isneginf().all()
    torch.testing.assert_close(found, torch.zeros(2, 3, dtype=torch.float64))
