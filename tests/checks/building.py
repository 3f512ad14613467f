"""Models by hand, without the front end: what the checks see, node by node."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from gencompiler.checks import Checked, check
from gencompiler.derive.derive import derive
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Reporter
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.nodes import BINARY, REAL, Expr, Support, Type

AT = Span("by hand", 0, 1)
POSITIVE, UNIT = Support("Positive"), Support("Unit")


def number(value: int | Fraction) -> nodes.Literal:
    return nodes.Literal(Type(REAL), Fraction(value), span=AT)


def reference(name: str, shape: tuple[int, ...] = (), support: Support = REAL) -> nodes.Reference:
    return nodes.Reference(Type(support, shape), name, span=AT)


def parameter(path: str, shape: tuple[int, ...] = ()) -> nodes.ParameterReference:
    return nodes.ParameterReference(Type(REAL, shape), path, span=AT)


def apply(function: str, *arguments: Expr) -> nodes.Apply:
    shape = next((a.type.shape for a in arguments if a.type.shape), ())
    return nodes.Apply(Type(REAL, shape), function, arguments, span=AT)


def part(base: Expr, start: int, stop: int) -> nodes.Slice:
    return nodes.Slice(Type(REAL, (stop - start,)), base, start, stop, span=AT)


def network(path: str, output: int, size: int, *inputs: Expr) -> nodes.NetworkOutput:
    return nodes.NetworkOutput(Type(REAL, (size,)), path, output, inputs, span=AT)


def declared(path: str, support: Support, shape: tuple[int, ...] = (), lift: tuple[int, ...] = ()) -> nodes.Parameter:
    return nodes.Parameter(path, support, (), lift, shape, span=AT)


def map_(
    name: str, body: Expr, shape: tuple[int, ...], result: Support = REAL, lift: tuple[int, ...] = ()
) -> nodes.Map:
    own = nodes.Input("u", Type(REAL, shape), span=AT)
    return nodes.Map(name, name, own, Type(result, shape), lift, body, span=AT)


def use(name: str) -> nodes.UseMap:
    return nodes.UseMap(name, span=AT)


def variable(name: str, role: str, support: Support, shape: tuple[int, ...]) -> nodes.Variable:
    return nodes.Variable(name, role, Type(support, shape), span=AT)


def normal(mean: Expr, scale: Expr, shape: tuple[int, ...]) -> nodes.Distribution:
    return nodes.Distribution(Type(REAL, shape), "Normal", "", (mean, scale), span=AT)


def conditional(
    target: Expr, given: tuple[Expr, ...], distribution: Expr, indices: tuple[nodes.Range, ...] = ()
) -> nodes.Conditional:
    return nodes.Conditional("p", (target,), given, indices, distribution, span=AT)


def model(**parts: tuple[object, ...]) -> nodes.Model:
    """A model with these parts and nothing else."""
    names = [f.name for f in dataclasses.fields(nodes.Model) if f.name not in ("name", "doc", "span")]
    return nodes.Model(name="ByHand", doc="", **{n: parts.get(n, ()) for n in names}, span=AT)  # type: ignore[arg-type]


def maximum_likelihood(name: str = "x", shape: tuple[int, ...] = (4,), support: Support = REAL) -> nodes.Training:
    """`E[x ~ data] log p(x)`"""
    own = (nodes.Binding(name, reference(name, shape, support), span=AT),)
    density = nodes.LogDensity(Type(REAL), "p", own, (), span=AT)
    drawn = nodes.Drawn((name,), (name,), nodes.Data(span=AT), span=AT)
    value = nodes.Expectation(Type(REAL), (drawn,), density, span=AT)
    phase = nodes.Phase("phase_1", ("p",), ("W",), True, value, span=AT)
    return nodes.Training(nodes.Objective("maximum_likelihood", (phase,), span=AT), (), span=AT)


def run(built: nodes.Model, *, allow_unknown: bool = False) -> tuple[Checked, Reporter, Derived]:
    """The checks of a model, with all that they reported."""
    reporter = Reporter()
    derived = derive(built)
    return check(derived, reporter, allow_unknown=allow_unknown), reporter, derived


# -- three systems ---------------------------------------------------------------------------------------------------

U = reference("u", (4,))
A, B = part(U, 0, 2), part(U, 2, 4)
BACKWARDS = nodes.Permute(Type(REAL, (4,)), U, (3, 2, 1, 0), span=AT)


def coupling_body(scale: Expr | None = None, shift: Expr | None = None) -> Expr:
    """`join(a, b * exp(tanh(s)) + t)`, or with another scale or shift."""
    scale = scale if scale is not None else apply("exp", apply("tanh", network("C.mlp", 0, 2, A)))
    shift = shift if shift is not None else network("C.mlp", 1, 2, A)
    return nodes.Join(Type(REAL, (4,)), (A, apply("add", apply("multiply", B, scale), shift)), span=AT)


def flow(
    body: Expr | None = None,
    stages: tuple[nodes.Stage, ...] | None = None,
    target: Support | None = None,
    parameters: tuple[nodes.Parameter, ...] = (),
    maps: tuple[nodes.Map, ...] = (),
) -> nodes.Model:
    """RealNVP on four dimensions: couplings and reversals, sigmoid, quantization to 17 levels."""
    own = {
        "C": map_("C", body if body is not None else coupling_body(), (4,)),
        "reverse": map_("reverse", BACKWARDS, (4,)),
        "sigmoid": map_("sigmoid", apply("sigmoid", reference("u")), (), UNIT, (4,)),
        **{m.name: m for m in maps},
    }
    if stages is None:
        loop = nodes.Repeat(4, (use("C"), use("reverse")), span=AT)
        stages = (loop, use("sigmoid"), nodes.UseSurjection("quantize", span=AT))
    seventeen = Support("Integer", (Fraction(0), Fraction(17)))
    z = reference("z", (4,))
    return model(
        variables=(
            variable("x", "observed", target if target is not None else seventeen, (4,)),
            variable("z", "latent", REAL, (4,)),
        ),
        parameters=parameters,
        maps=tuple(own.values()),
        surjections=(nodes.Surjection("quantize", 17, (4,), span=AT),),
        conditionals=(conditional(z, (), normal(number(0), number(1), (4,))),),
        links=(nodes.Link("x", z, stages, span=AT),),
        trainings=(maximum_likelihood(),),
    )


I = reference("i", (), Support("Integer", (Fraction(0), Fraction(3))))  # noqa: E741
BEFORE = nodes.Before(Type(REAL), I, span=AT)
X = reference("x", (3,), BINARY)
EARLIER = nodes.Element(Type(BINARY, (3,)), X, (BEFORE,), span=AT)
OWN = nodes.Element(Type(BINARY), X, (I,), span=AT)
INDEX = nodes.Range("i", 0, 3, span=AT)


def logits(view: Expr) -> nodes.Distribution:
    """Bernoulli with logits `b[i] + W[i, <i] @ view`"""
    row = nodes.Element(Type(REAL, (3,)), parameter("W", (3, 3)), (I, BEFORE), span=AT)
    bias = nodes.Element(Type(REAL), parameter("b", (3,)), (I,), span=AT)
    value = apply("add", bias, nodes.Contract(Type(REAL), row, view, span=AT))
    return nodes.Distribution(Type(BINARY), "Bernoulli", "logits", (value,), span=AT)


def autoregressive(*conditionals: nodes.Conditional) -> nodes.Model:
    """A fully visible belief net on three pixels."""
    return model(
        variables=(variable("x", "observed", BINARY, (3,)),),
        parameters=(declared("W", REAL, (3, 3)), declared("b", REAL, (3,))),
        conditionals=conditionals or (conditional(OWN, (EARLIER,), logits(EARLIER), (INDEX,)),),
        trainings=(maximum_likelihood("x", (3,), BINARY),),
    )


STATE = reference("x", (2,))
PROPOSED = reference("y", (2,))


def energy_of(x: Expr) -> Expr:
    """`0.5 * sum(x^2) + x[0]^4`, by a function"""
    return nodes.Call(Type(REAL), "U", (x,), span=AT)


def drift() -> Expr:
    """`x - 0.05 * grad(U)(x)`"""
    slope = nodes.Gradient(Type(REAL, (2,)), "U", (STATE,), span=AT)
    return apply("subtract", STATE, apply("multiply", number(Fraction(1, 20)), slope))


def langevin(
    steps: tuple[nodes.Step, ...] | None = None,
    predicate: str = "stationary",
    mean: Expr | None = None,
    scale: Expr | None = None,
    probability: Expr | None = None,
    assumptions: tuple[nodes.Assumption, ...] = (),
) -> nodes.Model:
    """Metropolis-adjusted Langevin on a quartic in two dimensions."""
    first = nodes.Element(Type(REAL), STATE, (number(0),), span=AT)
    squares = nodes.Reduce(Type(REAL), "sum", apply("power", STATE, number(2)), span=AT)
    potential = apply("add", apply("multiply", number(Fraction(1, 2)), squares), apply("power", first, number(4)))
    function = nodes.Function("U", (nodes.Input("x", Type(REAL, (2,)), span=AT),), potential, span=AT)
    width = scale if scale is not None else apply("sqrt", number(Fraction(1, 10)))
    draw = nodes.Draw("y", normal(mean if mean is not None else drift(), width, (2,)), span=AT)
    accept = nodes.Accept(("x'",), (PROPOSED,), probability, "p", span=AT)
    current = (nodes.Input("x", Type(REAL, (2,)), span=AT),)
    fact = nodes.Fact(predicate, ("mala", "p"), span=AT)
    return model(
        variables=(variable("x", "observed", REAL, (2,)),),
        functions=(function,),
        energies=(nodes.Energy("p", ("x",), (), apply("exp", apply("negate", energy_of(STATE))), span=AT),),
        transitions=(
            nodes.Transition("mala", ("x'",), current, steps if steps is not None else (draw, accept), span=AT),
        ),
        claims=(nodes.Claim(fact, span=AT),),
        assumptions=assumptions,
    )
