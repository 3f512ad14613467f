"""The Surface: what was written, one node class per grammar rule, every node with its span.

Nothing is resolved here: a `Name` may be a variable, a parameter, a function or a misspelling.
"""

from __future__ import annotations

from fractions import Fraction

from gencompiler.node import Node, node


@node
class Expr(Node):
    """An expression."""


# -- atoms -----------------------------------------------------------------------------------------------------------


@node
class Name(Expr):
    id: str


@node
class Number(Expr):
    """A decimal literal, exact; `text` is how it was written."""

    value: Fraction
    text: str


@node
class TupleExpr(Expr):
    items: tuple[Expr, ...]


@node
class Array(Expr):
    items: tuple[Expr, ...]


# -- operators -------------------------------------------------------------------------------------------------------


@node
class Unary(Expr):
    """`-x` or `not x`; `operator` is "-" or "not"."""

    operator: str
    operand: Expr


@node
class Binary(Expr):
    """`operator` in ASCII: + - * / @ % ^ |> < <= > >= == != and or, and "o" for Stratonovich."""

    operator: str
    left: Expr
    right: Expr


@node
class Log(Expr):
    """The prefix operator `log e`."""

    operand: Expr


# -- calls and subscripts --------------------------------------------------------------------------------------------


@node
class Binding(Node):
    """`k in K`, `j in 0..i`, or a bare `i` (range None: solved from the body)."""

    name: Name
    range: Expr | None


@node
class Range(Expr):
    """A half-open range `a..b`; in a subscript either end may be missing."""

    lower: Expr | None
    upper: Expr | None


@node
class Argument(Node):
    """One argument: positional (`name` None), `name = value`, or `k in K` (then `binding` is set and `value` None)."""

    name: Name | None
    value: Expr | None
    binding: Binding | None = None


@node
class Call(Expr):
    """`f(a, b | c = d)`; `conditions` is None without a bar."""

    function: Expr
    arguments: tuple[Argument, ...]
    conditions: tuple[Argument, ...] | None = None


@node
class Subscript(Node):
    """One place of `x[…]`."""


@node
class At(Subscript):
    """An index or a range: `x[i]`, `x[1..3]`."""

    value: Expr


@node
class All(Subscript):
    """`:`"""


@node
class Relative(Subscript):
    """`<i`, `<=i`, `>i`, `>=i`, `!=i`; `bound` may be a tuple (scan order over axes)."""

    operator: str
    bound: Expr


@node
class Over(Subscript):
    """`z[k in K]`: a binder in subscript position."""

    binding: Binding


@node
class Index(Expr):
    base: Expr
    subscripts: tuple[Subscript, ...]


@node
class Wrap(Expr):
    """`repeat(8) { … }`: a head applied to a braced right-hand side."""

    head: Expr
    body: Expr


# -- open forms ------------------------------------------------------------------------------------------------------


@node
class Choose(Expr):
    """`if c then a else b`"""

    condition: Expr
    then: Expr
    otherwise: Expr


@node
class Each(Expr):
    """`for i, j in 0..i: e`"""

    bindings: tuple[Binding, ...]
    body: Expr


@node
class Expect(Expr):
    """`E[x ~ data, z ~ q(z | x)] e`"""

    draws: tuple[Equation, ...]
    body: Expr


@node
class Where(Expr):
    """`e where { … }`"""

    body: Expr
    block: Block


# -- statements ------------------------------------------------------------------------------------------------------


@node
class Equation(Node):
    """`targets relation value [if guard]`; `relation` is "=", "~" or "∝"; a target is a Name, an Index or a Call."""

    targets: tuple[Expr, ...]
    relation: str
    value: Expr
    guard: Expr | None = None


@node
class Block(Node):
    items: tuple[Equation, ...]


@node
class TypeExpr(Node):
    """A type as written."""


@node
class SupportType(TypeExpr):
    """`Real[D]`, `Interval(0, 1)`, `Integer(0..17)[D]`"""

    name: Name
    arguments: tuple[Argument, ...]
    shape: tuple[Expr, ...]


@node
class TupleType(TypeExpr):
    items: tuple[TypeExpr, ...]


@node
class FunctionType(TypeExpr):
    domain: TypeExpr
    codomain: TypeExpr


@node
class ParameterDecl(Node):
    """`name [: type] [= default]` in a signature."""

    name: Name
    type: TypeExpr | None
    default: Expr | None


@node
class Signature(Node):
    """`(variables | conditions)`; `conditions` is None without a bar."""

    variables: tuple[ParameterDecl, ...]
    conditions: tuple[ParameterDecl, ...] | None = None


@node
class Declaration(Node):
    """A top-level declaration or a statement of a model."""


@node
class Definition(Declaration):
    """`kind name(signature) -> result requires condition = body`.

    `kind` is def, bijection, density, transition or sde; `relation` is "=" or "∝", or None when `body` is a Block
    (transition, sde) or missing (`extern def`)."""

    kind: str
    name: Name
    signature: Signature | None
    result: TypeExpr | None
    requires: Expr | None
    relation: str | None
    body: Expr | Block | None
    extern: bool = False
    doc: str | None = None


@node
class Group(Node):
    """`a, m, s : Real[D] = 0`"""

    names: tuple[Name, ...]
    type: TypeExpr
    value: Expr | None


@node
class Variables(Declaration):
    """`observed | latent | given | param` and its groups."""

    role: str
    groups: tuple[Group, ...]


@node
class EquationStatement(Declaration):
    equation: Equation


@node
class Request(Declaration):
    """`train | sample | evaluate | claim` value [with { options }]"""

    verb: str
    value: Expr
    options: Block | None


@node
class Assume(Declaration):
    fact: Expr
    reason: str


@node
class Phase(Node):
    label: Name | None


@node
class Update(Phase):
    """`[label:] update p, q [in within] maximize value`; `direction` is "maximize" or "minimize"."""

    groups: tuple[Name, ...]
    within: TypeExpr | None
    direction: str
    value: Expr


@node
class Repeated(Phase):
    """`[label:] repeat(n) { phases }`"""

    head: Expr
    phases: tuple[Phase, ...]


@node
class Objective(Declaration):
    name: Name
    signature: Signature | None
    phases: tuple[Phase, ...]
    doc: str | None = None


@node
class Model(Declaration):
    name: Name
    signature: Signature | None
    statements: tuple[Declaration, ...]
    doc: str | None = None


@node
class File(Node):
    """One `.gen` file."""

    declarations: tuple[Declaration, ...]
