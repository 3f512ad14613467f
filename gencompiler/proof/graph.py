"""Terms: the hash-consed expression graph that proofs speak about.

A term is what a Model IR expression means, with names resolved: `Let` is sharing, calls are their bodies, spans are
gone. Equal terms are one object, so equality is identity and a proof costs the size of the graph, not of the text.

The constructors keep selections along the first axis in one normal form (`select` never meets another `select`, a
`join` or an elementwise function; neighbouring pieces of one base are merged), so that all ways to cut mean one term.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from gencompiler.model.nodes import INFINITY, Real, Support

Shape = tuple[int, ...]
Binds = Callable[["Term"], "frozenset[Term]"]


class Malformed(Exception):
    """The pieces do not make a term: shapes clash, or an operation is unknown."""


class TooDeepError(Malformed):
    """A term would be nested beyond MAX_DEPTH: walking it would exhaust the stack."""


#: How deep a term may be.
MAX_DEPTH = 100


class Term:
    """One node of the graph.  `operation` and `data` say what it is; `shape` is that of its value, and a causal view
    (`x[<i]`) keeps its axis at full extent.  Build terms with the functions of this module."""

    __slots__ = ("__weakref__", "_spelled", "_symbols", "arguments", "data", "depth", "operation", "shape")

    operation: str
    data: Any
    arguments: tuple[Term, ...]
    shape: Shape
    depth: int
    _symbols: frozenset[Term] | None
    _spelled: str | None

    def __repr__(self) -> str:
        if self._spelled is None:
            from gencompiler.proof.text import text

            self._spelled = text(self)
        return self._spelled

    @property
    def symbols(self) -> frozenset[Term]:
        """The symbols that are free in it: not the index of a `for`, nor the inputs of a gradient's function."""
        if self._symbols is None:
            own = (self,) if self.operation == "symbol" else ()
            self._symbols = frozenset(own).union(*(a.symbols for a in self.arguments)) - bound_by(self)
        return self._symbols


_TERMS: weakref.WeakValueDictionary[tuple[str, Any, tuple[Term, ...]], Term] = weakref.WeakValueDictionary()


def make(operation: str, data: Any, arguments: tuple[Term, ...], shape: Shape) -> Term:
    """The one term with these parts; for constructors, which know what fits together."""
    key = (operation, data, arguments)
    found = _TERMS.get(key)
    if found is None:
        depth = 1 + max((a.depth for a in arguments), default=0)
        if depth > MAX_DEPTH:
            raise TooDeepError(f"an expression is nested more than {MAX_DEPTH} deep")
        found = Term()
        found.depth = depth
        found.operation, found.data, found.arguments, found.shape = operation, data, arguments, shape
        found._symbols = None
        found._spelled = None
        _TERMS[key] = found
    return found


# -- leaves ----------------------------------------------------------------------------------------------------------


def literal(value: Real) -> Term:
    """An exact number."""
    if isinstance(value, float) and math.isnan(value):
        raise Malformed("NaN is not a number")
    return make("literal", Fraction(value) if is_finite(value) else value, (), ())


def is_finite(value: Real) -> bool:
    """Whether a real is neither infinity; a Fraction may be too large for `math` to say."""
    return not isinstance(value, float) or value not in (INFINITY, -INFINITY)


def constant(name: str) -> Term:
    """A named real: "pi" or "e"."""
    return make("constant", name, (), ())


def symbol(kind: str, name: str, support: Support, shape: Shape = ()) -> Term:
    """A name that stands for any value of `support`, elementwise; `kind` (input, parameter, bound, …) keeps names of
    different origin apart."""
    return make("symbol", (kind, name, support, shape), (), shape)


def support_of(term: Term) -> Support:
    """The declared support of a symbol."""
    return term.data[2]  # type: ignore[no-any-return]


def name_of(term: Term) -> str:
    """The name of a symbol."""
    return str(term.data[1])


# -- elementwise and reductions --------------------------------------------------------------------------------------


