"""Pipelines from several variables, and levels between them: what a factorization and a density ask of them."""

from __future__ import annotations

import dataclasses

import pytest

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import rules
from gencompiler.proof.conditional_rules import HasConditional
from gencompiler.proof.facts import Fact, Member
from gencompiler.proof.graph import literal
from gencompiler.proof.kernel import RULES, Unproved
from gencompiler.proof.structure import Admissible, Axis, Chains, Factorizes, HasDensity, Place, Production

assert rules.RULES

SHAPES = {"z": (2, 3), "w": (1, 3), "h": (3, 2), "v": (1, 2), "x": (4, 2)}


def drawn(name: str, *parents: str, event: Support = REAL) -> Production:
    law = Admissible("Normal", "", (literal(0), literal(1)), event, SHAPES[name])
    listed = tuple(Place(p) for p in parents)
    return Production(name, (), (Place(name),), listed, listed, law)


def piped(name: str, sources: tuple[str, ...], *conditions: str, shape: tuple[int, ...] | None = None) -> Production:
    taken = [SHAPES[s] for s in sources]
    starts = shape or (sum(s[0] for s in taken), *taken[0][1:])
    end = SHAPES[name] if SHAPES[name] != starts else None
    listed = tuple(Place(p) for p in (*sources, *conditions))
    law = Chains(REAL, REAL, starts, (), (), end)
    return Production(f"{name} = …", (), (Place(name),), listed, listed, law, False, len(sources))


#: h = join(z, w) |> …, p(v | h), x = join(h, v) |> …, whose first axes are 3 and 1.
LEVELS = (drawn("z"), drawn("w"), piped("h", ("z", "w")), drawn("v", "h"), piped("x", ("h", "v")))


def factorized(*productions: Production) -> Factorizes:
    names = dict.fromkeys(p.variable for production in productions for p in production.produces)
    variables = tuple((name, SHAPES[name]) for name in names)
    order = tuple(range(len(productions)))
    found = RULES["factorization"](("p", variables, productions, order), ())
    assert isinstance(found, Factorizes)
    return found


def changed(number: int, **changes: object) -> tuple[Production, ...]:
    return tuple(dataclasses.replace(p, **changes) if k == number else p for k, p in enumerate(LEVELS))  # type: ignore[arg-type]


def density(whole: Factorizes, observed: tuple[str, ...]) -> Fact:
    return RULES["density"]((observed, ()), (whole, *(p.law for p in whole.productions)))  # type: ignore[arg-type]


def conditional(whole: Factorizes, targets: tuple[str, ...], given: tuple[str, ...], *used: int) -> Fact:
    laws = [whole.productions[k].law for k in used]
    return RULES["conditional_density"]((targets, given), (whole, *laws))  # type: ignore[arg-type]


def test_levels_have_a_density_and_what_is_between_them_too() -> None:
    whole = factorized(*LEVELS)
    assert density(whole, ("x",)) == HasDensity("p", ("x",), (), LEVELS, "exact")
    assert conditional(whole, ("x",), (), *range(5)) == HasConditional("p", ("x",), (), LEVELS, "exact")
    assert conditional(whole, ("h", "v"), (), 0, 1, 2, 3)
    assert conditional(whole, ("v",), ("h",), 3)


@pytest.mark.parametrize(
    "productions",
    [
        changed(2, law=Chains(REAL, REAL, (3, 2), (), (), (3, 2))),  # another shape goes in
        changed(2, law=Chains(REAL, REAL, (3, 3), (), (), (2, 3))),  # another comes out
        changed(2, law=Chains(Support("Positive"), REAL, (3, 3), (), (), (3, 2))),
        changed(2, sources=1),
        changed(2, sources=3),
        changed(2, inverted=True),
        changed(2, law=Admissible("Normal", "", (literal(0), literal(1)), REAL, (3, 2))),
        changed(2, listed=(Place("z"), Place("z")), mentioned=(Place("z"), Place("z"))),
        changed(2, listed=(Place("z"), Place("w", (Axis("place"),))), mentioned=()),
    ],
    ids=["taken", "given", "support", "too few", "too many", "inverted", "no pipeline", "twice", "a part"],
)
def test_what_is_joined_has_to_fit(productions: tuple[Production, ...]) -> None:
    with pytest.raises(Unproved):
        factorized(*productions)


def test_what_is_determined_has_no_density() -> None:
    whole = factorized(*LEVELS)
    for targets, given in ((("x",), ("h",)), (("x", "h"), ()), (("x", "v"), ()), (("x", "z"), ())):
        with pytest.raises(Unproved):
            conditional(whole, targets, given, *range(5))
    with pytest.raises(Unproved):
        density(whole, ("x", "v"))


def test_a_map_may_not_read_what_is_eliminated() -> None:
    """x = join(h, v) |> F(z): h and v determine z, so that F is of them alone, and need not be one-to-one."""
    reading = (*LEVELS[:4], piped("x", ("h", "v"), "z"))
    whole = factorized(*reading)
    with pytest.raises(Unproved):
        density(whole, ("x",))
    with pytest.raises(Unproved):
        conditional(whole, ("x",), (), *range(5))


def test_nor_through_a_quantity() -> None:
    quantity = Production("v", (), (Place("v"),), (Place("h"),), (Place("h"),), Member(literal(0), REAL))
    reading = (*LEVELS[:3], quantity, dataclasses.replace(piped("x", ("h",), "v", shape=(3, 2))))
    whole = factorized(*reading)
    with pytest.raises(Unproved):
        density(whole, ("x",))


def test_a_source_of_two_pipelines() -> None:
    twice = (*LEVELS[:4], piped("x", ("h", "v")))
    SHAPES["y"] = SHAPES["h"]
    whole = factorized(*twice, piped("y", ("h",)))
    with pytest.raises(Unproved):
        density(whole, ("x", "y"))
