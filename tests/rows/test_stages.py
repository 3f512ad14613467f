"""A program taken apart computes what it computes whole, whatever is taken out of it: drivers and pieces by torch."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.node import Node, rebuild, walk
from gencompiler.rows.absorb import absorb
from gencompiler.rows.analysis import draws
from gencompiler.rows.nodes import Dot, Draw, Elementwise, Expr, Program, Run
from gencompiler.rows.print import text
from gencompiler.rows.schedule import on_gpu, schedule
from gencompiler.rows.stages import Split, split
from gencompiler.rows.steps import steps
from gencompiler.rows.verify import verify
from tests.rows import harness
from tests.rows.building import AT, add, apply, dot, let, local, number, output, parameter, read, row, select, use
from tests.rows.building import given as given_input
from tests.rows.programs import PROGRAMS, mala
from tests.rows.strategies import build, row_programs

ROWS = 3


def products(value: Expr) -> str | None:
    return "a product" if isinstance(value, Dot) and value.type.rows else None


def some_functions(value: Expr) -> str | None:
    """Values in the midst of formulas, of any shape, in loops and outside."""
    chosen = isinstance(value, Elementwise) and value.function in ("tanh", "exp", "multiply")
    return "a function" if chosen and value.type.rows else None


def apart(program: Program, outside: Callable[[Expr], str | None] = products) -> Split:
    """A program with every piece as a program of its own, all of them well-formed."""
    found = split(absorb(program), outside, lambda piece: True)
    for each in (found.driver, *found.pieces):
        verify(each, "split")
    return found


def errors(program: Program, found: Split) -> Iterator[float]:
    """How far what a driver computes is from the whole program's, in float64, of the worst row of each output."""
    values, weights = harness.inputs(program, ROWS, 1), harness.parameters(program, 1)
    scalars = dict.fromkeys(program.scalars, 3)
    whole = harness.run_torch(program, values, weights, ROWS, **scalars)
    ours = harness.run_torch(found.driver, values, weights, ROWS, pieces=found.pieces, **scalars)
    for one, other in zip(ours, whole, strict=True):
        yield float(harness.row_errors(one, other).max())


def same(program: Program, found: Split) -> bool:
    return max(errors(program, found)) < 1e-9


@given(row_programs())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_programs_taken_apart(program: Program) -> None:
    for outside in (products, some_functions):
        assert same(program, apart(program, outside))


@pytest.mark.parametrize("name", PROGRAMS)
def test_models_taken_apart(name: str) -> None:
    program = mala() if name == "mala" else PROGRAMS[name](5)  # type: ignore[call-arg]
    for outside in (products, some_functions):
        found = apart(program, outside)
        assert same(program, found)
        taken = [part for piece in found.pieces for part in walk(piece) if isinstance(part, Expr) and outside(part)]
        assert taken == []


def test_random_programs_have_pieces() -> None:
    found = [apart(build(seed), some_functions) for seed in range(30)]
    assert sum(len(each.pieces) > 1 for each in found) > 15
    assert any(len(part.names) > 1 for each in found for part in walk(each.driver) if isinstance(part, Run))


def test_a_condition_is_asked_again_where_it_is_needed_later() -> None:
    """A border is crossed by numbers: `c` is known before the product and read behind it."""
    x = read("x", row(3))
    positive = apply("less", number(0.0), x)
    condition = local("c", positive.type)
    product = dot(x, parameter("w", (None, None), (3, 3)))
    chosen = select(condition, add(product, select(condition, x, number(0.5))), x)
    program = Program(
        "chosen",
        "Chosen",
        (given_input("x", row(3)),),
        (),
        (use("w", 3, 3),),
        (let("c", positive), let("y", chosen)),
        (output("y", local("y", row(3)), row(3)), output("z", select(condition, x, number(1.0)), row(3))),
        span=AT,
    )
    found = apart(program)
    assert same(program, found)
    assert [len(piece.outputs) for piece in found.pieces] == [1, 1]
    assert all(each.type.kind == "real" for piece in found.pieces for each in (*piece.inputs, *piece.outputs))


# -- planted errors --------------------------------------------------------------------------------------------------


def _arguments_exchanged(found: Split) -> Split | None:
    """Another value of the same type crosses a border."""

    def change(part: Node) -> Node:
        part = rebuild(part, change)
        if not isinstance(part, Run):
            return part
        for a, b in itertools.combinations(range(len(part.arguments)), 2):
            if part.arguments[a].type == part.arguments[b].type:
                given = list(part.arguments)
                given[a], given[b] = given[b], given[a]
                return dataclasses.replace(part, arguments=tuple(given))
        return part

    changed = change(found.driver)
    assert isinstance(changed, Program)
    return dataclasses.replace(found, driver=changed) if changed != found.driver else None