def apply(function: str, *arguments: Term) -> Term:
    """A function of the catalogue, elementwise; scalars meet tensors, equal shapes meet."""
    if function == "negate" and arguments[0].operation == "literal":
        return literal(-arguments[0].data)
    return make("apply", function, arguments, _meet(arguments))


def choose(condition: Term, then: Term, otherwise: Term) -> Term:
    """Elementwise `if`."""
    return make("choose", None, (condition, then, otherwise), _meet((condition, then, otherwise)))


def _meet(arguments: Iterable[Term]) -> Shape:
    shapes = {a.shape for a in arguments} - {()}
    if len(shapes) > 1:
        raise Malformed(f"shapes {sorted(shapes)} do not meet")
    return shapes.pop() if shapes else ()


def contract(left: Term, right: Term) -> Term:
    """`left @ right`"""
    if not left.shape or not right.shape or left.shape[-1] != right.shape[0]:
        raise Malformed(f"`@` cannot contract {left.shape} with {right.shape}")
    return make("contract", None, (left, right), left.shape[:-1] + right.shape[1:])


def reduce(operation: str, operand: Term) -> Term:
    """A reduction over all axes."""
    return make("reduce", operation, (operand,), ())


def network(path: str, output: int, shape: Shape, inputs: tuple[Term, ...]) -> Term:
    """An output of a network: any real, and it depends on nothing but `inputs` and its own weights."""
    return make("network", (path, output, shape), inputs, shape)


def gradient(body: Term, formals: tuple[Term, ...], actuals: tuple[Term, ...]) -> Term:
    """The gradient in the first formal of a scalar `body`, at `actuals`."""
    if len(formals) != len(actuals) or body.shape != ():
        raise Malformed("a gradient is of a scalar function at as many arguments as it has inputs")
    return make("gradient", len(formals), (body, *formals, *actuals), actuals[0].shape)


def gradient_parts(term: Term) -> tuple[Term, tuple[Term, ...], tuple[Term, ...]]:
    """The body of a gradient's function, its inputs, and what it is applied to."""
    count = term.data
    return term.arguments[0], term.arguments[1 : 1 + count], term.arguments[1 + count :]


# -- subscripts ------------------------------------------------------------------------------------------------------

WHOLE = make("whole", None, (), ())


def before(index: Term, *, inclusive: bool = False) -> Term:
    """`<index` (or `<=index`) in a subscript."""
    return make("before", inclusive, (index,), ())


def element(base: Term, subscripts: tuple[Term, ...]) -> Term:
    """`base[subscripts]`; a scalar subscript removes its axis, `whole` and `before` keep it."""
    if len(subscripts) > len(base.shape):
        raise Malformed(f"{len(subscripts)} subscripts on a value of shape {base.shape}")
    if (first := subscripts[0]).operation == "literal" and base.operation in ("select", "join"):
        return element(*_at(base, first.data, subscripts))
    kept = tuple(n for n, s in zip(base.shape, subscripts, strict=False) if s.operation in ("whole", "before"))
    return make("element", None, (base, *subscripts), kept + base.shape[len(subscripts) :])


def _at(base: Term, place: Real, subscripts: tuple[Term, ...]) -> tuple[Term, tuple[Term, ...]]:
    if place not in range(base.shape[0]):
        raise Malformed("a subscript beyond the end of its axis")
    if base.operation == "select":
        return base.arguments[0], (literal(base.data[int(place)]), *subscripts[1:])
    parts = iter(base.arguments)
    part = next(parts)
    while place >= part.shape[0]:
        place -= part.shape[0]
        part = next(parts)
    return part, (literal(place), *subscripts[1:])


def scatter(base: Term, order: Term, view: Term) -> Term:
    """At the places `order[k]` of a vector, k in the view `before`, the numbers of `base` there; 0 elsewhere."""
    if len(order.shape) != 1 or base.shape not in ((), order.shape) or view.operation != "before":
        raise Malformed("numbers are scattered along an order of as many places")
    return make("scatter", None, (base, order, view), order.shape)


