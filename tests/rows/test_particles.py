"""Particles: values of several per row, against numpy and against one particle at a time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gencompiler.diagnostics.model import CompilerBug
from gencompiler.node import walk
from gencompiler.rows import nodes, particles
from gencompiler.rows.absorb import absorb
from gencompiler.rows.graph import Graph
from gencompiler.rows.hoist import hoist_draws
from gencompiler.rows.linearize import linearize
from gencompiler.rows.nodes import Expr, Program
from gencompiler.rows.print import text
from gencompiler.rows.schedule import schedule
from gencompiler.rows.share import share
from gencompiler.rows.unsupported import NotLowered
from gencompiler.rows.verify import verify
from gencompiler.runtime import random
from tests.rows import building as b
from tests.rows import interpreter
from tests.rows.harness import SEED, STEP, inputs, parameters, run_torch
from tests.rows.recipes import Built, Computed, Maker, Sizes

ROWS = 2


def random_program(seed: int) -> tuple[Program, dict[str, tuple[object, ...]]]:
    sizes = Sizes()
    maker, built = Maker(seed, sizes), Built(sizes)
    recipes = {"rows": maker.make(None, 4, False), "particles": maker.make(None, 4, True)}
    recipes["vectors"] = maker.make(4, 4, True)
    recipes["collected"] = ("collect", maker.make(None, 3, True))
    recipes["pooled"] = ("pool", maker.make(4, 3, True))
    return built.program({name: built.build(recipe) for name, recipe in recipes.items()}), recipes


def compare(program: Program, recipes: dict[str, tuple[object, ...]], seed: int) -> None:
    """The literal meaning and the torch function of a program, against numpy on what it was built from."""
    verify(program, "random")
    given_, values = inputs(program, ROWS, seed), parameters(program, seed)
    arrays = {name: value.numpy() for name, value in (given_ | values).items()}
    computed = Computed(Sizes(), arrays, SEED, STEP)
    wanted = [computed.compute(recipe) for recipe in recipes.values()]
    literal = interpreter.run(program, given_, values, seed=SEED, step=STEP)
    printed = run_torch(program, given_, values, ROWS)
    for each, reference, found, tensor in zip(program.outputs, wanted, literal, printed, strict=True):
        flat = reference.reshape(-1, *each.type.shape) if each.type.particles > 1 else reference[:, 0]
        np.testing.assert_allclose(np.broadcast_to(found, flat.shape), flat, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(np.broadcast_to(tensor.numpy(), flat.shape), flat, rtol=1e-6, atol=1e-6)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_programs_are_their_recipes(seed: int) -> None:
    program, recipes = random_program(seed)
    compare(program, recipes, seed % 1000)


@pytest.mark.parametrize("change", [absorb, hoist_draws, share])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_passes_keep_the_meaning(change: object, seed: int) -> None:
    program, recipes = random_program(seed)
    compare(change(program), recipes, seed % 1000)  # type: ignore[operator]


def test_a_wrong_multiplicity_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Particles side by side, taken for particles in front."""
    from gencompiler.emit import torch_particles

    moved = torch_particles.moved

    def wrong(expr: Expr, value: object, scope: object) -> object:
        found = moved(expr, value, scope)  # type: ignore[arg-type]
        if isinstance(expr, nodes.Spread):
            again = torch_particles.method(value.code, "repeat", "3", *["1"] * len(expr.type.shape))  # type: ignore[attr-defined]
            return dataclasses.replace(found, code=again)
        return found

    monkeypatch.setattr("gencompiler.emit.torch_expressions.moved", wrong)
    with pytest.raises(AssertionError):
        for seed in range(40):
            program, recipes = random_program(seed)
            compare(program, recipes, seed)


# -- what is computed once -------------------------------------------------------------------------------------------


def encoder(count: int) -> tuple[Graph, Expr]:
    """z ~ Normal(W x, 1), `count` times, and |z - V tanh(x)|^2 for each."""
    graph = Graph()
    x = graph.intern(b.read("x", b.row(3)))
    mean = graph.dot(x, graph.intern(b.parameter("W", (None, None), (3, 2))), False, b.AT)
    noise = graph.draw("normal", 0, graph.scalar("step", b.AT), (2,), b.AT, count=count)
    z = graph.elementwise("add", mean, noise, span=b.AT)
    hidden = graph.elementwise("tanh", x, span=b.AT)
    other = graph.dot(hidden, graph.intern(b.parameter("V", (None, None), (3, 2))), False, b.AT)
    apart = graph.elementwise("subtract", z, other, span=b.AT)
    square = graph.elementwise("multiply", apart, apart, span=b.AT)
    return graph, graph.reduce("sum", square, b.AT)


