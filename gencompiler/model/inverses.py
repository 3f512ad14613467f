"""`q = inverse(p)`: the conditionals of a faithful factorization of the posterior, each learned.

The graph comes from `elimination`, element by element.  The conditional of an element is

- a table of logits, one for each case, where all that it depends on is finite and has few cases;
- else a network of two hidden layers on what it depends on, finite values embedded.

An element that others determine is what the model makes of them.  Both are written in the language and resolved like
the user's own, at the place of `inverse(p)`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.catalog.supports import values_in
from gencompiler.model import nodes
from gencompiler.model.deterministic import is_inverse
from gencompiler.model.elimination import inverted
from gencompiler.node import walk
from gencompiler.syntax import tree
from gencompiler.syntax.parse import parse_expression

if TYPE_CHECKING:
    from gencompiler.model.equations import Equations

#: An element of a variable: its name and its place, `()` for a scalar.
Element = tuple[str, tuple[int, ...]]

#: What is to be shown of an inverse; that it is minimal only where heads speak of single elements.
FACTS = ("faithful", "minimal")

#: The most cases that a table distinguishes, and the most elements that are inverted.
MOST_CASES = 16
MOST_ELEMENTS = 512
#: The hidden layers of a learned conditional, and the size of an embedding.
HIDDEN, EMBEDDED = 32, 8


@dataclasses.dataclass(frozen=True)
class Request:
    """`joint = inverse(of)`"""

    joint: str
    of: str
    at: tree.Expr


def requested(equation: tree.Equation) -> Request | None:
    """What `q = inverse(p)` asks for; None of any other equation."""
    target, value = equation.targets[0], equation.value
    if not isinstance(target, tree.Name) or not isinstance(value, tree.Call) or not is_inverse(value):
        return None
    if equation.relation != "=" or value.conditions is not None:
        return None
    arguments = [a.value for a in value.arguments if a.name is None]
    of = arguments[0] if len(arguments) == 1 else None
    return Request(target.id, of.id, value) if isinstance(of, tree.Name) else None


def state(parts: Equations, request: Request) -> None:
    """Add the conditionals of the inverse to the equations of the model."""
    builder, span = parts.infer.builder, request.at.span
    own = [c for c in parts.conditionals if c.joint == request.of]
    if not own:
        builder.report("G101", f"no equation states `{request.of}`", span, "not a joint of the model")
    if any(c.joint == request.joint for c in parts.conditionals):
        builder.report("G302", f"`{request.joint}` is stated twice", span, "stated again")
    if parts.energies or parts.links or parts.deterministic or parts.quantities:
        builder.unsupported("the inverse of a joint that is not made of distributions alone", span)
    graph = _Graph(parts, own, request)
    lost = next((e for known in graph.parents.values() for e in known if e not in graph.parents), None)
    if lost is not None:
        help_ = (f"state its distribution, `{request.of}({lost[0]}) = …`, or declare it `given`",)
        message, label = f"`{lost[0]}` is never produced", f"no equation gives all of `{lost[0]}`"
        builder.report("G303", message, graph.variables[lost[0]].span, label, help=help_)
    latent = [e for e in graph.parents if parts.variables[e[0]].role == "latent"]
    if not latent:
        builder.report("G304", f"`{request.of}` has no latent variable to infer", span, "nothing to invert")
    faithful = [nodes.Claim(nodes.Fact(fact, (request.joint, request.of), span=span), span=span) for fact in FACTS]
    parts.claims += faithful if graph.plain else faithful[:1]
    computed = [
        c for c in own if _is_point(c.distribution) and {_variable(t) for t in c.targets} <= {n for n, _ in latent}
    ]
    parts.conditionals += [dataclasses.replace(c, joint=request.joint) for c in computed]
    for element, known in inverted(graph.parents, latent, graph.determined).items():
        if element not in graph.determined:
            _Head(parts, request, element, known).state()


# -- the graph -------------------------------------------------------------------------------------------------------


class _Graph:
    """The generative graph over elements: `parents` of each, in the order of the variables, and those `determined`."""

    def __init__(self, parts: Equations, own: Iterable[nodes.Conditional], request: Request) -> None:
        self.parts = parts
        self.request = request
        self.plain = all(not _is_whole(e) for c in own for e in (*c.targets, *c.given))
        self.variables = {v.name: v for v in parts.variables.values() if v.role != "given"}
        found: dict[Element, frozenset[Element]] = {}
        determined: set[Element] = set()
        for conditional in own:
            for at in _indices(conditional):
                targets = [e for t in conditional.targets for e in self._places(t, at)]
                given = (g for g in conditional.given if _variable(g) in self.variables)
                known = frozenset(e for g in given for e in self._places(g, at))
                found |= dict.fromkeys(targets, known)
                determined |= set(targets) if _is_point(conditional.distribution) else set()
        every = [(name, at) for name, v in self.variables.items() for at in _all_places(v.type.shape)]
        if len(every) > MOST_ELEMENTS:
            what = f"the inverse of {len(every):,} elements ({MOST_ELEMENTS} is the limit)"
            parts.infer.builder.unsupported(what, request.at.span)
        self.parents = {e: found[e] for e in every if e in found}
        self.determined = frozenset(determined)

    def _places(self, expr: nodes.Expr, at: Mapping[str, int]) -> list[Element]:
        """The elements that a part of a head stands for."""
        name = _variable(expr)
        shape = self.variables[name].type.shape
        if not isinstance(expr, nodes.Element):
            return [(name, place) for place in _all_places(shape)]
        axes = [self._axis(s, n, at) for s, n in itertools.zip_longest(expr.subscripts, shape)]
        return [(name, place) for place in itertools.product(*axes)]

    def _axis(self, subscript: nodes.Expr | None, extent: int, at: Mapping[str, int]) -> list[int]:
        if subscript is None or isinstance(subscript, nodes.Whole):
            return list(range(extent))
        if isinstance(subscript, nodes.Before) and subscript.after:
            return list(range(self._number(subscript.index, at) + int(not subscript.inclusive), extent))
        if isinstance(subscript, nodes.Before):
            last = self._number(subscript.index, at) + int(subscript.inclusive)
            return list(range(min(max(last, 0), extent)))
        return [self._number(subscript, at)]

    def _number(self, expr: nodes.Expr, at: Mapping[str, int]) -> int:
        if isinstance(expr, nodes.Literal) and isinstance(expr.value, Fraction):
            return int(expr.value)
        if isinstance(expr, nodes.Reference) and expr.name in at:
            return at[expr.name]
        if isinstance(expr, nodes.Apply) and expr.function in ("add", "subtract"):
            left, right = (self._number(a, at) for a in expr.arguments)
            return left + right if expr.function == "add" else left - right
        return self.parts.infer.builder.unsupported("the inverse of a head with this subscript", expr.span)


def _indices(conditional: nodes.Conditional) -> Iterable[dict[str, int]]:
    ranges = (range(r.start, r.stop) for r in conditional.indices)
    return (dict(zip((r.index for r in conditional.indices), at, strict=True)) for at in itertools.product(*ranges))


def _all_places(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    return list(itertools.product(*map(range, shape)))


def _variable(expr: nodes.Expr) -> str:
    return next(n.name for n in walk(expr) if isinstance(n, nodes.Reference))


def _is_whole(expr: nodes.Expr) -> bool:
    """Whether a part of a head stands for a tensor."""
    return bool(expr.type.shape)


def _is_point(law: nodes.Expr) -> bool:
    while isinstance(law, nodes.Let):
        law = law.body
    return isinstance(law, nodes.Distribution) and law.family in DISTRIBUTIONS and DISTRIBUTIONS[law.family].atom


# -- conditionals ----------------------------------------------------------------------------------------------------


class _Head:
    """The learned conditional of one element given others."""

    def __init__(self, parts: Equations, request: Request, element: Element, known: tuple[Element, ...]) -> None:
        self.parts = parts
        self.builder = parts.infer.builder
        self.request = request
        self.name = element[0]
        self.target = _text(element)
        self.known = known
        self.label = "_".join((element[0], *map(str, element[1])))

    def state(self) -> None:
        listed = ", ".join(self._listed())
        head = f"{self.request.joint}({self.target} | {listed})" if listed else f"{self.request.joint}({self.target})"
        value, names = self._law()
        span = self.request.at.span
        parsed = (parse_expression(text, "<inverse>", span) for text in (head, value))
        equation = tree.Equation((next(parsed),), "=", next(parsed), span=span)
        context = self.parts.context
        self.parts.context = dataclasses.replace(context, names={**context.names, **names})
        try:
            self.parts.add(equation)
        finally:
            self.parts.context = context

    def _listed(self) -> list[str]:
        """What the head lists: a variable whose every element is known by its name."""
        found: dict[str, None] = {}
        for name, place in self.known:
            shape = self.parts.variables[name].type.shape
            whole = {(name, at) for at in _all_places(shape)} <= set(self.known)
            found[name if whole else _text((name, place))] = None
        return list(found)

    def _law(self) -> tuple[str, dict[str, nodes.Expr]]:
        """The right-hand side, and the parameters that it mentions."""
        support = self.parts.variables[self.name].type.support
        size = values_in(support.name, support.arguments)
        cases = [self._values(name) for name, _ in self.known]
        givens = [v for v in self.parts.variables.values() if v.role == "given"]
        finite = all(c is not None for c in cases) and not givens
        if size is not None and finite and math.prod(c or 1 for c in cases) <= MOST_CASES:
            return self._table(size, tuple(c or 1 for c in cases))
        inputs = [self._input(name, place) for name, place in self._grouped()]
        inputs += [self._input(v.name, None) for v in givens]
        if size is not None:
            return f"{self._discrete(size)}(logits = {self._network(inputs)})", {}
        family = {"Real": "Normal", "Positive": "LogNormal", "Unit": "LogitNormal"}.get(support.name, "")
        if family not in DISTRIBUTIONS:
            self.builder.unsupported(f"the inverse of a latent variable in {support}", self.request.at.span)
        network = self._network(inputs)
        both = f"m = {network}  s = {network}" if not inputs else f"m, s = {network}"
        return f"{family}(m, exp(s)) where {{ {both} }}", {}

    def _values(self, name: str) -> int | None:
        """How many values a variable has, which are places of a table; None where they are not."""
        support = self.parts.variables[name].type.support
        return values_in(support.name, support.arguments) if support.name in ("Binary", "Category") else None

    def _discrete(self, size: int) -> str:
        support = self.parts.variables[self.name].type.support
        if support.name not in ("Binary", "Category"):
            self.builder.unsupported(f"the inverse of a latent variable in {support}", self.request.at.span)
        return "Bernoulli" if support.name == "Binary" else "Categorical"

    def _table(self, size: int, cases: tuple[int, ...]) -> tuple[str, dict[str, nodes.Expr]]:
        family = self._discrete(size)
        shape = (*cases, *((size,) if family == "Categorical" else ()))
        name = self.builder.fresh(f"{self.request.joint}.{self.label}.logits")
        span = self.request.at.span
        parameter = nodes.Parameter(name, nodes.REAL, (), (), shape, "zeros", span=span)
        local = f"{self.request.joint}_{self.label}_logits"
        places = [_text(e) for e in self.known]
        value = f"{local}[{', '.join(places)}]" if places else local
        return f"{family}(logits = {value})", {local: self.builder.add_parameter(parameter)}

    def _grouped(self) -> list[tuple[str, tuple[int, ...] | None]]:
        """What is known, a whole variable as one."""
        listed = self._listed()
        found: dict[tuple[str, tuple[int, ...] | None], None] = {}
        for name, place in self.known:
            found[(name, None) if name in listed else (name, place)] = None
        return list(found)

    def _input(self, name: str, place: tuple[int, ...] | None) -> str:
        text = name if place is None else _text((name, place))
        variable = self.parts.variables[name]
        if variable.type.support.name != "Category":
            return text
        if place is None and variable.type.shape:
            places = _all_places(variable.type.shape)
            return ", ".join(f"embedding({_text((name, at))}, {EMBEDDED})" for at in places)
        return f"embedding({text}, {EMBEDDED})"

    def _network(self, inputs: list[str]) -> str:
        return f"mlp({', '.join(inputs)}, hidden = [{HIDDEN}, {HIDDEN}])" if inputs else "bias()"


def _text(element: Element) -> str:
    name, place = element
    return f"{name}[{', '.join(map(str, place))}]" if place else name
