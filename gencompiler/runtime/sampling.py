"""Draws from a model, tile by tile, and chains.

A row's bits depend on its number and the seed alone (for one machine, back end, dtype and thread count), whatever
number of rows is asked for.  Where matrices are multiplied, that takes tiles whose size and place depend on nothing
else, because BLAS chooses kernels by the shape, and they round differently (float64, 2 threads: a row of `[64, 500] @
[500, 32]` is not the same row of `[256, 500] @ [500, 32]`).  So a program has tiles of its own, a first, a
second and then each as long as all before it, up to a longest (`RowFunction.tiles`): where nothing else is said, rows 0
to 63 are one, 64 to 127, 128 to 255, and then every 256.  The last is filled up and its surplus dropped.  Without
products any multiple of QUANTUM rows will do.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from gencompiler.runtime import adaptation, backends, random
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field
from gencompiler.runtime.modules import Context, Model, Values

#: Stream of a chain's default first state; a model's own draws count their streams from 0.
START_STREAM = 0x7FFF_FFD0

#: Torch computes an elementwise operation on the CPU with vector instructions, and what is left over after the last
#: whole vector with scalar ones, which round `exp` or a sum differently.  Multiples of 64 rows leave nothing over: the
#: widest loop takes 4 vectors of 16 float32.  `tests/runtime/test_sampling.py` has every function and reduction.
QUANTUM = 64

#: An operation on more elements is split among threads, at places that need not be ends of vectors
#: (`at::internal::GRAIN_SIZE`).
GRAIN = 1 << 15

#: Rows of one launch of a kernel, a multiple of every kernel's tile.
LAUNCH = 1 << 16


@dataclasses.dataclass(frozen=True)
class Chain:
    """Draws of independent chains: `draws` `[chains, draws, *shape]` (a tuple for several variables, called `names`);
    `acceptance` `[chains]`, the fraction of proposals accepted after burn-in, and `rates` `[chains, draws]` on the way
    to each draw."""

    draws: Values
    acceptance: Tensor
    names: tuple[str, ...] = ()
    rates: Tensor | None = None

    def inference_data(self) -> Any:
        """The draws as `arviz.InferenceData`, with the acceptance on the way to each (extra [mcmc])."""
        try:
            import arviz
        except ImportError:
            advice = "pip install 'gencompiler[mcmc]'"
            raise RunError("G801", "chains become InferenceData where ArviZ is installed", advice) from None
        draws = self.draws if isinstance(self.draws, tuple) else (self.draws,)
        names = self.names or tuple(f"x_{place}" for place in range(len(draws)))
        posterior = {name: each.cpu().numpy() for name, each in zip(names, draws, strict=True)}
        rates = None if self.rates is None else {"acceptance_rate": self.rates.cpu().numpy()}
        return arviz.from_dict(posterior=posterior, sample_stats=rates)


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """`states` `[count, points, *shape]` of reverse diffusions at `times` `[points]`, from noise to samples."""

    times: Tensor
    states: Tensor


@torch.no_grad()
def sample(model: Model, count: int, context: Context = None, *, seed: int = 0) -> Values:
    """`count` exact draws of the observed variables, each `[count, *shape]`; discrete ones are int64."""
    given = _context(model, context, _checked(count))
    parts = [
        model.run("sample", _tile(model, model.given, given, rows), rows, seed=seed)
        for rows in tiles(model, count, "sample")
    ]
    return _joined(model, parts, model.observed, count)


def rsample(model: Model, count: int, context: Context = None, *, seed: int = 0) -> tuple[Values, Tensor]:
    """`count` differentiable draws and their log-density `[count]`, computed in one piece rather than in tiles."""
    given = _context(model, context, _checked(count))
    *values, log_prob = model.run("rsample", given, torch.arange(count, device=model.device), seed=seed)
    return values[0] if len(values) == 1 else tuple(values), log_prob


@torch.no_grad()
def chain(
    model: Model,
    count: int,
    draws: int = 1,
    context: Context = None,
    *,
    burn_in: int,
    thin: int,
    seed: int = 0,
    start: Sequence[Tensor] | None = None,
    transition: str = "chain",
) -> Chain:
    """`count` independent chains: `burn_in` steps, then `draws` states that are `thin` steps apart.

    `start` holds the first states `[count, *shape]` of the observed variables; the default is the spec's, else
    Normal(0, 1) on reals and uniform on finite supports."""
    check_steps(draws, burn_in, thin)
    if burn_in < model.warm_up:
        advice = f"let `burn_in` be {model.warm_up} or more: it counts the warm-up"
        raise RunError("G801", f"draws would be kept from step {burn_in} on, while the transition adapts", advice)
    given = _context(model, context, _checked(count))
    first = None if start is None else _own(model, model.enter(start, context)[0])
    parts, accepted = [], [torch.empty(0, draws, device=model.device)]
    starting = _start_program(model, transition)
    used = [transition] if first is not None or starting is None else [transition, starting]
    for rows in tiles(model, count, *used):
        here = _tile(model, model.given, given, rows)
        state = _first_state(model, starting, here, rows, seed, first)
        state, tuned = _warmed_up(model, state, here, rows, seed)
        if burn_in > model.warm_up:
            inputs, steps = [*_inputs(model, state, here), *tuned], burn_in - model.warm_up
            *state, _ = model.run(transition, inputs, rows, seed=seed, step=model.warm_up, steps=steps)
        kept, taken = [], []
        for draw in range(draws):
            inputs = [*_inputs(model, state, here), *tuned]
            *state, steps_accepted = model.run(
                transition, inputs, rows, seed=seed, step=burn_in + draw * thin, steps=thin
            )
            kept.append(_shown(model, state))
            taken.append(steps_accepted / thin)
        parts.append(tuple(torch.stack(states, 1) for states in zip(*kept, strict=True)))
        accepted.append(torch.stack(taken, 1))
    fields = [dataclasses.replace(f, shape=(draws, *f.shape)) for f in model.observed]
    rates = torch.cat(accepted)[:count]
    names = tuple(field.name for field in model.observed)
    return Chain(_joined(model, parts, fields, count), rates.mean(1), names, rates)


@torch.no_grad()
def trajectory(
    model: Model,
    count: int,
    points: int,
    context: Context = None,
    *,
    steps: int,
    first: float,
    last: float,
    seed: int = 0,
    rho: float | None = None,
    start: float = 0.0,
    final: bool = False,
) -> Trajectory:
    """States of `count` reverse diffusions of `steps` steps from time `first` to `last`, before and after `points` - 1
    stretches of equally many steps, at most one; the last are `sample(count)` of the same context and seed.

    With `rho` the steps shorten towards `last` (Karras et al. 2022, eq. 5), and a `final` one leads on to `start`."""
    if points < 2:
        raise RunError("G801", f"{points} points asked for", "ask for 2 or more: the first state and the last")
    points = min(points, steps + 1)
    places = [round(place * steps / (points - 1)) for place in range(points)]
    given = _context(model, context, _checked(count))
    field = model.observed[0]
    parts = [torch.empty(0, points, *field.shape, dtype=model.dtype, device=model.device)]
    for rows in tiles(model, count, "sample"):
        conditions = _tile(model, model.given, given, rows)
        kept = [*model.run("start", conditions, rows, seed=seed)]
        for before, after in itertools.pairwise(places):
            inputs = [kept[-1], *conditions]
            kept += model.run("reverse", inputs, rows, seed=seed, step=before, steps=after - before)
        parts.append(torch.stack(kept, 1))
    even = steps - final if rho is not None else steps
    share = torch.tensor(places, dtype=torch.float64).clamp(max=even) / even
    if rho is None:
        times = first + (last - first) * share
    else:
        begin, end = ((each - start) ** (1 / rho) for each in (first, last))
        times = start + (begin + (end - begin) * share) ** rho
        times[-1] = start if final else times[-1]
    return Trajectory(times, torch.cat(parts)[:count])


def last_state(model: Model, count: int, context: Context = None, *, burn_in: int, seed: int = 0) -> Values:
    """The last states of `count` independent chains after `burn_in` steps, each `[count, *shape]`."""
    draws = chain(model, count, context=context, burn_in=max(model.warm_up, burn_in - 1), thin=1, seed=seed).draws
    return tuple(each[:, 0] for each in draws) if isinstance(draws, tuple) else draws[:, 0]


def tiles(model: Model, count: int, *programs: str) -> Iterator[Tensor]:
    """Row numbers of each tile of `programs`, which run one after another.

    A kernel has tiles of its own, aligned in the same way, and a C function computes every row alike, so they take many
    at once."""
    if model.kernel(programs[0]) is not None or all(
        backends.c_function(model, model.programs[name].function.__name__) for name in programs
    ):
        yield from torch.split(torch.arange(count, device=model.device), LAUNCH)
        return
    longest = _longest_tile(model, programs)
    first, second, most = map(max, zip(*(model.programs[name].tiles for name in programs), strict=True))
    start = 0
    while start < count:
        whole = -(-(count - start) // QUANTUM) * QUANTUM
        length = first if not start else second if start == first else min(most, start)
        length = min(longest, whole) if longest else length
        yield torch.arange(start, start + length, device=model.device)
        start += length


def _longest_tile(model: Model, programs: Sequence[str]) -> int:
    """A multiple of QUANTUM, where tiles of any such number of rows are alike; else 0."""
    widths = [model.programs[name].width for name in programs]
    if model.device.type != "cpu" or not all(widths):
        return 0
    return GRAIN // max(widths) // QUANTUM * QUANTUM


def _start_program(model: Model, transition: str) -> str | None:
    """The program of a chain's first state, where the package has one."""
    name = "start" if transition == "chain" else f"{transition}_start"
    return name if name in model.programs else None