def as_program(graph: Graph, outputs: dict[str, Expr], *uses: nodes.ParameterUse) -> Program:
    body, written = linearize(graph, tuple(outputs.values()))
    made = tuple(
        b.output(name, value, dataclasses.replace(value.type, rows=True))
        for name, value in zip(outputs, written, strict=True)
    )
    return Program("p", "p", (b.given("x", b.row(3)),), (), uses, body, made, span=b.AT)


def test_what_depends_on_no_particle_is_computed_once() -> None:
    graph, distance = encoder(5)
    program = as_program(graph, {"d": graph.collect(distance, 5, b.AT)}, b.use("W", 3, 2), b.use("V", 3, 2))
    verify(program, "test")
    assert all(part.type.particles == 1 for part in walk(program) if isinstance(part, nodes.Dot))
    assert schedule(program).reason == "a row has 5 particles; a tile has rows"
    assert "spread(" in text(program)
    assert "real[rows, 5]" in text(program)


def test_particles_are_rows_run_by_hand() -> None:
    """Each particle as a program of its own, with its dims of the stream."""
    graph, distance = encoder(5)
    uses = (b.use("W", 3, 2), b.use("V", 3, 2))
    program = as_program(graph, {"d": graph.collect(distance, 5, b.AT)}, *uses)
    given_, values = inputs(program, 4), parameters(program)
    (found,) = run_torch(program, given_, values, 4)
    noise = random.normal(SEED, torch.arange(4), STEP, 0, 10, dtype=torch.float64)
    for k in range(5):
        z = given_["x"] @ values["W"] + noise[:, 2 * k : 2 * k + 2]
        torch.testing.assert_close(found[:, k], (z - given_["x"].tanh() @ values["V"]).square().sum(-1))


def test_one_particle_is_a_row() -> None:
    graph, distance = encoder(1)
    plain = as_program(graph, {"d": distance}, b.use("W", 3, 2), b.use("V", 3, 2))
    assert not any(isinstance(part, nodes.Spread) for part in walk(plain))
    assert graph.particle_index(1, b.AT) == graph.integer(0, b.AT)


def test_different_particles_do_not_meet() -> None:
    graph, distance = encoder(5)
    other = graph.draw("normal", 1, graph.scalar("step", b.AT), (), b.AT, count=4)
    with pytest.raises(NotLowered, match="particles"):
        graph.elementwise("add", distance, other, span=b.AT)


def test_arrays_are_inverse_to_particles() -> None:
    graph, distance = encoder(5)
    collected = graph.collect(distance, 5, b.AT)
    assert graph.distribute(collected, b.AT) is distance
    x = graph.intern(b.read("x", b.row(3)))
    assert graph.collect(graph.distribute(x, b.AT), 3, b.AT) is x


# -- loops -----------------------------------------------------------------------------------------------------------


def nade(count: int, *, drawing: bool) -> Program:
    """sum_i of a causal sum over x, its logits shifted by z; in `drawing`, x is drawn one dimension at a time."""
    graph, size, hidden = Graph(), 6, 4
    step = graph.scalar("step", b.AT)
    x = graph.intern(b.read("x", b.row(3)))
    z = graph.draw("normal", 0, step, (hidden,), b.AT, count=count)
    shift = graph.column(z, graph.integer(1, b.AT), b.AT)
    zero = graph.number(0, b.AT)
    carried = {"a": graph.broadcast(zero, hidden, b.AT), "s": zero}
    plan = graph.loop("dimensions", "i", graph.integer(size, b.AT), carried, b.AT, depth=0)
    i = graph.index_of(plan)
    weights = graph.intern(b.parameter("W", (i, None), (hidden,)))
    active = graph.elementwise("sigmoid", graph.elementwise("add", plan.inside[0], z, span=b.AT), span=b.AT)
    logit = graph.reduce("sum", graph.elementwise("multiply", active, weights, span=b.AT), b.AT)
    if drawing:
        noise = graph.draw("uniform", 1, step, (), b.AT, i, count=count, length=size)
        value = graph.elementwise("subtract", noise, logit, span=b.AT)
    else:
        value = graph.elementwise("multiply", shift, graph.intern(b.parameter("u", (i,), ())), span=b.AT)
    term = graph.elementwise("multiply", value, weights, span=b.AT)
    squared = graph.elementwise("multiply", graph.elementwise("subtract", logit, value, span=b.AT), logit, span=b.AT)
    nexts = (
        graph.elementwise("add", plan.inside[0], term, span=b.AT),
        graph.elementwise("add", plan.inside[1], squared, span=b.AT),
    )
    a, s = graph.close(plan, nexts)
    first = graph.column(x, graph.integer(0, b.AT), b.AT)
    outputs = {"s": graph.elementwise("add", s, first, span=b.AT), "a": a}
    uses = (b.use("W", size, hidden), *(() if drawing else (b.use("u", size),)))
    return as_program(graph, outputs, *uses)


