"""Symbolic gradients against autograd, on random expressions."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gencompiler.derive import algebra
from gencompiler.derive.gradient import NoDerivative, gradient
from gencompiler.diagnostics.span import BUILTIN
from gencompiler.model import nodes
from gencompiler.model.formula import formula
from tests.evaluate import evaluate

SIZE = 3
X = nodes.Reference(nodes.Type(nodes.REAL, (SIZE,)), "x", span=BUILTIN)
SMOOTH = ("exp", "tanh", "sigmoid", "softplus", "sinh", "sin", "cos", "atan", "asinh", "erf")


def element(place: int) -> nodes.Expr:
    at = algebra.literal(place, BUILTIN)
    return nodes.Element(nodes.Type(nodes.REAL), X, (at,), span=BUILTIN)


def one(function: str, argument: nodes.Expr) -> nodes.Expr:
    return nodes.Apply(argument.type, function, (argument,), span=BUILTIN)


def expressions(leaves: st.SearchStrategy[nodes.Expr]) -> st.SearchStrategy[nodes.Expr]:
    """Arithmetic and smooth functions over leaves of one shape."""

    def grow(inner: st.SearchStrategy[nodes.Expr]) -> st.SearchStrategy[nodes.Expr]:
        binary = st.sampled_from(("add", "subtract", "multiply"))
        return st.one_of(
            st.builds(lambda f, a, b: algebra.apply(f, a, b, span=BUILTIN), binary, inner, inner),
            st.builds(one, st.sampled_from(SMOOTH), inner),
            st.builds(lambda a: formula("if a > 0.1 then a^2 else 0.5 * a", a=a), inner),
        )

    return st.recursive(leaves, grow, max_leaves=6)


SCALARS = expressions(st.one_of(st.builds(element, st.integers(0, SIZE - 1)), st.just(algebra.literal(2, BUILTIN))))
VECTORS = expressions(st.just(X))
SUMS = st.builds(lambda v: algebra.total(v, BUILTIN), VECTORS)
DOTS = st.builds(lambda a, b: nodes.Contract(nodes.Type(nodes.REAL), a, b, span=BUILTIN), VECTORS, VECTORS)


@settings(max_examples=150, deadline=None)
@given(st.one_of(SCALARS, SUMS, DOTS, st.builds(lambda a, b: algebra.add(a, b, BUILTIN), SCALARS, SUMS)))
def test_gradients_equal_autograd(value: nodes.Expr) -> None:
    derived = gradient(value, nodes.Input("x", X.type, span=BUILTIN), {})
    assert derived.type.shape == (SIZE,)
    x = torch.tensor([0.3, -0.4, 0.21], dtype=torch.float64, requires_grad=True)
    result = evaluate(value, {"x": x})
    (expected,) = torch.autograd.grad(result, x, allow_unused=True) if result.requires_grad else (None,)
    expected = torch.zeros_like(x) if expected is None else expected
    found = evaluate(derived, {"x": x.detach()})
    if expected.isfinite().all():
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_what_has_no_derivative_is_refused() -> None:
    with pytest.raises(NoDerivative):
        gradient(one("floor", element(0)), nodes.Input("x", X.type, span=BUILTIN), {})
