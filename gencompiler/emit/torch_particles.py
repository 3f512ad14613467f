"""What only torch runs: particles and functions of matrices.

A value of K particles is a tensor `[rows * K, …]`, the particles of a row side by side; in a chunk, with its axis in
front.
"""

from __future__ import annotations

from gencompiler.emit.code import Attribute, Code, Level, Text, call, infix, method
from gencompiler.emit.torch_values import Scope, Value
from gencompiler.rows.nodes import Collect, Distribute, Draw, MatrixFunction, ParticleIndex, Pool, Spread

_MATRICES = {
    "inverse": "torch.linalg.inv",
    "cholesky": "torch.linalg.cholesky",
    "diagonal": "torch.diagonal",
    "diagonal_matrix": "torch.diag",
}


def drawn_size(draw: Draw) -> list[str]:
    """The argument that says how many numbers a row draws, where that is not one."""
    own = draw.type.shape[0] if draw.type.shape else draw.length
    return [str(own * draw.type.particles)] if draw.type.shape or draw.type.particles > 1 else []


def moved(expr: Spread | Collect | Pool | Distribute, value: Value, scope: Scope) -> Value:
    """A row's `value` for its particles, or the other way round."""
    chunked, count = value.chunked, expr.type.particles
    match expr:
        case Spread():
            code = method(value.code, "repeat_interleave", str(count), "1" if chunked else "0")
        case Collect():
            length = str(expr.type.shape[0])
            sizes = ["unflatten", "-1", f"(-1, {length})"] if chunked else ["view", "-1", length]
            code = method(value.code, *sizes)
        case Pool():
            axis = int(chunked)
            count = value.type.particles
            code = method(method(value.code, "unflatten", str(axis), f"(-1, {count})"), "sum", str(axis + 1))
        case _ if value.type.rows:
            code = method(value.code, "flatten", "1") if chunked else method(value.code, "reshape", "-1")
        case _:
            own = ["1"] * len(expr.type.shape)
            code = method(value.code, "repeat", *["1"] * chunked, scope.count(), *own)
    return Value(code, expr.type, chunked=chunked)


def particle_numbers(expr: ParticleIndex, scope: Scope) -> Value:
    """The numbers of the particles of all rows, made once at the start of the function."""
    count = expr.type.particles
    if count not in scope.particles:
        scope.particles[count] = scope.names.fresh("particles", f"particles_{count}")
    scope.want("device")
    scope.want("dtype")
    return Value(Text(scope.particles[count]), expr.type)


def matrix_function(expr: MatrixFunction, codes: list[Code], scope: Scope) -> Code:
    """A function of matrices that all rows share."""
    match expr.function:
        case "transpose":
            return Attribute(codes[0], "T")
        case "matmul":
            return infix("@", Level.PRODUCT, *codes)
        case "columns":
            return method(method(codes[0], "unsqueeze", "1"), "expand", "-1", str(expr.type.shape[1]))
        case "norm_bound":
            return call("norms.bound", codes[0])
        case "log_abs_det":
            return Attribute(call("torch.linalg.slogdet", codes[0]), "logabsdet")
        case "identity" | "inverse_lower" | "inverse_upper":
            options = {"dtype": scope.want("dtype"), "device": scope.want("device")}
            identity = call("torch.eye", str(expr.type.shape[0]), **options)
            if not codes:
                return identity
            return call(
                "torch.linalg.solve_triangular", codes[0], identity, upper=str(expr.function == "inverse_upper")
            )
    return call(_MATRICES[expr.function], *codes)
