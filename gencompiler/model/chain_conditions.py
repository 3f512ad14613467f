"""Conditions of the transition that a chain follows: numbers, or what a warm-up sets them to.

`sample chain(mala, warmup = 1000, eps = acceptance(0.6), scale = deviation)`: during the first `warmup` steps the step
size follows the share of accepted proposals and the scale the spread of the state; from then on both are constants, and
no draw of the warm-up is kept."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog.words import TUNING
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.model.declared import must_contain
from gencompiler.node import Node, walk
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.requests import Requests

#: Steps of a warm-up where the spec does not say.
WARM_UP = 1000


@dataclasses.dataclass(frozen=True)
class Tuned:
    """A condition of a chain's transition: `how` is "constant", or a word of TUNING; `value` the constant or where it
    starts; `rate` the share of proposals to be accepted; `of` the variable whose deviations it is."""

    condition: nodes.Input
    how: str
    value: Fraction
    rate: Fraction = Fraction(0)
    of: str = ""


def tuned(model: nodes.Model) -> tuple[Tuned, ...]:
    """The conditions of the transition that a model's chain follows, in order."""
    method = _chain(model)
    if method is None:
        return ()
    move = next(t for t in model.transitions if t.name == str(method.arguments[0].value))
    options = {o.name: o for o in method.arguments}
    found = []
    for each in move.conditions:
        option = options[each.name]
        if not isinstance(option.value, str):
            found.append(Tuned(each, "constant", Fraction(option.value)))
            continue
        inner = {o.name: o.value for o in option.options}
        rate, start = Fraction(inner.get("rate", 0)), Fraction(inner["start"])
        of = next((i.name for i in moving(move) if i.type.shape == each.type.shape), "")
        found.append(Tuned(each, option.value, start, rate, of if option.value == "deviation" else ""))
    return tuple(found)


def adapts(model: nodes.Model) -> bool:
    """Whether a warm-up sets a condition."""
    return any(t.how != "constant" for t in tuned(model))


def warm_up(model: nodes.Model) -> int:
    """The steps of the warm-up; 0 where nothing adapts."""
    method = _chain(model)
    if method is None or not adapts(model):
        return 0
    return next((int(o.value) for o in method.arguments if o.name == "warmup"), WARM_UP)


def _chain(model: nodes.Model) -> nodes.Method | None:
    return next((m for m in model.methods if m.verb == "sample" and m.name == "chain"), None)


def moving(move: nodes.Transition) -> tuple[nodes.Input, ...]:
    """What a transition moves."""
    return tuple(i for i in move.current if f"{i.name}'" in move.next)


def check_moves_all(requests: Requests, move: nodes.Transition, span: Span) -> None:
    """A chain draws what is observed: a transition that holds some of it where it is has no draws of that."""
    moved = {i.name for i in moving(move)}
    still = [v for v in requests.objectives.variables.values() if v.role == "observed" and v.name not in moved]
    if not still:
        return
    held, names = still[0], " and ".join(f"`{v.name}`" for v in still)
    requests.infer.builder.report(
        "G703",
        f"draws of a chain of `{move.name}` have no {names}, which it leaves where it is",
        span,
        f"does not move `{held.name}`",
        also=(Label(held.span, "declared here"),),
        help=(
            f"compose it with a transition that moves `{held.name}`, or declare that `given`",
            "chains of latent variables alone are `posterior_chain` of the model, without a `sample` line",
        ),
    )


def conditions(
    requests: Requests, move: nodes.Transition, arguments: tuple[tree.Argument, ...]
) -> tuple[list[nodes.Option], tuple[tree.Argument, ...]]:
    """An option for each condition of the transition, and the arguments that are left."""
    builder = requests.infer.builder
    named = {a.name.id: a for a in arguments if a.name is not None}
    found = []
    for each in move.conditions:
        argument = named.pop(each.name, None)
        value = builder.usual.get((move.name, each.name)) if argument is None else argument.value
        if value is None:
            builder.report(
                "G703",
                f"`{move.name}` has the condition `{each.name}`, and a chain has no value for it",
                arguments[0].span if arguments else each.span,
                "needs a condition",
                also=(Label(each.span, "declared here"),),
                help=(
                    f"give it: `chain({move.name}, {each.name} = …)`",
                    f"or let a warm-up set it: `{each.name} = acceptance(0.8)`",
                ),
            )
        found.append(_option(requests, move, each, value))
    rest = tuple(a for a in arguments if a.name is None or a.name.id in named)
    if any(isinstance(o.value, str) for o in found):
        _check_lengths(requests, rest)
    return found, rest


