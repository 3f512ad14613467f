"""What resolution accumulates: parameters, networks and instances, each under a path of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NoReturn, TypeVar

from gencompiler.catalog import words
from gencompiler.catalog.networks import NETWORKS
from gencompiler.diagnostics.model import Label, Reporter
from gencompiler.diagnostics.span import Span
from gencompiler.model import convolutions, nodes, stacks
from gencompiler.model.frames import Frame
from gencompiler.model.nodes import Real
from gencompiler.model.prelude import Declarations
from gencompiler.model.types import known_shape
from gencompiler.model.views import Axes
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.fields import Stack
    from gencompiler.model.folds import Fold
    from gencompiler.model.starts import Starting

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Abandon(Exception):
    """This statement is beyond repair and has been reported; resolution goes on with the next one."""


@dataclasses.dataclass
class IndexInfo:
    """A bound index, which runs over start..extent; `extent` is solved by the first axis it subscripts.

    `open`: while a head is read, each of its subscripts narrows the range to where it lies on its axis."""

    name: str
    extent: int | None
    span: Span
    start: int = 0
    open: bool = False


@dataclasses.dataclass(frozen=True)
class Context:
    """What an expression may mention, and where what it owns is stored.

    `names`: variables, inputs, locals and parameters, each as the expression it stands for; `path` prefixes the
    parameters created on the way; `layers`: the named indices of the repetitions around; `in_map`: networks here
    condition a bijection, so their output layer starts at zero; `aliases`: arguments that are definitions, by the name
    they go by here; `frame`: set inside an objective; `views`: the causal views that cut the axes of local names;
    `values`: of the names of a `where`, what each stands for; `passing`: the support of what the next stage of a
    pipeline takes; `starting`: set inside an initial value that data give; `in_head`: this is a part of a head."""

    constants: dict[str, Real]
    names: dict[str, nodes.Expr]
    indices: dict[str, IndexInfo]
    path: str = ""
    iterations: tuple[int, ...] = ()
    layers: tuple[tuple[str, int], ...] = ()
    in_map: bool = False
    aliases: dict[str, str] = dataclasses.field(default_factory=dict)
    frame: Frame | None = None
    views: dict[str, Axes] = dataclasses.field(default_factory=dict)
    values: dict[str, nodes.Expr] = dataclasses.field(default_factory=dict)
    passing: nodes.Support = nodes.REAL
    starting: Starting | None = None
    in_head: bool = False

    def bind(self, **changes: nodes.Expr) -> Context:
        """This context with more names."""
        return dataclasses.replace(self, names={**self.names, **changes})

    def actual(self, name: str) -> str:
        """The definition that an argument of an objective stands for; any other name is its own."""
        return self.aliases.get(name, name)

    def index(self, *indices: IndexInfo) -> Context:
        return dataclasses.replace(self, indices={**self.indices, **{i.name: i for i in indices}})


@dataclasses.dataclass
class PendingNetwork:
    """A network whose outputs still have open shapes."""

    network: nodes.Network
    outputs: tuple[nodes.Type, ...]


class Builder:
    """Collects the parts of one model."""

    def __init__(self, reporter: Reporter, definitions: Declarations[tree.Definition]) -> None:
        self.reporter = reporter
        self.definitions = definitions
        self.parameters: dict[str, nodes.Parameter] = {}
        self.networks: dict[str, PendingNetwork] = {}
        #: Stacks of convolutions that the spec writes out, and of each of their convolutions the layer that it reads.
        self.stacks: dict[str, Stack] = {}
        self.channels: dict[tuple[str, str], str] = {}
        #: Quantities that are convolutions at a place, by name: their equations, and what they have been found to be.
        self.placed: dict[str, tree.Equation] = {}
        self.outside: Context | None = None
        #: The definitions whose bodies have been put in place.
        self.inlined: set[str] = set()
        self.placed_at: dict[str, tuple[list[tuple[str, int, int | None]], nodes.Expr]] = {}
        self.functions: dict[str, nodes.Function] = {}
        self.densities: dict[str, nodes.Density] = {}
        self.user_densities: list[nodes.Density] = []
        #: The distribution functions that claims state, by the density's name.
        self.cdfs: dict[str, tree.Expr] = {}
        self.maps: dict[str, nodes.Map] = {}
        self.surjections: dict[str, nodes.Surjection] = {}
        self.sdes: dict[str, nodes.Sde] = {}
        #: Of each `def` that carries a variable along the probability flow of an SDE, that SDE.
        self.carriers: dict[str, str] = {}
        #: The SDE of a name, also before its own turn; None where no SDE has it.
        self.equations_of: Callable[[str], nodes.Sde | None] = self.sdes.get
        self.transitions: dict[str, nodes.Transition] = {}
        #: What the conditions of a transition are where its use does not say, by its name and theirs.
        self.usual: dict[tuple[str, str], tree.Expr] = {}
        self.open: list[str] = []
        #: Initial values that data give, and the paths of all parameters that will have one.
        self.starts: list[nodes.Start] = []
        self.from_data: set[str] = set()
        self.functions_by_shape: dict[str, str] = {}
        self.builtin_maps: dict[str, str] = {}
        self.conditions_of: dict[str, tuple[tree.Argument, ...]] = {}
        self.externals: dict[str, nodes.External] = {}
        #: Of each derived quantity, what the names in its formula stand for.
        self.quantities: dict[str, dict[str, nodes.Expr]] = {}
        self.local_definitions: set[str] = set()
        self.derived: set[str] = set()
        self.refused: set[str] = set()
        self.variables: set[str] = set()
        self.latents: set[str] = set()
        #: Variables of a run-time length, with that length.
        self.of_lengths: dict[str, nodes.Expr] = {}
        #: Networks of which the spec says that they begin at 0.
        self.zeros: set[str] = set()
        #: The quantities that recurrent networks are.
        self.folds: list[Fold] = []
        #: The conditionals of all joints, once they have been resolved.
        self.stated: list[nodes.Conditional] = []
        self._taken: set[str] = set()

    def fresh(self, base: str) -> str:
        """`base`, or `base_2`, `base_3`, … when it is taken."""
        name, count = base, 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name

    def definition(self, context: Context, name: str) -> tree.Definition | None:
        """The definition that a name stands for in this context."""
        found = self.definitions.get(context.actual(name))
        if found is None or name in context.aliases or context.frame is None or context.frame.sees(found):
            return found
        return None

    def instances(self) -> dict[str, tuple[str, ...]]:
        """The instances of each `def` of the model, by its name in the spec."""
        return {
            name: tuple(f for key, f in self.functions_by_shape.items() if key.startswith(f"{name}("))
            for name in self.local_definitions
        }

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        also: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        help: tuple[str, ...] = (),
    ) -> NoReturn:
        """Report and give this statement up; a place that has been reported (an unknown name) is not reported again."""
        if all(d.labels[0].span != span for d in self.reporter.diagnostics):
            self.reporter.add(code, message, span, label, also=also, notes=notes, help=help)
        raise Abandon

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """While the definition `name` is resolved, which must not use itself; an error ends that as well."""
        self.open.append(name)
        try:
            yield
        finally:
            self.open.pop()

    def every(self, items: Iterable[ItemT], resolve: Callable[[ItemT], ResultT]) -> tuple[ResultT, ...]:
        """`resolve` of each item; all of them report before the statement is given up."""
        found: list[ResultT] = []
        failed = False
        for item in items:
            try:
                found.append(resolve(item))
            except Abandon:
                failed = True
        if failed:
            raise Abandon
        return tuple(found)

    def unsupported(self, what: str, span: Span, instead: str = "") -> NoReturn:
        """This is valid; the compiler cannot do it yet."""
        help_ = (instead,) if instead else ()
        self.report("G901", f"{what} is valid, but not supported yet", span, "not supported yet", help=help_)

    def check_place(self, name: str, span: Span) -> None:
        """Report a word that means something, but not here."""
        if name in words.CONTEXTUAL:
            found = f"`{name}` means nothing here"
            self.report("G101", found, span, "not in this place", help=(words.CONTEXTUAL[name],))

    def add_parameter(self, parameter: nodes.Parameter) -> nodes.ParameterReference:
        self.parameters[parameter.path] = parameter
        type_ = nodes.Type(parameter.support, parameter.shape)
        return nodes.ParameterReference(type_, parameter.path, span=parameter.span)

    def close_networks(self) -> None:
        """Create the weights of every network, now that all shapes are solved; report those that are not."""
        for path, pending in self.networks.items():
            sizes = []
            for name, type_ in zip(pending.network.output_names or ("output",), pending.outputs, strict=True):
                shape = known_shape(type_)
                image = convolutions.is_image(pending.network)
                if shape is None or (
                    convolutions.channels(pending.network, shape) is None if image else len(shape) > 2
                ):
                    self._report_open(pending.network, name, shape)
                    return
                sizes.append(shape[0] if image else math.prod(shape) if shape else 0)
            network = dataclasses.replace(pending.network, outputs=tuple(sizes))
            self.networks[path] = PendingNetwork(network, pending.outputs)
            for parameter in weights_of(network):
                self.parameters[parameter.path] = parameter

    def _report_open(self, network: nodes.Network, name: str, shape: tuple[int, ...] | None) -> None:
        if shape is not None:
            self.reporter.add(
                "G901",
                "a network whose output has several axes is valid, but not supported yet",
                network.span,
                f"this needs the shape {list(shape)}",
            )
            return
        self.reporter.add(
            "G202",
            f"nothing determines the size of `{name}`",
            network.span,
            "the output of this network",
            help=("state it: `size = n`", "or use it where a size is known"),
        )


def weights_of(network: nodes.Network) -> list[nodes.Parameter]:
    """The weights and biases of a network, in the order they are applied.

    Hidden layer l has `PATH.l.weight` [out, in] and `PATH.l.bias` [out]; the outputs `PATH.NAME.weight` and `.bias`.  A
    network on causal views reads what they show of all places, and has the outputs of all places side by side.

    Biases of hidden layers start Uniform(±1/√in), as the weights do: with none, every unit of the first layer bends
    where its input is 0, and a conditioner that reads few numbers learns to bend elsewhere only slowly."""
    shown = [network.places if view else 1 for view in network.views] or [1] * len(network.inputs)
    width = sum(max(1, n) * places for n, places in zip(network.inputs, shown, strict=True))
    layers: list[tuple[str, int, int, bool]] = []
    bends: dict[str, str] = {}
    for number, hidden in enumerate(network.hidden):
        width *= convolutions.box(network, str(number))
        layers.append((str(number), hidden, width, False))
        bends[str(number)] = f"Uniform(-{width**-0.5:.6g}, {width**-0.5:.6g})"
        width = hidden
    width *= convolutions.box(network, "output")
    for name, size in zip(network.output_names or ("output",), network.outputs, strict=True):
        layers.append((name, max(1, size) * max(1, network.places), width, network.zero_output))
    kind = NETWORKS[network.kind]
    if stacks.is_stack(network):
        bends = {}
        empty = {layer.name for layer in network.layers if layer.zero}
        layers = [(name, out, width, name in empty) for name, out, width in stacks.weights_of(network)]
    if kind.gates:
        bends = {}
        size = kind.gates * network.hidden[0]
        features = sum(max(1, n) for n in network.inputs)
        layers = [("input", size, features, False), ("hidden", size, network.hidden[0], False)]
    found = []
    for name, out, width_in, zero in layers:
        initial = "zeros" if zero else "default"
        real = nodes.REAL
        if kind.weight:
            found.append(
                nodes.Parameter(
                    f"{network.path}.{name}.weight",
                    real,
                    network.iterations,
                    (),
                    (out, width_in),
                    initial,
                    span=network.span,
                )
            )
        if kind.bias:
            start = bends.get(name, initial)
            found.append(
                nodes.Parameter(
                    f"{network.path}.{name}.bias", real, network.iterations, (), (out,), start, span=network.span
                )
            )
    return found
