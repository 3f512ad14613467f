"""Run-time lengths: `model M(T : Count = 32)`, where every row says how long it is.

`T` is a variable: given, or observed where an equation states its law.  In the type of a variable it is the longest
length, so that shapes stay constants; an element of which the first subscript is not below the row's own T is 0 with
probability one, which is what its conditional says then, whatever the spec says of the elements that are there.  So a
model of sequences of varying length is a model of vectors of N elements, and all that is proved is proved of that.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from fractions import Fraction

from gencompiler.catalog import supports
from gencompiler.diagnostics.model import Reporter
from gencompiler.model import nodes
from gencompiler.model.builder import Abandon, Builder
from gencompiler.node import Node, children, walk
from gencompiler.syntax import tree

#: The longest length where the header states none: shapes are constants, so there must be one.
LONGEST = 64


def is_length(declaration: tree.ParameterDecl) -> bool:
    """Whether a declaration of a header is that of a run-time length."""
    return isinstance(declaration.type, tree.SupportType) and declaration.type.name.id == "Count"


def left_open(declaration: tree.ParameterDecl, reporter: Reporter) -> Fraction:
    """What is taken for a constant without a value: for a run-time length, a longest one; the other is an error."""
    name = declaration.name.id
    if is_length(declaration):
        message = f"`{name}` does not say how long the longest row is: {LONGEST} is taken"
        help_ = (f"state it: `{name} : Count = {LONGEST}`, or pass `-D {name}=…`",)
        reporter.add("G208", message, declaration.span, "a run-time length", help=help_)
        return Fraction(LONGEST)
    help_ = (f"give it one, or pass `-D {name}=…`",)
    reporter.add("G206", f"`{name}` has no value", declaration.span, "a constant without a default", help=help_)
    return Fraction(1)


class Lengths:
    """The run-time lengths of one model: `constants` without them, and the `names` that they are instead."""

    def __init__(
        self,
        builder: Builder,
        surface: tree.Model,
        constants: Mapping[str, nodes.Real],
    ) -> None:
        """`variables`: one for each length, observed where an equation states its law, else given."""
        self.builder = builder
        signature = surface.signature
        declared = [d for d in (signature.variables if signature else ()) if is_length(d)]
        equations = [s.equation for s in surface.statements if isinstance(s, tree.EquationStatement)]
        self.longest: dict[str, int] = {}
        self.variables: dict[str, nodes.Variable] = {}
        self.of: dict[str, list[str]] = {d.name.id: [] for d in declared}
        self.spans = {d.name.id: d.span for d in declared}
        for declaration in declared:
            name, longest = declaration.name.id, constants[declaration.name.id]
            if not isinstance(longest, Fraction) or longest.denominator != 1 or longest < 1:
                message = f"`{name}` is a length, and {longest} is no positive whole number"
                builder.reporter.add("G206", message, declaration.span, "the longest length")
                longest = Fraction(1)
            self.longest[name] = int(longest)
            role = "observed" if any(_states(e, name) for e in equations) else "given"
            self.variables[name] = nodes.Variable(name, role, _type(int(longest)), span=declaration.name.span)
        self.constants = {n: c for n, c in constants.items() if n not in self.of}
        self.names: dict[str, nodes.Expr] = {
            n: nodes.Reference(_type(longest), n, span=self.spans[n]) for n, longest in self.longest.items()
        }

    def declare(self, variable: nodes.Variable, type_: tree.TypeExpr) -> None:
        """Note a variable whose first axis has a run-time length."""
        for number, size in enumerate(type_.shape if isinstance(type_, tree.SupportType) else ()):
            if not {n.id for n in walk(size) if isinstance(n, tree.Name)} & self.of.keys():
                continue
            if number or not isinstance(size, tree.Name):
                what = "a run-time length of another axis than the first" if number else "a size computed of a length"
                self.builder.unsupported(what, size.span, "let the first axis have it, as it is")
            _may_be_absent(self.builder, variable, type_)
            self.of[size.id].append(variable.name)
            self.builder.of_lengths[variable.name] = self.names[size.id]

    def found(self) -> tuple[nodes.Length, ...]:
        return tuple(
            nodes.Length(name, longest, tuple(self.of[name]), span=self.spans[name])
            for name, longest in self.longest.items()
        )


def _type(longest: int) -> nodes.Type:
    return nodes.Type(nodes.Support("Integer", (Fraction(0), Fraction(longest + 1))))


def _states(equation: tree.Equation, name: str) -> bool:
    """Whether an equation is the law of `name`, `p(T) = …`."""
    heads = [t for t in equation.targets if isinstance(t, tree.Call)]
    return any(isinstance(a.value, tree.Name) and a.value.id == name for head in heads for a in head.arguments)


def _may_be_absent(builder: Builder, variable: nodes.Variable, at: tree.TypeExpr) -> None:
    """What lies beyond a row's length is 0: a value of the support, and of no integral over what is latent."""
    support = variable.type.support
    lower, upper, lower_open, upper_open = supports.bounds(support.name, support.arguments)
    if support.name in ("NonZero", "Sign") or not (lower < 0 or (lower == 0 and not lower_open)) or upper < 0:
        builder.unsupported(f"a run-time length of a variable in {support}, which has no 0,", at.span)
    if support.name == "Permutation" or (upper == 0 and upper_open):
        builder.unsupported(f"a run-time length of a variable in {support}", at.span)
    if variable.role == "latent" and not supports.SUPPORTS[support.name].discrete:
        builder.unsupported("a run-time length of a real latent variable", at.span)


