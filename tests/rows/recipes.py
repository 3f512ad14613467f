"""Random expressions as plain data, built into a graph on one side and computed with numpy on the other.

The numpy side knows nothing of multiplicities: every value is an array `[rows, particles, *shape]`.
"""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import numpy as np

from gencompiler.rows import nodes
from gencompiler.rows.graph import Graph
from gencompiler.rows.linearize import linearize
from gencompiler.rows.nodes import Expr
from tests.rows.building import AT, given, output, parameter, row, use
from tests.rows.interpreter import draw as drawn_number

#: A recipe: an operation and what it is applied to.
Recipe = tuple[Any, ...]

UNARY = {"tanh": np.tanh, "sin": np.sin, "softplus": lambda a: np.logaddexp(a, 0), "relu": lambda a: np.maximum(a, 0)}
BINARY = {"add": np.add, "subtract": np.subtract, "multiply": np.multiply, "max": np.maximum, "min": np.minimum}
REDUCING = {"sum": np.sum, "max": np.max, "min": np.min, "prod": np.prod}
REDUCING |= {"logsumexp": np.logaddexp.reduce, "norm": np.linalg.norm}


@dataclasses.dataclass
class Sizes:
    """How many particles a row has and how long its vectors are."""

    particles: int = 3
    length: int = 4


class Maker:
    """Makes recipes; `deep` says whether what it makes may differ between particles."""

    def __init__(self, seed: int, sizes: Sizes) -> None:
        self.rng = random.Random(seed)
        self.sizes = sizes
        self.streams = 0
        self.matrices = 0
        self.names: list[tuple[str, int | None]] = [("x", sizes.length), ("y", None)]

    def make(self, size: int | None, depth: int, per: bool) -> Recipe:
        """A recipe of a scalar (`size` None) or of a vector."""
        if depth == 0 or self.rng.random() < 0.1:
            return self.leaf(size, per)
        return self.scalar(depth - 1, per) if size is None else self.vector(size, depth - 1, per)

    def leaf(self, size: int | None, per: bool) -> Recipe:
        known = [("name", name) for name, own in self.names if own == size and (per or name != "c")]
        choices: list[Recipe] = [*known, *known]
        if per:
            self.streams += 1
            choices.append(("draw", self.streams, size, self.rng.choice([1, self.sizes.particles])))
        if size is None:
            choices.append(("number", self.rng.choice([0.5, -1.25, 2.0])))
            choices += [("index",)] if per else []
        if not choices or (size is not None and self.rng.random() < 0.2):
            return ("fill", ("number", 0.75), size)
        return self.rng.choice(choices)

    def scalar(self, depth: int, per: bool) -> Recipe:
        size = self.rng.choice([2, self.sizes.length])
        kind = self.rng.randrange(7)
        if kind == 0:
            return ("unary", self.rng.choice(list(UNARY)), self.make(None, depth, per))
        if kind == 1:
            return ("binary", self.rng.choice(list(BINARY)), self.make(None, depth, per), self.make(None, depth, per))
        if kind == 2:
            return ("reduce", self.rng.choice(list(REDUCING)), self.make(size, depth, per))
        if kind == 3:
            return ("column", self.make(size, depth, per), self.rng.randrange(size))
        if kind == 4:
            return ("select", *(self.make(None, depth, per) for _ in range(4)))
        if kind == 5 and per:
            return ("distribute", self.make(self.sizes.particles, depth, False))
        return (
            ("reduce", "sum", ("collect", self.make(None, depth, True))) if kind == 5 else self.loop(None, depth, per)
        )

    def vector(self, size: int, depth: int, per: bool) -> Recipe:
        kind = self.rng.randrange(10)
        if kind == 0:
            return ("unary", self.rng.choice(list(UNARY)), self.make(size, depth, per))
        if kind in (1, 2):
            other = self.rng.choice([size, None])
            return ("binary", self.rng.choice(list(BINARY)), self.make(size, depth, per), self.make(other, depth, per))
        if kind == 3:
            self.matrices += 1
            path, inner = f"m{self.matrices}", self.rng.choice([2, self.sizes.length])
            shape = (inner, size) if (right := self.rng.random() < 0.5) else (size, inner)
            return ("dot", self.make(inner, depth, per), path, shape, not right)
        if kind == 4:
            cut = self.rng.randrange(1, size) if size > 1 else 0
            return (
                ("concat", self.make(cut or None, depth, per), self.make(size - cut, depth, per))
                if cut
                else (
                    "fill",
                    self.make(None, depth, per),
                    size,
                )
            )
        if kind == 5:
            return ("slice", self.make(size + 2, depth, per), 1)
        if kind == 6:
            return ("permute", self.make(size, depth, per), tuple(self.rng.sample(range(size), size)))
        if kind == 7:
            return ("with", self.make(size, depth, per), self.rng.randrange(size), self.make(None, depth, per))
        if kind == 8 and size == self.sizes.particles:
            return ("collect", self.make(None, depth, True))
        if kind == 8:
            return (
                "select",
                *(self.make(self.rng.choice([size, None]), depth, per) for _ in range(3)),
                self.make(size, depth, per),
            )
        return self.loop(size, depth, per)

    def loop(self, size: int | None, depth: int, per: bool) -> Recipe:
        """`c` starts as something and goes through a body a few times."""
        if any(name == "c" for name, _ in self.names):
            return self.leaf(size, per)
        start = self.make(size, depth, self.rng.random() < 0.4 and per)
        self.names.append(("c", size))
        body = ("unary", "tanh", ("binary", "add", ("name", "c"), self.make(size, depth, per)))
        self.names.pop()
        return ("loop", self.rng.randrange(1, 3), size, start, body)


