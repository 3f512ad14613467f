"""Row programs written by hand: one for each kind of mechanism, as lowering would make them."""

from __future__ import annotations

import math
from collections.abc import Callable

from gencompiler.rows.nodes import Broadcast, Expr, Iota, Let, ParameterUse, Program, Reduce, StoreColumn, WithColumn
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
    loop,
    multiply,
    normal_log_density,
    number,
    output,
    parameter,
    part,
    read,
    reverse,
    row,
    select,
    subtract,
    total,
    uniform,
    use,
)

# -- a flow of affine couplings --------------------------------------------------------------------------------------


def _conditioner(vector: Expr, hidden: int, size: int) -> tuple[list[Let], Expr, Expr]:
    """A perceptron with one hidden layer and two heads, all weights stacked by layer `k`."""
    k, half = index("k"), vector.type.shape[0]
    first = add(
        dot(vector, parameter("couplings.mlp.0.weight", (k, None, None), (hidden, half)), transposed=True),
        parameter("couplings.mlp.0.bias", (k, None), (hidden,)),
    )
    h = local("h", row(hidden))

    def head(name: str) -> Expr:
        weight = parameter(f"couplings.{name}.weight", (k, None, None), (size, hidden))
        return add(dot(h, weight, transposed=True), parameter(f"couplings.{name}.bias", (k, None), (size,)))

    lets = [let("h", apply("relu", first)), let("s", apply("tanh", head("s"))), let("t", head("t"))]
    return lets, local("s", row(size)), local("t", row(size))


def _coupling_parameters(dims: int, hidden: int, layers: int) -> tuple[ParameterUse, ...]:
    first, rest = dims // 2, dims - dims // 2
    return (
        use("couplings.mlp.0.weight", layers, hidden, first),
        use("couplings.mlp.0.bias", layers, hidden),
        use("couplings.s.weight", layers, rest, hidden),
        use("couplings.s.bias", layers, rest),
        use("couplings.t.weight", layers, rest, hidden),
        use("couplings.t.bias", layers, rest),
        use("warp.e", dims),
        use("warp.d", dims, support="Positive"),
    )


def coupling_log_prob(dims: int = 8, hidden: int = 16, layers: int = 3) -> Program:
    """x = z |> repeat { AffineCoupling |> reverse } |> Warp, data to latent."""
    x, first = read("x", row(dims)), dims // 2
    e, d = parameter("warp.e", (None,), (dims,)), parameter("warp.d", (None,), (dims,))
    scaled = subtract(multiply(d, apply("asinh", x)), e)
    warped_log_det = total(
        subtract(
            add(
                apply("log", d),
                apply("abs", scaled),
                apply("log1p", apply("exp", multiply(-2.0, apply("abs", scaled)))),
            ),
            add(multiply(0.5, apply("log1p", multiply(x, x))), math.log(2)),
        )
    )
    y = local("y", row(dims))
    swapped = local("swapped", row(dims))
    a, b = part(swapped, 0, first), part(swapped, first, dims)
    lets, s, t = _conditioner(local("a", row(first)), hidden, dims - first)
    body = loop(
        "layers",
        "k",
        layers,
        (
            carry(
                "y",
                apply("sinh", scaled),
                join(local("a", row(first)), multiply(subtract(b, t), apply("exp", apply("negate", s)))),
            ),
            carry("log_det", warped_log_det, subtract(local("log_det", row()), total(s))),
        ),
        let("swapped", reverse(y)),
        let("a", a),
        *lets,
        down=True,
    )
    value = add(normal_log_density(y), local("log_det", row()))
    return Program(
        "log_prob",
        "log p(x) of a flow of affine couplings",
        (given("x", row(dims)),),
        (),
        _coupling_parameters(dims, hidden, layers),
        (body,),
        (output("z", y), output("log_prob", value)),
        span=AT,
    )