def each(depth: int, extent: int, body: Term) -> Term:
    """The array of `body` for every value of the bound index of this depth."""
    return make("each", (depth, extent), (body,), (extent, *body.shape))


def bound_index(depth: int, extent: int) -> Term:
    """The index bound by the `each` that has `depth` others around it."""
    return symbol("bound", str(depth), Support("Integer", (Fraction(0), Fraction(extent))))


def recur(depth: int, extent: int, support: Support, body: Term) -> Term:
    """The vector whose entry i is `body`, in which `bound_array` stands for the vector itself: a causal recursion.

    The body may read only the entries before i, `r[<i]`."""
    if body.shape != ():
        raise Malformed("an entry of a recursion is a number")
    own, earlier = bound_array(depth, extent, support), before(bound_index(depth, extent))
    if any(own in t.arguments and t.arguments != (own, earlier) for t in subterms(body)):
        raise Malformed("a recursion reads more than what comes before")
    return make("recur", (depth, extent, support), (body,), (extent,))


def bound_array(depth: int, extent: int, support: Support) -> Term:
    """The vector that a `recur` with `depth` binders around it defines."""
    return symbol("bound", f"array {depth}", support, (extent,))


def bound_by(term: Term) -> frozenset[Term]:
    """The symbols that an operation binds in its arguments."""
    return _BINDERS[term.operation](term) if term.operation in _BINDERS else frozenset()


#: What binds symbols, and which.
_BINDERS: dict[str, Binds] = {
    "each": lambda term: frozenset((bound_index(*term.data),)),
    "recur": lambda term: frozenset((bound_index(*term.data[:2]), bound_array(*term.data))),
    "gradient": lambda term: frozenset(gradient_parts(term)[1]),
}


# -- selections along the first axis ---------------------------------------------------------------------------------


def select(base: Term, places: Iterable[int]) -> Term:
    """`result[j] = base[places[j]]`, in normal form."""
    wanted = tuple(places)
    if not base.shape or any(not 0 <= p < base.shape[0] for p in wanted):
        raise Malformed("a selection beyond the ends of its axis")
    if base.operation == "select":
        return select(base.arguments[0], (base.data[p] for p in wanted))
    if base.operation == "join":
        return join(_pieces(base, wanted))
    if wanted == tuple(range(base.shape[0])):
        return base
    if base.operation in ("apply", "choose"):
        return build(base.operation, base.data, tuple(select(a, wanted) if a.shape else a for a in base.arguments))
    return make("select", wanted, (base,), (len(wanted), *base.shape[1:]))


def _pieces(joined: Term, places: tuple[int, ...]) -> list[Term]:
    """The selections of the parts of a join that `places` amounts to, runs within one part kept together."""
    home: list[tuple[Term, int]] = [(part, j) for part in joined.arguments for j in range(part.shape[0])]
    runs: list[tuple[Term, list[int]]] = []
    for place in places:
        part, inside = home[place]
        if runs and runs[-1][0] is part:
            runs[-1][1].append(inside)
        else:
            runs.append((part, [inside]))
    return [select(part, inside) for part, inside in runs]


def join(parts: Iterable[Term]) -> Term:
    """Parts side by side along the first axis, in normal form."""
    flat: list[Term] = []
    for part in parts:
        for piece in part.arguments if part.operation == "join" else (part,):
            if flat and _same_base(flat[-1], piece):
                base, places = _selection(flat.pop())
                piece = select(base, places + _selection(piece)[1])  # noqa: PLW2901
            flat.append(piece)
    if not flat or any(p.shape[1:] != flat[0].shape[1:] or not p.shape for p in flat):
        raise Malformed("the parts of a join do not fit together")
    if len(flat) == 1:
        return flat[0]
    return make("join", None, tuple(flat), (sum(p.shape[0] for p in flat), *flat[0].shape[1:]))


def _selection(term: Term) -> tuple[Term, tuple[int, ...]]:
    if term.operation == "select":
        return term.arguments[0], term.data
    return term, tuple(range(term.shape[0]))


