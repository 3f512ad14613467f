"""Model IR expressions to terms: what an expression means, with every name resolved.

Part of what a proof trusts, so it does nothing clever: one case per node.  It remembers which names and which places of
the text each term came from, for messages and for readable derived formulas; neither plays a part in any proof."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from gencompiler.catalog.supports import COUPLED
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.proof import external, graph, roots, running, tables
from gencompiler.proof.contractions import bounded, fixed_point, jacobian_log_det, moving, solution
from gencompiler.proof.graph import Term
from gencompiler.proof.matrices import matrix


class Untranslated(Exception):
    """`expr` has no term: it is a distribution, or a name that is not in scope."""

    def __init__(self, expr: nodes.Expr, reason: str) -> None:
        super().__init__(reason)
        self.expr = expr


@dataclasses.dataclass
class Translation:
    """`names`: the terms of the names in scope.  `parameters`, `functions` and `networks` are the model's; a network of
    one affine layer is spelled out.

    `origins` and `labels` collect, for each term, the first span and the name it was written with."""

    names: dict[str, Term] = dataclasses.field(default_factory=dict)
    parameters: Mapping[str, nodes.Parameter] = dataclasses.field(default_factory=dict)
    functions: Mapping[str, nodes.Function] = dataclasses.field(default_factory=dict)
    networks: Mapping[str, nodes.Network] = dataclasses.field(default_factory=dict)
    origins: dict[Term, Span] = dataclasses.field(default_factory=dict)
    labels: dict[Term, str] = dataclasses.field(default_factory=dict)
    depth: int = 0

    @classmethod
    def of_model(cls, model: nodes.Model) -> Translation:
        """A translation in which the model's variables, parameters and functions are known."""
        return cls(
            names={v.name: variable(v) for v in model.variables},
            parameters={p.path: p for p in model.parameters},
            functions={f.name: f for f in model.functions},
            networks={n.path: n for n in model.networks},
        )

    def binding(self, names: Mapping[str, Term]) -> Translation:
        """This translation with more names in scope; origins and labels are shared."""
        return dataclasses.replace(self, names={**self.names, **names})

    def term(self, expr: nodes.Expr) -> Term:
        """The term of `expr`; raises Untranslated or graph.Malformed."""
        found = self._term(expr)
        self.origins.setdefault(found, expr.span)
        return found

    def _terms(self, exprs: tuple[nodes.Expr, ...]) -> tuple[Term, ...]:
        return tuple(self.term(e) for e in exprs)

    def _term(self, expr: nodes.Expr) -> Term:
        match expr:
            case nodes.Literal(value=value):
                return graph.literal(value)
            case nodes.Constant(name=name):
                return graph.constant(name)
            case nodes.Table(values=values):
                return tables.table(expr.type.shape, values)
            case nodes.Reference(name=name):
                if name not in self.names:
                    raise Untranslated(expr, f"`{name}` is not in scope")
                return self.names[name]
            case nodes.ParameterReference():
                return self._parameter(expr)
            case nodes.Apply(function=function, arguments=(nodes.ExternalOutput() as value,)) if (
                function == external.EXTERN_NUMBERS.get(value.type.support.name)
            ):
                return self.term(value).arguments[0]
            case nodes.Apply(function=function, arguments=arguments):
                return graph.apply(function, *self._terms(arguments))
            case nodes.Choose(condition=condition, then=then, otherwise=otherwise):
                return graph.choose(*self._terms((condition, then, otherwise)))
            case nodes.Contract(left=left, right=right):
                return graph.contract(*self._terms((left, right)))
            case nodes.FixedPoint(name=name, steps=steps, body=body):
                (extent,) = expr.type.shape
                own = graph.bound_array(self.depth, extent, nodes.REAL)
                inside = dataclasses.replace(self, names={**self.names, name: own}, depth=self.depth + 1)
                return fixed_point(self.depth, extent, steps, inside.term(body))
            case nodes.Solution(name=name, body=body, target=target):
                (extent,) = expr.type.shape
                own = graph.bound_array(self.depth, extent, nodes.REAL)
                inside = dataclasses.replace(self, names={**self.names, name: own}, depth=self.depth + 1)
                return solution(self.depth, extent, inside.term(body), self.term(target))
            case nodes.JacobianLogDet(name=name, body=body, at=at, slope=slope):
                inside = self.binding({name: moving(at.type.shape)})
                return jacobian_log_det(slope, inside.term(body), self.term(at))
            case nodes.MatrixFunction(function=function, operand=operand):
                return matrix(function, self.term(operand))
            case nodes.Reduce(operation=operation, operand=operand):
                return graph.reduce(operation, self.term(operand))
            case nodes.Call(function=function, arguments=arguments):
                return self._call(expr, function, self._terms(arguments))
            case nodes.Gradient(function=function, arguments=arguments):
                return self._gradient(expr, function, self._terms(arguments))
            case nodes.Root():
                return self._root(expr)
            case nodes.NetworkOutput(path=path, output=output, inputs=inputs):
                network = self.networks.get(path)
                if network is not None and network.lipschitz is not None:
                    found = graph.network(path, output, expr.type.shape, self._terms(inputs))
                    return bounded(network.lipschitz, found)
                if network is not None and network.kind == "linear" and not network.places:
                    return self._linear(network, output, self._terms(inputs))
                return graph.network(path, output, expr.type.shape, self._terms(inputs))
            case nodes.ExternalOutput(external=name, arguments=arguments):
                return external.external(name, expr.type.support, expr.type.shape, self._terms(arguments))
            case nodes.Let():
                return self._let(expr)
        return self._tensor(expr)

    def _tensor(self, expr: nodes.Expr) -> Term:
        match expr:
            case nodes.Whole():
                return graph.WHOLE
            case nodes.Before(index=index, inclusive=inclusive):
                return graph.before(self.term(index), inclusive=inclusive)
            case nodes.Scan(indices=indices, extents=extents):
                return self._scan(indices, extents)
            case nodes.Flat(base=base):
                return self._flat(expr, base)
            case nodes.Element(base=base, subscripts=subscripts):
                return graph.element(self.term(base), self._terms(subscripts))
            case nodes.Scatter(base=base, order=order, before=before):
                values = graph.literal(1) if base is None else self.term(base)
                return graph.scatter(values, self.term(order), self.term(before))
            case nodes.Slice(base=base, start=start, stop=stop):
                return graph.select(self.term(base), range(start, stop))
            case nodes.Permute(base=base, order=order):
                return graph.select(self.term(base), order)
            case nodes.Join(parts=parts):
                vectors = ((self.term(p) if p.type.shape else graph.each(self.depth, 1, self.term(p))) for p in parts)
                return graph.join(vectors)
            case nodes.Cumulative(operand=operand):
                return running.scan(self.term(operand))
            case nodes.Bin(value=value, knots=knots):
                return running.bin_of(self.term(value), self.term(knots))
            case nodes.Each(index=index, extent=extent, body=body):
                bound = graph.bound_index(self.depth, extent)
                inside = dataclasses.replace(self, names={**self.names, index: bound}, depth=self.depth + 1)
                return graph.each(self.depth, extent, inside.term(body))
            case nodes.Recur(index=index, extent=extent, name=name, body=body):
                names = {**self.names, index: graph.bound_index(self.depth, extent)}
                names[name] = graph.bound_array(self.depth, extent, expr.type.support)
                inside = dataclasses.replace(self, names=names, depth=self.depth + 1)
                return graph.recur(self.depth, extent, expr.type.support, inside.term(body))
        raise Untranslated(expr, "this is not a value")

    def _scan(self, indices: tuple[nodes.Expr, ...], extents: tuple[int, ...]) -> Term:
        """The row-major number of a place."""
        number = self.term(indices[0])
        for index, extent in zip(indices[1:], extents[1:], strict=True):
            number = graph.apply("add", graph.apply("multiply", number, graph.literal(extent)), self.term(index))
        return number

    def _flat(self, expr: nodes.Expr, base: nodes.Expr) -> Term:
        """Of a variable or a parameter: as if it were another one, of this shape, of which nothing but the support is
        known."""
        value = self.term(base)
        if value.operation != "symbol" or value.data[0] not in ("variable", "parameter"):
            raise Untranslated(expr, "a scan order over what is computed")
        kind, name, support = value.data[:3]
        if support.name in COUPLED:  # what its elements have in common would be said of others
            raise Untranslated(expr, f"a scan order over {support}")
        return graph.symbol(kind, f"{name}[flat {expr.type.shape}]", support, expr.type.shape)

    def _parameter(self, expr: nodes.ParameterReference) -> Term:
        parameter = self.parameters.get(expr.path)
        if parameter is None:
            raise Untranslated(expr, f"there is no parameter {expr.path}")
        shape = expr.type.shape  # in a lifted map, that of one element
        return graph.symbol("parameter", parameter.path, parameter.support, shape)

    def _linear(self, network: nodes.Network, output: int, inputs: tuple[Term, ...]) -> Term:
        """A network of one affine layer is what it says: weight @ inputs + bias."""
        name = (network.output_names or ("output",))[output]
        weight, bias = self.parameters[f"{network.path}.{name}.weight"], self.parameters[f"{network.path}.{name}.bias"]
        joined = graph.join(i if i.shape else graph.each(self.depth, 1, i) for i in inputs)
        found = graph.apply(
            "add",
            graph.contract(graph.symbol("parameter", weight.path, weight.support, weight.shape), joined),
            graph.symbol("parameter", bias.path, bias.support, bias.shape),
        )
        return found if network.outputs[output] else graph.element(found, (graph.literal(0),))

    def _let(self, expr: nodes.Let) -> Term:
        inside = self.binding({})
        for binding in expr.bindings:
            value = inside.term(binding.value)
            if not binding.name.startswith("_"):
                self.labels.setdefault(value, binding.name)
            inside.names[binding.name] = value
        return inside.term(expr.body)

    def _formals(self, expr: nodes.Expr, name: str) -> tuple[nodes.Function, tuple[Term, ...]]:
        function = self.functions.get(name)
        if function is None:
            raise Untranslated(expr, f"there is no function {name}")
        return function, tuple(
            graph.symbol("formal", f"{name}.{i.name}", i.type.support, i.type.shape) for i in function.inputs
        )

    def _call(self, expr: nodes.Expr, name: str, arguments: tuple[Term, ...]) -> Term:
        """The body with the arguments put in: a definition cannot use itself, so this ends."""
        function, _ = self._formals(expr, name)
        if len(arguments) != len(function.inputs):
            raise Untranslated(expr, f"`{name}` takes {len(function.inputs)} arguments")
        inside = self.binding({i.name: a for i, a in zip(function.inputs, arguments, strict=True)})
        return inside.term(function.body)

    def _root(self, expr: nodes.Root) -> Term:
        formal = graph.symbol("root", expr.name.removeprefix(roots.ROOT), nodes.REAL, expr.type.shape)
        body = dataclasses.replace(self.binding({expr.name: formal}), labels={}).term(expr.body)
        near = None if expr.near is None else self.term(expr.near)
        return roots.root(body, formal, self.term(expr.target), (expr.lower, expr.upper, expr.increasing), near)

    def _gradient(self, expr: nodes.Expr, name: str, arguments: tuple[Term, ...]) -> Term:
        function, formals = self._formals(expr, name)
        inside = self.binding({i.name: f for i, f in zip(function.inputs, formals, strict=True)})
        body = dataclasses.replace(inside, labels={}).term(function.body)
        return graph.gradient(body, formals, arguments)


def variable(declared: nodes.Variable) -> Term:
    """The symbol of a model's variable."""
    return graph.symbol("variable", declared.name, declared.type.support, declared.type.shape)