def coupling_sample(dims: int = 8, hidden: int = 16, layers: int = 3) -> Program:
    """The same flow, latent to data."""
    first = dims // 2
    e, d = parameter("warp.e", (None,), (dims,)), parameter("warp.d", (None,), (dims,))
    u = local("u", row(dims))
    lets, s, t = _conditioner(local("a", row(first)), hidden, dims - first)
    joined = join(local("a", row(first)), add(multiply(part(u, first, dims), apply("exp", s)), t))
    body = loop(
        "layers",
        "k",
        layers,
        (carry("u", draw("normal", 0, index("step"), dims), reverse(joined)),),
        let("a", part(u, 0, first)),
        *lets,
    )
    x = apply("sinh", apply("divide", add(apply("asinh", u), e), d))
    return Program(
        "sample",
        "One draw of x",
        (),
        (),
        _coupling_parameters(dims, hidden, layers),
        (body,),
        (output("x", x),),
        span=AT,
    )


# -- autoregression --------------------------------------------------------------------------------------------------


def _bernoulli_log_prob(x: Expr, logit: Expr) -> Expr:
    return subtract(multiply(x, logit), apply("softplus", logit))


def _nade_parameters(dims: int, hidden: int) -> tuple[ParameterUse, ...]:
    return use("W", hidden, dims), use("V", dims, hidden), use("b", dims), use("c", hidden)


def _nade_logit(hidden: int) -> Expr:
    i = index("i")
    weights = parameter("V", (i, None), (hidden,))
    return add(parameter("b", (i,), ()), total(multiply(apply("sigmoid", local("a", row(hidden))), weights)))


def nade_log_prob(dims: int = 12, hidden: int = 20) -> Program:
    i = index("i")
    x_i = column(read("x", row(dims, kind="integer")), i)
    body = loop(
        "dimensions",
        "i",
        dims,
        (
            carry(
                "a",
                parameter("c", (None,), (hidden,)),
                add(local("a", row(hidden)), multiply(parameter("W", (None, i), (hidden,)), x_i)),
            ),
            carry("log_p", number(0.0), add(local("log_p", row()), _bernoulli_log_prob(x_i, local("logit", row())))),
        ),
        let("logit", _nade_logit(hidden)),
    )
    return Program(
        "log_prob",
        "log p(x) of NADE",
        (given("x", row(dims, kind="integer")),),
        (),
        _nade_parameters(dims, hidden),
        (body,),
        (output("log_prob", local("log_p", row())),),
        span=AT,
    )


def nade_sample(dims: int = 12, hidden: int = 20) -> Program:
    i, value = index("i"), local("x_i", row())
    drawn = apply(
        "indicator", apply("less", draw("uniform", 0, index("step"), None, i), apply("sigmoid", local("logit", row())))
    )
    body = loop(
        "dimensions",
        "i",
        dims,
        (
            carry(
                "a",
                parameter("c", (None,), (hidden,)),
                add(local("a", row(hidden)), multiply(value, parameter("W", (None, i), (hidden,)))),
            ),
            carry("log_p", number(0.0), add(local("log_p", row()), _bernoulli_log_prob(value, local("logit", row())))),
        ),
        let("logit", _nade_logit(hidden)),
        let("x_i", drawn),
        StoreColumn("x", i, value, span=AT),
    )
    return Program(
        "sample",
        "One draw of x and its log p(x)",
        (),
        (),
        _nade_parameters(dims, hidden),
        (body,),
        (output("x", None, row(dims, kind="integer")), output("log_prob", local("log_p", row()))),
        span=AT,
    )


def _fvsbn_logit(dims: int, x: Expr) -> Expr:
    i = index("i")
    before = apply("less", Iota(uniform(dims, kind="integer"), dims, span=AT), i)
    weights = parameter("W", (i, None), (dims,))
    return add(parameter("b", (i,), ()), total(select(before, multiply(weights, x), number(0.0))))


def fvsbn_log_prob(dims: int = 12) -> Program:
    i = index("i")
    x = read("x", row(dims, kind="integer"))
    body = loop(
        "dimensions",
        "i",
        dims,
        (
            carry(
                "log_p",
                number(0.0),
                add(local("log_p", row()), _bernoulli_log_prob(column(x, i), local("logit", row()))),
            ),
        ),
        let("logit", _fvsbn_logit(dims, x)),
    )
    return Program(
        "log_prob",
        "log p(x) of a fully visible sigmoid belief network",
        (given("x", row(dims, kind="integer")),),
        (),
        (use("W", dims, dims), use("b", dims)),
        (body,),
        (output("log_prob", local("log_p", row())),),
        span=AT,
    )


