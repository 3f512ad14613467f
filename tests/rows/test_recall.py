"""What a loop carries to its next iteration instead of computing it again: results are the same, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import gencompiler
from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.node import walk
from gencompiler.rows import nodes, recall

SPECS = Path(__file__).parents[2] / "specs"

#: By spec, the loop programs, with the inputs of three rows and their numbers of steps.
CHAINS = {
    "physics/hmc": "chain",
    "physics/banana": "chain",
    "physics/ghmc": "chain",
    "physics/wells": "chain",
    "physics/ais": "anneal",
    "chains/boltzmann": "chain",
    "chains/rbm_pcd": "anneal",
}


def compiled(name: str) -> Any:
    return gencompiler.compile(SPECS / f"{name}.gen")(seed=1).double()


def run(model: Any, program: str, steps: int) -> tuple[torch.Tensor, ...]:
    """The outputs of a program for states that its own start program draws, in plain torch."""
    rows = torch.arange(64)
    start = "anneal_start" if program == "anneal" else "start"
    state = list(model.run(start, (), rows, seed=3))
    state = state[:-1] if program == "anneal" else state
    own = {"total": 20} if program == "anneal" else {}
    found: tuple[torch.Tensor, ...] = model.run(program, state, rows, seed=5, step=2, steps=steps, **own)
    return found


@pytest.mark.parametrize("name", CHAINS)
def test_results_are_the_same_bit_for_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENC_BACKEND", "torch")
    program = CHAINS[name]
    carried = compiled(name)
    monkeypatch.setattr(recall, "recalled", lambda graph, plan: {})
    again = compiled(name)
    for steps in (0, 1, 7):
        for one, other in zip(run(carried, program, steps), run(again, program, steps), strict=True):
            assert torch.equal(one, other)


def loops(text: str, program: str = "chain") -> list[nodes.Loop]:
    """The loops of a program of a spec, outermost first."""
    done = pipeline.run(SourceText("m.gen", text), until="lower")
    return [n for n in walk(done.programs[program]) if isinstance(n, nodes.Loop)]


def count(loop: nodes.Loop, function: str) -> int:
    """How often an iteration applies a function, inner loops left out."""
    inner = {id(n) for part in loop.body if isinstance(part, nodes.Loop) for n in walk(part)}
    own = (n for part in (*loop.body, *(c.next for c in loop.carried)) for n in walk(part) if id(n) not in inner)
    return sum(isinstance(n, nodes.Elementwise) and n.function == function for n in own)


ENERGY = "observed x : Real[4]  def U(x : Real[4]) -> Real = sum(cosh(x))  p(x) ∝ exp(-U(x))  "


def test_a_leapfrog_step_evaluates_one_gradient() -> None:
    """The derivative of cosh is sinh: once in a step of the inner loop, and never around it."""
    body = (
        "latent v : Real[4]  def U(x : Real[4]) -> Real = sum(cosh(x))  p(x, v) ∝ exp(-U(x) - v @ v / 2)"
        "  bijection leap(x : Real[4], v : Real[4]) -> (Real[4], Real[4]) = (y, w - 0.1 * grad(U)(y))"
        "  where { w = v - 0.1 * grad(U)(x)  y = x + 0.2 * w }"
        "  bijection flip(x : Real[4], v : Real[4]) -> (Real[4], Real[4]) = (x, -v)"
        "  transition refresh(x', v' | x, v) { v' ~ p(v) }"
        "  transition move(x', v' | x, v) { y, w = (x, v) |> repeat(5) { leap } |> flip  x', v' = metropolis(y, w) }"
        "  transition hmc = refresh |> move  sample chain(hmc)"
    )
    outer, inner = loops(f"model M {{ observed x : Real[4]  {body} }}")
    assert (count(inner, "sinh"), count(outer, "sinh"), count(outer, "cosh")) == (1, 0, 1)


def test_an_accepted_proposal_keeps_its_energy_and_its_gradient() -> None:
    move = "transition t(x' | x) { y ~ Normal(x - 0.1 * grad(U)(x), 0.4)  x' = metropolis(y) }  sample chain(t)"
    (loop,) = loops(f"model M {{ {ENERGY}{move} }}")
    assert (count(loop, "sinh"), count(loop, "cosh")) == (1, 1)


def test_what_depends_on_the_time_is_computed_again() -> None:
    """Of log f_t, the energy is carried and its product with the time is not."""
    path = (
        "density path(x | t : Interval(0, 1)) ∝ Normal(x | 0, 2)^(1 - t) * exp(-sum(cosh(t * x)))"
        "  transition w(x' | x, t : Interval(0, 1)) { y ~ Normal(x, 0.5)  x' = metropolis(y, target = path) }"
        "  evaluate ais(path, w)"
    )
    (loop,) = loops(f"model M {{ {ENERGY}{path} }}", "anneal")
    assert count(loop, "cosh") == 3  # of x before and after, of y after: each at a time of its own


def test_what_is_drawn_or_cheap_is_not_carried() -> None:
    move = "transition t(x' | x) { c ~ Normal(x, 1)  x' ~ Normal(0.5 * c, 1) }  sample chain(t)"
    (loop,) = loops(f"model M {{ observed x : Real[4]  p(x) ∝ exp(-sum(x^4))  {move} }}")
    assert len(loop.carried) == 2  # the state, and what was accepted
