"""Equations for parts of a variable, and sums along a sequence: what is proved, and what must not be."""

from __future__ import annotations

import pytest

import gencompiler
from gencompiler.model.nodes import Support, Type
from gencompiler.proof import rules
from gencompiler.proof.factorization_rules import _circular
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.precedence import acyclic
from gencompiler.proof.slices import slices
from gencompiler.proof.structure import Axis, Place, Production, Range

BINARY = Support("Binary")
T = Range("t", 1, 5)


def at(name: str, shift: int, kind: str = "index") -> Place:
    return Place(name, (Axis(kind, "t" if kind != "place" else "", shift),))


def equation(produces: Place, *listed: Place, over: tuple[Range, ...] = (T,)) -> Production:
    return Production("p", over, (produces,), listed, listed, None)


FIRST = equation(at("z", 0, "place"), over=())
STEP = equation(at("z", 0), at("z", -1))
SHAPES = (("z", (5,)),)


def proves(*equations: Production, variables: tuple[tuple[str, tuple[int, ...]], ...] = SHAPES) -> str:
    order = tuple(range(len(equations)))
    for name, subject in (
        ("factorization", ("p", variables, equations, order)),
        ("no_factorization", ("p", variables, equations)),
    ):
        try:
            rules.RULES[name](subject, ())
        except Unproved:
            continue
        return name
    return ""


def test_a_chain_and_its_first_element() -> None:
    assert proves(FIRST, STEP) == "factorization"


WRONG = {
    "no first element": (STEP,),
    "the first element twice": (FIRST, equation(at("z", 0), at("z", -1), over=(Range("t", 0, 5),))),
    "itself": (FIRST, equation(at("z", 0), at("z", 0))),
    "a view that holds it": (FIRST, equation(at("z", 0), at("z", 1, "before"))),
    "all of the variable": (FIRST, equation(at("z", 0), Place("z"))),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_factorization_is_refuted(name: str) -> None:
    assert proves(*WRONG[name]) == "no_factorization"


def test_both_neighbours_are_not_proved() -> None:
    last = equation(at("z", 4, "place"), over=())
    both = equation(at("z", 0), at("z", -1), at("z", 1), over=(Range("t", 1, 4),))
    assert proves(FIRST, last, both) != "factorization"
    assert not acyclic(both, dict(SHAPES))


def test_an_element_that_another_equation_makes_may_come_later() -> None:
    """z[1] given z[2], z[0] given z[1]: it was refuted once that an element depends on a later one."""
    equations = [
        equation(at("z", k, "place"), *([at("z", k + 1, "place")] if k < 4 else []), over=()) for k in (4, 3, 2, 1, 0)
    ]
    assert proves(*equations) == "factorization"
    round_ = [equation(at("z", k, "place"), at("z", (k + 1) % 5, "place"), over=()) for k in range(5)]
    assert proves(*round_) != "factorization"


def test_a_circle_of_moved_places_is_no_circle() -> None:
    """x[t - 1] from y[t], y[t] from x[t]: each x comes from the next; the indices only look alike."""
    x, y = equation(at("x", -1), at("y", 0)), equation(at("y", 0), at("x", 0))
    assert not _circular((x, y))
    assert _circular((equation(at("x", 0), at("y", 0)), equation(at("y", 0), at("x", 0))))


def windows(*parts: tuple[Place, ...], support: Support = BINARY, shape: tuple[int, ...] = (5,)) -> object:
    return slices({"z": Type(support, shape)}, [((T,), places) for places in parts])


def test_neighbours_are_summed_over() -> None:
    found = slices(
        {"z": Type(BINARY, (5, 3))}, [((T,), (at("z", 0), at("z", -1), at("x", 0))), ((), (at("x", 3, "place"),))]
    )
    assert (found.extent, found.states) == (5, 8)
    window, free = found.windows
    assert window is not None and (window.start, window.stop, window.before) == (1, 5, True)
    assert free is None


@pytest.mark.parametrize(
    "places",
    [
        (at("z", 0), at("z", -2)),
        (at("z", 0), Place("z")),
        (at("z", 0), at("z", 0, "before")),
        (at("z", 0), at("z", 0, "place")),
        (at("z", 0), Place("z", (Axis("index", "s"),))),
        (at("z", 0), Place("z", (Axis("other"),))),
    ],
    ids=["two apart", "whole", "view", "a fixed place", "another index", "unknown"],
)
def test_more_than_neighbours_are_not(places: tuple[Place, ...]) -> None:
    with pytest.raises(Unproved):
        windows(places)


def test_too_many_values_and_infinitely_many_are_not() -> None:
    for support, shape in ((BINARY, (5, 9)), (Support("Real"), (5,)), (Support("Count"), (5,))):
        with pytest.raises(Unproved):
            windows((at("z", 0),), support=support, shape=shape)


def test_finite_variables_beside_a_chain_are_few() -> None:
    text = """
    model Mixed(T = 3) {
      observed x : Real[T]
      latent   z : Binary[T], c : Category(N)
      param m : Real[2]
      p(c)               = Uniform()
      p(z[0])            = Bernoulli(0.5)
      p(z[t] | z[t - 1]) = Bernoulli([0.2, 0.8][z[t - 1]])
      p(x[t] | z[t], c)  = Normal(m[z[t]] + c, 1)
    }
    """
    few, many = (gencompiler.check(text.replace("T = 3", f"T = 3, N = {n}")) for n in (16, 17))
    assert few.capabilities is not None and few.capabilities.log_prob.kind == "exact"
    assert many.capabilities is not None and many.capabilities.log_prob.kind == "none"
    assert "place by place" in many.capabilities.log_prob.reason