def fvsbn_sample(dims: int = 12) -> Program:
    i, x = index("i"), local("x", row(dims))
    drawn = apply(
        "indicator", apply("less", draw("uniform", 0, index("step"), None, i), apply("sigmoid", local("logit", row())))
    )
    body = loop(
        "dimensions",
        "i",
        dims,
        (
            carry(
                "x",
                Broadcast(uniform(dims), number(0.0), dims, span=AT),
                WithColumn(row(dims), x, i, local("x_i", row()), span=AT),
            ),
        ),
        let("logit", _fvsbn_logit(dims, x)),
        let("x_i", drawn),
    )
    return Program(
        "sample",
        "One draw of x",
        (),
        (),
        (use("W", dims, dims), use("b", dims)),
        (body,),
        (output("x", x, row(dims, kind="integer")),),
        span=AT,
    )


# -- a chain ---------------------------------------------------------------------------------------------------------


def _energy_and_gradient(x: Expr, y: Expr) -> tuple[Expr, Expr, Expr]:
    """U = x² / 2 + 2 (y - x²)², and its gradient."""
    r = subtract(y, multiply(x, x))
    energy = add(multiply(0.5, multiply(x, x)), multiply(2.0, multiply(r, r)))
    return energy, subtract(x, multiply(8.0, multiply(r, x))), multiply(4.0, r)


def mala(eps: float = 0.05) -> Program:
    """Metropolis-adjusted Langevin on a banana, state in one vector of two elements."""
    x, y = local("x", row(2)), local("y", row(2))
    noise = draw("normal", 0, add(index("step"), index("t")), 2)
    accept = draw("uniform", 1, add(index("step"), index("t")))

    def lets_of(vector: Expr, ends: str) -> list[Let]:
        energy, first, second = _energy_and_gradient(column(vector, 0), column(vector, 1))
        return [let(f"u{ends}", energy), let(f"g{ends}", join(first, second))]

    def drift(vector: Expr, ends: str) -> Expr:
        return subtract(vector, multiply(eps, local(f"g{ends}", row(2))))

    def backward(target: Expr, source: Expr, ends: str) -> Expr:
        miss = subtract(target, drift(source, ends))
        return multiply(-0.25 / eps, total(multiply(miss, miss)))

    ratio = add(
        subtract(local("u_x", row()), local("u_y", row())), subtract(backward(x, y, "_y"), backward(y, x, "_x"))
    )
    taken = local("taken", row(kind="boolean"))
    body = loop(
        "steps",
        "t",
        index("steps"),
        (
            carry("x", read("x", row(2)), select(taken, y, x)),
            carry("accepted", number(0.0), add(local("accepted", row()), apply("indicator", taken))),
        ),
        *lets_of(x, "_x"),
        let("y", add(drift(x, "_x"), multiply(math.sqrt(2 * eps), noise))),
        *lets_of(y, "_y"),
        let("taken", apply("less", apply("log", accept), ratio)),
    )
    return Program(
        "chain",
        "The state after `steps` transitions, and how many were accepted",
        (given("x", row(2)),),
        ("steps",),
        (),
        (body,),
        (output("x", x), output("accepted", local("accepted", row()))),
        span=AT,
    )


PROGRAMS: dict[str, Callable[[], Program]] = {
    "coupling_log_prob": coupling_log_prob,
    "coupling_sample": coupling_sample,
    "nade_log_prob": nade_log_prob,
    "nade_sample": nade_sample,
    "fvsbn_log_prob": fvsbn_log_prob,
    "fvsbn_sample": fvsbn_sample,
    "mala": mala,
}


# -- what is not a number --------------------------------------------------------------------------------------------


def extremes(dims: int = 3) -> Program:
    """The largest and the smallest logarithm, which is not a number where an element is negative."""
    logs = apply("log", read("x", row(dims)))
    largest, smallest = (Reduce(row(), operation, logs, span=AT) for operation in ("max", "min"))
    outputs = (output("largest", largest), output("smallest", smallest))
    return Program("extremes", "Extremes", (given("x", row(dims)),), (), (), (), outputs, span=AT)
