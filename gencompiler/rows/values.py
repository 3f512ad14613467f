"""The expressions of row programs; `nodes` re-exports them and says what a value is."""

from __future__ import annotations

import dataclasses

from gencompiler.catalog.causal import Degrees
from gencompiler.node import Node, node


@dataclasses.dataclass(frozen=True)
class RowType:
    """`rows`: differs between rows; `shape` per row, or per particle; `kind` is "real", "integer" or "boolean".

    Only a value that differs between rows has particles."""

    rows: bool
    shape: tuple[int, ...]
    kind: str = "real"
    particles: int = 1


# -- expressions -----------------------------------------------------------------------------------------------------


@node
class Expr(Node):
    type: RowType


@node
class Number(Expr):
    """A uniform scalar."""

    value: float


@node
class Local(Expr):
    """A let-bound name, a carried name, a loop index, or a runtime scalar of the program."""

    name: str


@node
class InputRead(Expr):
    """A whole input of the program, as one row sees it."""

    name: str


@node
class ParameterRead(Expr):
    """A parameter (or a constant table) with some axes indexed; `None` keeps an axis: `W[k, :, i]`."""

    path: str
    index: tuple[Expr | None, ...]


@node
class Elementwise(Expr):
    """A function of `catalog.functions`, applied elementwise."""

    function: str
    arguments: tuple[Expr, ...]


@node
class Select(Expr):
    """Elementwise: `then` where `condition` holds, else `otherwise`; the branch not taken must be finite."""

    condition: Expr
    then: Expr
    otherwise: Expr


@node
class Dot(Expr):
    """Row vector `[n]` times a uniform matrix `[n, m]` (or `[m, n]` when `transposed`): a row vector `[m]`."""

    vector: Expr
    matrix: Expr
    transposed: bool = False


@node
class Outer(Expr):
    """All products `left[j] * right[k]` of the elements of two row vectors, row-major: what a gradient of a matrix is
    the sum over rows of."""

    left: Expr
    right: Expr


@node
class Reduce(Expr):
    """`operation` (sum, max, min, prod, norm, logsumexp) over the elements of a vector: a scalar."""

    operation: str
    operand: Expr


@node
class Broadcast(Expr):
    """A scalar repeated `length` times."""

    operand: Expr
    length: int


@node
class Column(Expr):
    """Element `index` of a vector; `index` is a constant or a loop index."""

    vector: Expr
    index: Expr


@node
class WithColumn(Expr):
    """`vector` with element `index` replaced by the scalar `value`."""

    vector: Expr
    index: Expr
    value: Expr


@node
class Slice(Expr):
    """Elements start..stop."""

    vector: Expr
    start: int
    stop: int


@node
class Section(Expr):
    """`length` elements of the input `input` from the uniform place `start` on, read from memory: a state that an
    earlier program stored.

    In the program of a kernel `places` says which of them each column holds, -1 for none; None: the first columns."""

    input: str
    start: Expr
    length: int
    places: Expr | None = None


@node
class Concat(Expr):
    """Vectors (or scalars) side by side."""

    parts: tuple[Expr, ...]


@node
class Permute(Expr):
    """`result[j] = vector[order[j]]`"""

    vector: Expr
    order: tuple[int, ...]


@node
class Iota(Expr):
    """The uniform integers 0..length."""

    length: int


@node
class Window(Expr):
    """Places start..start + length of an axis of `value`: of a vector, or of a uniform matrix (`axis` 0 or 1).

    `start` is a uniform integer that is computed at run time; it is the caller's promise that the window fits."""

    value: Expr
    start: Expr
    length: int
    axis: int = 0


@node
class WithWindow(Expr):
    """`vector` with the elements from `start` on replaced by those of the vector `value`."""

    vector: Expr
    start: Expr
    value: Expr


@node
class Reshape(Expr):
    """A uniform tensor with its elements, in row-major order, in the axes of `type`."""

    value: Expr


@node
class Mask(Expr):
    """A uniform matrix of 0 and 1: 1 where the degree of the column is at most that of the row."""

    rows: tuple[Degrees, ...]
    columns: tuple[Degrees, ...]


