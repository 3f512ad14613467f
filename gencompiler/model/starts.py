"""Initial values of parameters that data give: `param b : Real[D] = logit(0.01 + 0.98 * E[x ~ data] x)`.

`E[x ~ data] e` is the mean of e over rows of the data set, elementwise where e is a tensor.  A bijection says so of a
parameter that is learned, behind its bar: there `E[u ~ data]` draws what goes into the map, where u is what the
bijection calls its input, and any other name what comes out of it; data reach one of the two before the map has
parameters, and which one is decided by the pipeline that the map stands in (Salimans & Kingma, Weight normalization,
NeurIPS 2016, section 3; Kingma & Dhariwal, Glow, NeurIPS 2018, section 3.1).
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label, Reporter
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.builder import Abandon, Builder, Context
from gencompiler.model.deterministic import names_in
from gencompiler.model.mentioned import starts as ends
from gencompiler.model.types import known_shape, unify
from gencompiler.node import Node, rebuild, walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: The supports in whose interior a number may begin: what is stored is unconstrained.
SUPPORTS = ("Real", "Positive", "NonNegative", "Unit", "Interval", "Open")


@dataclasses.dataclass(frozen=True)
class Starting:
    """What an initial value may draw from data: `variables` of the model, or what passes through a map; `rows`: the
    names that are other values in other rows."""

    rows: frozenset[str]
    variables: frozenset[str] = frozenset()
    input: nodes.Input | None = None
    result: nodes.Type | None = None


def from_data(value: tree.Expr | None) -> bool:
    """Whether an initial value is one that data give: it has a mean in it."""
    return value is not None and any(isinstance(n, tree.Expect) for n in walk(value))


# -- resolution ------------------------------------------------------------------------------------------------------


def of_model(infer: Infer, context: Context, surface: tree.Model, variables: dict[str, nodes.Variable]) -> None:
    """Those of a model's own parameters, once all variables are known."""
    groups = [g for s in surface.statements if isinstance(s, tree.Variables) for g in s.groups]
    for group in (g for g in groups if from_data(g.value) and g.names[0].id in infer.builder.parameters):
        with contextlib.suppress(Abandon):
            of_variables(infer, context, group, variables)


def of_variables(infer: Infer, context: Context, group: tree.Group, variables: dict[str, nodes.Variable]) -> None:
    """The initial values of parameters that a model declares."""
    seen = frozenset(v.name for v in variables.values() if v.role in ("observed", "given"))
    inside = dataclasses.replace(context, starting=Starting(frozenset(variables), seen))
    for name in group.names:
        assert group.value is not None
        _declare(infer, inside, name.id, group.value, "")


def of_map(infer: Infer, context: Context, signature: tree.Signature, map_: nodes.Map) -> None:
    """The initial values of the parameters of one map that say so, in their order."""
    starting = Starting(frozenset((map_.input.name,)), input=map_.input, result=map_.result)
    inside = dataclasses.replace(context, starting=starting)
    for declaration in signature.conditions or ():
        path = f"{context.path}{declaration.name.id}"
        if path in infer.builder.parameters and declaration.default is not None and from_data(declaration.default):
            _declare(infer, inside, path, declaration.default, map_.name)


def _declare(infer: Infer, context: Context, path: str, value: tree.Expr, map_: str) -> None:
    assert context.starting is not None
    builder, parameter, networks = infer.builder, infer.builder.parameters[path], len(infer.builder.networks)
    if parameter.support.name not in SUPPORTS or (parameter.lift and parameter.shape):
        builder.unsupported(f"an initial value from data of a parameter in {parameter.support}", value.span)
    found = infer.expression(context, value)
    if len(builder.networks) != networks:
        builder.report("G207", "an initial value mentions a network, which has no values of its own yet", value.span)
    if known_shape(found.type) not in ((), parameter.shape):
        shapes = f"{list(known_shape(found.type) or ())}, and the parameter {list(parameter.shape)}"
        builder.report("G201", f"this initial value has the shape {shapes}", value.span, "does not fit")
    hoisted, means = _hoisted(found, builder, context)
    if stray := sorted(names_in((hoisted,)) & context.starting.rows):
        builder.report(
            "G207",
            f"`{stray[0]}` is another number in every row",
            value.span,
            "an initial value is the same for all rows",
            help=(f"take a mean: `E[{stray[0]} ~ data] …`",),
        )
    _in_order(builder, path, value.span, (hoisted, *(m.body for m in means)))
    builder.starts.append(nodes.Start(path, hoisted, means, map_, span=value.span))


