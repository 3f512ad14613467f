"""Lowering of latent-variable models and of objectives: what the programs are, their streams, and `stop`."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from gencompiler import pipeline
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.span import SourceText
from gencompiler.node import walk
from gencompiler.rows import nodes
from gencompiler.rows.graph import Graph
from gencompiler.rows.lower import lower
from gencompiler.rows.nodes import Draw, Elementwise, Expr, Program, RowType
from gencompiler.rows.print import text
from gencompiler.rows.programs import sites_of, streams_of
from gencompiler.rows.stopping import parameters_stopped
from gencompiler.rows.verify import verify
from tests.emit import building
from tests.rows.building import AT

VAE = """
model Small(D = 6, H = 5, Z = 2) {
  observed x : Binary[D]
  latent   z : Real[Z]
  p(z)     = Normal(0, 1)
  p(x | z) = Bernoulli(logits = linear(z))
  q(z | x) = Normal(m, softplus(s)) where { m, s = mlp(x, hidden = [H], activation = tanh) }
  train OBJECTIVE
}
"""
NET = """
model Net(D = 5, H1 = 4, H2 = 3) {
  observed x : Binary[D]
  latent   h1 : Binary[H1], h2 : Binary[H2]
  p(h2)      = Bernoulli(logits = bias())
  p(h1 | h2) = Bernoulli(logits = linear(h2))
  p(x | h1)  = Bernoulli(logits = linear(h1))
  q(h1 | x)  = Bernoulli(logits = linear(x))
  q(h2 | h1) = Bernoulli(logits = linear(h1))
  train OBJECTIVE
}
"""

ELBO = """\
program objective_phase_1: the value that phase_1 maximizes, by one draw for each row
  input x : integer[rows, 6]
  parameter linear.output.weight : Real[6, 2]
  parameter linear.output.bias : Real[6]
  parameter q.mlp.0.weight : Real[5, 6]
  parameter q.mlp.0.bias : Real[5]
  parameter q.mlp.m.weight : Real[2, 5]
  parameter q.mlp.m.bias : Real[2]
  parameter q.mlp.s.weight : Real[2, 5]
  parameter q.mlp.s.bias : Real[2]
  hidden = tanh(x @ transpose(q.mlp.0.weight) + q.mlp.0.bias)
  m = hidden @ transpose(q.mlp.m.weight) + q.mlp.m.bias
  s = hidden @ transpose(q.mlp.s.weight) + q.mlp.s.bias
  scale = softplus(s)
  noise = normal(stream = 5, step = step, size = 2)
  z = m + scale * noise
  log_p_z = sum(-0.5 * z^2 - 0.9189385332046727)
  logits = z @ transpose(linear.output.weight) + linear.output.bias
  log_p_x = sum(x * logits - softplus(logits))
  log_q_z = sum(-0.5 * ((z - m) / scale)^2 - log(scale) - 0.9189385332046727)
  output value : real[rows] = log_p_z + log_p_x - log_q_z
"""


def derived_of(source: str) -> Derived:
    """The derived model of a spec, unchecked."""
    return pipeline.run(SourceText("small.gen", source), until="derive").derived


def programs_of(source: str, objective: str) -> dict[str, Program]:
    found = lower(derived_of(source.replace("OBJECTIVE", objective)))
    for program in found.values():
        verify(program, "lower")
    return found


def test_text_of_the_elbo() -> None:
    """The encoder runs once, and every value has the name that the spec gives it."""
    assert text(programs_of(VAE, "elbo")["objective_phase_1"]) == ELBO


@pytest.mark.parametrize(
    ("source", "objective", "names"),
    [
        (VAE, "elbo", "sample log_weight encode decode decode_mean objective_phase_1"),
        (VAE, "iwae_dreg(K = 3)", "sample log_weight encode decode decode_mean objective_phase_1 objective_phase_2"),
        (NET, "wake_sleep", "log_prob sample log_weight encode decode decode_mean objective_wake objective_sleep"),
        (NET, "vimco(K = 2)", "log_prob sample log_weight encode decode decode_mean objective_phase_1"),
    ],
)
def test_a_latent_model_has_its_programs(source: str, objective: str, names: str) -> None:
    found = programs_of(source, objective)
    assert names.split() == [name for name in found if name != "prior"]


def test_inputs_and_outputs() -> None:
    found = programs_of(NET, "wake_sleep")
    ports = {
        name: ([i.name for i in p.inputs], [(o.name, o.type.kind, o.type.shape) for o in p.outputs])
        for name, p in found.items()
    }
    assert ports["encode"] == (["x"], [("h1", "integer", (4,)), ("h2", "integer", (3,))])
    assert ports["decode"] == (["h1"], [("x", "integer", (5,))])  # x depends on h1 alone
    assert ports["decode_mean"] == (["h1"], [("x", "real", (5,))])
    assert ports["log_weight"] == (["x"], [("log_weight", "real", ())])
    assert ports["objective_sleep"] == (["x"], [("value", "real", ())])


def test_a_given_variable_is_an_input_of_every_program() -> None:
    source = VAE.replace("latent ", "given y : Real[3]\n  latent ", 1).replace("linear(z)", "linear(z, y)")
    source = source.replace("q(z | x)", "q(z | x, y)").replace("p(x | z)", "p(x | z, y)").replace("mlp(x,", "mlp(x, y,")
    found = programs_of(source, "beta_elbo")
    assert {name: [i.name for i in p.inputs] for name, p in found.items() if name != "prior"} == {
        "sample": ["y"],
        "log_weight": ["x", "y"],
        "encode": ["x", "y"],
        "decode": ["z", "y"],  # what is decoded first, then the context
        "decode_mean": ["z", "y"],
        "objective_phase_1": ["x", "y"],
    }


# -- random streams --------------------------------------------------------------------------------------------------


def streams_read(program: Program) -> set[int]:
    return {part.stream for part in walk(program) if isinstance(part, Draw)}


def test_draws_of_different_sites_never_share_a_stream() -> None:
    """A weight's draw of z is independent of the z that made the row: `log_weight(sample(…))` would be biased else."""
    derived = derived_of(NET.replace("OBJECTIVE", "wake_sleep"))
    numbers = streams_of(derived.model)
    assert sorted(numbers.values()) == list(range(len(numbers)))
    assert {numbers[f"{site}.{name}"] for site, _ in sites_of(derived.model)[1:] for name in ("h1", "h2")} & {
        numbers[name] for name in ("x", "h1", "h2", "q.h1", "q.h2")
    } == set()
    found = programs_of(NET, "wake_sleep")
    read = {name: streams_read(program) for name, program in found.items()}
    for one, other in (("sample", "encode"), ("objective_wake", "objective_sleep"), ("objective_wake", "log_weight")):
        assert read[one] and read[other] and not read[one] & read[other]
    assert read["encode"] == read["log_weight"]  # the weight of the draw that `encode` returns
    assert read["decode"] < read["sample"]


