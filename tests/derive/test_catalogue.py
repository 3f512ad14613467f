"""Every row of the catalogue is true: derivatives, inverses, ranges; densities have mass one, samplers follow them.

A new row is tested without a line here.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
import torch

from gencompiler.catalog.distributions import DISTRIBUTIONS, Family, Form
from gencompiler.catalog.functions import FUNCTIONS, Function
from gencompiler.diagnostics.span import BUILTIN
from gencompiler.model import nodes
from gencompiler.model.formula import formula
from gencompiler.model.nodes import Support
from gencompiler.proof import mass_search
from gencompiler.proof.density_facts import HasMass
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import apply, literal, symbol
from gencompiler.proof.search import Search
from tests.evaluate import evaluate

UNARY = [f for f in FUNCTIONS.values() if f.arity == 1 and f.kind in ("real", "same") and f.name != "indicator"]


def points(function: Function) -> torch.Tensor:
    """Points inside the domain, away from its ends and from the kinks of piecewise functions."""
    ends = {
        "(-inf, inf)": (-3.0, 3.0),
        "(0, inf)": (0.01, 5.0),
        "[0, inf)": (0.01, 5.0),
        "(-1, inf)": (-0.9, 4.0),
        "(0, 1)": (0.01, 0.99),
        "(-pi / 2, pi / 2)": (-1.4, 1.4),
        "[-1/e, inf)": (-0.35, 5.0),
    }
    low, high = ends[function.domain]
    return torch.linspace(low, high, 41, dtype=torch.float64) + 0.00137


def reference(name: str) -> nodes.Reference:
    return nodes.Reference(nodes.Type(nodes.REAL), name, span=BUILTIN)


def value_of(text: str, **values: torch.Tensor) -> torch.Tensor:
    return evaluate(formula(text, **{n: reference(n) for n in values}), dict(values))


def applied(function: Function, *arguments: torch.Tensor) -> torch.Tensor:
    names = [f"a{i}" for i in range(len(arguments))]
    expr = nodes.Apply(nodes.Type(nodes.REAL), function.name, tuple(reference(n) for n in names), span=BUILTIN)
    return evaluate(expr, dict(zip(names, arguments, strict=True)))


@pytest.mark.parametrize("function", [f for f in UNARY if f.derivatives], ids=lambda f: f.name)
def test_the_derivative_of_a_unary_function_is_its_slope(function: Function) -> None:
    a = points(function).requires_grad_()
    (slope,) = torch.autograd.grad(applied(function, a).sum(), a)
    torch.testing.assert_close(
        value_of(function.derivatives[0], a=a.detach()).expand_as(slope), slope, rtol=1e-9, atol=1e-9
    )


#: Of real numbers; the others take conditions, or whole numbers, of which torch has no gradient.
UNKNOWN = [f for f in FUNCTIONS.values() if not f.derivatives and not f.value_derivative and f.kind != "boolean"]
UNKNOWN = [f for f in UNKNOWN if f.name not in ("indicator", "quotient")]


@pytest.mark.parametrize("function", UNKNOWN, ids=lambda f: f.name)
def test_a_function_without_formulas_is_flat_where_torch_has_no_slope(function: Function) -> None:
    given = [torch.linspace(0.21, 0.87, 19, dtype=torch.float64, requires_grad=True) for _ in range(function.arity)]
    value = torch.as_tensor(applied(function, *given)).double()
    slopes = torch.autograd.grad(value.sum(), given, allow_unused=True) if value.requires_grad else ()
    assert function.is_flat == all(slope is None or not slope.any() for slope in slopes)


@pytest.mark.parametrize(
    "function", [f for f in FUNCTIONS.values() if f.arity == 2 and f.derivatives], ids=lambda f: f.name
)
def test_the_derivatives_of_a_binary_function_are_its_slopes(function: Function) -> None:
    a = (torch.linspace(0.2, 3.0, 37, dtype=torch.float64)).requires_grad_()
    b = (torch.linspace(2.5, 0.3, 37, dtype=torch.float64)).requires_grad_()
    slopes = torch.autograd.grad(applied(function, a, b).sum(), (a, b))
    for text, slope in zip(function.derivatives, slopes, strict=True):
        found = value_of(text, a=a.detach(), b=b.detach()).expand_as(slope)
        torch.testing.assert_close(found, slope, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("function", [f for f in UNARY if f.inverse], ids=lambda f: f.name)
def test_the_inverse_undoes_the_function(function: Function) -> None:
    a = points(function)
    back = value_of(str(function.inverse), y=applied(function, a))
    torch.testing.assert_close(back, a, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("function", [f for f in UNARY if f.log_abs_derivative], ids=lambda f: f.name)
def test_log_abs_derivative_is_the_log_of_the_slope(function: Function) -> None:
    a = points(function).requires_grad_()
    (slope,) = torch.autograd.grad(applied(function, a).sum(), a)
    found = value_of(str(function.log_abs_derivative), a=a.detach()).expand_as(slope)
    torch.testing.assert_close(found, slope.abs().log(), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("function", [f for f in UNARY if f.monotone], ids=lambda f: f.name)
def test_a_function_called_monotone_is_monotone(function: Function) -> None:
    steps = applied(function, points(function)).diff()
    assert ((steps > 0) if function.monotone == "increasing" else (steps < 0)).all()


def admissible(form: Form) -> dict[str, torch.Tensor]:
    """Values for the parameters of a form, inside their supports."""
    inside = {"Positive": 0.7, "Unit": 0.3, "Real": 0.4, "Binary": 1.0, "NonNegative": 0.6}
    values = {name: torch.tensor(inside[support], dtype=torch.float64) for name, support in form.parameters}
    if "upper" in values:
        values["upper"] = values["lower"] + 1.5
    return values


FORMS = [(family, form) for family in DISTRIBUTIONS.values() for form in family.forms if form.support is None]
FORMS = [
    (family, form) for family, form in FORMS if not (form.vectors or form.joint or family.atom)
]  # those are in tests/families/test_categorical and test_dirichlet


@pytest.mark.parametrize(("family", "form"), FORMS, ids=lambda p: getattr(p, "name", "") or "default")
def test_a_density_has_mass_one(family: Family, form: Form) -> None:
    """Proved for all parameters, by the engine that proves users' densities."""
    if form.support_arguments:
        values = admissible(form)
        x = torch.linspace(float(values["lower"]), float(values["upper"]), 1001, dtype=torch.float64)
        density = value_of(form.log_density, x=x, **values).exp().expand_as(x)
        assert float(torch.trapezoid(density, x)) == pytest.approx(1.0, abs=1e-9)
        return
    x_ = symbol("input", "x", Support(family.support))
    choices = [
        [literal(0), literal(1)] if support == "Binary" else [symbol("input", name, Support(support))]
        for name, support in form.parameters
    ]
    for values_ in itertools.product(*choices):
        names = dict(zip((name for name, _ in form.parameters), values_, strict=True))
        density_ = apply("exp", instance(form.log_density, x=x_, **names))
        assert mass_search.closed_form(Search(), (x_,), density_).conclusion == HasMass((x_,), density_)