def _option(requests: Requests, move: nodes.Transition, condition: nodes.Input, value: tree.Expr) -> nodes.Option:
    """A number, `acceptance(0.8)` or `deviation`."""
    builder = requests.infer.builder
    head = value.function if isinstance(value, tree.Call) else value
    word = head.id if isinstance(head, tree.Name) and head.id in TUNING else ""
    if not word:
        number = requests.number(value, condition.name)
        must_contain(builder, condition, number, value.span)
        return nodes.Option(condition.name, number, span=value.span)
    if condition.type.support.name != "Positive":
        message = f"a warm-up sets what is positive, and `{condition.name}` is in {condition.type.support}"
        help_ = (f"declare `{condition.name} : Positive`",)
        builder.report("G703", message, value.span, also=(Label(condition.span, "declared here"),), help=help_)
    if word == "acceptance" and condition.type.shape:
        builder.report("G703", f"`acceptance` sets one number, and `{condition.name}` is a tensor", value.span)
    if word == "acceptance" and not any(isinstance(s, nodes.Accept | nodes.Orbit) for s in _steps(requests, move)):
        builder.report("G703", f"nothing is accepted or rejected in `{move.name}`", value.span, "no rate to follow")
    if word == "deviation" and condition.type.shape not in {i.type.shape for i in moving(move)}:
        message = f"`{move.name}` moves nothing of the shape {list(condition.type.shape)}, which `{condition.name}` has"
        builder.report("G703", message, value.span, "deviations of what?")
    given = value.arguments if isinstance(value, tree.Call) else ()
    plain = [a.value for a in given if a.name is None and a.value is not None]
    numbers = dict(TUNING[word])
    for name, each in [*zip(numbers, plain, strict=False), *((a.name.id, a.value) for a in given if a.name)]:
        if name not in numbers or each is None:
            builder.report("G107", f"`{word}` has no option `{name}`", value.span, f"it takes {', '.join(numbers)}")
        numbers[name] = float(requests.number(each, name))
    if word == "acceptance" and not 0 < numbers["rate"] < 1:
        builder.report("G206", "`acceptance` takes a rate between 0 and 1", value.span, f"this is {numbers['rate']}")
    if numbers["start"] <= 0:
        builder.report("G206", f"`{condition.name}` starts at a positive number", value.span)
    inner = tuple(nodes.Option(n, Fraction(repr(v)), span=value.span) for n, v in numbers.items())
    return nodes.Option(condition.name, word, inner, span=value.span)


def _steps(requests: Requests, move: nodes.Transition) -> list[Node]:
    """The steps of a transition and of those it is made of."""
    found: list[Node] = []
    for part in walk(move):
        found.append(part)
        if isinstance(part, nodes.Use):
            found += _steps(requests, requests.moves[part.transition])
    return found


def _check_lengths(requests: Requests, arguments: tuple[tree.Argument, ...]) -> None:
    """What is drawn while the transition changes has no law that it keeps."""
    given = {a.name.id: a.value for a in arguments if a.name is not None and a.value is not None}
    length = requests.number(given["warmup"], "warmup") if "warmup" in given else WARM_UP
    if "burn_in" not in given:
        return
    kept = requests.number(given["burn_in"], "burn_in")
    if kept < length:
        requests.infer.builder.report(
            "G627",
            f"draws would be kept from step {int(kept)} on, and the transition changes until step {int(length)}",
            next(a.span for a in arguments if a.value is given["burn_in"]),
            "ends before the warm-up does",
            help=(f"leave `burn_in` out, or let it be {int(length)} or more: it counts the warm-up",),
        )