def _start(model: Model, program: str | None, given: Sequence[Tensor], rows: Tensor, seed: int) -> Sequence[Tensor]:
    if program is not None:
        return model.run(program, given, rows, seed=seed)
    return [_default_start(model, field, rows, seed, START_STREAM + i) for i, field in enumerate(state_fields(model))]


def _default_start(model: Model, field: Field, rows: Tensor, seed: int, stream: int) -> Tensor:
    lower, upper, _, _ = field.support.ends
    if field.support.name == "Real":
        state = random.normal(seed, rows, 0, stream, field.size)
    elif field.support.name != "Permutation" and math.isfinite(lower) and math.isfinite(upper):
        uniform = random.uniform(seed, rows, 0, stream, field.size)
        if field.support.discrete:
            state = (lower + (upper - lower + 1) * uniform).floor()
        else:
            state = lower + (upper - lower) * uniform
    else:
        raise RunError("G801", f"no default first state on {field.support}", "pass `start=`")
    return model.computed(field, state.reshape(len(rows), *field.shape))


def state_fields(model: Model) -> tuple[Field, ...]:
    """What chains move: the observed variables, or those in `moving`, latent ones among them."""
    return tuple(f for f in model.moving if not f.given) or model.observed


def _first_state(
    model: Model,
    program: str | None,
    given: Sequence[Tensor],
    rows: Tensor,
    seed: int,
    first: Sequence[Tensor] | None,
) -> Sequence[Tensor]:
    """Where the chains of a tile start: observed variables where they are told to, the others by default."""
    if first is None:
        return _start(model, program, given, rows, seed)
    told = dict(zip((f.name for f in model.observed), _tile(model, model.observed, first, rows), strict=True))
    if len(told) == len(state_fields(model)):
        return list(told.values())
    default = _start(model, program, given, rows, seed)
    return [told.get(f.name, value) for f, value in zip(state_fields(model), default, strict=True)]