def _value_left_out(found: Split) -> Split | None:
    """A piece gives twice a value that it should give once."""
    for place, piece in enumerate(found.pieces):
        kinds = [output.type for output in piece.outputs if output.value is not None]
        if len(kinds) > 1 and kinds[0] == kinds[1]:
            first, second, *rest = piece.outputs
            wrong = (first, dataclasses.replace(second, value=first.value), *rest)
            pieces = list(found.pieces)
            pieces[place] = dataclasses.replace(piece, outputs=wrong)
            return dataclasses.replace(found, pieces=tuple(pieces))
    return None


@pytest.mark.parametrize("plant", [_arguments_exchanged, _value_left_out])
def test_a_wrong_crossing_value_is_noticed(plant: Callable[[Split], Split | None]) -> None:
    planted = noticed = 0
    for seed in range(40):
        program = build(seed)
        wrong = plant(apart(program, some_functions))
        if wrong is not None:
            planted += 1
            noticed += not same(program, wrong)
    assert planted >= 4
    assert noticed >= planted // 4  # a value may not matter: `floor`, `sign`, a branch that is not taken


# -- what crosses borders --------------------------------------------------------------------------------------------

WIDE = """
model Wide(D = 96, H = 160, Z = 8) {
  observed x : Binary[D]
  latent   z : Real[Z]
  p(z) = Normal(0, 1)
  p(x | z) = Bernoulli(logits = mlp(z, hidden = [H, H]))
  q(z | x) = Normal(m, softplus(s)) where { m, s = mlp(x, hidden = [H, H]) }
  train elbo
}
"""


@pytest.fixture(scope="module")
def wide() -> pipeline.Compilation:
    return pipeline.run(SourceText("wide.gen", WIDE), until="differentiate")


def test_numbers_are_drawn_where_they_are_read(wide: pipeline.Compilation) -> None:
    """A draw needs nothing, so it may wait: stored by one piece and read by another it would cross memory twice."""
    found = on_gpu(wide.programs["objective_phase_1"])
    assert found.stages is not None
    drawing = [piece.program for piece in found.stages.pieces if any(True for _ in draws(piece.program))]
    assert len(drawing) == 1
    assert not any(isinstance(output.value, Draw) for output in drawing[0].outputs)
    assert {each.name for each in drawing[0].inputs}.isdisjoint({"noise"})


def test_a_wide_model_is_kernels_between_products(wide: pipeline.Compilation) -> None:
    for program in ("objective_phase_1", "log_weight"):
        found = wide.schedules[program]
        assert not found.fused
        assert found.stages is not None, program
        assert set(found.targets()) == {"sm_80", "sm_86", "sm_90", "gfx942"}
        assert same(found.program, Split(found.stages.driver, tuple(each.program for each in found.stages.pieces)))
    (backward,) = wide.gradients["objective_phase_1"].ways
    assert backward.backward.stages is not None
    assert len(backward.backward.stages.pieces) > 1


def test_one_operation_stays_with_torch(wide: pipeline.Compilation) -> None:
    """A relu between two products is one operation of torch, and a launcher in Python takes longer to begin."""
    found = wide.schedules["objective_phase_1"]
    assert found.stages is not None
    assert all(len(list(walk(piece.program))) > 20 for piece in found.stages.pieces)
    told = {step.name: (step.kind, step.why) for step in steps(found.program, found.stages)}
    assert told["hidden"] == ("torch", "1 operation: 5 µs in torch, 20 µs as a kernel")
    assert told["computed"] == ("product", "a product with a 160 x 96 matrix")
    assert told["stage 1"][0] == "kernel"


def test_what_fits_is_one_kernel() -> None:
    assert schedule(PROGRAMS["nade_log_prob"](8)).stages is None  # type: ignore[call-arg]


def test_a_driver_is_printed(wide: pipeline.Compilation) -> None:
    found = on_gpu(wide.programs["objective_phase_1"])
    assert found.stages is not None
    lines = [line.strip() for line in text(found.stages.driver).splitlines()]
    assert "log_p_z, hidden_3, log_q_z = stage 1 of computed_2" in lines
    assert "value_2 = stage 2 of x, logits, log_p_z, log_q_z" in lines
