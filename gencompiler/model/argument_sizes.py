"""The sizes that the types of a definition name, solved from what it is applied to."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes
from gencompiler.model.conditions import axes_of
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.declared import declared_support
from gencompiler.model.types import known_shape, unify
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


def inputs_of(
    infer: Infer,
    definition: tree.Definition,
    arguments: tuple[nodes.Type, ...],
    constants: dict[str, nodes.Real],
    at: tree.Expr,
    expected: tuple[int, ...] | None,
) -> tuple[nodes.Input, ...]:
    """The typed inputs of a definition: sizes are solved from the arguments whose shape is known, in their order, then
    from the shape that the result must have, and say what the shapes of the others are."""
    variables = definition.signature.variables if definition.signature else ()
    supports: dict[int, nodes.Support] = {}
    order = sorted(range(len(variables)), key=lambda k: known_shape(arguments[k]) is None)
    for k in order:
        if expected is not None and known_shape(arguments[k]) is None:
            _sizes_of_result(definition, expected, constants)
        declared = variables[k].type
        supports[k] = nodes.REAL if declared is None else solve(infer, variables[k], arguments[k], constants, at)
    return tuple(
        nodes.Input(v.name.id, nodes.Type(supports[k], known_shape(arguments[k]) or ()), span=v.span)
        for k, v in enumerate(variables)
    )


def _sizes_of_result(definition: tree.Definition, expected: tuple[int, ...], constants: dict[str, nodes.Real]) -> None:
    """Sizes that are plain names in the declared result."""
    declared = definition.result
    if not isinstance(declared, tree.SupportType) or len(declared.shape) != len(expected):
        return
    for size, extent in zip(declared.shape, expected, strict=True):
        if isinstance(size, tree.Name):
            constants.setdefault(size.id, Fraction(extent))


def solve(
    infer: Infer, declaration: tree.ParameterDecl, type_: nodes.Type, constants: dict[str, nodes.Real], at: tree.Expr
) -> nodes.Support:
    """Match a declared type with an argument's, binding the sizes that are plain names; the declared support."""
    declared = declaration.type
    if not isinstance(declared, tree.SupportType):
        infer.builder.unsupported("a function or a tuple as an argument", declaration.span)
    shape, axes = known_shape(type_), axes_of(declared)
    if shape is None:
        wanted = tuple(known(s, constants) for s in axes)
        if any(w is None for w in wanted):
            infer.builder.report("G202", "nothing determines the size of this argument", at.span, "size unknown")
        shape = tuple(int(Fraction(w)) for w in wanted if w is not None)
        unify(type_, nodes.Type(type_.support, shape))
    if len(shape) != len(axes):
        wanted_axes, own = counted(len(axes), "axis"), counted(len(shape), "axis")
        infer.builder.report(
            "G201",
            f"`{declaration.name.id}` has {wanted_axes}, and this argument has {own}",
            at.span,
            f"shape {list(shape)}",
            also=(Label(declaration.span, "declared here"),),
        )
    for expr, extent in zip(axes, shape, strict=True):
        if isinstance(expr, tree.Name) and expr.id not in constants:
            constants[expr.id] = Fraction(extent)
        elif known(expr, constants) != extent:
            infer.builder.report(
                "G201",
                f"`{declaration.name.id}` does not fit: this argument has the shape {list(shape)}",
                at.span,
                also=(Label(declaration.span, "declared here"),),
            )
    return declared_support(infer.builder, declared, constants)


def known(expr: tree.Expr, constants: dict[str, nodes.Real]) -> nodes.Real | None:
    try:
        return evaluate(expr, constants)
    except NotConstant:
        return None
