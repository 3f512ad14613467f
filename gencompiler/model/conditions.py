"""What follows the bar of a use, where the model computes it: `Coupling(c = mlp(y))`.

A condition that is a number has been folded into the constants of the definition.  Anything else is an expression of
the place of use, which the body mentions by the name of the condition.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.model import moving_supports, nodes
from gencompiler.model.builder import Context
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.declared import declared_support
from gencompiler.model.deterministic import names_in
from gencompiler.model.starts import from_data
from gencompiler.model.types import known_shape, unify
from gencompiler.node import Node, rebuild, walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def conditions_of(definition: tree.Definition) -> tuple[tree.ParameterDecl, ...]:
    """What is declared after the bar."""
    return (definition.signature.conditions if definition.signature else None) or ()


def by_name(infer: Infer, definition: tree.Definition, given: tuple[tree.Argument, ...]) -> dict[str, tree.Argument]:
    """What a use sets after the bar; arguments without a name are the parameters without a default, in order."""
    found = {a.name.id: a for a in given if a.name is not None}
    open_ = [d.name.id for d in conditions_of(definition) if d.name.id not in found and d.default is None]
    plain = [a for a in given if a.name is None]
    if len(plain) > len(open_):
        infer.builder.report(
            "G104",
            f"`{definition.name.id}` has {len(open_)} parameters to set here",
            plain[len(open_)].span,
            "one too many",
            also=(Label(definition.name.span, "defined here"),),
        )
    for name, argument in zip(open_, plain, strict=False):
        found[name] = dataclasses.replace(argument, name=tree.Name(name, span=argument.span))
    return found


def computed(
    infer: Infer,
    context: Context,
    definition: tree.Definition,
    signature: tree.Signature,
    given: tuple[tree.Argument, ...],
    constants: dict[str, nodes.Real],
) -> dict[str, nodes.Expr]:
    """The conditions of a use that are not constants, each as an expression of the place of use.

    Sizes that their types name are solved, into `constants`."""
    found: dict[str, nodes.Expr] = {}
    declared = {d.name.id: d for d in (*signature.variables, *(signature.conditions or ()))}
    for argument in given:
        if argument.name is None or argument.value is None or is_constant(argument.value, context):
            continue
        value = by_value(_typed(infer, context, argument.value, declared[argument.name.id], constants), context)
        captured = sorted(names_in((value,)) & _own_names(definition))
        if captured:
            infer.builder.unsupported(
                f"a condition that mentions `{captured[0]}`, which `{definition.name.id}` has as a name of its own,",
                argument.span,
                f"rename `{captured[0]}` in the definition",
            )
        fit(infer, declared[argument.name.id], value, argument, constants)
        found[argument.name.id] = value
    return found


def _typed(
    infer: Infer,
    context: Context,
    value: tree.Expr,
    declaration: tree.ParameterDecl,
    constants: dict[str, nodes.Real],
) -> nodes.Expr:
    """A condition; one that a `def` gives, and whose shape is declared, has the sizes of that `def` solved by it."""
    from gencompiler.model import definitions

    name = value.function.id if isinstance(value, tree.Call) and isinstance(value.function, tree.Name) else ""
    definition = infer.builder.definition(context, name) if name else None
    if isinstance(declaration.type, tree.SupportType) and definition is not None and definition.kind == "def":
        sizes = [_size(s, constants) for s in axes_of(declaration.type)]
        expected = tuple(s for s in sizes if s is not None)
        if len(expected) == len(sizes):
            assert isinstance(value, tree.Call)
            return definitions.call(infer, context, value, definition, expected)
    return infer.expression(context, value)


def by_value(expr: nodes.Expr, context: Context) -> nodes.Expr:
    """`expr` with what the names of a `where` stand for: a map is read on its own, where those names mean nothing."""

    def visit(node: Node) -> Node:
        if isinstance(node, nodes.Reference) and node.name in context.values:
            return visit(context.values[node.name])
        return rebuild(node, visit)

    found = visit(expr)
    assert isinstance(found, nodes.Expr)
    return found


def _own_names(definition: tree.Definition) -> set[str]:
    """What the body of a definition calls its inputs, its local equations and its indices."""
    found = {v.name.id for v in definition.signature.variables} if definition.signature else set()
    body = definition.body
    for node in walk(body) if body is not None else ():
        if isinstance(node, tree.Binding):
            found.add(node.name.id)
        elif isinstance(node, tree.Equation):
            found |= {t.id for t in node.targets if isinstance(t, tree.Name)}
    return found


def by_default(infer: Infer, context: Context, name: str, value: tree.Expr, at: tree.Expr) -> nodes.Binding:
    """A condition that a use leaves out: its default knows the constants, and no name of the place of use."""
    inside = Context(dict(context.constants), {}, {})
    return nodes.Binding(name, infer.expression(inside, value), span=at.span)


def is_constant(value: tree.Expr, context: Context) -> bool:
    """Whether a condition is a number that the compiler knows."""
    try:
        evaluate(value, context.constants)
    except NotConstant:
        return False
    return True


def fit(
    infer: Infer,
    declaration: tree.ParameterDecl,
    value: nodes.Expr,
    argument: tree.Argument,
    constants: dict[str, nodes.Real],
) -> None:
    """Match the declared shape with the value's; a size that is a name of its own takes the value's."""
    builder = infer.builder
    if not isinstance(declaration.type, tree.SupportType):
        builder.report(
            "G104",
            f"`{declaration.name.id}` is a constant of the definition",
            argument.span,
            "the model computes this",
            also=(Label(declaration.span, "declared without a type"),),
            help=(f"declare what it is: `{declaration.name.id} : Real`",),
        )
    shape = known_shape(value.type)
    axes = axes_of(declaration.type)
    wanted = [_size(s, constants) for s in axes]
    if shape is None:
        if any(w is None for w in wanted):
            builder.report("G202", "nothing determines the size of this condition", argument.span, "size unknown")
        shape = tuple(w for w in wanted if w is not None)
        unify(value.type, nodes.Type(nodes.REAL, shape))
    if len(shape) != len(wanted) or any(w not in (None, n) for w, n in zip(wanted, shape, strict=False)):
        builder.report(
            "G201",
            f"`{declaration.name.id}` does not fit: this condition has the shape {list(shape)}",
            argument.span,
            also=(Label(declaration.span, "declared here"),),
        )
    for size, extent in zip(axes, shape, strict=True):
        if isinstance(size, tree.Name):
            constants.setdefault(size.id, Fraction(extent))
    if not moving_supports.moves(declaration, constants):
        declared_support(builder, declaration.type, constants)  # proofs see the value, not what is declared of it


def axes_of(type_: tree.SupportType) -> tuple[tree.Expr, ...]:
    """The sizes of a declared type: those in brackets, and the numbers that one value of it has."""
    own = tuple(a.value for a in type_.arguments if a.value is not None) if type_.name.id == "Simplex" else ()
    return (*type_.shape, *own)


def _size(expr: tree.Expr, constants: dict[str, nodes.Real]) -> int | None:
    try:
        found = evaluate(expr, constants)
    except NotConstant:
        return None
    return int(found)


def sizes_named(signature: tree.Signature) -> set[str]:
    """The sizes that the types of a signature name: `C` of `c : Real[C]`, which a use may state, `F(c = h, C = 8)`."""
    types = [d.type for d in (*signature.variables, *(signature.conditions or ())) if d.type is not None]
    sizes = [n for t in types if isinstance(t, tree.SupportType) for n in (*t.shape, *t.arguments)]
    return {n.id for s in sizes for n in walk(s) if isinstance(n, tree.Name)}


def settable(signature: tree.Signature) -> str:
    """What a use of a definition may set, in words."""
    names = ", ".join(f"`{d.name.id}`" for d in signature.conditions or ())
    return f"it has {names}" if names else "it has none: parameters stand after a bar, `(u : Real | H = 4)`"


def _started(infer: Infer, declaration: tree.ParameterDecl, *, learned: bool) -> None:
    """Report a default that is a mean over data where no data pass."""
    if not learned:
        infer.builder.report(
            "G207",
            f"`{declaration.name.id}` cannot start with a mean over data here",
            declaration.span,
            "data pass through the stages of a pipeline alone, maps with a formula",
            help=("use the map as a stage, `x = z |> F`", f"or set `{declaration.name.id}` where it is used"),
        )


def constants_of(
    infer: Infer,
    context: Context,
    signature: tree.Signature,
    given: tuple[tree.Argument, ...],
    constants: dict[str, nodes.Real],
    *,
    learned: bool = False,
) -> None:
    """Add the conditions that are numbers to `constants`: defaults, overridden by the use.

    `learned`: a condition whose default is a mean over data is no constant, but learned, and begins there."""
    declared = {d.name.id: d for d in (*signature.variables, *(signature.conditions or ()))}
    stated = {argument.name.id for argument in given if argument.name is not None}
    for declaration in declared.values():
        if from_data(declaration.default):
            _started(infer, declaration, learned=learned or declaration.name.id in stated)
        elif declaration.default is not None:
            try:
                constants[declaration.name.id] = evaluate(declaration.default, constants)
            except NotConstant as problem:
                infer.builder.report("G206", "a default must be a constant", problem.expr.span, problem.reason)
    for argument in given:
        if argument.name is None or argument.value is None:
            infer.builder.unsupported("a positional condition of a map", argument.span)
        if argument.name.id not in {*declared, *sizes_named(signature)}:
            infer.builder.report(
                "G104",
                f"there is no parameter called `{argument.name.id}`",
                argument.span,
                "unknown parameter",
                help=(settable(signature),),
            )
        if is_constant(argument.value, context):
            constants[argument.name.id] = evaluate(argument.value, context.constants)
        else:
            constants.pop(argument.name.id, None)
