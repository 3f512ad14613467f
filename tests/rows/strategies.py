"""Random row programs: every node, every kind of loop, values that stay of order one.

`build(seed)` is deterministic, so a failing seed is a test case.
"""

from __future__ import annotations

import random

from hypothesis import strategies as st

from gencompiler.rows.nodes import (
    Broadcast,
    Expr,
    Iota,
    Let,
    Loop,
    Output,
    ParameterUse,
    Program,
    Reduce,
    RowType,
    StoreColumn,
    WithColumn,
)
from tests.rows.building import (
    AT,
    add,
    apply,
    carry,
    column,
    dot,
    draw,
    given,
    index,
    join,
    let,
    local,
    multiply,
    number,
    output,
    parameter,
    part,
    permute,
    read,
    reverse,
    row,
    select,
    subtract,
    total,
    uniform,
    use,
)

_BOUNDED = ("tanh", "sigmoid", "sin", "cos", "atan", "erf")
_UNARY = (*_BOUNDED, "negate", "abs", "relu", "softplus", "asinh", "sign", "floor")
_BINARY = ("add", "subtract", "multiply", "max", "min")
#: Of what is positive, and neither large nor near 0.
_OF_POSITIVE = ("log", "log1p", "sqrt", "lgamma", "digamma", "lambert_w", "wright_omega")
_OF_SMALL = ("exp", "expm1", "sinh", "cosh", "tan")
_EXPONENTS = (0.5, 1.5, -0.5, -2.0, 2.0, 3.0)


def row_programs() -> st.SearchStrategy[Program]:
    return st.integers(0, 2**32).map(build)


def build(seed: int) -> Program:
    """One random program."""
    return _Builder(random.Random(seed)).program()


