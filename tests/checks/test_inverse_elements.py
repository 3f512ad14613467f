"""Statements about inverses whose variables are tensors, or functions of others; what is unknown; derived inverses."""

from __future__ import annotations

import pytest

from gencompiler import check
from gencompiler.api import CheckResult
from tests.checks.test_inverse_networks import TRUE, Heads, can_state, heads, spec, status

VECTORS_TRUE = [
    (
        "observed x : Real[4] latent z : Real[4] p(z) = Normal(0, 1) p(x[i] | z[i]) = Normal(z[i], 1)"
        " q(z[i] | x[i]) = Normal(x[i] / 2, 1)",
        "a plate",
    ),
    (
        "observed x : Real[4] latent z : Real[4] p(z) = Normal(0, 1) p(x | z) = Normal(2 * z, 1)"
        " q(z | x) = Normal(x / 2, 1)",
        "a plate that the body shows, and the heads do not",
    ),
    (
        "observed x : Real[4] latent z : Real[2] p(z) = Normal(0, 1) p(x | z) = Normal(linear(z), 1)"
        " q(z[0] | x) = Normal(linear(x), 1) q(z[1] | z[0], x) = Normal(linear(x) + z[0], 1)",
        "the second element after the first",
    ),
    (
        "observed x : Real[3] latent m : Real, z : Real[3] p(m) = Normal(0, 1) p(z[i] | m) = Normal(m, 1)"
        " p(x[i] | z[i]) = Normal(z[i], 1) q(m | x) = Normal(mean(x), 1) q(z[i] | m, x[i]) = Normal(m + x[i], 1)",
        "a plate below a mean",
    ),
    (
        "observed x, y : Binary latent a, b, c : Binary p(a) = Bernoulli(0.3) p(b) = Bernoulli(0.6) c = a or b"
        " p(x | c) = Bernoulli([0.2, 0.9][c]) p(y | a) = Bernoulli([0.1, 0.7][a])"
        " q(a | x, y) = Bernoulli(logits = linear(x, y)) q(b | a, x) = Bernoulli(logits = linear(a, x))"
        " q(c | a, b) = Bernoulli(logits = linear(a, b))",
        "a function of two known ones needs nothing else",
    ),
    (
        "observed x : Binary given g : Binary latent a : Binary p(a) = Bernoulli([0.2, 0.4][g])"
        " p(x | a) = Bernoulli([0.2, 0.4][a]) q(a | x) = Bernoulli(logits = linear(x, g))",
        "what is given is known to all",
    ),
]

VECTORS_FALSE = [
    (
        "observed x : Real[4] latent z : Real[4] p(z) = Normal(0, 1) p(x[i] | z[i]) = Normal(z[i], 1)"
        " q(z) = Normal(bias(), 1)",
        "a plate without its observations",
    ),
    (
        "observed x : Real[4] latent z : Real[2] p(z) = Normal(0, 1) p(x | z) = Normal(linear(z), 1)"
        " q(z | x) = Normal(linear(x), 1)",
        "mean field: the causes of one vector compete",
    ),
    (
        "observed x : Real[3] latent m : Real, z : Real[3] p(m) = Normal(0, 1) p(z[i] | m) = Normal(m, 1)"
        " p(x[i] | z[i]) = Normal(z[i], 1) q(m | x) = Normal(mean(x), 1) q(z[i] | x[i]) = Normal(x[i], 1)",
        "a plate without its mean",
    ),
    (
        "observed x, y : Binary latent a, b, c : Binary p(a) = Bernoulli(0.3) p(b) = Bernoulli(0.6) c = a or b"
        " p(x | c) = Bernoulli([0.2, 0.9][c]) p(y | a) = Bernoulli([0.1, 0.7][a])"
        " q(c | x, y) = Bernoulli(logits = linear(x, y)) q(a | c, y) = Bernoulli(logits = linear(c, y))"
        " q(b | c) = Bernoulli(logits = linear(c))",
        "the arguments of `or` compete once its value is known",
    ),
]