@node
class Convolve(Expr):
    """An affine map of what lies around each place of a grid: `value` has some numbers at each place, place by place in
    raster order, and the result too.

    `weight` is uniform, [out, numbers around a place]: the places of the box `kernel` in raster order, of each its
    numbers; along an axis they are `dilation` apart.  The grid is filled up with zeros by `pads`, before and after
    along each axis (negative: cut), and the box goes wherever it fits.  `bias`, of a row or uniform, is added at every
    place."""

    value: Expr
    weight: Expr
    bias: Expr | None
    grid: tuple[int, ...]
    kernel: tuple[int, ...]
    dilation: int
    pads: tuple[tuple[int, int], ...]

    @property
    def result_grid(self) -> tuple[int, ...]:
        """The places of the result, along each axis."""
        reach = (self.dilation * (n - 1) for n in self.kernel)
        return tuple(n + sum(pad) - r for n, pad, r in zip(self.grid, self.pads, reach, strict=True))


@node
class Draw(Expr):
    """Independent numbers keyed by (seed, row, step, dim, stream): `kind` is "uniform" on (0, 1) or "normal".

    `step` is a uniform integer (a loop index plus the program's `step`); a vector draw of length n uses dims 0..n, a
    scalar draw uses `dim`, its place among the `length` scalars that are drawn one by one.  Particle k adds k n, or
    k `length`.  Two draws never share a key: streams number the draw sites of a program's model."""

    kind: str
    stream: int
    step: Expr
    dim: Expr | None = None
    length: int = 1


# -- particles -------------------------------------------------------------------------------------------------------


@node
class Spread(Expr):
    """A row's value, for each of its particles; from `type.particles = 1` to K."""

    value: Expr


@node
class Collect(Expr):
    """The scalars of a row's K particles as a vector `(K,)` of the row."""

    value: Expr


@node
class Distribute(Expr):
    """Element k of a vector `(K,)` for a row's particle k, the inverse of `Collect`; row k of a uniform matrix."""

    vector: Expr


@node
class Pool(Expr):
    """The sum of a value over a row's K particles, a value of the row: the adjoint of what a row gives all of them
    (`Spread`) is the sum of theirs."""

    value: Expr


@node
class ParticleIndex(Expr):
    """The number of the particle, 0..K: an integer scalar that differs between the particles of every row alike."""


# -- what only torch runs --------------------------------------------------------------------------------------------


@node
class MatrixFunction(Expr):
    """A function of uniform matrices and vectors, computed once for all rows: transpose, matmul, cholesky, inverse,
    inverse_lower and inverse_upper (of triangular matrices), log_abs_det (a number), norm_bound (a number that the
    spectral norm does not exceed), diagonal (of a matrix),
    diagonal_matrix (of a vector), columns (of a vector: each column is the vector), identity."""

    function: str
    arguments: tuple[Expr, ...]


#: How many arguments each function of matrices takes, and of which ranks.
MATRIX_FUNCTIONS: dict[str, tuple[int, ...]] = {
    "transpose": (2,),
    "matmul": (2, 2),
    "cholesky": (2,),
    "inverse": (2,),
    "inverse_lower": (2,),
    "inverse_upper": (2,),
    "log_abs_det": (2,),
    "norm_bound": (2,),
    "diagonal": (2,),
    "diagonal_matrix": (1,),
    "columns": (1,),
    "identity": (),
}


def matrix_shape(function: str, shapes: tuple[tuple[int, ...], ...], size: int) -> tuple[int, ...]:
    """The shape of a function of matrices of these shapes; `size` is that of an identity, or the number of columns."""
    match function, shapes:
        case "transpose", ((rows, columns),):
            return (columns, rows)
        case "matmul", ((rows, _), (_, columns)):
            return (rows, columns)
        case "log_abs_det" | "norm_bound", _:
            return ()
        case "diagonal", ((rows, _),):
            return (rows,)
        case "diagonal_matrix", ((rows,),):
            return (rows, rows)
        case "columns", ((rows,),):
            return (rows, size)
        case "identity", ():
            return (size, size)
    return shapes[0]


@node
class Argsort(Expr):
    """The order that sorts a vector: place k holds the number of the k-th smallest element.  Of an order it is the
    inverse: place j holds where j comes in it."""

    vector: Expr


@node
class ExternalCall(Expr):
    """The user's own module, applied to row values; one row vector (or scalar) out."""

    module: str
    arguments: tuple[Expr, ...]


@node
class LogAbsDet(Expr):
    """log|det| of the matrix whose rows of `size` numbers stand side by side in `entries`; a scalar."""

    entries: Expr
    size: int


@node
class LinearSolution(Expr):
    """The vector x with `M x = right`, M being the matrix whose rows stand side by side in `entries`; what is not a
    number where M is singular."""

    entries: Expr
    right: Expr