@pytest.mark.parametrize("source", [building.NADE, building.FLOW, building.CHAIN])
def test_what_had_a_stream_keeps_it(source: str) -> None:
    model = derived_of(source).model
    names = [v.name for v in model.variables] + [s.name for s in model.surjections]
    for move in model.transitions:
        names += [f"{move.name}.y", f"{move.name}.accept"]
    found = streams_of(model)
    assert [found[name] for name in names] == list(range(len(names)))


# -- stop ------------------------------------------------------------------------------------------------------------


def stops(expr: Expr) -> list[Expr]:
    return [p.arguments[0] for p in walk(expr) if isinstance(p, Elementwise) and p.function == "stop"]


@dataclasses.dataclass
class Small:
    """A graph with data, a parameter and a draw."""

    graph: Graph = dataclasses.field(default_factory=Graph)

    def __post_init__(self) -> None:
        row, alone = RowType(True, (3,)), RowType(False, (3,))
        self.x = self.graph.intern(nodes.InputRead(row, "x", span=AT))
        self.w = self.graph.intern(nodes.ParameterRead(alone, "w", (None,), span=AT))
        self.v = self.graph.intern(nodes.ParameterRead(alone, "v", (None,), span=AT))

    def of(self, function: str, *arguments: Expr) -> Expr:
        return self.graph.elementwise(function, *arguments, span=AT)


def test_stop_goes_around_the_largest_part_without_a_value() -> None:
    small = Small()
    m = small.of("tanh", small.of("multiply", small.w, small.x))
    z = small.of("add", m, small.x)  # carries a gradient
    found = parameters_stopped(small.graph, {"z": z, "x": small.x}, lambda at: small.of("subtract", at["z"], m))
    assert found == small.of("subtract", z, small.of("stop", m))
    assert stops(found) == [m]


def test_nothing_is_stopped_where_no_gradient_flows() -> None:
    small = Small()
    drawn = small.of("indicator", small.of("less", small.x, small.of("sigmoid", small.w)))
    assert parameters_stopped(small.graph, {"x": small.x}, lambda at: drawn) is drawn


def test_stop_does_not_see_through_a_value() -> None:
    """log(exp(u)) is u, and u's gradient is that of the value, not of a parameter of the density."""
    small = Small()
    u = small.of("add", small.w, small.x)
    z = small.of("exp", u)
    found = parameters_stopped(
        small.graph, {"z": z}, lambda at: small.of("multiply", small.of("log", at["z"]), small.v)
    )
    assert stops(found) == [small.v]
    assert found == small.of("multiply", u, small.of("stop", small.v))


def test_a_stopped_density_passes_gradients_to_its_values_only(tmp_path: object) -> None:
    """d log stop(q)(z | x) / d m with z = m + s e is -e / s, and with an unstopped q it is 0."""
    from gencompiler.emit.torch import print_function

    own = "objective own { update q maximize E[x ~ data, z ~ q(z | x)] log QQ(z | x) }\n"
    found = {}
    for q in ("stop(q)", "q"):
        source = own.replace("QQ", q) + VAE.replace("train OBJECTIVE", "train own").replace("softplus(s)", "2")
        source = source.replace("m, s = mlp", "m = mlp")
        program = programs_of(source, "own")["objective_phase_1"]
        space: dict[str, object] = {}
        imports = "import torch\nfrom torch.nn import functional as F\nfrom gencompiler.runtime import random\n"
        exec(imports + print_function(program, name="value").text, space)
        shapes = {use.path: torch.zeros(use.shape, dtype=torch.float64) for use in program.parameters}
        bias = next(path for path in shapes if path.endswith("bias") and shapes[path].shape == (2,))
        shapes[bias].requires_grad_()
        x = torch.zeros(4, 6)
        value = space["value"](x, *shapes.values(), rows=torch.arange(4), seed=1, step=0)  # type: ignore[operator]
        (found[q],) = torch.autograd.grad(value.sum(), shapes[bias])
        from gencompiler.runtime import random

        stream = next(iter(streams_read(program)))
        noise = random.normal(1, torch.arange(4), 0, stream, 2, dtype=torch.float64)
    torch.testing.assert_close(found["stop(q)"], -noise.sum(0) / 2)
    torch.testing.assert_close(found["q"], torch.zeros(2, dtype=torch.float64))
