"""Passes from logical programs to logical programs: they change how a program computes, never what."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

from gencompiler.node import walk
from gencompiler.rows import planes
from gencompiler.rows.absorb import absorb
from gencompiler.rows.expand import expand
from gencompiler.rows.hoist import hoist_draws, stepped_draws
from gencompiler.rows.nodes import Broadcast, Draw, Elementwise, Expr, Let, Local, Loop, Number, Program
from gencompiler.rows.planes import take_apart
from gencompiler.rows.prefix import PrefixSum, prefix_loop, widest
from gencompiler.rows.retype import retype
from gencompiler.rows.share import share
from gencompiler.rows.verify import verify
from tests.rows import interpreter
from tests.rows.building import (
    AT,
    add,
    apply,
    carry,
    column,
    index,
    join,
    let,
    local,
    loop,
    multiply,
    number,
    output,
    parameter,
    permute,
    read,
    row,
    total,
    use,
)
from tests.rows.harness import SEED, STEP, inputs, parameters
from tests.rows.programs import (
    PROGRAMS,
    coupling_log_prob,
    coupling_sample,
    fvsbn_log_prob,
    fvsbn_sample,
    mala,
    nade_log_prob,
    nade_sample,
)
from tests.rows.programs import (
    given as input_,
)
from tests.rows.strategies import row_programs

PASSES: dict[str, Callable[[Program], Program]] = {
    "absorb": absorb,
    "hoist": hoist_draws,
    "expand": expand,
    "planes": lambda program: take_apart(expand(program)),
    "retype": retype,
    "share": share,
}


def outputs_of(program: Program, seed: int = 0) -> list[np.ndarray]:
    given, values = inputs(program, 2, seed), parameters(program, seed)
    scalars = {"seed": SEED, "step": STEP, "rows": 2, **dict.fromkeys(program.scalars, 3)}
    return interpreter.run(program, given, values, **scalars)


def assert_same(program: Program, other: Program) -> None:
    verify(other, "pass")
    for ours, theirs in zip(outputs_of(other), outputs_of(program), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", PASSES)
@given(program=row_programs())
@settings(max_examples=25, deadline=None)
def test_meaning_is_kept(name: str, program: Program) -> None:
    assert_same(program, PASSES[name](program))


@pytest.mark.parametrize("name", PASSES)
@pytest.mark.parametrize("program", PROGRAMS)
def test_meaning_of_models_is_kept(name: str, program: str) -> None:
    assert_same(PROGRAMS[program](), PASSES[name](PROGRAMS[program]()))


def test_a_wrong_pass_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(planes._REDUCING, "sum", "subtract")
    with pytest.raises(AssertionError):
        assert_same(coupling_log_prob(4), take_apart(coupling_log_prob(4)))


# -- planes ----------------------------------------------------------------------------------------------------------


def longest(program: Program) -> int:
    """The longest row vector beside inputs and matrices."""
    parts = (part for part in walk(program) if isinstance(part, Expr) and part.type.rows)
    named = {id(read) for part in walk(program) for read in (getattr(part, "vector", None),)}
    return max((part.type.shape[0] for part in parts if part.type.shape and id(part) not in named), default=0)


def test_short_states_become_scalars() -> None:
    assert longest(take_apart(mala())) == 0
    assert longest(take_apart(coupling_sample(4, 64))) == 64  # the hidden layer stays a vector
    assert longest(take_apart(coupling_sample(16, 64))) == 64


def test_discrete_elements_of_a_vector_stay_integers() -> None:
    """Half of a join is a discrete input; a loop carries both halves on, and one half becomes the other."""
    labels, x = read("labels", row(2, kind="integer")), read("x", row(2))
    joined, state = local("joined", row(4)), local("state", row(4))
    body = loop("layers", "k", 2, (carry("state", joined, permute(joined, (2, 0, 1, 3))),))
    inside = (input_("labels", labels.type), input_("x", x.type))
    outputs = (output("v", add(state, joined), row(4)), output("s", column(joined, 0), row()))
    program = verify(
        Program("p", "p", inside, (), (), (let("joined", join(labels, x)), body), outputs, span=AT), "test"
    )
    apart = take_apart(program)
    kinds = {part.name: part.type.kind for part in walk(apart) if isinstance(part, Local)}
    wanted = ["integer", "integer", "real", "real", "real", "integer", "integer", "real"]
    assert kinds == dict(zip([f"{name}_{n}" for name in ("joined", "state") for n in range(4)], wanted, strict=True))
    assert_same(program, apart)


def test_halves_of_a_long_state_stay_vectors() -> None:
    """An 8-dimensional half shares its elements with 16 dimensions."""
    apart = take_apart(coupling_sample(16, 64))
    assert any(isinstance(part, Let) and part.name == "a" and part.value.type.shape == (8,) for part in walk(apart))


def test_what_a_loop_indexes_stays_a_vector() -> None:
    apart = take_apart(fvsbn_sample(6))
    (dimensions,) = (part for part in walk(apart) if isinstance(part, Loop))
    assert [each.name for each in dimensions.carried] == ["x"]


# -- sharing ---------------------------------------------------------------------------------------------------------


def test_repeated_expressions_are_computed_once() -> None:
    once = share(mala())
    counted: dict[Expr, int] = {}
    for part in walk(once):
        if isinstance(part, Elementwise) and part.type.rows:
            counted[part] = counted.get(part, 0) + 1
    assert max(counted.values()) == 1
    assert share(once) == once


def test_index_arithmetic_is_not_shared() -> None:
    """Draws recognise their steps by their form."""
    assert len(stepped_draws(share(mala()))) == 2


# -- absorbing -------------------------------------------------------------------------------------------------------


def _hidden_outside(readers: int = 1) -> Program:
    """NADE as it is lowered: the loop carries W x, and its body adds c; `readers` other values read W x itself."""
    i, hidden = index("i"), 20
    a, c = local("a", row(hidden)), parameter("c", (None,), (hidden,))
    x = PROGRAMS["nade_log_prob"]().inputs[0]
    read = nade_log_prob().body[0]
    assert isinstance(read, Loop)
    w_x = read.carried[0].next
    assert isinstance(w_x, Elementwise)
    logit = total(multiply(parameter("V", (i, None), (hidden,)), apply("sigmoid", add(c, a))))
    body = [let("logit", logit), *(let(f"other{n}", total(a)) for n in range(readers))]
    final = add(local("s", row()), local("logit", row()), *(local(f"other{n}", row()) for n in range(readers)))
    zeros = Broadcast(c.type, number(0.0), hidden, span=read.span)
    main = loop("dimensions", "i", 12, (carry("a", zeros, w_x), carry("s", number(0.0), final)), *body)
    weights = (use("W", hidden, 12), use("V", 12, hidden), use("c", hidden))
    return Program(
        "p", "p", (input_("x", x.type),), (), weights, (main,), (output("s", local("s", row())),), span=read.span
    )


def test_summands_are_carried() -> None:
    program = _hidden_outside(readers=0)
    absorbed = absorb(program)
    assert_same(program, absorbed)
    (main,) = absorbed.body
    assert isinstance(main, Loop)
    assert main.carried[0].initial == parameter("c", (None,), (20,))
    assert not any(isinstance(part, Elementwise) and part.function == "add" for part in walk(main.body[0]))


def test_a_sum_that_is_read_otherwise_is_left() -> None:
    program = _hidden_outside(readers=1)
    assert absorb(program) == program


# -- draws -----------------------------------------------------------------------------------------------------------


def test_scalar_draws_become_one_vector() -> None:
    first, main = hoist_draws(nade_sample()).body
    assert isinstance(first, Let)
    assert isinstance(first.value, Draw)
    assert first.value.type.shape == (12,)
    assert not any(isinstance(part, Draw) for part in walk(main))


def test_draws_of_a_chain_are_computed_ahead() -> None:
    assert sorted(stepped_draws(mala())) == [0, 1]
    assert not stepped_draws(nade_sample())


# -- prefix sums -----------------------------------------------------------------------------------------------------


def main_loop(program: Program) -> Loop:
    (result,) = (part for part in program.body if isinstance(part, Loop))
    return result


def test_causal_reductions_are_prefix_sums() -> None:
    found = prefix_loop(main_loop(nade_log_prob()))
    assert found is not None
    sums = {each.carry.name: each for each in found.steps if isinstance(each, PrefixSum)}
    assert sums["a"].running
    assert sums["a"].factors is not None
    assert not sums["log_p"].running
    names = [each.carry.name if isinstance(each, PrefixSum) else getattr(each, "name", "") for each in found.steps]
    assert names == ["a", "logit", "log_p"]
    assert widest(found.loop, found.dependent) == 20


@pytest.mark.parametrize("make", [nade_sample, fvsbn_sample, coupling_log_prob, mala])
def test_other_loops_are_none(make: Callable[[], Program]) -> None:
    """Draws, overwritten columns, layers and steps."""
    assert prefix_loop(main_loop(make())) is None


def test_a_recurrence_is_none() -> None:
    """h <- h + tanh(h): the term reads the sum that it is added to."""
    h = local("h", row(5))
    main = loop(
        "dimensions", "i", 5, (carry("h", Broadcast(row(5), number(1.0), 5, span=h.span), add(h, apply("tanh", h))),)
    )
    assert prefix_loop(main) is None


def test_a_recurrence_through_a_let_is_none() -> None:
    h, y = local("h", row()), local("y", row())
    body = let("y", apply("tanh", add(h, parameter("b", (index("i"),), ()))))
    assert prefix_loop(loop("dimensions", "i", 5, (carry("h", number(0.0), add(h, y)),), body)) is None


def test_a_shifted_index_is_none() -> None:
    main = main_loop(fvsbn_log_prob())

    def shifted(part: Expr) -> Expr:
        return dataclasses.replace(part, index=(add(index("i"), Number(index("i").type, 0.0, span=part.span)), None))  # type: ignore[call-arg]

    reads = [part for part in walk(main) if type(part).__name__ == "ParameterRead" and len(part.index) == 2]  # type: ignore[attr-defined]
    assert prefix_loop(main) is not None

    from gencompiler.node import Node, rebuild

    def visit(part: Node) -> Node:
        return shifted(part) if part == reads[0] else rebuild(part, visit)  # type: ignore[arg-type]

    assert prefix_loop(rebuild(main, visit)) is None
