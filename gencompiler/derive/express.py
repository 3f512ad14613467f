"""Terms back to Model IR: shared parts become `Let` bindings, named as the spec names them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from fractions import Fraction

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.proof.external import EXTERN, EXTERN_NUMBERS
from gencompiler.proof.graph import Term, gradient_parts, name_of, subterms, support_of
from gencompiler.proof.roots import ROOT

#: The name of a shared part that the spec does not name.
SHARED = "inner"
_LEAVES = ("literal", "constant", "symbol", "whole", "before")


@dataclasses.dataclass(frozen=True)
class Naming:
    """How terms are written: `symbols` for symbols that are not variables or parameters, `labels` for shared parts.

    `span` stands for terms without an origin."""

    symbols: Mapping[Term, str]
    labels: Mapping[Term, str]
    origins: Mapping[Term, Span]
    span: Span


def express(term: Term, naming: Naming) -> nodes.Expr:
    """The Model IR of `term`, each named or repeated part bound once."""
    writer = _Writer(naming)
    names = _bound_names(term, naming)
    bindings = []
    for part in subterms(term):
        if part in names and part is not term:
            bindings.append(nodes.Binding(names[part], writer.write(part), span=writer.span(part)))
            writer.bound[part] = names[part]
    body = writer.write(term)
    return nodes.Let(body.type, tuple(bindings), body, span=naming.span) if bindings else body


def _bound_names(root: Term, naming: Naming) -> dict[Term, str]:
    """The parts that get a binding: those with a label, and those used more than once."""
    uses: dict[Term, int] = {}
    inside: set[Term] = set()
    for part in subterms(root):
        for argument in part.arguments:
            uses[argument] = uses.get(argument, 0) + 1
        if part.operation == "root":
            inside.update(p for p in subterms(part.arguments[0]) if part.arguments[1] in p.symbols)
        if part.operation in ("gradient", "each", "recur", "fixed_point", "solution", "jacobian_log_det"):
            inside.update(subterms(*part.arguments[: 1 + (part.data if part.operation == "gradient" else 0)]))
    taken = {name_of(s) for s in root.symbols} | set(naming.symbols.values())
    names: dict[Term, str] = {}
    for part in subterms(root):
        label = naming.labels.get(part)
        shared = uses.get(part, 0) > 1 and part.operation not in (*_LEAVES, "select")
        if part.operation in _LEAVES or _is_one(part) or part in inside or not (label or shared):
            continue
        names[part] = _fresh(label or SHARED, taken)
        taken.add(names[part])
    return names


def _fresh(base: str, taken: Iterable[str]) -> str:
    name, count = base, 1
    while name in taken:
        count += 1
        name = f"{base}_{count}"
    return name


class _Writer:
    def __init__(self, naming: Naming) -> None:
        self.naming = naming
        self.bound: dict[Term, str] = {}

    def span(self, term: Term) -> Span:
        return self.naming.origins.get(term, self.naming.span)

    def write(self, term: Term) -> nodes.Expr:
        """`term` with what is already bound as references."""
        span, type_ = self.span(term), _type(term)
        if term in self.bound:
            return nodes.Reference(type_, self.bound[term], span=span)
        match term.operation:
            case "literal":
                return nodes.Literal(type_, term.data, span=span)
            case "table":
                return nodes.Table(type_, term.data[1], span=span)
            case "constant":
                return nodes.Constant(type_, term.data, span=span)
            case "symbol":
                return self._symbol(term, type_, span)
            case "apply" if _is_external(term):
                return self._external_value(term.arguments[0], type_, span)
            case "apply":
                return nodes.Apply(type_, term.data, self._all(term.arguments), span=span)
            case "choose":
                return nodes.Choose(type_, *self._all(term.arguments), span=span)
            case "contract":
                return nodes.Contract(type_, *self._all(term.arguments), span=span)
            case "reduce":
                return nodes.Reduce(type_, term.data, self.write(term.arguments[0]), span=span)
            case "bounded":
                return self.write(term.arguments[0])
            case "fixed_point":
                depth, _, steps = term.data
                return nodes.FixedPoint(type_, f"_array_{depth}", steps, self.write(term.arguments[0]), span=span)
            case "solution":
                return nodes.Solution(type_, f"_array_{term.data[0]}", *self._all(term.arguments), span=span)
            case "jacobian_log_det":
                body, formal, at = term.arguments
                near = self.write(body), self.write(at), term.data
                return nodes.JacobianLogDet(type_, name_of(formal), *near, span=span)
            case "matrix":
                return nodes.MatrixFunction(type_, term.data, self.write(term.arguments[0]), span=span)
            case "network" if term.data[0].startswith(EXTERN):
                return self._external(term, type_, span)
            case "network":
                return nodes.NetworkOutput(type_, term.data[0], term.data[1], self._all(term.arguments), span=span)
            case "root":
                return self._root(term, type_, span)
            case "gradient":
                function = name_of(term.arguments[1]).rpartition(".")[0]
                return nodes.Gradient(type_, function, self._all(gradient_parts(term)[2]), span=span)
        return self._tensor(term, type_, span)

    def _all(self, terms: Iterable[Term]) -> tuple[nodes.Expr, ...]:
        return tuple(self.write(t) for t in terms)

    def _symbol(self, term: Term, type_: nodes.Type, span: Span) -> nodes.Expr:
        kind, name = term.data[0], name_of(term)
        if kind == "parameter":
            return nodes.ParameterReference(type_, name, span=span)
        if kind == "root":
            return nodes.Reference(type_, f"{ROOT}{name}", span=span)
        written = f"_{name}".replace(" ", "_") if kind == "bound" else self.naming.symbols.get(term, name)
        return nodes.Reference(type_, written, span=span)

    def _root(self, term: Term, type_: nodes.Type, span: Span) -> nodes.Expr:
        body, formal, target, *near = term.arguments
        inside = self._sharing(body, formal)
        start = self.write(near[0]) if near else None
        lower, upper, increasing = term.data
        name, written = f"{ROOT}{name_of(formal)}", self.write(target)
        return nodes.Root(type_, name, inside, written, lower, upper, increasing, start, span=span)

    def _sharing(self, body: Term, formal: Term) -> nodes.Expr:
        """The body of a root, where repeated parts that depend on the number sought are bound once."""
        uses: dict[Term, int] = {}
        for part in subterms(body):
            for argument in part.arguments:
                uses[argument] = uses.get(argument, 0) + 1
        repeated = [p for p in subterms(body) if uses.get(p, 0) > 1 and p.operation not in (*_LEAVES, "select")]
        taken = {name_of(s) for s in body.symbols} | set(self.bound.values()) | set(self.naming.symbols.values())
        bindings = []
        names = []
        for part in repeated:
            if formal in part.symbols and part is not body and part not in self.bound:
                name = _fresh(SHARED, taken)
                taken.add(name)
                bindings.append(nodes.Binding(name, self.write(part), span=self.span(part)))
                self.bound[part] = name
                names.append(part)
        written = self.write(body)
        for part in names:  # the root may be written again, where its names are not in scope
            del self.bound[part]
        return nodes.Let(written.type, tuple(bindings), written, span=self.span(body)) if bindings else written

    def _external(self, term: Term, type_: nodes.Type, span: Span) -> nodes.Expr:
        """The number that stands for the value of a user's network: itself, or its logarithm where it is positive."""
        function = _number_of(term)
        value = self._external_value(term, type_, span)
        return nodes.Apply(type_, function, (value,), span=span) if function else value

    def _external_value(self, term: Term, type_: nodes.Type, span: Span) -> nodes.Expr:
        supports = {number: support for support, number in EXTERN_NUMBERS.items()}
        support = nodes.Support(supports.get(_number_of(term), "Real"))
        name = term.data[0].removeprefix(EXTERN).split()[-1]
        return nodes.ExternalOutput(nodes.Type(support, type_.shape), name, self._all(term.arguments), span=span)

    def _tensor(self, term: Term, type_: nodes.Type, span: Span) -> nodes.Expr:
        match term.operation:
            case "whole":
                return nodes.Whole(type_, span=span)
            case "before":
                return nodes.Before(type_, self.write(term.arguments[0]), term.data, span=span)
            case "element":
                base, *places = term.arguments
                return nodes.Element(type_, self.write(base), self._all(places), span=span)
            case "each":
                return nodes.Each(type_, f"_{term.data[0]}", term.data[1], self.write(term.arguments[0]), span=span)
            case "recur":
                depth, extent, support = term.data
                body, type_ = self.write(term.arguments[0]), nodes.Type(support, term.shape)
                return nodes.Recur(type_, f"_{depth}", extent, f"_array_{depth}", body, span=span)
            case "join":
                parts = (part.arguments[0] if _is_one(part) else part for part in term.arguments)
                return nodes.Join(type_, self._all(parts), span=span)
            case "scan":
                return nodes.Cumulative(type_, self.write(term.arguments[0]), span=span)
            case "bin":
                return nodes.Bin(type_, *self._all(term.arguments), span=span)
        return self._select(term, type_, span)

    def _select(self, term: Term, type_: nodes.Type, span: Span) -> nodes.Expr:
        base, places = self.write(term.arguments[0]), term.data
        size = term.arguments[0].shape[0]
        if places == tuple(range(places[0], places[0] + len(places))):
            return nodes.Slice(type_, base, places[0], places[0] + len(places), span=span)
        if len(set(places)) < len(places):
            one = nodes.Type(type_.support, (1, *type_.shape[1:]))
            return nodes.Join(type_, tuple(nodes.Slice(one, base, p, p + 1, span=span) for p in places), span=span)
        order = (*places, *(p for p in range(size) if p not in set(places)))
        permuted = nodes.Permute(base.type, base, order, span=span)
        return permuted if len(places) == size else nodes.Slice(type_, permuted, 0, len(places), span=span)


def _is_one(term: Term) -> bool:
    """Whether a term is a number as a vector of one, as a join has it."""
    inside = term.operation == "each" and term.data[1] == 1
    return inside and not any(s.data[0] == "bound" for s in term.arguments[0].symbols)


def _number_of(term: Term) -> str:
    """The function that makes a number of an external network's value; empty where it is one."""
    return " ".join(term.data[0].removeprefix(EXTERN).split()[:-1])


def _is_external(term: Term) -> bool:
    """Whether a term is the value of an external network, as `graph.external` has it."""
    inner = term.arguments[0]
    external = inner.operation == "network" and inner.data[0].startswith(EXTERN)
    return external and FUNCTIONS[term.data].inverse == f"{_number_of(inner)}(y)"


def _type(term: Term) -> nodes.Type:
    if term.operation == "symbol":
        return nodes.Type(support_of(term), term.shape)
    if term.operation == "bin":
        return nodes.Type(nodes.Support("Integer", (Fraction(0), Fraction(term.arguments[1].shape[0] - 1))))
    boolean = term.operation == "apply" and FUNCTIONS[term.data].kind == "boolean"
    return nodes.Type(nodes.BOOLEAN if boolean else nodes.REAL, term.shape)
