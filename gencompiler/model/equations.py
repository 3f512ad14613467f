"""The equations of a model: `p(x | z) = …`, `p(x) ∝ …`, `x = z |> …`."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from gencompiler.diagnostics.model import Label
from gencompiler.model import borrowed, deterministic, guards, inverses, laws, levels, nodes, sdes
from gencompiler.model.builder import Abandon, Context, IndexInfo
from gencompiler.model.mentioned import starts
from gencompiler.model.types import known_shape
from gencompiler.node import walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


class Equations:
    """Resolves the equations of one model."""

    def __init__(self, infer: Infer, context: Context, variables: dict[str, nodes.Variable]) -> None:
        self.infer = infer
        self.context = context
        self.variables = variables
        self.conditionals: list[nodes.Conditional] = []
        self.energies: list[nodes.Energy] = []
        self.links: list[nodes.Link] = []
        self.deterministic: list[nodes.Deterministic] = []
        self.quantities: list[nodes.Quantity] = []
        self.terminals: list[nodes.Terminal] = []
        self.claims: list[nodes.Claim] = []
        self.inverses: list[inverses.Request] = []
        self.borrowed: list[borrowed.Request] = []
        self.levels: list[tree.Equation] = []

    def add(self, equation: tree.Equation) -> None:
        """Resolve one equation; raises Abandon after a report."""
        builder = self.infer.builder
        if any(equation is each for each in self.levels):
            return
        if len(equation.targets) != 1:
            builder.unsupported("an equation with several names on the left", equation.span)
        target = equation.targets[0]
        if equation.guard is not None and not isinstance(target, tree.Call | tree.Index):
            builder.unsupported("a guard of an equation without indices", equation.guard.span)
        if isinstance(target, tree.Name) and target.id in self.variables and equation.relation == "~":
            builder.report(
                "G304",
                "a model states distributions as equations",
                equation.span,
                "`~` draws, in a transition",
                help=(f"write `p({target.id}) = …`",),
            )
        if isinstance(target, tree.Call):
            self._head(equation, target)
        elif isinstance(target, tree.Name) and target.id in self.variables:
            self._link(equation, target)
        elif (request := inverses.requested(equation)) is not None:
            self.inverses.append(request)
        elif isinstance(target, tree.Name) and target.id in ("p", "q"):
            builder.unsupported(f"a derived joint (`{target.id} = …`)", equation.span)
        else:
            self._quantity(target)

    def _quantity(self, target: tree.Expr) -> None:
        """A derived quantity was given its formula before any other equation."""
        builder = self.infer.builder
        base = target.base if isinstance(target, tree.Index) else target
        if isinstance(target, tree.Index) and isinstance(base, tree.Name):
            if base.id in self.context.names and base.id not in self.variables:
                builder.report("G304", f"`{base.id}` is no quantity that an equation may compute", target.span)
            return
        if not isinstance(target, tree.Name):
            builder.unsupported("an equation for this", target.span)
        if target.id not in self.context.names and target.id not in builder.refused:
            builder.unsupported("a derived quantity", target.span)

    def finish(self) -> None:
        """What only all equations together decide: which deterministic ones are pipelines."""
        others = (*self.conditionals, *self.energies, *self.links)
        made, self.deterministic = deterministic.as_pipelines(
            self.infer.builder, self.deterministic, self.variables, others
        )
        self.links.extend(made)
        stated = {self._variable(t) for c in self.conditionals if c.joint == "p" for t in c.targets}
        for link in (each for each in self.links if each.target in stated and len(starts(each)) > 1):
            with contextlib.suppress(Abandon):
                what = "a pipeline from several variables onto one with a distribution"
                self.infer.builder.unsupported(what, link.span)
        for each in self.borrowed:
            with contextlib.suppress(Abandon):
                self.conditionals.append(borrowed.conditional(self, each))
        for request in self.inverses:
            try:
                inverses.state(self, request)
            except Abandon:
                continue

    # -- conditionals and energies -----------------------------------------------------------------------------------

    def _head(self, equation: tree.Equation, head: tree.Call) -> None:
        builder = self.infer.builder
        if not isinstance(head.function, tree.Name):
            builder.report("G103", "a head is `p(variables | given)`", head.span, "not a head")
        joint = head.function.id
        if joint in builder.definitions or joint in self.variables:
            builder.report(
                "G103", f"`{joint}` is not a joint", head.function.span, "the left side of an equation is `p(…)`"
            )
        if sdes.is_terminal(head, self.variables):
            self.terminals.append(sdes.terminal(self.infer, self.context, equation, head, self.variables))
            return
        context, indices = self._indices(head)
        if joint != "p":  # what the recognition model owns is stored apart: q.mlp.0.weight
            context = dataclasses.replace(context, path=f"{joint}.")
        listing = dataclasses.replace(context, in_head=True)
        targets = tuple(self._place(listing, a) for a in head.arguments)
        given = tuple(self._place(listing, a) for a in head.conditions or ())
        if not targets:
            builder.report("G304", "this head has no variable", head.span, "write `p(x | …)`")
        self._close(indices)
        if equation.guard is not None:
            guards.narrow(self.infer, context, equation.guard, indices)
        if equation.relation == "∝":
            self._energy(equation, joint, targets, given, context, indices)
            return
        if equation.relation != "=":
            builder.report(
                "G304", "a conditional is stated with `=`", equation.span, "the right side is the distribution itself"
            )
        if len(targets) != 1:
            builder.unsupported("a conditional of several variables", head.span)
        self._is_drawn(head, targets[0])
        if borrowed.is_law(self, equation.value):
            self.borrowed.append(borrowed.Request(equation, joint, targets[0], given, tuple(indices)))
            return
        event = targets[0].type
        value = laws.law(self.infer, context, equation.value, event)
        ranges = tuple(nodes.Range(i.name, i.start, i.extent or 0, span=i.span) for i in indices)
        self.conditionals.append(nodes.Conditional(joint, targets, given, ranges, value, span=equation.span))

    def _is_drawn(self, head: tree.Call, target: nodes.Expr) -> None:
        """What equations compute has no distribution of its own."""
        name = self._variable(target)
        if self.variables[name].role == nodes.DERIVED:
            also = (Label(self.variables[name].span, "computed here"),)
            self.infer.builder.report("G302", f"`{name}` is computed and drawn", head.span, "drawn here", also=also)

    def _variable(self, target: nodes.Expr) -> str:
        """The variable of which a head produces all or part."""
        return next(n.name for n in walk(target) if isinstance(n, nodes.Reference) and n.name in self.variables)

    def _indices(self, head: tree.Call) -> tuple[Context, list[IndexInfo]]:
        """The free indices of a head, in order of appearance: `i` of `p(x[i] | x[<i])`."""
        found: dict[str, IndexInfo] = {}
        for subscript in (n for n in walk(head) if isinstance(n, tree.At | tree.Relative)):
            bound = subscript.value if isinstance(subscript, tree.At) else subscript.bound
            for name in (n for n in walk(bound) if isinstance(n, tree.Name)):
                if name.id not in self.context.names and name.id not in self.context.constants:
                    found.setdefault(name.id, IndexInfo(name.id, None, name.span, open=True))
        indices = list(found.values())
        return self.context.index(*indices), indices

    def _close(self, indices: list[IndexInfo]) -> None:
        """The ranges of a head's indices, now that all its subscripts have been read."""
        for index in indices:
            index.open = False
            if index.extent is not None and index.extent <= index.start:
                message = f"`{index.name}` has no value for which all subscripts of this head are in range"
                self.infer.builder.report("G204", message, index.span, "runs over nothing")

    def _place(self, context: Context, argument: tree.Argument) -> nodes.Expr:
        builder = self.infer.builder
        if argument.name is not None or argument.value is None:
            builder.unsupported("a named place in a head", argument.span)
        base: tree.Expr = argument.value
        while isinstance(base, tree.Index | tree.Call):
            base = base.base if isinstance(base, tree.Index) else base.function
        if isinstance(argument.value, tree.Call):
            builder.unsupported("the value of a variable at a time", argument.span)
        if not isinstance(base, tree.Name) or base.id not in self.variables:
            named = base.id if isinstance(base, tree.Name) else "this"
            if named in builder.refused:
                raise Abandon
            if named in builder.derived:
                builder.unsupported("a head that lists a derived quantity", argument.span)
            builder.report(
                "G304",
                f"`{named}` is not a variable of the model",
                argument.span,
                "a head lists variables",
                help=(f"declare it: `observed {named} : Real` or `latent {named} : Real`",),
            )
        return self.infer.expression(context, argument.value)

    def _energy(
        self,
        equation: tree.Equation,
        joint: str,
        targets: tuple[nodes.Expr, ...],
        given: tuple[nodes.Expr, ...],
        context: Context,
        indices: list[IndexInfo],
    ) -> None:
        builder = self.infer.builder
        if indices or given or not all(isinstance(t, nodes.Reference) for t in targets):
            builder.unsupported("an energy of parts of a variable", equation.span)
        value = self.infer.expression(context, equation.value)
        if known_shape(value.type) != ():
            builder.report(
                "G201",
                "a density is a scalar",
                value.span,
                f"this has the shape {list(known_shape(value.type) or ())}",
                help=("reduce it: `sum(…)`",),
            )
        names = tuple(t.name for t in targets if isinstance(t, nodes.Reference))
        self.energies.append(nodes.Energy(joint, names, (), value, span=equation.span))

    # -- links -------------------------------------------------------------------------------------------------------

    def _link(self, equation: tree.Equation, target: tree.Name) -> None:
        builder = self.infer.builder
        variable = self.variables[target.id]
        if target.id in {*(link.target for link in self.links), *(d.target for d in self.deterministic)}:
            builder.report("G302", f"`{target.id}` is produced twice", target.span, "produced again")
        found = levels.link(self.infer, self.context, equation, target.id)
        if found is None:
            stated = deterministic.equation(self.infer, self.context, equation, variable, self.variables)
            if isinstance(stated, nodes.Conditional):
                self.conditionals.append(stated)
            else:
                self.deterministic.append(stated)
            return
        made, ends = found
        if ends.shape != variable.type.shape:
            builder.report(
                "G407",
                f"the pipeline gives the shape {list(ends.shape)}, and `{target.id}` has {list(variable.type.shape)}",
                equation.value.span,
                "does not fit",
                also=(Label(variable.span, "declared here"),),
            )
        self.links.append(made)