# -- into a graph ----------------------------------------------------------------------------------------------------


class Built:
    """Recipes as nodes of one graph."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.graph = Graph()
        types = {"x": row(sizes.length), "y": row()}
        self.names: dict[str, Expr] = {
            name: self.graph.intern(nodes.InputRead(kind, name, span=AT)) for name, kind in types.items()
        }
        self.inputs = tuple(given(name, kind) for name, kind in types.items())
        self.uses: dict[str, nodes.ParameterUse] = {}
        self.depth = 0

    def build(self, recipe: Recipe) -> Expr:
        graph, of = self.graph, self.build
        match recipe:
            case "name", name:
                return self.names[name]
            case "number", value:
                return graph.number(value, AT)
            case ("index",):
                return graph.particle_index(self.sizes.particles, AT)
            case "draw", stream, size, count:
                step = graph.scalar("step", AT)
                return graph.draw("normal", stream, step, () if size is None else (size,), AT, count=count)
            case "fill", value, size:
                return graph.broadcast(of(value), size, AT)
            case "unary", function, value:
                return graph.elementwise(function, of(value), span=AT)
            case "binary", function, a, b:
                return graph.elementwise(function, of(a), of(b), span=AT)
            case "select", a, b, c, d:
                return graph.select(graph.elementwise("less", of(a), of(b), span=AT), of(c), of(d), AT)
            case "reduce", operation, value:
                return graph.reduce(operation, of(value), AT)
            case "column", value, place:
                return graph.column(of(value), graph.integer(place, AT), AT)
            case "slice", value, start:
                vector = of(value)
                return graph.slice(vector, start, vector.type.shape[0] - start, AT)
            case "concat", *parts:
                return graph.concat(tuple(map(of, parts)), AT)
            case "permute", value, order:
                return graph.permute(of(value), order, AT)
            case "with", vector, place, value:
                return graph.with_column(of(vector), graph.integer(place, AT), of(value), AT)
            case "dot", value, path, shape, transposed:
                self.uses[path] = use(path, *shape)
                matrix = graph.intern(parameter(path, (None, None), shape))
                return graph.dot(of(value), matrix, transposed, AT)
            case "collect", value:
                return graph.collect(of(value), self.sizes.particles, AT)
            case "pool", value:
                return graph.pool(of(value), self.sizes.particles, AT)
            case "distribute", value:
                return graph.distribute(of(value), AT)
        return self._loop(*recipe[1:])

    def _loop(self, count: int, size: int | None, start: Recipe, body: Recipe) -> Expr:
        graph = self.graph
        carried = {"c": self.build(start)}
        plan = graph.loop("layers", "k", graph.integer(count, AT), carried, AT, depth=0)
        self.names["c"] = plan.inside[0]
        following = self.build(body)
        del self.names["c"]
        return graph.close(plan, (following,))[0]

    def program(self, values: dict[str, Expr]) -> nodes.Program:
        body, written = linearize(self.graph, tuple(values.values()))
        outputs = tuple(
            output(name, value, dataclasses.replace(value.type, rows=True, kind="real"))
            for name, value in zip(values, written, strict=True)
        )
        return nodes.Program(
            "random", "A random program", self.inputs, (), tuple(self.uses.values()), body, outputs, span=AT
        )


# -- with numpy ------------------------------------------------------------------------------------------------------


class Computed:
    """Recipes as arrays `[rows, particles, *shape]`."""

    def __init__(self, sizes: Sizes, values: dict[str, np.ndarray], seed: int, step: int) -> None:
        self.sizes, self.values, self.seed, self.step = sizes, values, seed, step
        self.rows = len(values["y"])
        self.names = {name: self._repeated(values[name]) for name in ("x", "y")}

    def _repeated(self, value: np.ndarray) -> np.ndarray:
        return np.repeat(value[:, None], self.sizes.particles, 1)

    def compute(self, recipe: Recipe) -> Any:
        of = self.compute
        match recipe:
            case "name", name:
                return self.names[name]
            case "number", value:
                return np.full((self.rows, self.sizes.particles), value)
            case ("index",):
                return np.tile(np.arange(self.sizes.particles, dtype=float), (self.rows, 1))
            case "draw", stream, size, count:
                return self._draw(stream, size, count)
            case "fill", value, size:
                return np.repeat(of(value)[..., None], size, -1)
            case "unary", function, value:
                return UNARY[function](of(value))
            case "binary", function, a, b:
                return BINARY[function](*_aligned(of(a), of(b)))
            case "select", a, b, c, d:
                left, right, then, otherwise = _aligned(of(a), of(b), of(c), of(d))
                return np.where(left < right, then, otherwise)
            case "reduce", operation, value:
                return REDUCING[operation](of(value), axis=-1)
            case "column", value, place:
                return of(value)[..., place]
            case "slice", value, start:
                return of(value)[..., start:-start]
            case "concat", *parts:
                found = map(of, parts)
                return np.concatenate([p if p.ndim == 3 else p[..., None] for p in found], -1)
            case "permute", value, order:
                return of(value)[..., list(order)]
            case "with", vector, place, value:
                result = of(vector).copy()
                result[..., place] = of(value)
                return result
            case "dot", value, path, _, transposed:
                return of(value) @ (self.values[path].T if transposed else self.values[path])
            case "collect", value:
                return self._repeated(of(value))
            case "pool", value:
                return self._repeated(of(value).sum(1))
            case "distribute", value:
                return np.stack([of(value)[:, k, k] for k in range(self.sizes.particles)], 1)
        _, count, _, start, body = recipe
        current = of(start)
        for _ in range(count):
            self.names["c"] = current
            current = of(body)
        del self.names["c"]
        return current

    def _draw(self, stream: int, size: int | None, count: int) -> np.ndarray:
        own = size or 1
        numbers = [
            [drawn_number("normal", self.seed, r, self.step, dim, stream) for dim in range(own * count)]
            for r in range(self.rows)
        ]
        found = np.array(numbers).reshape(self.rows, count, own)
        found = found if count > 1 else np.repeat(found, self.sizes.particles, 1)
        return found if size is not None else found[..., 0]


def _aligned(*values: np.ndarray) -> tuple[np.ndarray, ...]:
    widest = max(value.ndim for value in values)
    return tuple(value if value.ndim == widest else value[..., None] for value in values)
