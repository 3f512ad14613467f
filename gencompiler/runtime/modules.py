"""`Model`, the base of every generated module: parameters, tiles, back ends, and the checks at each entrance.

A generated class states its fields and parameters, has one function per row program, and public methods of a line or
two that call the helpers here.  A row is one example; tensors have the rows first.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.util
import keyword as keywords
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import torch
from torch import Tensor, nn

from gencompiler.runtime import parameters, settings
from gencompiler.runtime.data import Batch
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field, Support

if TYPE_CHECKING:
    from gencompiler.runtime.distribution import ModelDistribution

#: The value of one variable, or of several in declaration order.
Values: TypeAlias = Tensor | tuple[Tensor, ...]
#: What stands for the given variables of a conditional model: the tensor of the only one, or tensors by name.
Context: TypeAlias = Tensor | Mapping[str, Tensor] | None


@dataclasses.dataclass(frozen=True)
class Phase:
    """One phase of the training objective: `program` gives each row's value, which is maximised (or minimised) over the
    parameters `update` (all of them when empty)."""

    label: str
    program: str
    maximize: bool = True
    update: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class RowFunction:
    """A row program in torch: `function(*inputs, *parameters, *scalars, **keywords)`.

    `keywords` are those of `rows`, `seed`, `step` and `dtype` that it takes; `parameters` the paths of those it reads,
    passed by value; `scalars` its runtime integers.  A kernel's launcher is called in the same way."""

    function: Callable[..., Any]
    keywords: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    scalars: tuple[str, ...] = ()


class _Group(nn.Module):
    """Holds the parameters below one component of a path."""