@pytest.mark.parametrize(
    ("family", "form"), [p for p in FORMS if p[1].cdf], ids=lambda p: getattr(p, "name", "") or "d"
)
def test_a_density_is_the_derivative_of_its_cdf(family: Family, form: Form) -> None:
    values = admissible(form)
    inside = {"Real": (-3.0, 4.0), "Positive": (0.1, 4.0), "Unit": (0.05, 0.95), "Interval": (0.5, 1.8)}
    x = torch.linspace(*inside[family.support], 50, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(value_of(str(form.cdf), x=x, **values).sum(), x)
    density = value_of(form.log_density, x=x.detach(), **values).exp().expand_as(x)
    torch.testing.assert_close(density, slope, rtol=1e-9, atol=1e-12)


#: Laws without a distribution function are drawn from and compared in tests/families/test_laws.
KNOWN = [p for p in FORMS if p[1].cdf or p[0].support == "Binary"]


@pytest.mark.parametrize(("family", "form"), KNOWN, ids=lambda p: getattr(p, "name", "") or "default")
def test_a_sampler_follows_its_density(family: Family, form: Form) -> None:
    """DKW (Massart 1990): P(sup|F_n - F| > e) ≤ 2 exp(-2 n e²) = 1e-9; power: a scale wrong by 5% at n = 400,000 is
    seen."""
    count = 400_000
    generator = torch.Generator().manual_seed(7)
    uniform = torch.rand(count, generator=generator, dtype=torch.float64).clamp(1e-12, 1 - 1e-12)
    normal = torch.randn(count, generator=generator, dtype=torch.float64)
    values = admissible(form)
    drawn = value_of(form.sample, uniform=uniform, normal=normal, **values)
    allowed = math.sqrt(math.log(2 / 1e-9) / (2 * count))
    if family.support == "Binary":
        expected = value_of(str(form.mean), **values)
        assert abs(float(drawn.mean() - expected)) < allowed
        return
    ordered = drawn.sort().values
    cdf = value_of(str(form.cdf), x=ordered, **values)
    ranks = torch.arange(1, count + 1, dtype=torch.float64) / count
    assert float((cdf - ranks).abs().max()) < allowed
    middle = ordered[count // 2] if family.support in ("Real", "Interval") else torch.zeros(())
    wider = middle + 1.05 * (ordered - middle)
    stretched = value_of(str(form.cdf), x=wider.clamp(max=1 - 1e-12) if family.support == "Unit" else wider, **values)
    assert float((stretched.clamp(0, 1) - ranks).abs().max()) > allowed


@pytest.mark.parametrize("family", [f for f in DISTRIBUTIONS.values() if f.atom], ids=lambda f: f.name)
def test_an_atom_has_all_its_mass_at_one_value(family: Family) -> None:
    (form,) = family.forms
    x = torch.arange(-3.0, 4.0, dtype=torch.float64)
    value = torch.tensor(2.0, dtype=torch.float64)
    masses = value_of(form.log_density, x=x, value=value).exp()
    assert torch.equal(masses, (x == 2).double())
    assert float(value_of(form.sample, value=value)) == float(value_of(str(form.mean), value=value)) == 2


def test_the_discretized_logistic_has_mass_one() -> None:
    """Proved for all parameters, over two, three and six values; and in floating point without a loss in the tails."""
    (form,) = DISTRIBUTIONS["DiscretizedLogistic"].forms
    names = {n: symbol("input", n, Support(s)) for n, s in form.parameters[:2]}
    for count in (2, 3, 6):
        x_ = symbol("input", "x", Support("Integer", (Fraction(0), Fraction(count))))
        density = apply("exp", instance(form.log_density, x=x_, lower=literal(0), upper=literal(count), **names))
        assert mass_search.closed_form(Search(), (x_,), density).conclusion == HasMass((x_,), density)
    x = torch.arange(256.0, dtype=torch.float32)
    values = {"mean": torch.tensor(250.0), "scale": torch.tensor(0.5), "upper": torch.tensor(256.0)}
    found = value_of(form.log_density, x=x, lower=torch.tensor(0.0), **values)
    assert float(found.double().exp().sum()) == pytest.approx(1.0, abs=1e-6)
    assert float(found[0]) == pytest.approx(-(250 - 0.5) / 0.5, rel=1e-6)


def test_the_uniform_over_integers() -> None:
    """Equal masses on lower, …, upper - 1; the sampler gives level j where floor(n u) = j, and never `upper`."""
    (form,) = (f for f in DISTRIBUTIONS["Uniform"].forms if f.support == "Integer")
    ends = {"lower": torch.tensor(-2.0, dtype=torch.float64), "upper": torch.tensor(5.0, dtype=torch.float64)}
    x = torch.arange(-2.0, 5.0, dtype=torch.float64)
    assert float(value_of(form.log_density, x=x, **ends).exp() * len(x)) == pytest.approx(1.0, abs=1e-12)
    inside = (torch.arange(7_000, dtype=torch.float64) + 0.5) / 7_000
    drawn = value_of(form.sample, uniform=inside, **ends)
    assert torch.equal(torch.bincount((drawn + 2).long()), torch.full((7,), 1000))
    assert float(value_of(form.sample, uniform=torch.tensor(1.0, dtype=torch.float64), **ends)) == 4
    assert float(value_of(str(form.mean), **ends)) == float(x.mean())