@pytest.mark.parametrize("drawing", [False, True])
def test_loops_over_dimensions_carry_particles(drawing: bool) -> None:
    program = verify(nade(3, drawing=drawing), "test")
    given_, values = inputs(program, 4), parameters(program)
    found = run_torch(program, given_, values, 4)
    wanted = interpreter.run(program, given_, values, seed=SEED, step=STEP)
    for result, reference in zip(found, wanted, strict=True):
        np.testing.assert_allclose(result.numpy(), reference, rtol=1e-6, atol=1e-6)
    single = nade(1, drawing=drawing)
    alone = run_torch(single, given_, values, 4)
    assert alone[0].shape == (4,)
    torch.testing.assert_close(found[1].shape, torch.Size((12, 4)))


def test_dimensions_of_particles_run_in_chunks() -> None:
    printed = run_text(nade(3, drawing=False))
    assert "tiles.chunks(6, 12 * len(x))" in printed
    assert "Draws" not in printed


def run_text(program: Program) -> str:
    from gencompiler.emit.torch import print_function

    return print_function(program).text


def test_scalar_draws_of_particles_become_one_draw() -> None:
    program = hoist_draws(nade(3, drawing=True))
    assert not any(
        isinstance(part, nodes.Draw) for loop in program.body if isinstance(loop, nodes.Loop) for part in walk(loop)
    )
    assert "random.uniform(seed, rows, step, 1, 18, dtype=dtype).view(-1, 6)" in run_text(nade(3, drawing=True))


# -- what must not be ------------------------------------------------------------------------------------------------


def broken(expr: Expr) -> None:
    program = Program("p", "p", (b.given("x", b.row(3)),), (), (), (), (b.output("v", expr, expr.type),), span=b.AT)
    with pytest.raises(CompilerBug):
        verify(program, "test")


X = b.read("x", b.row(3))
WIDE = dataclasses.replace(b.row(3), particles=4)


@pytest.mark.parametrize(
    "expr",
    [
        nodes.Elementwise(WIDE, "add", (nodes.Spread(WIDE, X, span=b.AT), X), span=b.AT),
        nodes.Spread(WIDE, nodes.Spread(WIDE, X, span=b.AT), span=b.AT),
        nodes.Spread(dataclasses.replace(b.uniform(), particles=4), b.number(1.0), span=b.AT),
        nodes.Collect(b.row(4), b.column(X, 0), span=b.AT),
        nodes.Collect(b.row(3), nodes.ParticleIndex(dataclasses.replace(WIDE, shape=()), span=b.AT), span=b.AT),
        nodes.Distribute(dataclasses.replace(b.row(), particles=4), X, span=b.AT),
        nodes.ParticleIndex(b.row(kind="integer"), span=b.AT),
        nodes.MatrixFunction(b.uniform(3), "cholesky", (X,), span=b.AT),
        nodes.MatrixFunction(b.uniform(2, 2), "exp", (), span=b.AT),
        nodes.ExternalCall(b.uniform(3), "net", (b.number(1.0),), span=b.AT),
    ],
)
def test_the_verifier_knows_particles(expr: Expr) -> None:
    broken(expr)


def test_dims_of_particles_stay_apart() -> None:
    """Dim 1 of particle 0 would be dim 0 of particle 1."""
    kind = dataclasses.replace(b.row(), particles=4)
    step = b.index("step")
    broken(nodes.Draw(kind, "normal", 0, step, b.number(1, "integer"), 1, span=b.AT))