class Model(nn.Module):
    """Base of generated models.

    Class attributes, stated by each: `fields` (observed and given variables), `phases` (of the default training),
    `spec` (path of the spec), `model_hash` (what weights belong to), `compiler` (its version)."""

    fields: ClassVar[tuple[Field, ...]] = ()
    phases: ClassVar[tuple[Phase, ...]] = ()
    programs: ClassVar[Mapping[str, RowFunction]] = {}
    package: ClassVar[str] = ""
    capabilities: ClassVar[Mapping[str, str]] = {}
    spec: ClassVar[str] = ""
    model_hash: ClassVar[str] = ""
    compiler: ClassVar[str] = ""

    #: Sampling runs in tiles of this many rows, row i at place i mod `tile`, so that a row's bits never depend on the
    #: number of rows asked for.
    tile: ClassVar[int] = 256

    def __init__(self, seed: int = 0) -> None:
        """`seed` fixes the initial parameters; torch's global generator plays no part."""
        super().__init__()
        self._seed = checked_seed(seed)
        self._supports: dict[str, Support] = {}
        self._origins: dict[str, str] = {}
        self._attributes: dict[str, str] = {}
        self.register_buffer("_anchor", torch.zeros(()), persistent=False)

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
        name = _free_name(holder, name)
        holder.register_parameter(name, nn.Parameter(raw))
        self._supports[path] = support
        self._origins[path] = origin
        self._attributes[path] = ".".join((*place, name))

    def _group(self, components: Sequence[str]) -> tuple[nn.Module, list[str]]:
        """The module that holds the parameters below these components of a path, and its place."""
        holder: nn.Module = self
        place: list[str] = []
        for component in components:
            name = component if component in holder._modules else _free_name(holder, component)
            if name not in holder._modules:
                holder.add_module(name, _Group())
            holder = holder.get_submodule(name)
            place.append(name)
        return holder, place

    def value(self, path: str) -> Tensor:
        """The value of a parameter, in its support."""
        return parameters.constrain(self.raw(path), self._supports[path])

    def raw(self, path: str) -> nn.Parameter:
        """The unconstrained storage of a parameter."""
        return self.get_parameter(self._attributes[path])

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
        tensors = [self.shaped(field, by_field[field]) for field in self.fields]
        rows = {len(t) for t in tensors}
        if len(rows) > 1:
            raise RunError("G801", f"the inputs differ in their number of rows: {sorted(rows)}")
        inside = torch.ones(rows.pop(), dtype=torch.bool, device=self.device)
        entered = []
        for field, tensor in zip(self.fields, tensors, strict=True):
            if tensor.is_floating_point() and bool(tensor.isnan().any()):
                row = int(tensor.isnan().reshape(len(tensor), -1).any(1).nonzero()[0])
                raise RunError("G801", f"`{field.name}` is not a number in row {row}", "drop or fill such rows")
            member = field.support.contains(tensor).reshape(len(tensor), field.size).all(1)
            mask = member.reshape(-1, *[1] * len(field.shape))
            computed = self.computed(field, tensor)
            entered.append(torch.where(mask, computed, field.support.member(field.shape).to(computed)))
            inside = inside & member
        return entered, inside

    def given_values(self, context: Context) -> list[Tensor]:
        if not self.given:
            if context is not None:
                raise RunError("G801", f"{type(self).__name__} has no given variable, so it takes no context")
            return []
        if isinstance(context, Tensor) and len(self.given) == 1:
            return [context]
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
        self, name: str, inputs: Sequence[Tensor], rows: Tensor, *, seed: int = 0, step: int = 0, steps: int = 0
    ) -> tuple[Tensor, ...]:
        """The outputs of a row program, by its kernel where one applies, else by its torch function.

        `rows` are row numbers, the keys of random draws; `steps` is the trip count of a chain."""
        program = self.programs[name]
        function = self.kernel(name, inputs) or program.function
        values = [self.value(path) for path in program.parameters]
        known = {"rows": rows, "seed": checked_seed(seed), "step": step, "steps": steps, "dtype": self.dtype}
        scalars = [known[scalar] for scalar in program.scalars]
        outputs = function(*inputs, *values, *scalars, **{keyword: known[keyword] for keyword in program.keywords})
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def kernel(self, name: str, inputs: Sequence[Tensor] = ()) -> Callable[..., Any] | None:
        """The kernel's launcher: on CUDA, or anywhere under GENC_BACKEND=triton; in float32, and without gradients."""
        choice = settings.backend()
        wanted = choice == "triton" or (choice == "auto" and self.device.type == "cuda")
        if not wanted or self.dtype != torch.float32:
            return None
        if self.device.type == "cpu" and not settings.interpreting():
            raise RunError(
                "G801",
                "GENC_BACKEND is triton, and the model is on the CPU",
                "move the model to CUDA, or set TRITON_INTERPRET=1 to interpret the kernels",
            )
        if torch.is_grad_enabled() and any(t.requires_grad for t in (*inputs, *self.parameters())):
            return None
        return (
            kernel_launcher(f"{self.package}.kernels", self.programs[name].function.__name__) if self.package else None
        )

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
        outside: float = -math.inf,
    ) -> Tensor:
        """The scalar output of `program` for each row, `outside` for rows off the support; `row` are the keys of random
        draws, 0, 1, … when None."""
        inputs, inside = self.enter(values, context)
        rows = torch.arange(len(inside), device=self.device) if row is None else row.to(self.device, torch.int64)
        (result,) = self.run(program, inputs, rows, seed=seed, step=step)
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
        row: Tensor | None = None,
        seed: int = 0,
        step: int = 0,
        phase: str | None = None,
    ) -> Tensor:
        """What an optimizer minimises: minus (or plus) the mean over rows of the phase's value, a scalar.

        `batch` is a tensor, tensors by field name, or a `Batch` out of a data set, whose rows are not checked again.
        `row` (dataset row numbers), `seed` and `step` key the random draws; the first phase is the default."""
        if not self.phases:
            raise _untrainable(self)
        chosen = next((p for p in self.phases if phase in (None, p.label)), None)
        if chosen is None:
            raise RunError("G801", f"no phase `{phase}`", f"phases: {', '.join(p.label for p in self.phases)}")
        if isinstance(batch, Batch):
            value = self.run_batch(chosen.program, batch, seed=seed, step=step)
        else:
            values, context = self._unpacked(batch)
            value = self.row_values(chosen.program, values, context, row=row, seed=seed, step=step)
        mean = value.mean()
        return -mean if chosen.maximize else mean

    def run_batch(self, program: str, batch: Batch, *, seed: int = 0, step: int = 0) -> Tensor:
        """The scalar output of `program` for each row of a checked data set, `[rows]`."""
        inputs = [self.computed(field, batch.tensors[field.name].to(self.device)) for field in self.fields]
        (value,) = self.run(program, inputs, batch.row.to(self.device), seed=seed, step=step)
        return value

    def _unpacked(self, batch: Tensor | Mapping[str, Tensor]) -> tuple[list[Tensor], Context]:
        if isinstance(batch, Tensor):
            batch = {self.fields[0].name: batch}
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

    def fit(self, data: Any = None, **options: Any) -> Self:
        """Train in place by the package's own loop (`train.py`), with its options as keywords; returns the model."""
        if not self.phases or not self.package:
            raise _untrainable(self)
        train = importlib.import_module(f"{self.package}.train")
        train.fit(self, data, **options)
        return self

    def save(self, path: str | Path) -> None:
        """Write the parameters as safetensors, with the model's hash inside."""
        from gencompiler.runtime.checkpoint import save_weights

        save_weights(self, Path(path))

    @classmethod
    def load(cls, path: str | Path, device: str | torch.device = "cpu") -> Self:
        """A model with the parameters of a file that `save` or a training run wrote; G803 if they belong to another."""
        from gencompiler.runtime.checkpoint import load_weights

        model = cls().to(device)
        load_weights(model, Path(path))
        return model


def _untrainable(model: Model) -> RunError:
    return RunError("G801", f"{type(model).__name__} has no training objective", "add a `train` line to the spec")


def _free_name(holder: nn.Module, name: str) -> str:
    """`name`, with underscores after it when a module already has such an attribute or Python such a keyword."""
    while hasattr(holder, name) or keywords.iskeyword(name):
        name += "_"
    return name


@functools.cache
def kernel_launcher(module: str, name: str) -> Callable[..., Any] | None:
    """The launcher `name` of a package's kernels; None where it has none, or where triton is missing."""
    if importlib.util.find_spec("triton") is None or importlib.util.find_spec(module) is None:
        return None
    launcher: Callable[..., Any] | None = getattr(importlib.import_module(module), name, None)
    return launcher


def checked_seed(seed: int) -> int:
    if not 0 <= seed < 1 << 64:
        raise RunError("G801", f"seed {seed} is not in 0..2^64")
    return seed
