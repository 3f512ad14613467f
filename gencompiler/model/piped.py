"""Pipelines of values, `x[<t] |> onehot |> conv(C) |> repeat(l in L) { gated(dilation = 2^l) }`, and definitions that
are put in place.

`u |> f(a)` is `f(u, a)`, several values in parentheses are its first arguments, and `repeat(n) { … }` writes its stages
n times, each time with parameters of its own.  A `def` that has parameters after its bar, gives several values, or
takes what a network has at each place of a causal view, has no call to be: its body is put where it is used.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog import networks
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import definitions, fields, network_calls, nodes
from gencompiler.model.argument_sizes import known
from gencompiler.model.builder import Abandon, Context, IndexInfo
from gencompiler.model.conditions import by_name, by_value, constants_of, is_constant
from gencompiler.model.constants import size
from gencompiler.model.pipelines import flatten
from gencompiler.model.types import unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.diagnostics.span import Span
    from gencompiler.model.infer import Infer

Values = tuple[nodes.Expr, ...]


def pipe(infer: Infer, context: Context, expr: tree.Binary) -> nodes.Expr:
    """The one value of a pipeline."""
    return one(infer, expr, values(infer, context, expr, ("output",)))


def one(infer: Infer, expr: tree.Expr, found: Values) -> nodes.Expr:
    """The one value of an expression."""
    if len(found) != 1:
        infer.builder.report("G205", f"this gives {counted(len(found), 'value')}: name each", expr.span, "several")
    return found[0]


def values(infer: Infer, context: Context, expr: tree.Expr, names: tuple[str, ...]) -> Values:
    """The values of an expression that may have several, `names` being what they are called."""
    if isinstance(expr, tree.TupleExpr):
        return infer.expressions(context, *expr.items)
    if isinstance(expr, tree.Binary) and expr.operator == "|>":
        source, stages = flatten(expr)
        found = values(infer, context, source, ("output",))
        for stage in stages[:-1]:
            found = _stage(infer, context, stage, found, ("output",))
        return _stage(infer, context, stages[-1], found, names)
    if isinstance(expr, tree.Call) and isinstance(expr.function, tree.Name):
        name = expr.function.id
        definition = infer.builder.definition(context, name)
        if definition is None and name in networks.NETWORKS:
            return network_calls.network(infer, context, expr, networks.NETWORKS[name], names)
        if definition is not None and isinstance(definition.result, tree.TupleType):
            return inlined(infer, context, expr, definition)
    return (infer.expression(context, expr),)


def _stage(infer: Infer, context: Context, stage: tree.Expr, at: Values, names: tuple[str, ...]) -> Values:
    """What a stage makes of the values that reach it."""
    if isinstance(stage, tree.Wrap):
        return _repeated(infer, context, stage, at)
    head = stage if isinstance(stage, tree.Name) else stage.function if isinstance(stage, tree.Call) else None
    if not isinstance(head, tree.Name):
        infer.builder.report("G103", "a stage of a pipeline is a function", stage.span, "not a function")
    given = {f"{_PIPED} {number}": value for number, value in enumerate(at)}
    first = tuple(tree.Argument(None, tree.Name(name, span=stage.span), span=stage.span) for name in given)
    rest, conditions = (stage.arguments, stage.conditions) if isinstance(stage, tree.Call) else ((), None)
    call = tree.Call(head, (*first, *rest), conditions, span=stage.span)
    return values(infer, context.bind(**given), call, names)


#: What the values that reach a stage are called: no name of a spec.
_PIPED = "piped value"


def _repeated(infer: Infer, context: Context, stage: tree.Wrap, at: Values) -> Values:
    """`repeat(n) { … }`, `repeat(l in n) { … }`: the stages written out, the index a number in each."""
    builder, head = infer.builder, stage.head
    called = head.function if isinstance(head, tree.Call) else None
    if not isinstance(head, tree.Call) or not isinstance(called, tree.Name) or called.id != "repeat":
        builder.report("G103", "only `repeat(n) { … }` wraps stages", head.span, "not `repeat`")
    if len(head.arguments) != 1:
        builder.report("G104", "`repeat(n)` takes one number", head.span, "wrong number of arguments")
    argument, index = head.arguments[0], ""
    if argument.binding is not None:
        info: IndexInfo = infer.binding(context, argument.binding)
        count, index = info.extent, info.name
    else:
        count = size(argument.value, context.constants, builder.reporter) if argument.value is not None else None
    if count is None:
        raise Abandon
    source, rest = flatten(stage.body)
    for number in range(count):
        inside = context
        if index:
            inside = dataclasses.replace(context, constants={**context.constants, index: Fraction(number)})
        for each in (source, *rest):
            at = _stage(infer, inside, each, at, ("output",) * len(at))
    return at


# -- definitions in place --------------------------------------------------------------------------------------------


def is_inlined(infer: Infer, context: Context, expr: tree.Call, definition: tree.Definition) -> bool:
    """Whether a use of a `def` has its body in place of a call."""
    if definition.kind != "def" or definition.extern or definition.signature is None:
        return False
    if definition.signature.conditions is not None or isinstance(definition.result, tree.TupleType):
        return True
    named = (a.value for a in expr.arguments if isinstance(a.value, tree.Name))
    return any(fields.is_field(infer, context, context.names[n.id]) for n in named if n.id in context.names)


def inlined(infer: Infer, context: Context, expr: tree.Call, definition: tree.Definition) -> Values:
    """The values of a `def`, its variables and the conditions that are no numbers standing for what is given."""
    builder, signature, name = infer.builder, definition.signature, definition.name.id
    if name in builder.open:
        builder.report("G108", f"`{name}` uses itself", expr.span, "a definition must end")
    if signature is None or not isinstance(definition.body, tree.Expr):
        builder.unsupported("a definition without a formula", expr.span)
    local = name in builder.local_definitions
    if local and name in builder.inlined:  # it owns one set of parameters, and each copy of its body would have its own
        builder.unsupported(
            "a second use of a model's own definition that is put in place", expr.span, "state it outside"
        )
    builder.inlined.add(name)
    constants: dict[str, nodes.Real] = dict(context.constants) if local else {}
    names = dict(context.names) if local else {}
    arguments = _arguments(infer, context, expr, definition)
    given = tuple(a for a in by_name(infer, definition, _conditions(expr, definition)).values())
    constants_of(infer, context, signature, given, constants)
    grid = fields.grid_of(infer, arguments)
    for variable, value in zip(signature.variables, arguments, strict=True):
        _solve(infer, variable, value, grid, constants, expr.span)
        names[variable.name.id] = value
    for argument in given:
        if argument.value is not None and argument.name is not None and not is_constant(argument.value, context):
            names[argument.name.id] = by_value(infer.expression(context, argument.value), context)
    path = f"{builder.fresh(f'{context.path}{name}')}."
    inside = Context(constants, names, {}, path, context.iterations, in_map=context.in_map)
    for declaration in signature.conditions or ():
        if declaration.name.id not in constants and declaration.name.id not in names:
            names[declaration.name.id] = definitions.learned(infer, inside, declaration, path, ())
    with builder.inside(name):
        return _body(infer, inside, definition.body)


def _conditions(expr: tree.Call, definition: tree.Definition) -> tuple[tree.Argument, ...]:
    """What a use sets after the bar: in a pipeline, by name, before it as well."""
    declared = {d.name.id for d in (definition.signature.conditions if definition.signature else None) or ()}
    named = tuple(a for a in expr.arguments if a.name is not None and a.name.id in declared)
    return (*named, *(expr.conditions or ()))


def _arguments(infer: Infer, context: Context, expr: tree.Call, definition: tree.Definition) -> Values:
    """The values of a definition's variables, in order."""
    assert definition.signature is not None
    variables, taken = definition.signature.variables, _conditions(expr, definition)
    named = {a.name.id: a.value for a in expr.arguments if a.name is not None and a not in taken}
    plain = [a.value for a in expr.arguments if a.name is None]
    found = [named.pop(v.name.id, None) or (plain.pop(0) if plain else v.default) for v in variables]
    if named or plain or None in found:
        infer.builder.report(
            "G104",
            f"`{definition.name.id}` takes {counted(len(variables), 'argument')}",
            expr.span,
            "wrong arguments",
            also=(Label(definition.name.span, "defined here"),),
        )
    resolved = infer.expressions(context, *(value for value in found if value is not None))
    return tuple(fields.newest(infer, context, value) for value in resolved)


