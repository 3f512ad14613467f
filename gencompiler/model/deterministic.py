"""Deterministic equations between variables: `x = mlp(z)`, `x = f(z) + eps`; and derived quantities, `h = mlp(z)`.

An equation is the same as a pipeline where it takes one latent variable, elementwise and one-to-one whatever the rest
is: `x = exp(eps) * scale + f(z)` is `x = eps |> F` with a map F of its own.  `eps` then follows from x and z, so that
p(x | z) exists.  What is found here is only the shape of the formula; that F is a bijection onto the values of x is
proved like that of any other map.  Every other target is implicit: it can be computed and sampled, and has no density.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gencompiler.catalog import functions
from gencompiler.catalog.supports import SUPPORTS
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.model.builder import Abandon, Builder, Context
from gencompiler.model.types import known_shape, unify
from gencompiler.node import Node, rebuild, walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.diagnostics.span import Span
    from gencompiler.model.infer import Infer

#: What the input of a map made of an equation is called, unless the equation uses the name.
INPUT_NAMES = ("u", "noise", "source")


def equation(
    infer: Infer,
    context: Context,
    stated: tree.Equation,
    variable: nodes.Variable,
    variables: dict[str, nodes.Variable],
) -> nodes.Deterministic | nodes.Conditional:
    """`variable = value`, of the variable's shape; a discrete variable has all its mass there, which is a
    distribution like any other."""
    builder = infer.builder
    value = numeric(infer, infer.expression(context, stated.value))
    if known_shape(value.type) == () != variable.type.shape:
        builder.report(
            "G201",
            f"`{variable.name}` has the shape {list(variable.type.shape)}, and this is a scalar",
            value.span,
            "a scalar",
            also=(Label(variable.span, "declared here"),),
        )
    if not unify(value.type, nodes.Type(nodes.REAL, variable.type.shape)):
        found = list(known_shape(value.type) or ())
        builder.report(
            "G201",
            f"`{variable.name}` has the shape {list(variable.type.shape)}, and this has {found}",
            value.span,
            f"shape {found}",
            also=(Label(variable.span, "declared here"),),
        )
    if SUPPORTS[variable.type.support.name].discrete:
        return _point(infer, stated, variable, value, variables)
    return nodes.Deterministic(variable.name, value, span=stated.span)


def numeric(infer: Infer, value: nodes.Expr) -> nodes.Expr:
    """1 or 0 for a value that is true or false."""
    return infer.apply("indicator", (value,), value.span) if value.type.support == nodes.BOOLEAN else value


def _point(
    infer: Infer,
    stated: tree.Equation,
    variable: nodes.Variable,
    value: nodes.Expr,
    variables: dict[str, nodes.Variable],
) -> nodes.Conditional:
    """`either = tub or lung` as `p(either | tub, lung) = Delta(tub or lung)`."""
    functions_ = infer.builder.functions
    bodies: list[nodes.Expr] = [value]
    for body in bodies:
        called = (functions_[n.function].body for n in walk(body) if isinstance(n, nodes.Call | nodes.Gradient))
        bodies += [b for b in called if b not in bodies]
    named = names_in(bodies)
    given = tuple(
        nodes.Reference(v.type, v.name, span=stated.value.span)
        for v in variables.values()
        if v.name in named and v.role != "given"
    )
    law = nodes.Distribution(variable.type, "Delta", "", (value,), span=stated.value.span)
    target = nodes.Reference(variable.type, variable.name, span=stated.targets[0].span)
    return nodes.Conditional("p", (target,), given, (), law, span=stated.span)


# -- derived quantities ----------------------------------------------------------------------------------------------


class Quantities:
    """The quantities of a model that are no variables: a name stands for its formula, wherever it is mentioned."""

    def __init__(self, infer: Infer, context: Context, statements: Iterable[tree.Equation]) -> None:
        self.infer = infer
        self.context = context
        self.stated: dict[str, tree.Equation] = {}
        for stated in statements:
            target = stated.targets[0]
            if len(stated.targets) == 1 and isinstance(target, tree.Name) and self._is_quantity(stated, target):
                if target.id in self.stated:
                    infer.builder.reporter.add("G102", f"`{target.id}` is defined twice", target.span, "defined again")
                self.stated.setdefault(target.id, stated)
        self.active: list[str] = []

    def _is_quantity(self, stated: tree.Equation, target: tree.Name) -> bool:
        known = target.id in self.context.names or target.id in ("p", "q") or is_inverse(stated.value)
        return not known and stated.relation == "=" and stated.guard is None

    def resolve(self, but: frozenset[str] = frozenset()) -> None:
        """Give every quantity its formula, those that it mentions first; not yet those that mention one of `but`."""
        for name in self.stated:
            if self._mentions(name, but):
                continue
            try:
                self._resolve(name)
            except Abandon:
                self.active.clear()
                self.infer.builder.refused.add(name)

    def _mentions(self, name: str, names: frozenset[str]) -> bool:
        """Whether a formula mentions one of `names`, itself or through others."""
        waiting, seen = [name], {name}
        while waiting:
            mentioned = {n.id for n in walk(self.stated[waiting.pop()].value) if isinstance(n, tree.Name)}
            if mentioned & names:
                return True
            more = (mentioned & self.stated.keys()) - seen
            seen |= more
            waiting += more
        return False

    def _resolve(self, name: str) -> None:
        builder, stated = self.infer.builder, self.stated[name]
        if name in self.context.names or name in builder.refused:
            return
        if name in self.active:
            builder.report("G301", "these quantities define each other", stated.span, "needs itself")
        self.active.append(name)
        for mentioned in walk(stated.value):
            if isinstance(mentioned, tree.Name) and mentioned.id in self.stated:
                self._resolve(mentioned.id)
        value = self.infer.expression(self.context, stated.value)
        self.active.remove(name)
        self.context.names[name] = value
        meant = {n: self.context.names[n] for n in names_in((value,)) if n in self.context.names}
        builder.quantities[name] = meant


def is_inverse(value: tree.Expr) -> bool:
    """Whether a right-hand side is `inverse(…)`, which states a joint."""
    return isinstance(value, tree.Call) and isinstance(value.function, tree.Name) and value.function.id == "inverse"


def check_meaning(builder: Builder, context: Context, name: str, span: Span) -> None:
    """A quantity stands for its formula, so every name in that must mean here what it means there."""
    for mentioned, meaning in builder.quantities.get(name, {}).items():
        if mentioned in context.indices or context.names.get(mentioned) is not meaning:
            builder.unsupported(f"`{name}` where `{mentioned}`, which it mentions, is something else", span)


# -- equations that are pipelines ------------------------------------------------------------------------------------


def as_pipelines(
    builder: Builder,
    equations: Iterable[nodes.Deterministic],
    variables: dict[str, nodes.Variable],
    others: Iterable[Node],
) -> tuple[list[nodes.Link], list[nodes.Deterministic]]:
    """The equations that take one latent variable one-to-one, as pipelines of one map each; and those that do not.

    That variable has a distribution of its own, and no other equation mentions it: `others` are all other equations."""
    links: list[nodes.Link] = []
    left: list[nodes.Deterministic] = []
    stated = list(equations)
    elsewhere = list(others)
    for each in stated:
        rest = [*elsewhere, *(d for d in stated if d is not each)]
        noise = next((v for v in reversed(variables.values()) if _is_noise(v, each, variables, rest)), None)
        if noise is None:
            left.append(each)
        else:
            links.append(_pipeline(builder, each, noise, variables[each.target]))
    return links, left


def _is_noise(
    candidate: nodes.Variable, stated: nodes.Deterministic, variables: dict[str, nodes.Variable], rest: list[Node]
) -> bool:
    if candidate.role != "latent" or candidate.name == stated.target:
        return False
    if candidate.type.shape != variables[stated.target].type.shape:
        return False
    heads = [c for c in rest if isinstance(c, nodes.Conditional) and names_in(c.targets) == {candidate.name}]
    if len(heads) != 1 or heads[0].joint != "p":
        return False
    if any(candidate.name in names_in((other,)) for other in rest if other is not heads[0]):
        return False
    return one_to_one(stated.value, candidate.name)


def names_in(trees: Iterable[Node]) -> set[str]:
    """The names that expressions mention."""
    return {n.name for tree_ in trees for n in walk(tree_) if isinstance(n, nodes.Reference)}


def one_to_one(value: nodes.Expr, name: str) -> bool:
    """Whether `value` mentions `name` once, below functions that are one-to-one in it whatever their other arguments
    are."""
    if isinstance(value, nodes.Reference):
        return value.name == name
    if isinstance(value, nodes.Let):
        inner = all(name not in names_in((b.value,)) and b.name != name for b in value.bindings)
        return inner and one_to_one(value.body, name)
    if not isinstance(value, nodes.Apply):
        return False
    holding = [number for number, a in enumerate(value.arguments) if name in names_in((a,))]
    if len(holding) != 1 or not one_to_one(value.arguments[holding[0]], name):
        return False
    others = [a for number, a in enumerate(value.arguments) if number != holding[0]]
    if value.function in ("add", "subtract", "negate"):
        return True
    if value.function in ("multiply", "divide"):
        return _never_zero(others[0]) and (value.function == "multiply" or holding[0] == 0)
    fact = functions.FUNCTIONS[value.function]
    return fact.arity == 1 and fact.monotone is not None and fact.domain == "(-inf, inf)"


def _never_zero(value: nodes.Expr) -> bool:
    """Whether a factor can be seen not to vanish: a positive function, a number, a positive parameter, a product."""
    if isinstance(value, nodes.Literal):
        return value.value != 0
    if isinstance(value, nodes.ParameterReference | nodes.Reference):
        return value.type.support.name in ("Positive", "Unit", "NonZero")
    if not isinstance(value, nodes.Apply):
        return False
    if value.function in ("multiply", "divide", "negate"):
        return all(map(_never_zero, value.arguments))
    return functions.FUNCTIONS[value.function].range.startswith("(0,")


def _pipeline(
    builder: Builder, stated: nodes.Deterministic, noise: nodes.Variable, target: nodes.Variable
) -> nodes.Link:
    """`target = noise |> F`, where F is the equation as a function of the noise."""
    lets = [n for n in walk(stated.value) if isinstance(n, nodes.Let)]
    used = names_in((stated.value,)) | {b.name for let in lets for b in let.bindings}
    input_name = next(n for n in (*INPUT_NAMES, f"{noise.name}_in") if n not in used)
    support = noise.type.support
    input_ = nodes.Input(input_name, nodes.Type(support, noise.type.shape), span=noise.span)

    def visit(current: Node) -> Node:
        if isinstance(current, nodes.Reference) and current.name == noise.name:
            return nodes.Reference(current.type, input_name, span=current.span)
        return rebuild(current, visit)

    body = visit(stated.value)
    assert isinstance(body, nodes.Expr)
    name = builder.fresh(f"{target.name}_of_{noise.name}")
    builder.maps[name] = nodes.Map(name, name, input_, target.type, (), body, span=stated.span)
    start = nodes.Reference(noise.type, noise.name, span=stated.span)
    return nodes.Link(target.name, start, (nodes.UseMap(name, span=stated.span),), span=stated.span)
