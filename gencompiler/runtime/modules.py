"""`Model`, the base of every generated module: parameters, tiles, back ends, and the checks at each entrance.

A generated class states its fields and parameters, has one function per row program, and public methods of a line or
two that call the helpers here.  A row is one example; tensors have the rows first.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import torch
from torch import Tensor, nn

from gencompiler.runtime import backends, display, externals, parameters, starts, stored
from gencompiler.runtime import data as data_sets
from gencompiler.runtime.data import Batch
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.programs import Phase, RowFunction, checked_seed, flat, frozen, untrainable
from gencompiler.runtime.starts import Start

if TYPE_CHECKING:
    from gencompiler.runtime.adaptation import Condition
    from gencompiler.runtime.distribution import ModelDistribution

__all__ = ["Context", "Model", "Phase", "RowFunction", "Values", "checked_seed"]

#: The value of one variable, or of several in declaration order.
Values: TypeAlias = Tensor | tuple[Tensor, ...]
#: What stands for the given variables of a conditional model: the tensor of the only one, or tensors by name.
Context: TypeAlias = Tensor | Mapping[str, Tensor] | None
Paths: TypeAlias = tuple[str, ...]


#: Particles computed at once, by rows that follow one another: a finite sum may have 65,536 for each row.
MOST_PARTICLES = 1 << 20


class _Group(nn.Module):
    """Holds the parameters below one component of a path."""


class Model(nn.Module):
    """Base of generated models.

    Class attributes, stated by each: `fields` (observed and given variables), `latents` (those that `encode` and
    `decode` speak of), `phases` (of the default training), `spec` (path of the spec), `model_hash` (what weights belong
    to), `compiler` (its version)."""

    fields: ClassVar[tuple[Field, ...]] = ()
    latents: ClassVar[tuple[Field, ...]] = ()
    moving: ClassVar[tuple[Field, ...]] = ()
    explored: ClassVar[tuple[Field, ...]] = ()  # what chains of a posterior move, and, as `given`, are given
    tuning: ClassVar[tuple[Condition, ...]] = ()  # of a chain's transition, set in `warm_up` steps
    warm_up: ClassVar[int] = 0
    annealed: ClassVar[Mapping[str, tuple[Field, ...]]] = {}  # by path, what it is of, and, as `given`, is given
    summed: ClassVar[tuple[Field, ...]] = ()  # what the constant of an energy is summed over
    phases: ClassVar[tuple[Phase, ...]] = ()
    starts: ClassVar[tuple[Start, ...]] = ()  # initial values that data give, in their order
    programs: ClassVar[Mapping[str, RowFunction]] = {}
    package: ClassVar[str] = ""
    externals: ClassVar[tuple[str, ...]] = ()
    capabilities: ClassVar[Mapping[str, str]] = {}
    #: The spec's `evaluate` lines that say how: {"importance": {"K": 500}}.
    evaluations: ClassVar[Mapping[str, Mapping[str, float | str]]] = {}
    spec: ClassVar[str] = ""
    model_hash: ClassVar[str] = ""
    compiler: ClassVar[str] = ""

    #: The longest tile of rows in which sampling runs where there are matrix products: see `runtime.sampling`.
    tile: ClassVar[int] = 256
    _repr_html_ = display.model_html

    def __init__(self, seed: int = 0) -> None:
        """`seed` fixes the initial parameters; torch's global generator plays no part."""
        super().__init__()
        self._seed = checked_seed(seed)
        self._supports: dict[str, Support] = {}
        self._origins: dict[str, str] = {}
        self._attributes: dict[str, str] = {}
        self.register_buffer("_anchor", torch.zeros(()), persistent=False)
        stored.register(self)
        self.started = not self.starts  # whether what data give has been given
        self.register_load_state_dict_post_hook(starts.loaded)

    # -- parameters --------------------------------------------------------------------------------------------------

    def declare(
        self,
        path: str,
        shape: tuple[int, ...],
        *,
        origin: str,
        support: Support | None = None,
        rank: int | None = None,
        start: str | float = "default",
    ) -> None:
        """Add the parameter `path` of storage shape `shape`; `rank` counts the axes of one parameter, without those of
        iterations (all axes when None).  `origin` is the spec line that declares it."""
        support = support or Support("Real")
        rank = len(shape) if rank is None else rank
        raw = parameters.initial(path, shape, rank, support, start=start, seed=self._seed)
        *groups, name = path.split(".")
        holder, place = self._group(groups)
        name = parameters.free_name(holder, name)
        holder.register_parameter(name, nn.Parameter(raw))
        self._supports[path] = support
        self._origins[path] = origin
        self._attributes[path] = ".".join((*place, name))

    def attach(self, name: str, module: nn.Module, shape: tuple[int, ...]) -> None:
        """Take the user's network `name`, whose results are `[rows, *shape]`; its parameters become the model's."""
        place = parameters.free_name(self, name)
        self.add_module(place, externals.checked(name, module, shape))
        self._attributes[name] = place

    def _group(self, components: Sequence[str]) -> tuple[nn.Module, list[str]]:
        """The module that holds the parameters below these components of a path, and its place."""
        holder: nn.Module = self
        place: list[str] = []
        for component in components:
            name = component if component in holder._modules else parameters.free_name(holder, component)
            if name not in holder._modules:
                holder.add_module(name, _Group())
            holder = holder.get_submodule(name)
            place.append(name)
        return holder, place

    def value(self, path: str) -> Tensor:
        """The value of a parameter, in its support."""
        return parameters.constrain(self.raw(path), self._supports[path])

    def assign(self, path: str, value: Tensor, layers: tuple[int, ...] = ()) -> None:
        """Give a parameter, in iteration `layers` of its repetitions, a value of its support."""
        place = self.raw(path).detach()[layers]
        place.copy_(parameters.unconstrain(value.double().reshape(place.shape), self._supports[path]))

    def raw(self, path: str) -> nn.Parameter:
        """The unconstrained storage of a parameter."""
        return self.get_parameter(self._attributes[path])

    def learned(self, path: str) -> list[nn.Parameter]:
        """What an optimizer moves for a path: the storage of a parameter, or the parameters of a user's network."""
        place = self._attributes[path]
        network = dict(self.named_modules()).get(place)
        return [self.get_parameter(place)] if network is None else list(network.parameters())

    @property
    def origins(self) -> dict[str, str]:
        """`file:line` in the spec of each parameter, by its name in the state dict."""
        return {self._attributes[path]: origin for path, origin in self._origins.items()}

    @property
    def device(self) -> torch.device:
        return self._floating.device

    @property
    def dtype(self) -> torch.dtype:
        """The floating-point type the model computes in."""
        return self._floating.dtype

    @property
    def _floating(self) -> Tensor:
        return self._buffers["_anchor"]  # type: ignore[return-value]

    @property
    def observed(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if not f.given)

    @property
    def given(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.given)

    # -- entering the model ------------------------------------------------------------------------------------------

    def enter(self, values: Sequence[Tensor], context: Context) -> tuple[list[Tensor], Tensor]:
        """Inputs in compute dtype, and which rows lie in the support.  Rows outside are replaced by a member, so that
        nothing computed from them is NaN.  Raises RunError G801 for wrong shapes and for NaN."""
        by_field = dict(zip((*self.observed, *self.given), (*values, *self.given_values(context)), strict=True))
        shaped = {field.name: self.shaped(field, by_field[field]) for field in self.fields}
        tensors = [f.within(shaped[f.name], shaped.get(f.length)) for f in self.fields]
        rows = {len(t) for t in tensors}
        if len(rows) > 1:
            raise RunError("G801", f"the inputs differ in their number of rows: {sorted(rows)}")
        inside = torch.ones(rows.pop(), dtype=torch.bool, device=self.device)
        entered = []
        for field, tensor in zip(self.fields, tensors, strict=True):
            if tensor.is_floating_point() and bool(tensor.isnan().any()):
                row = int(tensor.isnan().reshape(len(tensor), -1).any(1).nonzero()[0])
                raise RunError("G801", f"`{field.name}` is not a number in row {row}", "drop or fill such rows")
            member = field.contains(tensor).reshape(len(tensor), field.size).all(1)
            mask = member.reshape(-1, *[1] * len(field.shape))
            computed = self.computed(field, tensor)
            entered.append(torch.where(mask, computed, field.support.member(field.shape).to(computed)))
            inside = inside & member
        return entered, inside

    def entered(self, values: Sequence[Tensor], context: Context = None) -> list[Tensor]:
        """Inputs in compute dtype; raises RunError G801 for wrong shapes, NaN, and rows outside the support."""
        inputs, inside = self.enter(values, context)
        if not bool(inside.all()):
            names = ", ".join(f"`{field.name}`" for field in self.fields)
            raise RunError("G801", f"row {int((~inside).nonzero()[0])} lies outside the support of {names}")
        return inputs

    def given_values(self, context: Context) -> list[Tensor]:
        if not self.given:
            if context is not None:
                raise RunError("G801", f"{type(self).__name__} has no given variable, so it takes no context")
            return []
        if context is not None and not isinstance(context, Mapping) and len(self.given) == 1:
            return [torch.as_tensor(context)]
        if not isinstance(context, Mapping) or set(context) != {f.name for f in self.given}:
            names = ", ".join(f"`{f.name}`" for f in self.given)
            raise RunError("G801", f"{type(self).__name__} needs the given {names}", "pass `context=`, tensors by name")
        return [context[f.name] for f in self.given]

    def shaped(self, field: Field, value: Tensor) -> Tensor:
        tensor = torch.as_tensor(value, device=self.device)
        if tensor.dim() != len(field.shape) + 1 or tuple(tensor.shape[1:]) != field.shape:
            want = ", ".join(["rows", *map(str, field.shape)])
            raise RunError("G801", f"`{field.name}` has shape {list(tensor.shape)}, the model wants [{want}]")
        return tensor

    def computed(self, field: Field, tensor: Tensor) -> Tensor:
        return tensor.to(torch.int64 if field.compute == "int64" else self.dtype)

    # -- running row programs ----------------------------------------------------------------------------------------

    def run(
        self, name: str, inputs: Sequence[Tensor], rows: Tensor, *, seed: int = 0, update: Paths = (), **counts: int
    ) -> tuple[Tensor, ...]:
        """The outputs of a row program, by C or its kernel where one applies, else by torch.  `rows` are row numbers,
        the keys of random draws, as is `step`; `steps` the trip count of a chain, of `total` on a path, and other
        counts the program's own; parameters besides `update` (when given) enter as constants."""
        program, counts = self.programs[name], {"step": 0, "steps": 0, "total": 1, **counts}
        native = backends.c_function(self, program.function.__name__, inputs)
        most = MOST_PARTICLES if native else program.at_once(MOST_PARTICLES, self.device)
        if len(rows) > most:
            options: dict[str, Any] = {"seed": seed, "update": update, **counts}
            parts = [torch.split(each, most) for each in (rows, *inputs)]
            done = [self.run(name, own, numbers, **options) for numbers, *own in zip(*parts, strict=True)]
            return tuple(torch.cat(each) for each in zip(*done, strict=True))
        values = [
            self.value(path) if not update or path in update else self.value(path).detach()
            for path in program.parameters
        ]
        if differentiable := backends.differentiable(self, program.function.__name__, inputs):
            return (differentiable(flat(inputs), values, rows, checked_seed(seed), counts["step"]),)
        function = native or self.kernel(name, inputs) or program.function
        known = {"rows": rows, "seed": checked_seed(seed), "dtype": self.dtype, **counts}
        scalars = [known[scalar] for scalar in program.scalars]
        networks = [self._network(module, update) for module in program.modules]
        keywords = {keyword: known[keyword] for keyword in program.keywords}
        outputs = function(*flat(inputs), *values, *networks, *scalars, **keywords)
        return program.shaped(outputs if isinstance(outputs, tuple) else (outputs,))

    def _network(self, name: str, update: tuple[str, ...]) -> Callable[..., Any]:
        """A network of the user's; with constant parameters where `update` leaves it out."""
        network = self.get_submodule(self._attributes[name])
        if not update or name in update:
            return network
        return frozen(network)

    def kernel(self, name: str, inputs: Sequence[Tensor] = ()) -> Callable[..., Any] | None:
        """The kernel's launcher: on CUDA, or anywhere under GENC_BACKEND=triton; in float32, and without gradients."""
        if not backends.kernels_apply(self) or backends.needs_gradient(self, inputs):
            return None
        return backends.kernel_launcher(self, self.programs[name].function.__name__)

    # -- what generated methods call ---------------------------------------------------------------------------------

    def row_values(
        self,
        program: str,
        values: Sequence[Tensor],
        context: Context = None,
        *,
        row: Tensor | None = None,
        seed: int = 0,
        step: int = 0,
        update: tuple[str, ...] = (),
        outside: float = -math.inf,
    ) -> Tensor:
        """The scalar output of `program` for each row, `outside` for rows off the support; `row` are the keys of random
        draws, 0, 1, … when None."""
        inputs, inside = self.enter(values, context)
        rows = torch.arange(len(inside), device=self.device) if row is None else row.to(self.device, torch.int64)
        (result,) = self.run(program, inputs, rows, seed=seed, step=step, update=update)
        return torch.where(inside, result, outside)

    def call_program(
        self,
        program: str,
        inputs: Sequence[Tensor],
        *,
        row: Tensor | None = None,
        seed: int = 0,
        step: int = 0,
        steps: int = 1,
    ) -> Any:
        """The outputs of `program` on `inputs` `[rows, *shape]`, unchecked: one tensor, or a tuple of several."""
        tensors = [torch.as_tensor(each, device=self.device).to(self.dtype) for each in inputs]
        rows = torch.arange(len(tensors[0]), device=self.device) if row is None else row.to(self.device, torch.int64)
        outputs = self.run(program, tensors, rows, seed=seed, step=step, steps=steps)
        return outputs[0] if len(outputs) == 1 else outputs

    def loss(
        self,
        batch: Batch | Tensor | Mapping[str, Tensor],
        *,
        context: Context = None,
        row: Tensor | None = None,
        seed: int = 0,
        step: int = 0,
        phase: str | None = None,
    ) -> Tensor:
        """What an optimizer minimises: minus (or plus) the mean over rows of the phase's value, a scalar.

        `batch` is a tensor, tensors by field name, or a `Batch` out of a data set, whose rows are not checked again;
        `context` are the given variables, unless they are in it.
        `row` (dataset row numbers), `seed` and `step` key the random draws; the first phase is the default.  Its
        derivative is in the parameters that the phase updates, and zero in the others."""
        if not self.phases:
            raise untrainable(type(self).__name__)
        chosen = next((p for p in self.phases if phase in (None, p.label)), None)
        if chosen is None:
            raise RunError("G801", f"no phase `{phase}`", f"phases: {', '.join(p.label for p in self.phases)}")
        if isinstance(batch, Batch):
            value = self.run_batch(chosen.program, batch, seed=seed, step=step, update=chosen.update)
        else:
            values, context = self._unpacked(batch, context)
            keys: dict[str, Any] = {"row": row, "seed": seed, "step": step}
            outside = -math.inf if chosen.maximize else math.inf
            value = self.row_values(chosen.program, values, context, **keys, update=chosen.update, outside=outside)
        mean = value.mean() + (stored.value(self, chosen, seed, step).mean() if chosen.chains else 0)
        return -mean if chosen.maximize else mean

    def run_batch(self, program: str, batch: Batch, *, seed: int = 0, step: int = 0, update: Paths = ()) -> Tensor:
        """The scalar output of `program` for each row of a checked data set, `[rows]`."""
        inputs = [self.computed(field, batch.tensors[field.name].to(self.device)) for field in self.fields]
        return self.run(program, inputs, batch.row.to(self.device), seed=seed, step=step, update=update)[0]

    def _unpacked(self, batch: Tensor | Mapping[str, Tensor], given: Context = None) -> tuple[list[Tensor], Context]:
        batch = {self.fields[0].name: batch} if isinstance(batch, Tensor) else batch
        if given is not None:
            batch = {**batch, **dict(zip((f.name for f in self.given), self.given_values(given), strict=True))}
        missing = [f.name for f in self.fields if f.name not in batch]
        if missing:
            raise RunError("G801", f"the batch has no `{missing[0]}`", f"fields: {', '.join(map(str, self.fields))}")
        context = {f.name: batch[f.name] for f in self.given}
        return [batch[f.name] for f in self.observed], context or None

    # -- the rest of the life of a model -----------------------------------------------------------------------------

    def distribution(self, context: Context = None) -> ModelDistribution:
        """The model as a `torch.distributions.Distribution` over its one observed variable."""
        from gencompiler.runtime.distribution import ModelDistribution

        return ModelDistribution(self, context)

    def begin(self, data: Any, *, seed: int = 0) -> Self:
        """Give parameters the initial values that the spec takes from data; `fit` does it before its first step."""
        starts.settle(self, data_sets.of(type(self), data).train, seed)
        return self

    def fit(self, data: Any = None, **options: Any) -> Self:
        """Train in place by the package's own loop (`train.py`), with its options as keywords; returns the model."""
        if not self.phases or not self.package:
            raise untrainable(type(self).__name__)
        train = importlib.import_module(f"{self.package}.train")
        train.fit(self, data, **options)
        return self

    def save(self, path: str | Path) -> None:
        """Write the parameters as safetensors, with the model's hash inside."""
        from gencompiler.runtime.checkpoint import save_weights

        save_weights(self, Path(path))

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu", **networks: nn.Module) -> Self:
        """A model with the parameters of a file that `save` or a training run wrote; G803 if they belong to another.

        `networks` are those that the spec declares by `extern def`; the file holds their parameters too."""
        from gencompiler.runtime.checkpoint import load_weights

        externals.require(cls.__name__, cls.externals, networks)
        model = cls(**networks).to(device)  # type: ignore[arg-type]
        load_weights(model, Path(path))
        return model