UNKNOWN = [
    (
        "observed x : Binary latent a, b : Binary p(a) = Bernoulli(0.5) p(b) = Bernoulli(0.5)"
        " p(x | a, b) = Bernoulli([[0.2, 0.2], [0.7, 0.7]][a, b])"
        " q(a | x) = Bernoulli(logits = linear(x)) q(b) = Bernoulli(logits = bias())",
        "the graph lets b matter, and these numbers do not",
    ),
    (
        "observed x : Binary latent a : Binary p(a) = Bernoulli(0.5) p(x | a) = Bernoulli(logits = bias())"
        " q(a) = Bernoulli(logits = bias())",
        "the head lists a cause that the body does not use",
    ),
]


def vectors(text: str) -> CheckResult:
    return check(f"model M {{ {text} claim faithful(q, p) }}")


@pytest.mark.parametrize(("text", "why"), VECTORS_TRUE, ids=[t[1] for t in VECTORS_TRUE])
def test_true_statements_about_elements_are_proved(text: str, why: str) -> None:
    found = vectors(text)
    assert status(found) == "proved", found.render()


@pytest.mark.parametrize(("text", "why"), VECTORS_FALSE, ids=[t[1] for t in VECTORS_FALSE])
def test_false_statements_about_elements_are_refuted(text: str, why: str) -> None:
    assert status(vectors(text)) == "refuted"


@pytest.mark.parametrize(("text", "why"), UNKNOWN, ids=[t[1] for t in UNKNOWN])
def test_what_the_graph_and_the_numbers_tell_differently_is_unknown(text: str, why: str) -> None:
    assert status(vectors(text)) == "unknown"


def test_a_dependence_on_two_together_is_found() -> None:
    """x is the parity of a and b, nearly: given x alone, each is fair; c depends on both together."""
    text = (
        "observed x : Binary latent a, b : Binary p(a) = Bernoulli(0.5) p(b) = Bernoulli(0.5)"
        " p(x | a, b) = Bernoulli([[0.1, 0.9], [0.9, 0.1]][a, b])"
        " q(a) = Bernoulli(logits = bias()) q(b | a) = Bernoulli(logits = linear(a))"
    )
    found = vectors(text)
    assert status(found) == "refuted", found.render()
    fixed = text.replace("q(b | a) = Bernoulli(logits = linear(a))", "q(b | a, x) = Bernoulli(logits = linear(a, x))")
    assert status(vectors(fixed)) in ("proved", "unknown")


def test_an_inverse_that_is_derived_is_faithful_and_minimal() -> None:
    for graph, observed, _, _ in TRUE:
        seen = tuple(observed.split(","))
        text = spec(heads(graph), seen, {}).replace("  claim faithful(q, p)\n", "  q = inverse(p)\n")
        found = check(text)
        assert found.diagnostics == (), text
        verdicts = {v.obligation.id: v.status for v in found.verdicts if v.obligation.id in ("faithful", "minimal")}
        assert verdicts == {"faithful": "proved", "minimal": "proved"}


def test_a_parent_that_could_be_left_out_refutes_that_an_inverse_is_minimal() -> None:
    """Of what is faithful, each parent in turn is left out: what stays faithful without one was not minimal."""
    for graph, observed, inverse, why in TRUE:
        own, seen = heads(inverse), tuple(observed.split(","))
        spare = False
        for name, parents in own.items():
            for parent in parents:
                fewer = {**own, name: tuple(p for p in parents if p != parent)}
                spare = spare or separated(heads(graph), seen, fewer)
        found = check(spec(heads(graph), seen, own).replace("faithful", "minimal"))
        assert ("is not minimal" in found.render()) == spare, (graph, inverse, why)
        assert (found.diagnostics == ()) == (not spare)


def separated(graph: Heads, observed: tuple[str, ...], inverse: Heads) -> bool:
    """Whether the posterior has these independences for three random joints over the graph, by adding up."""
    return all(can_state(graph, observed, inverse, seed) for seed in (1, 2, 3))
