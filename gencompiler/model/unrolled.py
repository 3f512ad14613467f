"""Draws one after another, written with an index: a chain inside an expectation.

    E[x ~ data, y[0] = x, z[k in steps] ~ q(z | x = y[k]), y[k + 1] ~ stop(p)(x | z[k])] mean(for k: log p(x | z[k]))

Each draw depends on the one before, so the index does not number independent draws but the steps of a chain, of a
number that is known; the expectation is written out.
"""

from __future__ import annotations

import dataclasses
import functools
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.model import densities
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.constants import size
from gencompiler.node import Node, rebuild
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer

#: The most steps that are written out.
MOST_STEPS = 64


def unrolled(
    infer: Infer, context: Context, draws: tuple[tree.Equation, ...], body: tree.Expr
) -> tuple[tuple[tree.Equation, ...], tree.Expr]:
    """The draws and the body of an expectation without chains."""
    if not any(_place(target) is not None for draw in draws for target in draw.targets):
        return draws, body
    chain = _Chain(infer, context, draws)
    return chain.draws(), chain.body(body)


def _place(target: tree.Expr) -> tree.Expr | None:
    """The subscript of `y[0]` or `y[k + 1]`."""
    if isinstance(target, tree.Index) and len(target.subscripts) == 1 and isinstance(target.subscripts[0], tree.At):
        return target.subscripts[0].value
    return None


class _Chain:
    """The draws of one expectation, of which those with an index are steps."""

    def __init__(self, infer: Infer, context: Context, draws: tuple[tree.Equation, ...]) -> None:
        self.infer = infer
        self.context = context
        self.outer: list[tree.Equation] = []
        self.steps: list[tree.Equation] = []
        self.first: dict[str, tree.Expr] = {}
        self.names: set[str] = set()
        self.index = ""
        self.count = 0
        for draw in draws:
            self._sort(draw)
        if not self.index:
            infer.builder.report(
                "G704",
                "nothing says how many steps this chain has",
                draws[-1].span,
                "no range",
                help=("number one of the draws: `z[k in steps] ~ …`",),
            )

    def _sort(self, draw: tree.Equation) -> None:
        """What a draw is: outside the chain, its start, or a part of each step."""
        builder, target = self.infer.builder, draw.targets[0]
        base = target.base if isinstance(target, tree.Index) else target
        place = _place(target)
        if not isinstance(base, tree.Name) or len(draw.targets) != 1:
            self.outer.append(draw)
        elif draw.relation == "=" and isinstance(place, tree.Number) and place.value == 0:
            self.first[base.id] = draw.value
            self.names.add(base.id)
        elif place is not None:
            self.names.add(base.id)
            self.steps.append(draw)
        elif isinstance(target, tree.Index) and isinstance(target.subscripts[0], tree.Over):
            binding = target.subscripts[0].binding
            count = size(binding.range, self.context.constants, builder.reporter) if binding.range is not None else None
            if count is None:
                raise Abandon
            if self.index and (self.index, self.count) != (binding.name.id, count):
                builder.report("G704", "the draws of one chain have one number of steps", draw.span, "another number")
            if count > MOST_STEPS:
                builder.report("G902", f"a chain of more than {MOST_STEPS} steps", binding.span, f"{count} steps")
            self.index, self.count = binding.name.id, count
            self.names.add(base.id)
            self.steps.append(draw)
        else:
            self.outer.append(draw)

    def draws(self) -> tuple[tree.Equation, ...]:
        found = list(self.outer)
        for k in range(self.count):
            for step in self.steps:
                (target,) = step.targets
                assert isinstance(target, tree.Index) and isinstance(target.base, tree.Name)
                place = _place(target)
                number = k if place is None else self._number(place, k)
                if number is None:
                    self.infer.builder.report("G704", "a step draws `y[k]` or `y[k + 1]`", target.span, "another place")
                name = tree.Name(f"{target.base.id}_{number}", span=target.span)
                if k == self.count - 1 and number > k:
                    continue  # where the chain ends up is not asked for
                found.append(dataclasses.replace(step, targets=(name,), value=self._at(step.value, k)))
        return tuple(found)

    def body(self, body: tree.Expr) -> tree.Expr:
        """`mean(for k: e)` and `sum(for k: e)` written out."""

        def visit(node: Node) -> Node:
            if isinstance(node, tree.Call) and isinstance(node.function, tree.Name) and len(node.arguments) == 1:
                array = node.arguments[0].value
                named = isinstance(array, tree.Each) and [b.name.id for b in array.bindings] == [self.index]
                if named and isinstance(array, tree.Each) and node.function.id in ("mean", "sum"):
                    return self._reduced(node, array.body)
            return rebuild(node, visit)

        found = visit(body)
        assert isinstance(found, tree.Expr)
        return found

    def _reduced(self, call: tree.Call, body: tree.Expr) -> tree.Expr:
        terms = [self._at(body, k) for k in range(self.count)]
        total = functools.reduce(lambda a, b: tree.Binary("+", a, b, span=call.span), terms)
        assert isinstance(call.function, tree.Name)
        if call.function.id == "sum":
            return total
        count = tree.Number(Fraction(self.count), str(self.count), span=call.span)
        return tree.Binary("/", total, count, span=call.span)

    def _number(self, place: tree.Expr, k: int) -> int | None:
        match place:
            case tree.Name(id=name) if name == self.index:
                return k
            case tree.Binary(operator="+", left=tree.Name(id=name), right=tree.Number(value=shift)) if (
                name == self.index
            ):
                return k + int(shift)
            case tree.Number(value=value):
                return int(value)
        return None

    def _at(self, expr: tree.Expr, k: int) -> tree.Expr:
        """An expression in step k: `z[k]` is the draw of that step."""

        def visit(node: Node) -> Node:
            if isinstance(node, tree.Call) and densities.head(self.infer, self.context, node.function) is not None:
                node = dataclasses.replace(
                    node,
                    arguments=tuple(map(named, node.arguments)),
                    conditions=None if node.conditions is None else tuple(map(named, node.conditions)),
                )
            if isinstance(node, tree.Index) and isinstance(node.base, tree.Name) and node.base.id in self.names:
                place = _place(node)
                number = self._number(place, k) if place is not None else None
                if number is not None:
                    if number == 0 and node.base.id in self.first:
                        return self.first[node.base.id]
                    return tree.Name(f"{node.base.id}_{number}", span=node.span)
            return rebuild(node, visit)

        def named(argument: tree.Argument) -> tree.Argument:
            """`p(x | z[k])` says by its name which variable has the value."""
            value = argument.value
            if argument.name is None and isinstance(value, tree.Index) and isinstance(value.base, tree.Name):
                return dataclasses.replace(argument, name=value.base)
            return argument

        found = visit(expr)
        assert isinstance(found, tree.Expr)
        return found
