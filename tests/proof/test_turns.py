"""Equations in turns: what the rule of factorizations accepts of them, and the smallest errors, which it must not."""

from __future__ import annotations

import dataclasses

import pytest

from gencompiler.proof import rules
from gencompiler.proof.kernel import Unproved
from gencompiler.proof.structure import Axis, Place, Production, Range, Turns
from gencompiler.proof.turns import circle, order_of
from tests.proof.test_sequences import at, equation

SHAPES = (("x", (5,)), ("h", (5,)))
SHAPES_ONLY = dict(SHAPES)
ALL = (Range("t", 0, 5),)
LATER = (Range("t", 1, 5),)

FIRST = equation(at("h", 0, "place"), over=())
STATE = equation(at("h", 0), at("h", -1), at("x", -1), over=LATER)
SEEN = equation(at("x", 0), at("h", 0), over=ALL)
EQUATIONS = (FIRST, STATE, SEEN)
IN_TURNS = (0, Turns((1, 2), rising=True))


def holds(equations: tuple[Production, ...], order: tuple[int | Turns, ...]) -> bool:
    try:
        rules.RULES["factorization"](("p", SHAPES, equations, order), ())
    except Unproved:
        return False
    return True


def refuted(equations: tuple[Production, ...]) -> bool:
    try:
        rules.RULES["no_factorization"](("p", SHAPES, equations), ())
    except Unproved:
        return False
    return True


def test_a_state_and_what_it_is_read_by() -> None:
    assert order_of(EQUATIONS, SHAPES_ONLY) == IN_TURNS
    assert holds(EQUATIONS, IN_TURNS)
    assert not refuted(EQUATIONS)


WRONG_ORDERS = {
    "one after the other": (0, 1, 2),
    "the other one after the other": (0, 2, 1),
    "the first element last": (Turns((1, 2), rising=True), 0),
    "another order within a slice": (0, Turns((2, 1), rising=True)),
    "from the last slice down": (0, Turns((1, 2), rising=False)),
    "one of them twice": (0, Turns((1, 2, 2), rising=True)),
    "one of them left out": (0, Turns((1,), rising=True)),
}


@pytest.mark.parametrize("name", WRONG_ORDERS)
def test_an_order_in_which_something_is_needed_too_early(name: str) -> None:
    assert not holds(EQUATIONS, WRONG_ORDERS[name])


#: Each with the equations that go round, at slices: what is stated twice over is a circle whatever the order.
CIRCLES = {
    "within a slice": (FIRST, equation(at("h", 0), at("h", -1), at("x", 0), over=LATER), SEEN),
    "over two slices": (FIRST, equation(at("h", 0), at("x", -1), over=LATER), equation(at("x", 0), at("h", 1), over=(Range("t", 0, 4),)), equation(at("x", 4, "place"), over=())),
    "through a view": (FIRST, equation(at("h", 0), at("x", 1, "before"), over=LATER), SEEN),
    "through all of a variable": (FIRST, equation(at("h", 0), Place("x"), over=LATER), SEEN),
    "at one place": (equation(at("h", 0, "place"), at("x", 0, "place"), over=()), STATE, SEEN),
}  # fmt: skip


@pytest.mark.parametrize("name", CIRCLES)
def test_a_circle_is_refuted_and_never_proved(name: str) -> None:
    equations = CIRCLES[name]
    assert order_of(equations, SHAPES_ONLY) is None
    assert circle(equations, SHAPES_ONLY) is not None
    assert refuted(equations)
    numbers = range(len(equations))
    for rising in (True, False):
        assert not holds(equations, (0, Turns(tuple(numbers)[1:], rising)))
        assert not holds(equations, (Turns(tuple(numbers), rising),))


def test_a_circle_on_paper_only_is_not_refuted() -> None:
    """x[t] needs h[t] for t < 3 alone, and h[t] needs x[t] from 3 on: no element needs itself."""
    equations = (
        equation(at("h", 0), over=(Range("t", 0, 3),)),
        equation(at("h", 0), at("x", 0), over=(Range("t", 3, 5),)),
        equation(at("x", 0), at("h", 0), over=(Range("t", 0, 3),)),
        equation(at("x", 0), over=(Range("t", 3, 5),)),
    )
    assert not refuted(equations)
    order = order_of(equations, SHAPES_ONLY)
    assert order is not None and holds(equations, order)


def test_part_of_a_slice_does_not_make_a_circle() -> None:
    """h[t] needs x[t, 0], and x[t, 1] alone needs h[t]."""
    shapes = (("x", (5, 2)), ("h", (5,)))
    t, zero, one = Axis("index", "t"), Axis("place", "", 0), Axis("place", "", 1)
    x_0, x_1 = Place("x", (t, zero)), Place("x", (t, one))
    equations = (equation(x_0, over=ALL), equation(at("h", 0), x_0, over=ALL), equation(x_1, at("h", 0), over=ALL))
    order = order_of(equations, dict(shapes))
    assert order == (0, 1, 2)
    assert circle(equations, dict(shapes)) is None
    assert rules.RULES["factorization"](("p", shapes, equations, order), ())


def test_what_is_mentioned_and_not_listed_counts() -> None:
    """A derived quantity need not be listed in a head, and yet has to be known."""
    silent = dataclasses.replace(SEEN, listed=(at("h", 0),), mentioned=(at("h", 0),))
    ahead = dataclasses.replace(silent, mentioned=(at("h", 0), at("h", 1)))
    assert holds((FIRST, STATE, silent), IN_TURNS)
    assert not holds((FIRST, STATE, ahead), IN_TURNS)