class _Builder:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.size = rng.choice([2, 3, 5, 8, 9, 12, 16, 17, 20])
        self.parameters: list[ParameterUse] = []
        self.vectors: list[Expr] = []
        self.scalars: list[Expr] = []
        self.streams = 0
        self.names = 0
        self.index: Expr | None = None
        self.layers = 0

    def program(self) -> Program:
        n, discrete = self.size, self.rng.random() < 0.3
        x = row(n, kind="integer" if discrete else "real")
        inputs = [given("x", x)] if self.rng.random() < 0.9 else []
        if inputs:
            self.vectors.append(multiply(1.0, read("x", x)) if discrete else read("x", x))
        else:
            self.vectors.append(self.drawn(n))
        body: list[Let | Loop | StoreColumn] = self.lets(self.rng.randrange(3))
        kinds = self.rng.sample(["layers", "dimensions", "steps", "sums"], self.rng.randrange(1, 3))
        for kind in kinds:
            body.append(self.loop_of(kind))
            body += self.lets(self.rng.randrange(2))
        outputs: list[Output] = [output("v", self.as_rows(self.vector())), output("s", self.as_rows(self.scalar()))]
        stored = _stores(body)
        outputs += [output(name, None, row(n)) for name in stored]
        scalars = ("steps",) if "steps" in kinds else ()
        return Program(
            "random",
            "A random program",
            tuple(inputs),
            scalars,
            tuple(self.parameters),
            tuple(body),
            tuple(outputs),
            span=AT,
        )

    # -- statements --------------------------------------------------------------------------------------------------

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def lets(self, count: int) -> list[Let | Loop | StoreColumn]:
        result: list[Let | Loop | StoreColumn] = []
        for _ in range(count):
            value = self.vector() if self.rng.random() < 0.7 else self.scalar()
            name = self.name("let")
            result.append(let(name, value))
            (self.vectors if value.type.shape else self.scalars).append(local(name, value.type))
        return result

    def loop_of(self, kind: str) -> Loop:
        count = self.size if kind in ("dimensions", "sums") else self.rng.randrange(1, 5)
        outside = (list(self.vectors), list(self.scalars), self.index, self.layers)
        first, second, at = self.name("vector"), self.name("scalar"), self.name("index")
        n = self.size
        starts = (self.as_rows(self.vector(n)), number(0.0) if self.rng.random() < 0.5 else self.as_rows(self.scalar()))
        self.index, self.layers = index(at), count if kind == "layers" else 0
        here = (local(first, row(n)), local(second, row()))
        size = index("steps") if kind == "steps" else number(float(count), "integer")
        body: list[Let | Loop | StoreColumn]
        if kind == "sums":
            body, following = self.sums(here, at)
        else:
            self.vectors, self.scalars = [*self.vectors, here[0], here[0]], [*self.scalars, here[1]]
            body = self.lets(self.rng.randrange(1, 4))
            if kind == "dimensions":
                body.append(StoreColumn(f"out_{at}", index(at), self.as_rows(self.scalar()), span=AT))
            following = (self.as_rows(self.vector(n)), add(here[1], self.as_rows(apply("tanh", self.scalar()))))
        down = self.rng.random() < 0.4
        result = Loop(
            "dimensions" if kind == "sums" else kind,
            at,
            size,
            (carry(first, starts[0], following[0]), carry(second, starts[1], following[1])),
            tuple(body),
            down,
            span=AT,
        )
        self.vectors, self.scalars, self.index, self.layers = outside
        self.vectors, self.scalars = [*self.vectors, here[0]], [*self.scalars, here[1]]
        return result

    def sums(self, here: tuple[Expr, Expr], at: str) -> tuple[list[Let | Loop | StoreColumn], tuple[Expr, Expr]]:
        """A loop of prefix sums, as causal reductions and their log-densities make it."""
        n, i = self.size, index(at)
        source = self.rng.choice([each for each in self.vectors if each.type.shape == (n,)])
        weights = self.matrix_row(i, n)
        term = (
            multiply(column(source, i), weights)
            if self.rng.random() < 0.7
            else apply("tanh", multiply(source, weights))
        )
        summed = self.name("let")
        value = total(multiply(apply("sigmoid", here[0]), self.matrix_row(i, n)))
        body: list[Let | Loop | StoreColumn] = [let(summed, value)]
        if self.rng.random() < 0.5:
            body.append(StoreColumn(f"out_{at}", i, local(summed, row()), span=AT))
        following = (add(here[0], self.as_rows(term)), add(here[1], multiply(local(summed, row()), column(source, i))))
        return body, following

    # -- expressions -------------------------------------------------------------------------------------------------

    def as_rows(self, expr: Expr) -> Expr:
        """A value that differs between rows, as outputs and carried values do."""
        if expr.type.rows:
            return expr
        shift = total(self.vectors[0])
        return add(expr, apply("tanh", shift))

    def stream(self) -> int:
        self.streams += 1
        return self.streams

    def drawn(self, n: int | None) -> Expr:
        step: Expr = index("step")
        if self.index is not None:
            step = add(step, multiply(self.index, number(1.0, "integer")))
        return draw(self.rng.choice(["uniform", "normal"]), self.stream(), step, n)

    def new_parameter(self, *shape: int) -> str:
        path = f"net.{len(self.parameters)}.weight"
        self.parameters.append(use(path, *shape))
        return path

    def matrix_row(self, i: Expr, n: int) -> Expr:
        if self.rng.random() < 0.5:
            return parameter(self.new_parameter(self.size, n), (i, None), (n,))
        return parameter(self.new_parameter(n, self.size), (None, i), (n,))

    def weights(self, *shape: int) -> Expr:
        """A uniform value of a shape: a parameter, for each layer its own inside a loop over layers, or a function
        of it."""
        if self.layers and self.rng.random() < 0.7:
            stacked = self.new_parameter(self.layers, *shape)
            value: Expr = parameter(stacked, (self.index, *[None] * len(shape)), shape)
        else:
            value = parameter(self.new_parameter(*shape), (None,) * len(shape), shape)
        return apply("tanh", value) if self.rng.random() < 0.3 else value

    def scalar(self, depth: int = 0) -> Expr:
        choice = self.rng.randrange(9) if depth < 3 else 0
        if choice == 0 and self.scalars:
            return self.rng.choice(self.scalars)
        if choice == 1:
            return apply(self.rng.choice(_UNARY), self.scalar(depth + 1))
        if choice == 2:
            return apply(self.rng.choice(_BINARY), self.scalar(depth + 1), self.scalar(depth + 1))
        if choice == 3:
            return self.weights()
        if choice == 4:
            return self.drawn(None)
        if choice == 5:
            vector = self.vector(depth=depth + 1)
            kind = self.rng.choice(["max", "min", "norm", "logsumexp", "prod"])
            vector = apply("tanh", vector) if kind == "prod" else vector
            return Reduce(RowType(vector.type.rows, ()), kind, vector, span=AT)
        if choice == 6:
            condition = apply("less", self.scalar(depth + 1), self.scalar(depth + 1))
            return select(condition, self.scalar(depth + 1), number(0.25))
        if choice == 8:
            return self.function(self.scalar(depth + 1), self.scalar(depth + 1))
        vector = self.vector(depth=depth + 1)
        if self.rng.random() < 0.5:
            return column(vector, self.rng.randrange(vector.type.shape[0]))
        return apply("tanh", total(vector))

    def vector(self, n: int | None = None, depth: int = 0) -> Expr:
        n = n or self.size
        known = [each for each in self.vectors if each.type.shape == (n,)]
        if depth >= 4 or (known and self.rng.random() < 0.15):
            return self.rng.choice(known) if known else self.weights(n)
        makers = [
            self.mapped,
            self.mapped,
            self.product,
            self.joined,
            self.joined,
            self.chosen,
            self.leaf,
            self.changed,
            self.permuted,
        ]
        return self.rng.choice(makers)(n, depth + 1)

    def function(self, value: Expr, other: Expr) -> Expr:
        """A function of `value` where it is defined and of order one, or a power, of `other` too."""
        small, positive = apply("tanh", value), add(apply("softplus", value), 0.25)
        match self.rng.randrange(5):
            case 0:
                return apply(self.rng.choice(_OF_POSITIVE), positive)
            case 1:
                return apply(self.rng.choice(_OF_SMALL), small)
            case 2:
                return apply("logit", add(multiply(apply("sigmoid", value), 0.75), 0.125))
            case 3:
                exponent = self.rng.choice(_EXPONENTS)
                return apply("power", small if exponent > 1.5 else positive, number(exponent))
        exponent = apply("tanh", other)
        return apply("power", *self.rng.choice([(number(2.0), small), (positive, exponent)]))

    def mapped(self, n: int, depth: int) -> Expr:
        if self.rng.random() < 0.4:
            return apply(self.rng.choice(_UNARY), self.vector(n, depth))
        other = self.vector(n, depth) if self.rng.random() < 0.6 else self.scalar(depth)
        if self.rng.random() < 0.2:
            return self.function(self.vector(n, depth), other)
        if self.rng.random() < 0.3:
            return multiply(self.vector(n, depth), apply("exp", apply("tanh", other)))
        return apply(self.rng.choice(_BINARY), self.vector(n, depth), other)

    def product(self, n: int, depth: int) -> Expr:
        m = self.rng.choice([1, 3, n, 18])
        vector = self.as_rows(self.vector(m, depth))
        if self.rng.random() < 0.5:
            return add(dot(vector, self.weights(m, n)), self.weights(n))
        return dot(vector, self.weights(n, m), transposed=True)

    def joined(self, n: int, depth: int) -> Expr:
        """Halves of one vector, changed and put together again, or unrelated parts."""
        if n == 1:
            return self.leaf(n, depth)
        at, whole = self.rng.randrange(1, n), self.vector(n, depth)
        if self.rng.random() < 0.7:
            a, b = part(whole, 0, at), part(whole, at, n)
            s = apply("tanh", self.vector(n - at, depth))
            changed = self.rng.choice(
                [add(b, s), multiply(b, apply("exp", s)), multiply(subtract(b, s), apply("exp", s))]
            )
            return join(a, changed) if self.rng.random() < 0.7 else join(changed, a)
        if self.rng.random() < 0.3:
            return join(self.scalar(depth), part(whole, 0, n - 1))
        return join(self.vector(at, depth), self.vector(n - at, depth))

    def chosen(self, n: int, depth: int) -> Expr:
        condition = apply(self.rng.choice(["less", "greater_equal"]), self.vector(n, depth), self.scalar(depth))
        if self.rng.random() < 0.3:
            places = Iota(uniform(n, kind="integer"), n, span=AT)
            condition = apply("less", places, self.index or number(2.0, "integer"))
        return select(condition, self.vector(n, depth), self.vector(n, depth))

    def permuted(self, n: int, depth: int) -> Expr:
        vector = self.vector(n, depth)
        if self.rng.random() < 0.6:
            return reverse(vector)
        return permute(vector, tuple(self.rng.sample(range(n), n)))

    def changed(self, n: int, depth: int) -> Expr:
        vector, value = self.vector(n, depth), self.scalar(depth)
        place = number(float(self.rng.randrange(n)), "integer")
        return WithColumn(RowType(vector.type.rows or value.type.rows, (n,)), vector, place, value, span=AT)

    def leaf(self, n: int, depth: int) -> Expr:
        choice = self.rng.randrange(3)
        if choice == 0:
            return self.drawn(n)
        if choice == 1:
            scalar = self.scalar(depth)
            return Broadcast(RowType(scalar.type.rows, (n,)), scalar, n, span=AT)
        return self.weights(n)


def _stores(body: list[Let | Loop | StoreColumn]) -> list[str]:
    return [
        each.output for item in body if isinstance(item, Loop) for each in item.body if isinstance(each, StoreColumn)
    ]