def _shown(model: Model, state: Sequence[Tensor]) -> list[Tensor]:
    """Of a state, the observed variables."""
    values = dict(zip((f.name for f in state_fields(model)), state, strict=True))
    return [values[f.name] for f in model.observed]


def _inputs(model: Model, state: Sequence[Tensor], given: Sequence[Tensor]) -> list[Tensor]:
    """The inputs of a transition: the state and the given variables, in the order of declaration."""
    moving, others = iter(state), iter(given)
    return [next(others if field.given else moving) for field in model.moving or model.fields]


def _warmed_up(
    model: Model, state: Sequence[Tensor], given: Sequence[Tensor], rows: Tensor, seed: int
) -> tuple[Sequence[Tensor], list[Tensor]]:
    """The state of a tile after its warm-up, and the conditions of the transition from then on."""
    if not model.warm_up:
        return state, adaptation.starting(model, len(rows))
    kinds = ["given" if field.given else "moving" for field in model.moving or model.fields]
    return adaptation.warm_up(model, state, kinds, given, rows, seed)


def _own(model: Model, entered: Sequence[Tensor]) -> list[Tensor]:
    """Of the tensors of all fields, those of the observed ones."""
    return [tensor for field, tensor in zip(model.fields, entered, strict=True) if not field.given]


def _context(model: Model, context: Context, count: int) -> list[Tensor]:
    given = []
    for field, value in zip(model.given, model.given_values(context), strict=True):
        tensor = model.shaped(field, value)
        if len(tensor) != count:
            raise RunError("G801", f"`{field.name}` has {len(tensor)} rows for {count} samples")
        outside = ~field.support.contains(tensor).reshape(count, -1).all(1)
        if bool(outside.any()):
            row = int(outside.nonzero()[0])
            raise RunError("G801", f"row {row} of `{field.name}` lies outside {field.support}: {tensor[row].tolist()}")
        given.append(model.computed(field, tensor))
    return given


def _tile(model: Model, fields: Sequence[Field], values: Sequence[Tensor], rows: Tensor) -> list[Tensor]:
    """The rows of one tile, filled up with a member of each support."""
    parts = []
    for field, value in zip(fields, values, strict=True):
        part = value[int(rows[0]) : int(rows[0]) + len(rows)]
        filler = field.support.member(field.shape).to(part).expand(len(rows) - len(part), *field.shape)
        parts.append(torch.cat([part, filler]))
    return parts


def _joined(model: Model, parts: Sequence[tuple[Tensor, ...]], fields: Sequence[Field], count: int) -> Values:
    """Tiles put together and cut to `count` rows, in the dtypes of the API."""
    joined = []
    for place, field in enumerate(fields):
        dtype = torch.int64 if field.support.discrete else model.dtype
        empty = torch.empty(0, *field.shape, dtype=dtype, device=model.device)
        joined.append(torch.cat([empty, *(part[place].to(dtype) for part in parts)])[:count])
    return joined[0] if len(joined) == 1 else tuple(joined)


def check_steps(draws: int, burn_in: int, thin: int) -> None:
    """Raises RunError G801 for a number of draws, or of steps before or between them, that no chain has."""
    if min(draws, thin) < 1 or burn_in < 0:
        raise RunError("G801", f"draws = {draws}, thin = {thin}, burn_in = {burn_in}", "draws and thin start at 1")


def _checked(count: int) -> int:
    if count < 0:
        raise RunError("G801", f"{count} rows asked for", "ask for 0 or more")
    return count