def test_nothing_is_spread_twice() -> None:
    graph, distance = encoder(5)
    again = particles.spread(graph.intern, distance, 5)
    assert again is distance


# -- choices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", [0.0, 1.0])
@pytest.mark.parametrize("other", [b.read("y", b.row()), b.number(2.0), b.parameter("c", (0,), ())])
@pytest.mark.parametrize("vector", [X, b.parameter("c", (None,), (3,))])
def test_a_branch_is_as_long_as_the_other(vector: Expr, other: Expr, chosen: float) -> None:
    """A condition that is a number chooses a branch in Python, where nothing broadcasts."""
    wide = b.select(b.apply("less", 0.5, chosen), other, vector)
    second = b.column(wide, 1)
    output = b.output("v", second, dataclasses.replace(second.type, rows=True))
    given_ = (b.given("x", b.row(3)), b.given("y", b.row()))
    program = verify(Program("p", "p", given_, (), (b.use("c", 3),), (), (output,), span=b.AT), "test")
    rows, values = inputs(program, ROWS), parameters(program)
    (wanted,) = interpreter.run(program, rows, values, seed=SEED, step=STEP)
    (found,) = run_torch(program, rows, values, ROWS)
    np.testing.assert_allclose(found.numpy(), np.broadcast_to(wanted, ROWS), rtol=1e-9)


# -- matrices and modules --------------------------------------------------------------------------------------------


def test_matrices_that_all_rows_share() -> None:
    graph = Graph()
    a = graph.intern(b.parameter("A", (None, None), (3, 3)))
    square = graph.matrix("matmul", a, graph.matrix("transpose", a, span=b.AT), span=b.AT)
    spread = graph.elementwise("add", square, graph.matrix("identity", span=b.AT, size=3), span=b.AT)
    lower = graph.name(graph.matrix("cholesky", spread, span=b.AT), "lower")
    inverse = graph.matrix("inverse_lower", lower, span=b.AT)
    x = graph.intern(b.read("x", b.row(3)))
    log_diagonal = graph.elementwise("log", graph.matrix("diagonal", lower, span=b.AT), span=b.AT)
    scaled = graph.dot(x, graph.matrix("diagonal_matrix", log_diagonal, span=b.AT), False, b.AT)
    outputs = {
        "white": graph.dot(x, inverse, True, b.AT),
        "scaled": scaled,
    }
    program = verify(as_program(graph, outputs, b.use("A", 3, 3)), "test")
    given_, values = inputs(program, 4), parameters(program)
    found = run_torch(program, given_, values, 4)
    wanted = interpreter.run(program, given_, values, seed=SEED, step=STEP)
    for result, reference in zip(found, wanted, strict=True):
        np.testing.assert_allclose(result.numpy(), reference, rtol=1e-6, atol=1e-6)
    assert not schedule(program).fused
    assert "of a matrix" in schedule(program).reason


def test_modules_of_the_user() -> None:
    graph = Graph()
    x = graph.intern(b.read("x", b.row(3)))
    t = graph.draw("uniform", 0, graph.scalar("step", b.AT), (), b.AT, count=2)
    called = graph.external("net", (x, t, graph.number(2, b.AT)), (3,), b.AT)
    program = verify(as_program(graph, {"y": called}), "test")
    assert "net(x_spread, uniform" in text(program) or "net(spread(x, 2), uniform" in text(program)
    assert schedule(program).reason.endswith("a module of the user's own") or "particles" in schedule(program).reason
    printed = run_text(program)
    assert "def p(x, net, *, rows, seed, step):" in printed
    names: dict[str, object] = {}
    exec("import torch\nfrom gencompiler.runtime import random\n" + printed, names)

    def net(x: torch.Tensor, t: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
        assert x.shape == (8, 3)
        assert t.shape == two.shape == (8,)
        return x * t[:, None] * two[:, None]

    given_ = torch.randn(4, 3)
    found = names["p"](given_, net, rows=torch.arange(4), seed=SEED, step=STEP)  # type: ignore[operator]
    times = random.uniform(SEED, torch.arange(4), STEP, 0, 2)
    torch.testing.assert_close(found.view(4, 2, 3), 2 * given_[:, None] * times[..., None])