def _same_base(left: Term, right: Term) -> bool:
    """Neighbours merge when both select from one base; two whole copies of a value stay apart."""
    return "select" in (left.operation, right.operation) and _selection(left)[0] is _selection(right)[0]


# -- rebuilding ------------------------------------------------------------------------------------------------------

_BUILDERS: dict[str, Callable[[Any, tuple[Term, ...]], Term]] = {
    "literal": lambda data, arguments: literal(data),
    "constant": lambda data, arguments: constant(data),
    "symbol": lambda data, arguments: symbol(*data),
    "apply": lambda data, arguments: apply(data, *arguments),
    "choose": lambda data, arguments: choose(*arguments),
    "contract": lambda data, arguments: contract(*arguments),
    "reduce": lambda data, arguments: reduce(data, *arguments),
    "network": lambda data, arguments: network(data[0], data[1], data[2], arguments),
    "gradient": lambda data, arguments: gradient(arguments[0], arguments[1 : 1 + data], arguments[1 + data :]),
    "whole": lambda data, arguments: WHOLE,
    "before": lambda data, arguments: before(arguments[0], inclusive=data),
    "scatter": lambda data, arguments: scatter(*arguments),
    "element": lambda data, arguments: element(arguments[0], arguments[1:]),
    "each": lambda data, arguments: each(data[0], data[1], arguments[0]),
    "recur": lambda data, arguments: recur(data[0], data[1], data[2], arguments[0]),
    "select": lambda data, arguments: select(arguments[0], data),
    "join": lambda data, arguments: join(arguments),
}


def define(operation: str, builder: Callable[[Any, tuple[Term, ...]], Term], binds: Binds | None = None) -> None:
    """Let `build` make terms of an operation that is defined elsewhere, and which symbols it binds."""
    _BUILDERS[operation] = builder
    _BINDERS.update({operation: binds} if binds else {})


#: Operations that are all in their arguments.
_PLAIN = ("scatter", "choose", "contract", "whole", "element", "join")


def build(operation: str, data: Any, arguments: tuple[Term, ...]) -> Term:
    """The term of this operation, through its constructor; raises Malformed."""
    if operation not in _BUILDERS or (operation in _PLAIN and data is not None):
        raise Malformed(f"there is no operation {operation!r} with {data!r}")
    try:
        return _BUILDERS[operation](data, arguments)
    except (TypeError, ValueError, IndexError) as error:
        raise Malformed(f"{operation} of {len(arguments)} arguments with {data!r}: {error}") from None


def substitute(term: Term, values: Mapping[Term, Term]) -> Term:
    """`term` with symbols replaced; raises Malformed where a bound index of a replacement would be captured."""
    free = {s for value in values.values() for s in value.symbols if s.data[0] == "bound"}
    if free:
        for part in subterms(term):
            if free & bound_by(part) and part.symbols & values.keys():
                raise Malformed("a bound index would be captured")
    return substituted(term, values)


def substituted(term: Term, values: Mapping[Term, Term]) -> Term:
    """`substitute`, where the caller knows that nothing is captured."""
    keys = frozenset(values)
    memo: dict[Term, Term] = {}

    def visit(current: Term) -> Term:
        if current in values:
            return values[current]
        if not (current.symbols & keys):
            return current
        found = memo.get(current)
        if found is None:
            found = memo[current] = build(current.operation, current.data, tuple(visit(a) for a in current.arguments))
        return found

    return visit(term)


def subterms(*roots: Term) -> list[Term]:
    """Every distinct term below `roots`, arguments before what uses them."""
    order: dict[Term, None] = {}
    stack: list[tuple[Term, bool]] = [(r, False) for r in reversed(roots)]
    while stack:
        term, ready = stack.pop()
        if term in order:
            continue
        if ready:
            order[term] = None
        else:
            stack.append((term, True))
            stack.extend((a, False) for a in reversed(term.arguments))
    return list(order)