def _in_order(builder: Builder, path: str, span: Span, values: tuple[nodes.Expr, ...]) -> None:
    """Report what needs the value of a parameter that begins no earlier."""
    known = {s.path for s in builder.starts}
    for read in (n for v in values for n in walk(v) if isinstance(n, nodes.ParameterReference)):
        if read.path == path or (read.path in builder.from_data and read.path not in known):
            builder.report(
                "G207",
                f"`{_short(path)}` begins with what it needs `{_short(read.path)}` for",
                span,
                "initial values follow one another in the order in which parameters are declared",
                help=(f"declare `{_short(read.path)}` before it",) if read.path != path else (),
            )


def _short(path: str) -> str:
    return path.rpartition(".")[2]


def mean(infer: Infer, context: Context, expr: tree.Expect) -> nodes.Expr:
    """`E[x ~ data] e` in an initial value."""
    builder, starting = infer.builder, context.starting
    assert starting is not None
    draw = expr.draws[0]
    drawn = tuple(t.id for t in draw.targets if isinstance(t, tree.Name))
    plain = len(expr.draws) == 1 and draw.relation == "~" and len(drawn) == len(draw.targets)
    if not plain or not isinstance(draw.value, tree.Name) or draw.value.id != "data":
        builder.report(
            "G207",
            "an initial value is made of means over data",
            draw.span,
            "something else is drawn",
            help=("write `E[x ~ data] …`",),
        )
    if from_data(expr.body):
        help_ = (
            "an expectation reaches as far right as it can: put the first in brackets, `(E[x ~ data] x) * …`",
            "or give the inner one to a parameter of its own, declared before",
        )
        builder.report("G207", "a mean within a mean", expr.span, "an expectation of one draw", help=help_)
    names = _drawn(builder, starting, drawn, draw)
    inside = dataclasses.replace(context, names={**context.names, **names}, starting=None)
    body = infer.expression(inside, expr.body)
    if known_shape(body.type) is None:
        unify(body.type, nodes.Type(nodes.REAL))
    if stray := sorted(names_in((body,)) & starting.rows - set(drawn)):
        builder.report("G207", f"`{stray[0]}` is not drawn here", expr.span, f"this draws {', '.join(drawn)}")
    return nodes.DataMean(nodes.Type(nodes.REAL, known_shape(body.type) or ()), drawn, body, span=expr.span)


def _drawn(builder: Builder, starting: Starting, drawn: tuple[str, ...], draw: tree.Equation) -> dict[str, nodes.Expr]:
    """What the names of a draw stand for, of those that are not known already."""
    if starting.input is not None:
        if len(drawn) != 1:
            builder.report("G207", "one value passes through a map", draw.span, "these are several names")
        assert starting.result is not None
        own = drawn[0] == starting.input.name
        return {} if own else {drawn[0]: nodes.Reference(starting.result, drawn[0], span=draw.span)}
    for target, name in zip(draw.targets, drawn, strict=True):
        if name not in starting.variables:
            known = ", ".join(f"`{v}`" for v in sorted(starting.variables)) or "nothing"
            builder.report(
                "G207", f"data have no `{name}`", target.span, "not drawn from data", help=(f"data: {known}",)
            )
    return {}


def _hoisted(value: nodes.Expr, builder: Builder, context: Context) -> tuple[nodes.Expr, tuple[nodes.Mean, ...]]:
    """An initial value with names for its means; a mean below `for c` that mentions c is one of a vector, at c."""
    starting, means = context.starting, list[nodes.Mean]()
    assert starting is not None

    def visit(node: Node, around: tuple[nodes.Each, ...]) -> Node:
        if isinstance(node, nodes.Each):
            return rebuild(node, lambda part: visit(part, (*around, node)))
        if not isinstance(node, nodes.DataMean):
            return rebuild(node, lambda part: visit(part, around))
        own = [each for each in around if each.index in names_in((node.body,))]
        body = node.body
        for each in reversed(own):
            body = nodes.Each(
                nodes.Type(nodes.REAL, (each.extent, *(known_shape(body.type) or ()))),
                each.index,
                each.extent,
                body,
                span=node.span,
            )
        name = f"mean_{len(means) + sum(len(s.means) for s in builder.starts)}"
        found = nodes.Reference(nodes.Type(nodes.REAL, known_shape(body.type) or ()), name, span=node.span)
        passing = ", ".join(node.names)
        side = "" if starting.input is None else nodes.INPUT if passing == starting.input.name else nodes.RESULT
        means.append(nodes.Mean(name, body, passing, side, span=node.span))
        if not own:
            return found
        places = tuple(nodes.Reference(_index(each), each.index, span=node.span) for each in own)
        return nodes.Element(node.type, found, places, span=node.span)

    hoisted = visit(value, ())
    assert isinstance(hoisted, nodes.Expr)
    return hoisted, tuple(means)


