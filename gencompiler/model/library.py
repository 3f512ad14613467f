"""A file of definitions and no model: each bijection and each density as an instance of its own, at its declared types.

Such a file can be checked and not built.  A size that is only a name (`Real[D]`) is 4, unless `-D` says otherwise."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.diagnostics.model import Reporter
from gencompiler.model import definitions, nodes, user_densities
from gencompiler.model.builder import Abandon, Builder, Context
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.infer import Infer
from gencompiler.model.prelude import Prelude
from gencompiler.model.types import solved
from gencompiler.syntax import tree

#: What a library is called in reports.
NAME = "library"
#: The extent of an axis that is only named.
EXTENT = Fraction(4)


def is_library(file: tree.File) -> bool:
    """Whether a file states bijections or densities, and no model."""
    models = any(isinstance(d, tree.Model) for d in file.declarations)
    return not models and bool(_stated(file))


def _stated(file: tree.File) -> list[tree.Definition]:
    """The definitions that are proved on their own."""
    return [d for d in file.declarations if isinstance(d, tree.Definition) and d.kind in ("bijection", "density")]


def resolve(file: tree.File, defines: dict[str, nodes.Real], prelude: Prelude, reporter: Reporter) -> nodes.Model:
    """A model of nothing but the maps and densities of the file; raises CompileError with every diagnostic."""
    own = {d.name.id: d for d in file.declarations if isinstance(d, tree.Definition)}
    builder = Builder(reporter, prelude.definitions.hidden_by(own))
    infer = Infer(builder)
    context = Context(dict(defines), {}, {})
    for definition in _stated(file):
        try:
            if definition.kind == "density":
                _density(infer, definition, defines)
            else:
                shape = _shape(definition, defines)
                definitions.instantiate_map(infer, context, definition, (), shape, definition.name)
        except Abandon:
            continue  # reported
    if not reporter.has_errors:
        builder.close_networks()
    reporter.raise_errors()
    empty = dict.fromkeys(
        (
            *("variables", "densities", "conditionals", "energies", "links", "deterministic", "externals", "sdes"),
            *("terminals", "transitions", "trainings", "methods", "claims", "assumptions"),
        ),
        (),
    )
    return solved(
        nodes.Model(
            name=NAME,
            doc="",
            constants=tuple(defines.items()),
            parameters=tuple(builder.parameters.values()),
            networks=tuple(p.network for p in builder.networks.values()),
            functions=tuple(builder.functions.values()),
            maps=tuple(builder.maps.values()),
            surjections=tuple(builder.surjections.values()),
            user_densities=tuple(builder.user_densities),
            **empty,
            span=file.span,
        )
    )


def _density(infer: Infer, definition: tree.Definition, defines: dict[str, nodes.Real]) -> None:
    user_densities.alone(infer, definition, lambda name: defines.get(name, EXTENT))


def _shape(definition: tree.Definition, defines: dict[str, nodes.Real]) -> tuple[int, ...]:
    """The declared shape of a bijection's input."""
    signature = definition.signature
    if signature is None or not signature.variables or not isinstance(signature.variables[0].type, tree.SupportType):
        return ()
    return tuple(int(Fraction(_extent(size, defines))) for size in signature.variables[0].type.shape)


def _extent(size: tree.Expr, defines: dict[str, nodes.Real]) -> nodes.Real:
    try:
        return evaluate(size, dict(defines))
    except NotConstant:
        return EXTENT
