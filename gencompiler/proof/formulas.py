"""The catalogue's formulas as terms."""

from __future__ import annotations

import functools

from gencompiler.model.formula import formula
from gencompiler.model.nodes import REAL
from gencompiler.proof.graph import Term, substitute, symbol
from gencompiler.proof.translate import Translation


@functools.cache
def _template(text: str, names: tuple[str, ...]) -> tuple[Term, tuple[Term, ...]]:
    from gencompiler.diagnostics.span import BUILTIN
    from gencompiler.model.nodes import Reference, Type

    symbols = tuple(symbol("formal", name, REAL) for name in names)
    expression = formula(text, **{name: Reference(Type(REAL), name, span=BUILTIN) for name in names})
    return Translation(names=dict(zip(names, symbols, strict=True))).term(expression), symbols


def instance(text: str, **values: Term) -> Term:
    """A formula of the catalogue with terms put in for its names."""
    names = tuple(sorted(values))
    template, symbols = _template(text, names)
    return substitute(template, {s: values[name] for s, name in zip(symbols, names, strict=True)})
