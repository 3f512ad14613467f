"""Requests and claims: `train`, `sample`, `evaluate`, `claim`, `assume`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gencompiler.catalog import words
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.scope import nearest
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


class Requests:
    """Resolves what a model is asked for."""

    def __init__(
        self, infer: Infer, context: Context, objectives: dict[str, tree.Objective], moves: tuple[nodes.Transition, ...]
    ) -> None:
        self.infer = infer
        self.context = context
        self.objectives = objectives
        self.moves = {m.name: m for m in moves}
        self.trainings: list[nodes.Training] = []
        self.methods: list[nodes.Method] = []
        self.claims: list[nodes.Claim] = []
        self.assumptions: list[nodes.Assumption] = []

    def add(self, statement: tree.Declaration) -> None:
        if isinstance(statement, tree.Assume):
            fact = self._fact(statement.fact)
            self.assumptions.append(nodes.Assumption(fact, statement.reason, span=statement.span))
        elif isinstance(statement, tree.Request) and statement.verb == "claim":
            self.claims.append(nodes.Claim(self._fact(statement.value), span=statement.span))
        elif isinstance(statement, tree.Request) and statement.verb == "train":
            self._train(statement)
        elif isinstance(statement, tree.Request):
            self._method(statement)

    # -- training ----------------------------------------------------------------------------------------------------

    def _train(self, statement: tree.Request) -> None:
        builder = self.infer.builder
        name, arguments = _head(statement.value)
        if name is None:
            builder.report(
                "G702", "`train` is followed by the name of an objective", statement.value.span, "not an objective"
            )
        declared = self.objectives.get(name.id)
        if declared is None:
            if name.id in _OBJECTIVES_PLANNED:
                builder.unsupported(f"the objective `{name.id}`", name.span)
            builder.report(
                "G702",
                f"there is no objective called `{name.id}`",
                name.span,
                "unknown objective",
                help=nearest(name.id, frozenset((*self.objectives, *_OBJECTIVES_PLANNED))),
            )
        if arguments or declared.signature is not None:
            builder.unsupported("an objective with arguments", statement.value.span)
        options = self._options(statement.options, words.OPTIONS) if statement.options is not None else ()
        phases = tuple(self._phase(p, number) for number, p in enumerate(declared.phases))
        self.trainings.append(
            nodes.Training(nodes.Objective(name.id, phases, span=declared.span), options, span=statement.span)
        )

    def _phase(self, phase: tree.Phase, number: int) -> nodes.Phase:
        builder = self.infer.builder
        if not isinstance(phase, tree.Update):
            builder.unsupported("a repeated phase", phase.span)
        expectation = phase.value
        if not isinstance(expectation, tree.Expect):
            builder.unsupported("an objective that is not one expectation", phase.value.span)
        for draw in expectation.draws:
            if not (
                draw.relation == "~"
                and isinstance(draw.value, tree.Name)
                and draw.value.id == "data"
                and len(draw.targets) == 1
            ):
                builder.unsupported("a draw besides `x ~ data`", draw.span)
        groups = tuple(g.id for g in phase.groups)
        if groups != ("p",):
            builder.unsupported("an update of anything but `p`", phase.span)
        value = self._density(expectation.body)
        draws = tuple(nodes.DataDraw(span=d.span) for d in expectation.draws)
        label = phase.label.id if phase.label else f"phase_{number + 1}"
        return nodes.Phase(label, groups, phase.direction == "maximize", draws, value, span=phase.span)

    def _density(self, expr: tree.Expr) -> nodes.Expr:
        """`log p(x)`"""
        operand = expr.operand if isinstance(expr, tree.Log) else None
        if not (
            isinstance(operand, tree.Call) and isinstance(operand.function, tree.Name) and operand.function.id == "p"
        ):
            self.infer.builder.unsupported("an objective besides `log p(x)`", expr.span)
        if operand.conditions is not None or len(operand.arguments) != 1:
            self.infer.builder.unsupported("a conditional density in an objective", operand.span)
        return nodes.LogDensity(nodes.Type(nodes.REAL), "p", (), (), span=expr.span)

    # -- options and methods -----------------------------------------------------------------------------------------

    def _options(self, block: tree.Block, known: Mapping[str, str]) -> tuple[nodes.Option, ...]:
        found: list[nodes.Option] = []
        for item in block.items:
            target = item.targets[0]
            if not isinstance(target, tree.Name) or len(item.targets) != 1 or item.relation != "=":
                self.infer.builder.report("G107", "an option is `name = value`", item.span, "not an option")
            if target.id in words.OPTIONS_PLANNED:
                self.infer.builder.unsupported(f"the option `{target.id}`", item.span)
            if target.id not in known:
                self.infer.builder.report(
                    "G107",
                    f"there is no option called `{target.id}`",
                    target.span,
                    "unknown option",
                    help=nearest(target.id, frozenset(known)),
                )
            if any(o.name == target.id for o in found):
                self.infer.builder.report(
                    "G102", f"the option `{target.id}` is given twice", target.span, "given again"
                )
            found.append(self._option(target, item.value, known[target.id]))
        return tuple(found)

    def _option(self, name: tree.Name, value: tree.Expr, kind: str) -> nodes.Option:
        builder = self.infer.builder
        if kind == "call":
            table = words.OPTIMIZERS if name.id == "optimizer" else words.SCHEDULES
            head, arguments = _head(value)
            if head is None or head.id not in table:
                span = head.span if head else value.span
                builder.report(
                    "G107",
                    f"`{name.id}` is one of " + ", ".join(f"`{k}`" for k in table),
                    span,
                    "unknown",
                    help=nearest(head.id, frozenset(table)) if head else (),
                )
            return nodes.Option(name.id, head.id, self._arguments(head, arguments, table[head.id]), span=value.span)
        if kind == "word":
            if not isinstance(value, tree.Name):
                builder.report("G107", f"`{name.id}` takes a name", value.span, "not a name")
            return nodes.Option(name.id, value.id, span=value.span)
        return nodes.Option(name.id, self._number(value, name.id), span=value.span)

    def _arguments(
        self, head: tree.Name, arguments: tuple[tree.Argument, ...], known: tuple[str, ...]
    ) -> tuple[nodes.Option, ...]:
        found = []
        for argument in arguments:
            if argument.name is None or argument.value is None or argument.name.id not in known:
                listed = ", ".join(f"`{k}`" for k in known) or "nothing"
                self.infer.builder.report(
                    "G107", f"`{head.id}` has no such option", argument.span, f"it takes {listed}"
                )
            if isinstance(argument.value, tree.TupleExpr):
                pair = tuple(
                    nodes.Option(str(n), self._number(v, argument.name.id), span=v.span)
                    for n, v in enumerate(argument.value.items)
                )
                found.append(nodes.Option(argument.name.id, "tuple", pair, span=argument.span))
            else:
                found.append(
                    nodes.Option(argument.name.id, self._number(argument.value, argument.name.id), span=argument.span)
                )
        return tuple(found)

    def _number(self, value: tree.Expr, name: str) -> nodes.Real:
        try:
            found = evaluate(value, self.context.constants)
        except NotConstant as problem:
            self.infer.builder.report("G206", f"`{name}` takes a number", problem.expr.span, "not a number")
        if found in (math.inf, -math.inf):
            self.infer.builder.report("G206", f"`{name}` must be finite", value.span, "not finite")
        if found < 0:
            self.infer.builder.report("G206", f"`{name}` cannot be negative", value.span, f"this is {found}")
        return found

    def _method(self, statement: tree.Request) -> None:
        builder = self.infer.builder
        known = words.SAMPLERS if statement.verb == "sample" else words.EVALUATORS
        head, arguments = _head(statement.value)
        if head is None:
            builder.report("G703", f"`{statement.verb}` is followed by a method", statement.value.span, "not a method")
        if head.id in words.METHODS_PLANNED:
            builder.unsupported(f"`{statement.verb} {head.id}`", statement.span)
        if head.id not in known:
            builder.report(
                "G703",
                f"`{statement.verb}` has no method called `{head.id}`",
                head.span,
                "unknown method",
                help=nearest(head.id, frozenset((*known, *words.METHODS_PLANNED))),
            )
        if statement.options is not None:
            builder.unsupported("options here", statement.options.span)
        found: list[nodes.Option] = []
        if head.id == "chain":
            found.append(self._transition(statement, arguments))
            arguments = arguments[1:]
        found.extend(self._arguments(head, arguments, known[head.id]))
        self.methods.append(nodes.Method(statement.verb, head.id, tuple(found), span=statement.span))

    def _transition(self, statement: tree.Request, arguments: tuple[tree.Argument, ...]) -> nodes.Option:
        first = arguments[0] if arguments else None
        if first is None or first.name is not None or not isinstance(first.value, tree.Name):
            self.infer.builder.report("G703", "`chain` needs a transition", statement.value.span, "write `chain(T)`")
        self._skip_unresolved(first.value.id)
        if first.value.id not in self.moves:
            self.infer.builder.report(
                "G703",
                f"`{first.value.id}` is not a transition",
                first.span,
                "unknown transition",
                help=nearest(first.value.id, frozenset(self.moves)),
            )
        return nodes.Option("transition", first.value.id, span=first.span)

    def _skip_unresolved(self, name: str) -> None:
        """A transition or an SDE that was refused has been reported; what asks for it says nothing new."""
        definition = self.infer.builder.definitions.get(name)
        if definition is not None and definition.kind in ("transition", "sde") and name not in self.moves:
            raise Abandon

    # -- facts -------------------------------------------------------------------------------------------------------

    def _fact(self, expr: tree.Expr) -> nodes.Fact:
        builder = self.infer.builder
        head, arguments = _head(expr)
        if head is None or not isinstance(expr, tree.Call):
            builder.unsupported("an equation as a claim", expr.span)
        if head.id not in words.PREDICATES:
            builder.report(
                "G101",
                f"there is no predicate called `{head.id}`",
                head.span,
                "unknown predicate",
                help=nearest(head.id, frozenset(words.PREDICATES)),
            )
        if not words.PREDICATES[head.id]:
            builder.unsupported(f"the claim `{head.id}(…)`", expr.span)
        names = []
        for argument in arguments:
            if not isinstance(argument.value, tree.Name) or argument.name is not None:
                builder.unsupported("an expression inside a claim", argument.span)
            names.append(argument.value.id)
        if head.id in ("stationary", "reversible"):
            self._check_invariance(expr, head, names)
        return nodes.Fact(head.id, tuple(names), span=expr.span)

    def _check_invariance(self, expr: tree.Expr, head: tree.Name, names: list[str]) -> None:
        if names:
            self._skip_unresolved(names[0])
        if len(names) != 2 or names[0] not in self.moves:
            label = (Label(head.span, "a transition, then a joint"),)
            self.infer.builder.report(
                "G104", f"`{head.id}(T, p)` takes a transition and the joint it keeps", expr.span, also=label
            )
        if names[1] != "p":
            self.infer.builder.unsupported("a joint besides `p`", expr.span)


def _head(expr: tree.Expr) -> tuple[tree.Name | None, tuple[tree.Argument, ...]]:
    """`name` or `name(arguments)`"""
    if isinstance(expr, tree.Name):
        return expr, ()
    if isinstance(expr, tree.Call) and isinstance(expr.function, tree.Name):
        return expr.function, (*expr.arguments, *(expr.conditions or ()))
    return None, ()


_OBJECTIVES_PLANNED = (
    "prior_sampled_likelihood",
    "orderless",
    "elbo",
    "beta_elbo",
    "iwae",
    "iwae_dreg",
    "score_function",
    "vimco",
    "wake_sleep",
    "sleep",
    "reweighted_wake_sleep",
    "em",
    "contrastive_divergence",
    "persistent_contrastive_divergence",
    "walkback",
    "adversarial",
    "non_saturating",
    "wasserstein",
    "hinge",
    "least_squares",
    "bidirectional",
    "denoising_score_matching",
    "noise_prediction",
    "velocity_prediction",
    "edm_denoising",
    "flow_matching",
)
