"""Conditionals of joints and of energies, as distributions of the catalogue: what `h ~ p(h | x)` draws from.

Of an energy log f, as a function of the variable v that is drawn:

    v in {0, 1}, log f = a v + …              Bernoulli(logits = a)
    v real,      log f = -r v^2 / 2 + m v + …   Normal(m / r, 1 / sqrt(r))

for a vector element by element, where log f has no term in two elements of it.  A joint stated by conditionals has the
law that it states.  What is proposed here is not believed: `checks.conditional_laws` compares it with the energy.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

from gencompiler.derive import algebra, gradient
from gencompiler.derive.density import log_of
from gencompiler.derive.express import Naming, express
from gencompiler.derive.substitute import inline, substitute
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.node import Node, rebuild, walk
from gencompiler.proof.graph import Term, symbol
from gencompiler.proof.graph import substitute as replaced
from gencompiler.proof.indexed import Indexed
from gencompiler.proof.indexed_terms import NotATerm, term_of
from gencompiler.proof.indices import Open, TooLargeError, add, scale
from gencompiler.proof.places import replaced_element
from gencompiler.proof.terms import ONE, over
from gencompiler.proof.translate import Translation, variable


class NoLawError(Exception):
    """No distribution of the catalogue could be derived; `span` is what asks."""

    def __init__(self, reason: str, at: Node) -> None:
        super().__init__(reason)
        self.reason = reason
        self.span = at.span


def law(model: nodes.Model, asked: nodes.Conditioned) -> nodes.Expr:
    """The distribution that `asked` is, in terms of the values it is given; raises NoLawError."""
    given = {b.name: b.value for b in asked.given}
    stated = next(
        (c for c in model.conditionals if c.joint == asked.joint and c.targets == (asked.target,) and not c.indices),
        None,
    )
    if stated is not None:
        found = stated.distribution
        described = {e.name for e in stated.given if isinstance(e, nodes.Reference)}
        if set(given) & {v.name for v in model.variables} - described:
            raise NoLawError(_posterior(asked, set(given) - described), asked)
    else:
        found = _of_energy(model, asked)
    missing = sorted(_mentioned(model, found) - given.keys() - _given(model))
    if missing:
        what = name_of(asked)
        raise NoLawError(f"the law of `{what}` depends on `{missing[0]}`, which it is not given", asked)
    return substitute(found, given)


def _posterior(asked: nodes.Conditioned, extra: set[str]) -> str:
    return f"given `{min(extra)}`, `{name_of(asked)}` has a posterior, which no equation states"


def name_of(asked: nodes.Conditioned) -> str:
    """The variable that is drawn."""
    base = asked.target.base if isinstance(asked.target, nodes.Element) else asked.target
    assert isinstance(base, nodes.Reference)
    return base.name


def _given(model: nodes.Model) -> set[str]:
    return {v.name for v in model.variables if v.role == "given"}


def _mentioned(model: nodes.Model, found: nodes.Expr) -> set[str]:
    """The variables and conditions that a law mentions."""
    conditions = {i.name for d in model.densities for i in (*d.variables, *d.conditions)}
    known = {v.name for v in model.variables} | conditions
    return {r.name for r in walk(found) if isinstance(r, nodes.Reference)} & known


# -- energies --------------------------------------------------------------------------------------------------------


def log_energy(model: nodes.Model, joint: str, at: Node) -> nodes.Expr:
    """log of the unnormalized density of a joint or of a density of the model, of its variables by their names."""
    energy = next((e for e in model.energies if e.joint == joint), None)
    if energy is not None:
        return log_of(energy.value)
    density = next((d for d in model.densities if d.name == joint), None)
    if density is None:
        raise NoLawError(f"`{joint}` states neither this law nor an energy that it could be derived from", at)
    return next(f for f in model.functions if f.name == density.function).body


def _of_energy(model: nodes.Model, asked: nodes.Conditioned) -> nodes.Expr:
    functions = {f.name: f for f in model.functions}
    value = inline(log_energy(model, asked.joint, asked), functions)
    name = name_of(asked)
    if name not in {r.name for r in walk(value) if isinstance(r, nodes.Reference)}:
        raise NoLawError(f"the energy of `{asked.joint}` does not mention `{name}`", asked)
    if isinstance(asked.target, nodes.Reference) and asked.target.type.shape:
        found = by_gradient(value, asked, functions)
        if found is not None:
            return found
    return by_coefficients(model, value, asked)


def by_gradient(value: nodes.Expr, asked: nodes.Conditioned, functions: dict[str, nodes.Function]) -> nodes.Expr | None:
    """Of a whole vector: its gradient is the logits, or gives mean and scale."""
    target, span = asked.target, asked.span
    assert isinstance(target, nodes.Reference)
    own = nodes.Input(target.name, target.type, span=span)
    try:
        slope = gradient.gradient(value, own, functions)
        if target.type.support.name == "Binary":
            logits = tidy(slope)
            return None if _reads(logits, target.name) else _bernoulli(target.type, logits, span)
        if target.type.support.name != "Real":
            return None
        curvature = tidy(gradient.gradient(algebra.total(slope, span), own, functions))
        if _reads(curvature, target.name):
            return None
        start = tidy(at_zero(slope, target.name))
    except gradient.NoDerivative:
        return None
    precision = tidy(algebra.negate(curvature, span))
    mean = (
        start
        if algebra.is_number(precision, 1) or algebra.is_number(start, 0)
        else algebra.apply("divide", start, precision, span=span)
    )
    return _normal(target.type, mean, precision, span)


def _reads(expr: nodes.Expr, name: str) -> bool:
    return any(isinstance(r, nodes.Reference) and r.name == name for r in walk(expr))


def _bernoulli(type_: nodes.Type, logits: nodes.Expr, span: Span) -> nodes.Expr:
    return nodes.Distribution(type_, "Bernoulli", "logits", (logits,), span=span)


def _normal(type_: nodes.Type, mean: nodes.Expr, precision: nodes.Expr, span: Span) -> nodes.Expr:
    one = algebra.literal(1, span)
    if algebra.is_number(precision, 1):
        scale_: nodes.Expr = one
    else:
        scale_ = algebra.apply("divide", one, algebra.apply("sqrt", precision, span=span), span=span)
    return nodes.Distribution(type_, "Normal", "", (mean, scale_), span=span)


# -- one element, or a scalar ----------------------------------------------------------------------------------------


def by_coefficients(model: nodes.Model, value: nodes.Expr, asked: nodes.Conditioned) -> nodes.Expr:
    """Of a number: log f as a polynomial in it."""
    base = name_of(asked)
    declared = next(v for v in model.variables if v.name == base)
    names = {
        r.name: symbol("variable", r.name, r.type.support, r.type.shape)
        for part in (value, asked.target)
        for r in walk(part)
        if isinstance(r, nodes.Reference) and not r.name.startswith("_")
    }
    translation = dataclasses.replace(Translation.of_model(model), names=names)
    drawn = symbol("draw", "drawn", declared.type.support)
    whole = variable(declared)
    new = drawn
    if isinstance(asked.target, nodes.Element):
        new = replaced_element(whole, tuple(translation.term(s) for s in asked.target.subscripts), drawn)
    elif declared.type.shape:
        raise NoLawError(f"the elements of `{base}` depend on each other in the energy of `{asked.joint}`", asked)
    try:
        found = powers(replaced(translation.term(value), {whole: new}), drawn)
    except TooLargeError:
        raise NoLawError("the energy is not a polynomial that can be taken apart", asked) from None
    naming = Naming({}, {}, {}, asked.span)
    type_ = nodes.Type(declared.type.support)
    try:
        if declared.type.support.name == "Binary" and found is not None:
            slope: Open = {}
            for power, coefficient in found.items():
                slope = add(slope, coefficient) if power else slope
            return _bernoulli(type_, express(term_of(slope), naming), asked.span)
        if declared.type.support.name == "Real" and found is not None and set(found) <= {0, 1, 2} and found.get(2):
            precision = term_of(scale(found[2], Fraction(-2)))
            mean = term_of(found.get(1, {}))
            centre = mean if precision is ONE else over(mean, precision)
            return _normal(type_, express(centre, naming), express(precision, naming), asked.span)
    except NotATerm as problem:
        raise NoLawError(str(problem), asked) from None
    raise NoLawError(
        f"the energy of `{asked.joint}` is neither linear in a binary `{base}` nor quadratic in a real one", asked
    )


def powers(value: Term, drawn: Term) -> dict[int, Open] | None:
    """The coefficients of a polynomial in a scalar; None where it is none."""
    found: dict[int, Open] = {}
    atom = ("atom", drawn, ())
    for (factors, sizes), coefficient in Indexed().value(value).items():
        power = next((n for f, n in factors if f == atom), 0)
        rest = tuple((f, n) for f, n in factors if f != atom)
        if power < 0 or any(_inside(f, drawn) for f, _ in rest):
            return None
        found[power] = add(found.get(power, {}), {(rest, sizes): coefficient})
    return found


def _inside(item: object, term: Term) -> bool:
    if isinstance(item, tuple):
        return any(_inside(part, term) for part in item)
    return isinstance(item, Term) and term in item.symbols


# -- simplification --------------------------------------------------------------------------------------------------


def at_zero(expr: nodes.Expr, name: str) -> nodes.Expr:
    """`expr` where a variable is 0."""
    if isinstance(expr, nodes.Reference) and expr.name == name:
        return algebra.literal(0, expr.span)
    if isinstance(expr, nodes.Element) and _reads(expr.base, name):
        return algebra.literal(0, expr.span)
    if isinstance(expr, nodes.Contract):
        left, right = at_zero(expr.left, name), at_zero(expr.right, name)
        if algebra.is_number(left, 0) or algebra.is_number(right, 0):
            return algebra.literal(0, expr.span)
        return dataclasses.replace(expr, left=left, right=right)
    if isinstance(expr, nodes.Reduce):
        return _reduced(expr, at_zero(expr.operand, name))
    return _fitted(rebuild(expr, lambda child: at_zero(child, name) if isinstance(child, nodes.Expr) else child))


def _fitted(expr: nodes.Expr) -> nodes.Expr:
    """An elementwise expression has the shape of what it is made of, which may have become one number."""
    if isinstance(expr, nodes.Apply):
        parts: tuple[nodes.Expr, ...] = expr.arguments
    elif isinstance(expr, nodes.Choose):
        parts = (expr.condition, expr.then, expr.otherwise)
    else:
        return expr
    shape = next((p.type.shape for p in parts if p.type.shape), ())
    return expr if shape == expr.type.shape else dataclasses.replace(expr, type=nodes.Type(expr.type.support, shape))


def tidy(expr: nodes.Expr) -> nodes.Expr:
    """Arithmetic through the identities: 0 + a, 1 * a, 0 * a, --a; numbers are folded."""
    if isinstance(expr, nodes.Each | nodes.Let):
        inner = tidy(expr.body)
        return inner if isinstance(inner, nodes.Literal) else dataclasses.replace(expr, body=inner)
    if isinstance(expr, nodes.Reduce):
        return _reduced(expr, tidy(expr.operand))
    if isinstance(expr, nodes.Contract):
        left, right = tidy(expr.left), tidy(expr.right)
        if algebra.is_number(left, 0) or algebra.is_number(right, 0):
            return algebra.literal(0, expr.span)
        fits = left.type.shape and right.type.shape
        return dataclasses.replace(expr, left=left, right=right) if fits else expr
    if not isinstance(expr, nodes.Apply):
        return _fitted(rebuild(expr, lambda child: tidy(child) if isinstance(child, nodes.Expr) else child))
    arguments = tuple(tidy(a) for a in expr.arguments)
    match expr.function, arguments:
        case ("add" | "subtract" | "multiply" | "divide" as function, (left, right)):
            folded = _folded(function, left, right)
            if folded is not None:
                return algebra.literal(folded, expr.span)
            if function == "add":
                return algebra.add(left, right, expr.span)
            if function == "subtract":
                return algebra.subtract(left, right, expr.span)
            if function == "multiply":
                return algebra.multiply(left, right, expr.span)
            if algebra.is_number(left, 0) or algebra.is_number(right, 1):
                return left
        case ("negate", (inner,)):
            return algebra.negate(inner, expr.span)
    return _fitted(dataclasses.replace(expr, arguments=arguments))


def _reduced(expr: nodes.Reduce, operand: nodes.Expr) -> nodes.Expr:
    """A reduction of a tensor that has become one number for every element."""
    if operand.type.shape or expr.operation != "sum":
        return dataclasses.replace(expr, operand=operand) if operand.type.shape else expr
    size = math.prod(expr.operand.type.shape)
    return algebra.multiply(algebra.literal(size, expr.span), operand, expr.span)


def _folded(function: str, left: nodes.Expr, right: nodes.Expr) -> Fraction | None:
    if not isinstance(left, nodes.Literal) or not isinstance(right, nodes.Literal):
        return None
    a, b = Fraction(left.value), Fraction(right.value)
    if function == "divide":
        return a / b if b else None
    return {"add": a + b, "subtract": a - b, "multiply": a * b}[function]
