"""Requests and claims: `train`, `sample`, `evaluate`, `claim`, `assume`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from gencompiler.catalog import words
from gencompiler.diagnostics.model import Label
from gencompiler.model import annealing, chain_conditions, flows, nodes, sde_requests
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.objectives import Objectives, head_of
from gencompiler.model.scope import nearest
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


class Requests:
    """Resolves what a model is asked for."""

    def __init__(
        self,
        infer: Infer,
        context: Context,
        objectives: Objectives,
        moves: tuple[nodes.Transition, ...],
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
        elif isinstance(statement, tree.Request) and _claimed_cdf(statement) is not None:
            self._check_density(statement)
        elif isinstance(statement, tree.Request) and statement.verb == "claim":
            self.claims.append(nodes.Claim(self._fact(statement.value), span=statement.span))
        elif isinstance(statement, tree.Request) and statement.verb == "train":
            self._train(statement)
        elif isinstance(statement, tree.Request):
            self._method(statement)

    def _check_density(self, statement: tree.Request) -> None:
        """`claim cdf(F) == e` is about a density of the file, which has it."""
        found = _claimed_cdf(statement)
        assert found is not None
        builder = self.infer.builder
        if all(d.name != found[0].id for d in builder.user_densities):
            known = frozenset(builder.definitions.of_kind("density"))
            builder.report(
                "G101",
                f"there is no density called `{found[0].id}`",
                found[0].span,
                "unknown density",
                help=nearest(found[0].id, known),
            )

    # -- training ----------------------------------------------------------------------------------------------------

    def _train(self, statement: tree.Request) -> None:
        """Each of the two parts reports on its own."""
        parts = self.infer.builder.every(
            (self.objectives.resolve, self._training_options), lambda part: part(statement)
        )
        objective, options = cast(tuple[nodes.Objective, tuple[nodes.Option, ...]], parts)
        self.trainings.append(nodes.Training(objective, options, span=statement.span))

    def _training_options(self, statement: tree.Request) -> tuple[nodes.Option, ...]:
        return self._options(statement.options, words.OPTIONS) if statement.options is not None else ()

    # -- options and methods -----------------------------------------------------------------------------------------

    def _options(self, block: tree.Block, known: Mapping[str, str]) -> tuple[nodes.Option, ...]:
        given: set[str] = set()
        return self.infer.builder.every(block.items, lambda item: self._item(item, known, given))

    def _item(self, item: tree.Equation, known: Mapping[str, str], given: set[str]) -> nodes.Option:
        builder, target = self.infer.builder, item.targets[0]
        if not isinstance(target, tree.Name) or len(item.targets) != 1 or item.relation != "=":
            builder.report("G107", "an option is `name = value`", item.span, "not an option")
        if target.id in words.OPTIONS_PLANNED:
            builder.unsupported(f"the option `{target.id}`", item.span)
        if target.id not in known:
            builder.report(
                "G107",
                f"there is no option called `{target.id}`",
                target.span,
                "unknown option",
                help=nearest(target.id, frozenset(known)),
            )
        if target.id in given:
            builder.report("G102", f"the option `{target.id}` is given twice", target.span, "given again")
        given.add(target.id)
        return self._option(target, item.value, known[target.id])

    def _option(self, name: tree.Name, value: tree.Expr, kind: str) -> nodes.Option:
        builder = self.infer.builder
        if kind == "ode":
            stated = tree.Argument(name, value, span=value.span)
            return sde_requests.word(self.infer, self.context, stated, flows.listed(name.id))
        if kind == "call":
            table = words.OPTIMIZERS if name.id == "optimizer" else words.SCHEDULES
            head, arguments = head_of(value)
            if head is None or head.id not in table:
                span = head.span if head else value.span
                builder.report(
                    "G107",
                    f"`{name.id}` is one of " + ", ".join(f"`{k}`" for k in table),
                    span,
                    "unknown",
                    help=nearest(head.id, frozenset(table)) if head else (),
                )
            return nodes.Option(name.id, head.id, self.arguments(head, arguments, table[head.id]), span=value.span)
        if kind == "word":
            if not isinstance(value, tree.Name):
                builder.report("G107", f"`{name.id}` takes a name", value.span, "not a name")
            return nodes.Option(name.id, value.id, span=value.span)
        number = self.number(value, name.id)
        self._check_option(name.id, number, value)
        return nodes.Option(name.id, number, span=value.span)

    def _check_option(self, name: str, number: nodes.Real, value: tree.Expr) -> None:
        """The values that an option of a training may take: whole numbers from one on, or a fraction."""
        least = words.WHOLE_OPTIONS.get(name)
        if least is not None and (not isinstance(number, Fraction) or number.denominator != 1 or number < least):
            wanted = "a positive whole number" if least else "a whole number"
            self.infer.builder.report("G206", f"`{name}` takes {wanted}", value.span, f"this is {number}")
        if name in words.FRACTION_OPTIONS and number >= 1:
            self.infer.builder.report("G206", f"`{name}` takes a number below 1", value.span, f"this is {number}")

    def arguments(
        self, head: tree.Name, arguments: tuple[tree.Argument, ...], known: tuple[str, ...]
    ) -> tuple[nodes.Option, ...]:
        found = []
        for argument in arguments:
            if argument.name is not None and argument.name.id in words.ARGUMENTS_PLANNED.get(head.id, ()):
                self.infer.builder.unsupported(f"the option `{argument.name.id}`", argument.span)
            if argument.name is None or argument.value is None or argument.name.id not in known:
                listed = ", ".join(f"`{k}`" for k in known) or "nothing"
                self.infer.builder.report(
                    "G107", f"`{head.id}` has no such option", argument.span, f"it takes {listed}"
                )
            if isinstance(argument.value, tree.TupleExpr):
                pair = tuple(
                    nodes.Option(str(n), self.number(v, argument.name.id), span=v.span)
                    for n, v in enumerate(argument.value.items)
                )
                found.append(nodes.Option(argument.name.id, "tuple", pair, span=argument.span))
            else:
                found.append(
                    nodes.Option(argument.name.id, self.number(argument.value, argument.name.id), span=argument.span)
                )
        return tuple(found)

    def number(self, value: tree.Expr, name: str) -> nodes.Real:
        try:
            found = evaluate(value, self.context.constants)
        except NotConstant as problem:
            self.infer.builder.report("G206", f"`{name}` takes a number", problem.expr.span, "not a number")
        if found in (math.inf, -math.inf):
            self.infer.builder.report("G206", f"`{name}` must be finite", value.span, "not finite")
        if found < 0:
            self.infer.builder.report("G206", f"`{name}` cannot be negative", value.span, f"this is {found}")
        if name in words.WHOLE_ARGUMENTS and (found < 1 or found != int(found)):
            self.infer.builder.report("G206", f"`{name}` is a whole number, at least 1", value.span, f"this is {found}")
        return found

    def _method(self, statement: tree.Request) -> None:
        builder = self.infer.builder
        known = words.SAMPLERS if statement.verb == "sample" else words.EVALUATORS
        head, arguments = head_of(statement.value)
        if head is None:
            builder.report("G703", f"`{statement.verb}` is followed by a method", statement.value.span, "not a method")
        of_sde = sde_requests.method(self.infer, self.context, builder.sdes, statement)
        if of_sde is not None:
            self.methods.append(of_sde)
            return
        if statement.verb == "evaluate" and head.id in words.ANNEALED:
            self.methods.append(annealing.method(self, statement, head, arguments))
            return
        if head.id not in known:
            builder.report(
                "G703",
                f"`{statement.verb}` has no method called `{head.id}`",
                head.span,
                "unknown method",
                help=nearest(head.id, frozenset((*known, *words.ANNEALED))),
            )
        if statement.options is not None:
            builder.unsupported("options here", statement.options.span)
        found: list[nodes.Option] = []
        if head.id == "chain":
            found.append(self._transition(statement, arguments))
            move = self.moves[str(found[0].value)]
            chain_conditions.check_moves_all(self, move, found[0].span)
            tuned, arguments = chain_conditions.conditions(self, move, arguments[1:])
            found += tuned
        found.extend(self.arguments(head, arguments, known[head.id]))
        self.methods.append(nodes.Method(statement.verb, head.id, tuple(found), span=statement.span))

    def _transition(self, statement: tree.Request, arguments: tuple[tree.Argument, ...]) -> nodes.Option:
        first = arguments[0] if arguments else None
        if first is None or first.name is not None or not isinstance(first.value, tree.Name):
            self.infer.builder.report("G703", "`chain` needs a transition", statement.value.span, "write `chain(T)`")
        self.skip_unresolved(first.value.id)
        if first.value.id not in self.moves:
            self.infer.builder.report(
                "G703",
                f"`{first.value.id}` is not a transition",
                first.span,
                "unknown transition",
                help=nearest(first.value.id, frozenset(self.moves)),
            )
        return nodes.Option("transition", first.value.id, span=first.span)

    def skip_unresolved(self, name: str) -> None:
        """A transition or an SDE that was refused has been reported; what asks for it says nothing new."""
        definition = self.infer.builder.definitions.get(name)
        known = name in self.moves or name in self.infer.builder.sdes
        if definition is not None and definition.kind in ("transition", "sde") and not known:
            raise Abandon

    # -- facts -------------------------------------------------------------------------------------------------------

    def _fact(self, expr: tree.Expr) -> nodes.Fact:
        builder = self.infer.builder
        head, arguments = head_of(expr)
        equation = sde_requests.equality(self.infer, self.context, builder.sdes, expr)
        if equation is not None:
            return equation
        if head is None or not isinstance(expr, tree.Call):
            builder.unsupported("an equation as a claim", expr.span)
        if head.id not in words.PREDICATES:
            builder.report(
                "G101",
                f"there is no predicate called `{head.id}`",
                head.span,
                "unknown predicate",
                help=nearest(head.id, frozenset(words.PREDICATES)) or (_predicates(),),
            )
        if not words.PREDICATES[head.id]:
            builder.unsupported(f"the claim `{head.id}(…)`", expr.span)
        names: list[str] = []
        for argument in arguments:
            if head.id in ("stationary", "reversible") and (found := self._posterior(argument.value, names)):
                names.append(found)
                continue
            if not isinstance(argument.value, tree.Name) or argument.name is not None:
                builder.unsupported("an expression inside a claim", argument.span)
            names.append(argument.value.id)
        if head.id in ("faithful", "minimal"):
            self._check_inverse(expr, head, names)
        if head.id == "reverse":
            sde_requests.reverse(self.infer, builder.sdes, expr, names)
        if head.id in ("stationary", "reversible") and names[:1] not in [[n] for n in builder.sdes]:
            self._check_invariance(expr, head, names)
        if head.id == "ergodic":
            if names:
                self.skip_unresolved(names[0])
            if len(names) != 1 or names[0] not in self.moves:
                builder.report("G104", "`ergodic(T)` takes a transition", expr.span, "not a transition")
        return nodes.Fact(head.id, tuple(names), span=expr.span)

    def _posterior(self, value: tree.Expr | None, names: list[str]) -> str | None:
        """The joint of `p(z | x)`, where a transition moves z alone: it keeps that law, for whichever x, if and only if
        it keeps the joint."""
        if not isinstance(value, tree.Call) or not isinstance(value.function, tree.Name) or value.conditions is None:
            return None
        move = self.moves.get(names[0]) if names else None
        sides = [
            [a.value.id for a in side if isinstance(a.value, tree.Name)] for side in (value.arguments, value.conditions)
        ]
        every = {v.name for v in self.objectives.variables.values() if v.role in ("observed", "latent")}
        if move is None or len(sides[0]) + len(sides[1]) != len(value.arguments) + len(value.conditions):
            return None
        if {*sides[0], *sides[1]} != every or not {n.rstrip("'") for n in move.next} <= set(sides[0]):
            what = "a posterior of some variables, or given what the transition moves,"
            self.infer.builder.unsupported(what, value.span, f"claim that it keeps `{value.function.id}`")
        return value.function.id

    def _check_inverse(self, expr: tree.Expr, head: tree.Name, names: list[str]) -> None:
        if len(names) != 2 or len(set(names)) != 2:
            label = (Label(head.span, "the inverse, then the joint whose posterior it states"),)
            self.infer.builder.report("G104", f"`{head.id}(q, p)` takes two joints", expr.span, also=label)
        for name in names:
            if name not in self.objectives.joints:
                self.infer.builder.report(
                    "G101",
                    f"no equation states `{name}`",
                    expr.span,
                    "not a joint of the model",
                    help=nearest(name, self.objectives.joints),
                )

    def _check_invariance(self, expr: tree.Expr, head: tree.Name, names: list[str]) -> None:
        if names:
            self.skip_unresolved(names[0])
        if len(names) != 2 or names[0] not in self.moves:
            label = (Label(head.span, "a transition, then a joint"),)
            self.infer.builder.report(
                "G104", f"`{head.id}(T, p)` takes a transition and the joint it keeps", expr.span, also=label
            )
        known = {*self.objectives.joints, *self.infer.builder.densities}
        if names[1] not in known:
            self.infer.builder.report(
                "G603",
                f"`{names[1]}` is not a joint or a density of the model",
                expr.span,
                "nothing that a transition could keep",
                help=nearest(names[1], frozenset(known)),
            )


def _claimed_cdf(statement: tree.Request) -> tuple[tree.Name, tree.Expr] | None:
    """The density and the formula of `claim cdf(F) == e`; None of any other request."""
    value = statement.value
    if statement.verb != "claim" or not isinstance(value, tree.Binary) or value.operator != "==":
        return None
    called = value.left
    if not isinstance(called, tree.Call) or not isinstance(called.function, tree.Name) or called.function.id != "cdf":
        return None
    argument = called.arguments[0] if len(called.arguments) == 1 else None
    if argument is None or argument.name is not None or not isinstance(argument.value, tree.Name):
        return None
    return argument.value, value.right


def claimed_cdfs(statements: Iterable[tree.Declaration]) -> dict[str, tree.Expr]:
    """The distribution functions that a model claims, by the name of the density."""
    claims = (_claimed_cdf(s) for s in statements if isinstance(s, tree.Request))
    return {name.id: formula for name, formula in (c for c in claims if c is not None)}


def _predicates() -> str:
    """What can be claimed, for a reader who called it something else."""
    others = ", ".join(f"`{name}`" for name in sorted(words.PREDICATES) if name != "marginals")
    return f"there are {others}; of two equations, `marginals(a) == marginals(b)`"