def checked(builder: Builder, model: nodes.Model) -> nodes.Model:
    """The model, where each conditional of a sequence of run-time length is given that length.

    Such sequences are read element by element, or up to an index: what a sum over all of one would mean, or its mean,
    depends on the row."""
    if not model.lengths:
        return model
    with contextlib.suppress(Abandon):
        for part in (*model.energies, *model.transitions, *model.links, *model.deterministic):
            builder.unsupported("a run-time length beside anything but conditionals", part.span)
    names = {n for length in model.lengths for n in length.variables}
    for conditional in model.conditionals:
        with contextlib.suppress(Abandon):
            _check_target(builder, conditional, names)
            _check_reads(builder, conditional.distribution, names)
    for quantity in model.quantities:
        with contextlib.suppress(Abandon):
            _check_reads(builder, quantity.value, names)
    return dataclasses.replace(model, conditionals=tuple(_conditioned(c, model) for c in model.conditionals))


def _check_target(builder: Builder, conditional: nodes.Conditional, names: set[str]) -> None:
    for target in conditional.targets:
        if isinstance(target, nodes.Reference) and target.name in names:
            advice = f"state it element by element: `{conditional.joint}({target.name}[t]) = …`"
            builder.unsupported("a law of all of a variable of run-time length", target.span, advice)


def _check_reads(builder: Builder, part: Node, names: set[str]) -> None:
    if isinstance(part, nodes.Element) and isinstance(part.base, nodes.Reference) and part.base.name in names:
        if isinstance(part.subscripts[0], nodes.Whole):
            builder.unsupported("a variable of run-time length, read as a whole,", part.span, "read `x[<t]` or `x[t]`")
        for subscript in part.subscripts:
            _check_reads(builder, subscript, names)
        return
    if isinstance(part, nodes.Reference) and part.name in names:
        builder.unsupported("a variable of run-time length, read as a whole,", part.span, "read `x[<t]` or `x[t]`")
    for child in children(part):
        _check_reads(builder, child, names)


def _conditioned(conditional: nodes.Conditional, model: nodes.Model) -> nodes.Conditional:
    """The conditional, given the length of what it produces where that is a variable with a law."""
    found = _length(model, conditional.targets[0])
    if found is None or any(v.name == found.name and v.role == "given" for v in model.variables):
        return conditional
    listed = {n.name for g in conditional.given for n in walk(g) if isinstance(n, nodes.Reference)}
    if found.name in listed:
        return conditional
    return dataclasses.replace(conditional, given=(*conditional.given, _reference(found)))


def present(model: nodes.Model, target: nodes.Expr) -> nodes.Expr | None:
    """Whether the row is long enough to have `target`, a condition; None of what every row has."""
    found = _length(model, target)
    if found is None:
        return None
    assert isinstance(target, nodes.Element)
    first = target.subscripts[0]
    return nodes.Apply(nodes.Type(nodes.BOOLEAN), "less", (first, _reference(found)), span=target.span)


def _length(model: nodes.Model, target: nodes.Expr) -> nodes.Length | None:
    base = target.base if isinstance(target, nodes.Element) else None
    name = base.name if isinstance(base, nodes.Reference) else ""
    return next((length for length in model.lengths if name in length.variables), None)


def _reference(length: nodes.Length) -> nodes.Reference:
    return nodes.Reference(_type(length.longest), length.name, span=length.span)
