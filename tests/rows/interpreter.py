"""What a row program means, as literally as possible: one row at a time, one operation at a time, in float64.

Independent of both printers and of the runtime; slow, and only for small programs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from flint import arb

from gencompiler.rows import nodes as r

Values = dict[str, Any]


def _by_balls(function: Callable[[arb], arb]) -> Callable[..., Any]:
    """A special function, elementwise, by ball arithmetic; not a number where it is undefined."""
    return np.vectorize(lambda a: float(function(arb(float(a))).mid()), otypes=[float])


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.true_divide,
    "quotient": np.floor_divide,
    "power": np.power,
    "negate": np.negative,
    "min": np.minimum,
    "max": np.maximum,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "indicator": lambda a: np.asarray(a, dtype=float),
    "exp": np.exp,
    "log": np.log,
    "expm1": np.expm1,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "logit": lambda a: np.log(a) - np.log1p(-a),
    "softplus": lambda a: np.logaddexp(a, 0.0),
    "tanh": np.tanh,
    "atan": np.arctan,
    "erf": np.vectorize(math.erf, otypes=[float]),
    "sinh": np.sinh,
    "asinh": np.arcsinh,
    "cosh": np.cosh,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "abs": np.abs,
    "sign": np.sign,
    "relu": lambda a: np.maximum(a, 0.0),
    "floor": np.floor,
    "stop": lambda a: a,
    "lgamma": _by_balls(lambda a: a.lgamma()),
    "digamma": _by_balls(lambda a: a.digamma()),
    "lambert_w": _by_balls(lambda a: a.lambertw()),
    "wright_omega": _by_balls(lambda a: a.exp().lambertw()),
    "bessel_i0": _by_balls(lambda a: a.bessel_i(0)),
    "log_bessel_i0": _by_balls(lambda a: a.bessel_i(0).log()),
    "bessel_ratio": _by_balls(lambda a: a.bessel_i(1) / a.bessel_i(0)),
}

_MATRICES: dict[str, Callable[..., Any]] = {
    "transpose": np.transpose,
    "matmul": np.matmul,
    "cholesky": np.linalg.cholesky,
    "inverse": np.linalg.inv,
    "inverse_lower": np.linalg.inv,
    "inverse_upper": np.linalg.inv,
    "norm_bound": lambda a: np.linalg.norm(a, 2),
    "log_abs_det": lambda a: np.linalg.slogdet(a)[1],
    "diagonal": np.diagonal,
    "diagonal_matrix": np.diag,
    "columns": lambda a: np.expand_dims(a, 1),
}


def philox(seed: int, *counters: int) -> list[int]:
    """Philox4x32-10 on Python integers."""
    mask = 0xFFFFFFFF
    a, b, c, d = (value & mask for value in counters)
    low, high = seed & mask, seed >> 32
    for _ in range(10):
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (second >> 32) ^ b ^ low, second & mask, (first >> 32) ^ d ^ high, first & mask
        low, high = (low + 0x9E3779B9) & mask, (high + 0xBB67AE85) & mask
    return [a, b, c, d]


def draw(kind: str, seed: int, row: int, step: int, dim: int, stream: int) -> float:
    words = philox(seed, row, step, dim, stream)
    first, second = (min(((word >> 8) + 0.5) * 2.0**-24, 1 - 2.0**-24) for word in words[:2])
    if kind == "normal":  # of the float32 uniforms, in any dtype
        first, second = (min(float(np.float32(each)), 1 - 2.0**-24) for each in (first, second))
    return first if kind == "uniform" else math.sqrt(-2 * math.log(first)) * math.cos(2 * math.pi * second)


def run(
    program: r.Program, inputs: Mapping[str, Any], parameters: Mapping[str, Any], **scalars: int
) -> list[np.ndarray]:
    """The outputs, stacked over rows.  `scalars` may hold `seed`, `step` and `rows` (how many, without inputs)."""
    count = len(next(iter(inputs.values()))) if inputs else scalars["rows"]
    with np.errstate(all="ignore"):  # what is in the padding of a tile may be anything
        rows = [_Row(program, inputs, parameters, scalars, n).outputs() for n in range(count)]
    return [_over_rows(output, each) for output, each in zip(program.outputs, zip(*rows, strict=True), strict=True)]


def _over_rows(output: r.Output, values: Sequence[np.ndarray]) -> np.ndarray:
    if not output.type.rows:
        return np.sum(values, axis=0)
    return np.concatenate(values) if output.type.particles > 1 else np.stack(values)


def _convolved(expr: r.Convolve, value: np.ndarray, weight: np.ndarray, bias: Any) -> np.ndarray:
    """Place by place: what lies in the box, 0 outside of the grid."""
    table, found = value.reshape(*expr.grid, -1), []
    for place in np.ndindex(expr.result_grid):
        around = []
        for step in np.ndindex(expr.kernel):
            parts = zip(place, step, expr.pads, strict=True)
            at = tuple(p + expr.dilation * s - pad[0] for p, s, pad in parts)
            inside = all(0 <= a < n for a, n in zip(at, expr.grid, strict=True))
            around.append(table[at] if inside else np.zeros(table.shape[-1]))
        found.append(weight @ np.concatenate(around) + bias)
    return np.concatenate(found)


class _Row:
    def __init__(
        self,
        program: r.Program,
        inputs: Mapping[str, Any],
        parameters: Mapping[str, Any],
        scalars: dict[str, int],
        row: int,
    ) -> None:
        self.program, self.scalars, self.row = program, scalars, row
        self.inputs = {name: np.asarray(value)[row].astype(float) for name, value in inputs.items()}
        self.parameters = {name: np.asarray(value, dtype=float) for name, value in parameters.items()}
        self.stored = {o.name: np.full(o.type.shape, np.nan) for o in program.outputs if o.value is None}

    def outputs(self) -> list[np.ndarray]:
        names: Values = dict(self.scalars)
        self.block(self.program.body, names)
        results = []
        for output in self.program.outputs:
            value = self.stored[output.name] if output.value is None else self.bound(output.value, names)
            own = output.type.shape if output.type.particles == 1 else (output.type.particles, *output.type.shape)
            results.append(np.broadcast_to(value, own if output.type.particles > 1 else np.shape(value) or own))
        return results

    def block(self, statements: tuple[r.Statement, ...], names: Values) -> None:
        for statement in statements:
            match statement:
                case r.Let(name, value):
                    names[name] = self.bound(value, names)
                case r.StoreColumn(output, index, value):
                    self.stored[output][int(self.value(index, names))] = self.value(value, names)
                case r.StoreSection(output, index, value, length, places):
                    start, stored = int(self.value(index, names)), self.value(value, names)
                    held = range(length) if places is None else self.value(places, names)
                    for column, element in enumerate(held):
                        if element >= 0:
                            self.stored[output][start + int(element)] = np.broadcast_to(stored, value.type.shape)[
                                column
                            ]
                case r.Loop():
                    self.loop(statement, names)

    def loop(self, loop: r.Loop, names: Values) -> None:
        names.update({carry.name: self.bound(carry.initial, names) for carry in loop.carried})
        steps = range(int(self.value(loop.count, names)))
        for step in reversed(steps) if loop.reverse else steps:
            names[loop.index] = step
            self.block(loop.body, names)
            names.update({carry.name: self.bound(carry.next, names) for carry in loop.carried})

    def bound(self, expr: r.Expr, names: Values) -> Any:
        """A value, or the list of those of the particles."""
        if expr.type.particles == 1:
            return self.value(expr, names)
        return [self.value(expr, names, k) for k in range(expr.type.particles)]

    def value(self, expr: r.Expr, names: Values, k: int = 0) -> Any:
        """The value for particle `k`, of a value that has particles."""
        k = k if expr.type.particles > 1 else 0

        def of(part: r.Expr) -> Any:
            return self.value(part, names, k)

        match expr:
            case r.Number(value=value):
                return value
            case r.Local(name=name):
                return names[name][k] if isinstance(names[name], list) else names[name]
            case r.InputRead(name=name):
                padding = [
                    (0, wide - size) for wide, size in zip(expr.type.shape, self.inputs[name].shape, strict=True)
                ]
                return np.pad(self.inputs[name], padding) if padding else self.inputs[name]
            case r.ParameterRead(path=path, index=index):
                return self.parameters[path][tuple(slice(None) if i is None else int(of(i)) for i in index)]
            case r.Elementwise(function=function, arguments=arguments):
                return _OPERATIONS[function](*map(of, arguments))
            case r.Select(condition=condition, then=then, otherwise=otherwise):
                return np.where(of(condition), of(then), of(otherwise))
            case r.Dot(vector=vector, matrix=matrix, transposed=transposed):
                return of(vector) @ (of(matrix).T if transposed else of(matrix))
            case r.Reduce(operation=operation, operand=operand):
                reduction = {"logsumexp": np.logaddexp.reduce, "norm": np.linalg.norm}
                return reduction.get(operation, getattr(np, operation, None))(of(operand))
            case r.Outer(left=left, right=right):
                return np.outer(of(left), of(right)).ravel()
            case r.Broadcast(operand=operand, length=length):
                return np.full(length, of(operand))
            case r.Column(vector=vector, index=index):
                return of(vector)[int(of(index))]
            case r.WithColumn(vector=vector, index=index, value=value):
                result = np.array(of(vector), dtype=float)
                result[int(of(index))] = of(value)
                return result
            case r.Slice(vector=vector, start=start, stop=stop):
                return of(vector)[start:stop]
            case r.Section(input=name, start=start, length=length, places=places):
                held = np.arange(expr.type.shape[0]) if places is None else of(places)
                held = np.where(held < length, held, -1).astype(int)
                return np.where(held < 0, 0.0, self.inputs[name][int(of(start)) + np.maximum(held, 0)])
            case r.Concat(parts=parts):
                return np.concatenate([np.atleast_1d(of(part)) for part in parts])
            case r.Permute(vector=vector, order=order):
                return of(vector)[list(order)]
            case r.Argsort(vector=vector):
                return np.argsort(of(vector), kind="stable").astype(float)
            case r.Iota(length=length):
                return np.arange(length)
            case r.Window(value=value, start=start, length=length, axis=axis):
                return np.take(of(value), range(int(of(start)), int(of(start)) + length), axis=axis)
            case r.WithWindow(vector=vector, start=start, value=value):
                result, at = np.array(of(vector), dtype=float), int(of(start))
                result[at : at + len(of(value))] = of(value)
                return result
            case r.Reshape(value=value):
                return np.reshape(of(value), expr.type.shape)
            case r.Mask(rows=rows, columns=columns):
                above, below = ([d for part in each for d in part.all()] for each in (rows, columns))
                return np.array([[float(low <= high) for low in below] for high in above])
            case r.Convolve(value=value, weight=weight, bias=bias):
                return _convolved(expr, of(value), of(weight), 0.0 if bias is None else of(bias))
            case r.Draw(kind=kind, stream=stream, step=step, dim=dim):
                at = self.place(expr, k, None if dim is None else of(dim))
                return self.draw(kind, stream, int(of(step)), expr.type.shape, at)
            case r.Spread(value=value):
                return of(value)
            case r.Collect(value=value):
                return np.array([self.value(value, names, each) for each in range(value.type.particles)])
            case r.Pool(value=value):
                return np.sum([self.value(value, names, each) for each in range(value.type.particles)], axis=0)
            case r.Distribute(vector=vector):
                return of(vector)[k]
            case r.ParticleIndex():
                return k
            case r.LogAbsDet(entries=entries, size=size):
                return np.linalg.slogdet(np.reshape(of(entries), (size, size)))[1]
            case r.LinearSolution(entries=entries, right=right):
                return np.linalg.solve(np.reshape(of(entries), (-1, len(of(right)))), of(right))
            case r.MatrixFunction(function=function, arguments=arguments):
                return _MATRICES[function](*map(of, arguments)) if arguments else np.eye(expr.type.shape[0])
        raise TypeError(expr)

    def place(self, draw: r.Draw, k: int, dim: Any) -> Any:
        """The dims of particle `k`."""
        if not draw.type.shape:
            return k * draw.length + int(dim or 0)
        size = draw.type.shape[0]
        return dim if dim is not None else range(k * size, (k + 1) * size)

    def draw(self, kind: str, stream: int, step: int, shape: tuple[int, ...], dim: Any) -> Any:
        seed = self.scalars["seed"]
        if not shape:
            return draw(kind, seed, self.row, step, int(dim), stream)
        return np.array([draw(kind, seed, self.row, step, int(each), stream) for each in dim])
