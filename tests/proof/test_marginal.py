"""Latent variables taken out exactly: which densities exist, and which only look as if they did."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from gencompiler.model.nodes import Support
from gencompiler.proof import graph
from gencompiler.proof.facts import Fact, Member
from gencompiler.proof.graph import Term, apply, contract, element, literal, reduce, select, symbol
from gencompiler.proof.kernel import RULES, Proof, Unproved, prove
from gencompiler.proof.marginal_rules import is_affine, why_not
from gencompiler.proof.slices import LARGEST_SUM, values_of
from gencompiler.proof.structure import Admissible, Chains, Factorizes, HasDensity, Place, Production

REAL, BINARY = Support("Real"), Support("Binary")
Z = symbol("variable", "z", REAL, (2,))
H = symbol("variable", "h", BINARY, (3,))
W = symbol("parameter", "W", REAL, (4, 2))
B = symbol("parameter", "b", REAL, (4,))
S = symbol("parameter", "s", Support("Positive"))
LATENT = frozenset((Z,))


def add(a: Term, b: Term) -> Term:
    return apply("add", a, b)


@pytest.mark.parametrize(
    ("term", "affine"),
    [
        (Z, True),
        (B, True),
        (add(contract(W, Z), B), True),
        (apply("multiply", S, contract(W, Z)), True),
        (apply("divide", contract(W, Z), S), True),
        (apply("negate", Z), True),
        (select(Z, (1, 0)), True),
        (graph.join((Z, B)), True),
        (reduce("sum", Z), True),
        (reduce("mean", apply("multiply", literal(3), Z)), True),
        (element(Z, (literal(1),)), True),
        (contract(Z, Z), False),
        (apply("multiply", Z, Z), False),
        (apply("divide", S, element(Z, (literal(0),))), False),
        (apply("tanh", contract(W, Z)), False),
        (apply("exp", B), True),
        (reduce("max", Z), False),
        (reduce("prod", Z), False),
        (apply("power", Z, literal(2)), False),
        (graph.choose(apply("less", B, literal(0)), contract(W, Z), B), False),
        (graph.network("mlp", 0, (4,), (Z,)), False),
        (element(B, (element(Z, (literal(0),)),)), False),
    ],
    ids=repr,
)
def test_affine_is_read_off_the_structure(term: Term, affine: bool) -> None:
    assert is_affine(term, LATENT) is affine


@pytest.mark.parametrize(
    ("support", "shape", "count"),
    [
        (BINARY, (3,), 8),
        (Support("Category", (Fraction(5),)), (), 5),
        (Support("Integer", (Fraction(-1), Fraction(3))), (2,), 16),
        (Support("Count"), (), None),
        (Support("Permutation", (Fraction(3),)), (3,), None),
        (REAL, (), None),
        (Support("Interval", (Fraction(0), Fraction(1))), (), None),
    ],
)
def test_values_are_counted(support: Support, shape: tuple[int, ...], count: int | None) -> None:
    assert values_of(support, shape) == count


# -- the rule --------------------------------------------------------------------------------------------------------


def production(name: str, law: Proof, *listed: str, mentioned: tuple[str, ...] | None = None) -> Production:
    given = tuple(Place(v) for v in listed)
    used = given if mentioned is None else tuple(Place(v) for v in mentioned)
    return Production(f"p({name})", (), (Place(name),), given, used, law.conclusion)


def in_range(term: Term) -> Proof:
    from gencompiler.proof.search import Search

    return Search(()).range(term)


def normal(mean: Term, scale: Term, shape: tuple[int, ...]) -> Proof:
    return prove("distribution", ("Normal", "", (mean, scale), REAL, shape), in_range(mean), in_range(scale))


def bernoulli(logits: Term, shape: tuple[int, ...]) -> Proof:
    return prove("distribution", ("Bernoulli", "logits", (logits,), BINARY, shape), in_range(logits))


def marginal(variables: dict[str, tuple[int, ...]], parts: list[tuple[Production, Proof]], observed: str) -> Proof:
    productions = tuple(p for p, _ in parts)
    order = tuple(range(len(parts)))
    whole = prove("factorization", ("p", tuple(variables.items()), productions, order))
    return prove("marginal", ((observed,), ()), whole, *(law for _, law in parts))


def gaussian(mean: Term, scale: Term = S, prior: Proof | None = None) -> Proof:
    prior = prior or normal(literal(0), literal(1), (2,))
    x = normal(mean, scale, (4,))
    return marginal({"z": (2,), "x": (4,)}, [(production("z", prior), prior), (production("x", x, "z"), x)], "x")


def test_a_linear_gaussian_latent_is_integrated_out() -> None:
    found = gaussian(add(contract(W, Z), B)).conclusion
    assert isinstance(found, HasDensity)
    assert (found.kind, found.observed) == ("exact", ("x",))


@pytest.mark.parametrize(
    ("mean", "scale"),
    [
        (apply("tanh", add(contract(W, Z), B)), S),
        (contract(W, apply("multiply", Z, Z)), S),
        (add(contract(W, Z), B), apply("exp", element(Z, (literal(0),)))),
    ],
    ids=["a curved mean", "a product of latents", "a scale that depends on the latent"],
)
def test_what_only_looks_linear_gaussian_is_not(mean: Term, scale: Term) -> None:
    with pytest.raises(Unproved, match="neither finite nor Normal"):
        gaussian(mean, scale)


def test_a_latent_that_is_not_normal_is_not_integrated() -> None:
    logistic = prove(
        "distribution",
        ("Logistic", "", (literal(0), literal(1)), REAL, (2,)),
        in_range(literal(0)),
        in_range(literal(1)),
    )
    with pytest.raises(Unproved, match="`z` is neither"):
        gaussian(add(contract(W, Z), B), prior=logistic)


def test_a_finite_latent_is_summed_whatever_depends_on_it() -> None:
    h = bernoulli(literal(0), (3,))
    x = bernoulli(reduce("prod", apply("exp", H)), (4,))
    parts = [(production("h", h), h), (production("x", x, "h"), x)]
    assert isinstance(marginal({"h": (3,), "x": (4,)}, parts, "x").conclusion, HasDensity)


def test_too_many_values_are_not_summed() -> None:
    h = bernoulli(literal(0), (17,))
    x = bernoulli(literal(0), (4,))
    assert LARGEST_SUM < 2**17
    with pytest.raises(Unproved, match="131,072 values"):
        marginal({"h": (17,), "x": (4,)}, [(production("h", h), h), (production("x", x, "h"), x)], "x")


def test_a_law_must_be_the_equations_own() -> None:
    prior, other = normal(literal(0), literal(1), (2,)), normal(literal(0), S, (2,))
    x = normal(add(contract(W, Z), B), S, (4,))
    parts = [(production("z", prior), other), (production("x", x, "z"), x)]
    with pytest.raises(Unproved, match="law"):
        marginal({"z": (2,), "x": (4,)}, parts, "x")


def test_an_equation_without_a_law_has_no_density() -> None:
    prior = normal(literal(0), literal(1), (2,))
    x = normal(add(contract(W, Z), B), S, (4,))
    bare = dataclasses.replace(production("x", x, "z"), law=None)
    whole = prove("factorization", ("p", (("z", (2,)), ("x", (4,))), (production("z", prior), bare), (0, 1)))
    with pytest.raises(Unproved):
        prove("marginal", (("x",), ()), whole, prior)


# -- what is determined has no density -------------------------------------------------------------------------------


def test_what_a_pipeline_makes_of_something_observed_has_no_density_beside_it() -> None:
    """`y = x |> F`, both observed: the law of (x, y) lies on a curve."""
    normal_, flow = Admissible("Normal", "", (literal(0), literal(1)), REAL, ()), Chains(REAL, REAL, (), (), ())

    def stated(name: str, law: Fact, *parents: str) -> Production:
        listed = tuple(Place(p) for p in parents)
        return Production(name, (), (Place(name),), listed, listed, law)

    productions = (stated("z", normal_), stated("x", flow, "z"), stated("y", flow, "x"))
    assert why_not(productions[:1], (), {}) is None
    reason = why_not(productions[1:], (), {}) or ""
    assert "determined by it" in reason
    assert "determined by it" in (why_not(productions, ("z",), {"z": ()}) or "")


def test_a_marginal_is_that_of_a_factorization() -> None:
    law = Admissible("Normal", "", (literal(0), literal(1)), REAL, ())
    with pytest.raises(Unproved, match="no factorization"):
        RULES["marginal"]((("x",), ()), (law, law))


@pytest.mark.parametrize(
    ("observed", "said"), [(("x", "w"), "nothing produces"), (("x",), "what is not given"), (("z",), "density")]
)
def test_what_is_asked_of_a_marginal(observed: tuple[str, ...], said: str) -> None:
    law = Admissible("Normal", "", (literal(0), literal(1)), REAL, ())
    member = Member(literal(0), REAL)
    parents = (Place("c"),) if said == "what is not given" else ()
    made = (
        Production("z", (), (Place("z"),), (), (), member if said == "density" else law),
        Production("x", (), (Place("x"),), parents, parents, law),
    )
    conditions = tuple(p.variable for p in parents)
    whole = Factorizes("p", (("z", ()), ("x", ())), made, conditions)
    with pytest.raises(Unproved, match=said):
        RULES["marginal"]((observed, ()), (whole, *(p.law for p in made)))  # type: ignore[arg-type]