def _solve(
    infer: Infer,
    variable: tree.ParameterDecl,
    value: nodes.Expr,
    grid: tuple[int, ...],
    constants: dict[str, nodes.Real],
    at: Span,
) -> None:
    """The sizes that the type of a variable names, from all that its argument has: of a network's values at each place
    of a view, those of all places."""
    if not isinstance(variable.type, tree.SupportType):
        return
    shape = fields.whole_shape(infer, value, grid)
    wanted = tuple(known(s, constants) for s in variable.type.shape)
    if shape is None:
        if None not in wanted:
            shape = tuple(int(Fraction(w)) for w in wanted if w is not None)
            unify(value.type, nodes.Type(nodes.REAL, shape))
        return
    fits = len(shape) == len(wanted) and all(w in (None, n) for w, n in zip(wanted, shape, strict=True))
    if not fits:
        message = f"`{variable.name.id}` does not fit: this argument has the shape {list(shape)}"
        infer.builder.report("G201", message, at, also=(Label(variable.span, "declared here"),))
    for expr, extent in zip(variable.type.shape, shape, strict=True):
        if isinstance(expr, tree.Name):
            constants.setdefault(expr.id, Fraction(extent))


def _body(infer: Infer, context: Context, body: tree.Expr) -> Values:
    """The values of a body, which may be several under one `where`."""
    if not isinstance(body, tree.Where):
        return values(infer, context, body, ("output",))
    from gencompiler.model import calls

    inside, bindings = calls.local_equations(infer, context, body.block)
    found = _body(infer, inside, body.body)
    if not bindings:
        return found
    return tuple(nodes.Let(each.type, bindings, each, span=each.span) for each in found)