def _index(each: nodes.Each) -> nodes.Type:
    return nodes.Type(nodes.Support("Integer", (Fraction(0), Fraction(each.extent))))


# -- where data reach a map ------------------------------------------------------------------------------------------


def reached(model: nodes.Model) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """The maps that data pass through, in their order: each with the side on which they arrive and the iteration of
    the repetitions around it."""
    for link, arriving in passed_by_data(model):
        yield from _through(link.stages, (), undone=arriving == link.target)


def passed_by_data(model: nodes.Model) -> Iterator[tuple[nodes.Link, str]]:
    """The pipelines that data pass through, in their order, each with the end at which they arrive: that of an observed
    variable, or of a latent one that a pipeline before it gives."""
    known = {v.name for v in model.variables if v.role == "observed"}
    left = list(model.links)
    while link := next((each for each in left if _arriving(each, known)), None):
        left.remove(link)
        arriving = _arriving(link, known)
        known |= {link.target, *(part.name for part in ends(link))}
        yield link, arriving


def _arriving(link: nodes.Link, known: set[str]) -> str:
    """The end of a pipeline that is known, where the other is not."""
    sources = [part.name for part in ends(link)]
    if link.target in known:
        return link.target if not known & set(sources) else ""
    return sources[0] if set(sources) <= known else ""


def _through(
    stages: tuple[nodes.Stage, ...], layers: tuple[int, ...], *, undone: bool
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    for stage in reversed(stages) if undone else stages:
        match stage:
            case nodes.Repeat(count=count, stages=inner):
                for k in reversed(range(count)) if undone else range(count):
                    yield from _through(inner, (*layers, k), undone=undone)
            case nodes.Parts(parts=parts):
                for part in parts:
                    yield from _through(part.stages, layers, undone=undone)
            case nodes.UseMap(map=name):
                yield name, nodes.RESULT if undone != isinstance(stage, nodes.UseInverse) else nodes.INPUT, layers


def in_order(model: nodes.Model) -> list[tuple[nodes.Start, tuple[int, ...]]]:
    """The initial values that data give, each when everything that it rests on has begun: of the model's own
    parameters, then of maps in the order in which data reach them, one for each iteration."""
    found: list[tuple[nodes.Start, tuple[int, ...]]] = [(start, ()) for start in model.starts if not start.map]
    of_maps: dict[str, list[nodes.Start]] = {}
    for start in model.starts:
        of_maps.setdefault(start.map, []).append(start)
    for name, _, layers in reached(model):
        found += [(start, layers) for start in of_maps.get(name, ())] if name else []
    return found


def check(model: nodes.Model, reporter: Reporter) -> None:
    """Report initial values of maps that data do not reach, or reach on the other side."""
    sides: dict[str, str] = {}
    uses: dict[str, int] = {}
    for name, side, layers in reached(model):
        sides[name] = side
        uses[name] = uses.get(name, 0) + (not any(layers))
    for start in (s for s in model.starts if s.map):
        map_ = next(m for m in model.maps if m.name == start.map)
        if start.map not in sides:
            reporter.add(
                "G207",
                f"data do not reach this `{map_.definition}`, so that `{_short(start.path)}` has nothing to begin with",
                start.span,
                "a mean over data",
                also=(Label(used_at(model, map_), "not on a way from an observed variable to a latent one"),),
                help=(f"set it where the map is used: `{map_.definition}({_short(start.path)} = …)`",),
            )
        elif uses[start.map] > 1:
            message = "initial values of a map that is used twice are valid, but not supported yet"
            reporter.add("G901", message, start.span, "not supported yet")
        else:
            _check_side(start, map_, sides[start.map], reporter)


def _check_side(start: nodes.Start, map_: nodes.Map, side: str, reporter: Reporter) -> None:
    other = map_.input.name if side == nodes.INPUT else "y" if map_.input.name != "y" else "v"
    drawn, reach = (
        ("what comes out of", "goes into it") if side == nodes.INPUT else ("what goes into", "comes out of it")
    )
    for each in (m for m in start.means if m.side != side):
        own = _short(start.path)
        reporter.add(
            "G207",
            f"`{own}` cannot start with a mean of {drawn} `{map_.definition}`, which is computed from `{own}` here",
            each.span,
            f"data reach what {reach}",
            help=(f"write `E[{other} ~ data] …`", f"or turn the map around: `inverse({map_.definition})`"),
        )


def used_at(model: nodes.Model, map_: nodes.Map) -> Span:
    """Where a map is used."""
    stages = (n for n in walk(model) if isinstance(n, nodes.UseMap))
    return next((s.span for s in stages if s.map == map_.name), map_.span)
