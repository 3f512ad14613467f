"""What is claimed and asked of SDEs: `claim reverse(a, b)`, `claim ou(x' | x, t) == Normal(…)`, `claim marginals(a) ==
marginals(b)`, `sample reverse_sde(score, vp)`, `evaluate probability_flow(score, vp)`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

from gencompiler.catalog import solvers, words
from gencompiler.diagnostics.model import Label
from gencompiler.model import definitions, laws, nodes
from gencompiler.model.builder import Abandon, Context
from gencompiler.model.constants import NotConstant, evaluate
from gencompiler.model.scope import nearest
from gencompiler.model.types import known_shape
from gencompiler.node import Node
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.model.infer import Infer


# -- claims ----------------------------------------------------------------------------------------------------------


def equality(infer: Infer, context: Context, sdes: dict[str, nodes.Sde], expr: tree.Expr) -> nodes.Fact | None:
    """The fact of `left == right` where it is about SDEs; None where it is about something else."""
    if not isinstance(expr, tree.Binary) or expr.operator != "==":
        return None
    left, right = _callee(expr.left), _callee(expr.right)
    if left in sdes:
        return _kernel(infer, context, sdes[left], expr)
    if left == right == "marginals":
        names = (_single(infer, sdes, expr.left), _single(infer, sdes, expr.right))
        _one_state(infer, sdes, names, expr)
        return nodes.Fact("marginals", names, span=expr.span)
    return None


def _callee(expr: tree.Expr) -> str:
    if isinstance(expr, tree.Call) and isinstance(expr.function, tree.Name):
        return expr.function.id
    return ""


def _single(infer: Infer, sdes: dict[str, nodes.Sde], expr: tree.Expr) -> str:
    assert isinstance(expr, tree.Call)
    value = expr.arguments[0].value if len(expr.arguments) == 1 and expr.conditions is None else None
    if not isinstance(value, tree.Name) or value.id not in sdes:
        known = nearest(value.id, frozenset(sdes)) if isinstance(value, tree.Name) else ()
        infer.builder.report("G104", "`marginals(a)` takes an SDE", expr.span, "this names none", help=known)
    return value.id


def _one_state(infer: Infer, sdes: dict[str, nodes.Sde], names: tuple[str, ...], expr: tree.Expr) -> None:
    """Claims compare SDEs that move one variable over one time."""
    first, second = (sdes[n] for n in names)
    of_one_variable(infer, first, expr)
    of_one_variable(infer, second, expr)
    if (first.state.name, first.time.name, first.time.type) != (second.state.name, second.time.name, second.time.type):
        message = f"`{first.name}` and `{second.name}` do not move one variable over one time"
        also = (Label(first.span, "one"), Label(second.span, "the other"))
        infer.builder.report("G605", message, expr.span, "cannot be compared", also=also)


def of_one_variable(infer: Infer, sde: nodes.Sde, at: Node) -> None:
    """Report an SDE of several variables where one is wanted."""
    if len(sde.equations) > 1:
        infer.builder.unsupported(f"this of an SDE of several variables (`{sde.name}`)", at.span)


def _kernel(infer: Infer, context: Context, sde: nodes.Sde, expr: tree.Binary) -> nodes.Fact:
    """`ou(x' | x, t) == Normal(mean, scale)`"""
    of_one_variable(infer, sde, expr)
    head = expr.left
    assert isinstance(head, tree.Call)
    places = [a.value.id if isinstance(a.value, tree.Name) else "" for a in (*head.arguments, *(head.conditions or ()))]
    if places != [f"{sde.state.name}'", sde.state.name, sde.time.name] or len(head.arguments) != 1:
        wanted = f"{sde.name}({sde.state.name}' | {sde.state.name}, {sde.time.name})"
        infer.builder.report("G605", f"the kernel of `{sde.name}` is `{wanted}`", head.span, "not its kernel")
    names = {k: v for k, v in context.names.items() if k != sde.state.name}
    names |= {i.name: nodes.Reference(i.type, i.name, span=head.span) for i in (sde.state, sde.time)}
    inside = Context(context.constants, names, {}, f"{sde.name}.")
    law = laws.distribution(infer, inside, expr.right, sde.state.type)
    return nodes.Fact("kernel", (sde.name,), (law,), span=expr.span)


def reverse(infer: Infer, sdes: dict[str, nodes.Sde], expr: tree.Expr, names: list[str]) -> None:
    """`reverse(b, f)`: b is f with time running backwards."""
    if len(names) != 2 or any(n not in sdes for n in names):
        message = "`reverse(b, f)` takes two SDEs: the one that runs backwards, and the one it reverses"
        infer.builder.report("G104", message, expr.span, "wrong arguments")
    _one_state(infer, sdes, (names[0], names[1]), expr)


# -- methods ---------------------------------------------------------------------------------------------------------


def method(infer: Infer, context: Context, sdes: dict[str, nodes.Sde], statement: tree.Request) -> nodes.Method | None:
    """`reverse_sde(score, vp, steps = 500)` or `probability_flow(score, vp)`; None where it is another method."""
    value = statement.value
    if isinstance(value, tree.Call) and _callee(value) == "fokker_planck":
        return _fokker_planck(infer, context, sdes, statement, value)
    if not isinstance(value, tree.Call) or _callee(value) not in words.SDE_METHODS:
        return None
    name, builder = _callee(value), infer.builder
    known = words.SDE_METHODS[name]
    if statement.verb not in known:
        builder.report("G703", f"`{statement.verb}` has no method called `{name}`", value.function.span, "not here")
    plain = [a for a in value.arguments if a.name is None]
    if len(plain) != 2 or value.conditions is not None:
        builder.report("G104", f"`{name}(score, sde)` takes a score and an SDE", value.span, "wrong arguments")
    score, moved = plain
    sde = sdes.get(moved.value.id) if isinstance(moved.value, tree.Name) else None
    if sde is None:
        builder.report("G104", f"`{name}(score, sde)` takes an SDE", moved.span, "this names none")
    of_one_variable(infer, sde, moved)
    options = [
        nodes.Option("score", read_score(infer, context, sde, score), span=score.span),
        nodes.Option("sde", sde.name, span=moved.span),
    ]
    for argument in value.arguments:
        if argument.name is not None:
            options.append(_option(infer, context, statement, name, argument))
    return nodes.Method(statement.verb, name, tuple(options), span=statement.span)


def _fokker_planck(
    infer: Infer, context: Context, sdes: dict[str, nodes.Sde], statement: tree.Request, value: tree.Call
) -> nodes.Method:
    """`evaluate fokker_planck(relax, start = Normal(2, 0.1), grid = 400)`"""
    builder = infer.builder
    if statement.verb != "evaluate":
        builder.report("G703", f"`{statement.verb}` has no method called `fokker_planck`", value.span, "not here")
    plain = [a.value for a in value.arguments if a.name is None]
    named = plain[0].id if len(plain) == 1 and isinstance(plain[0], tree.Name) else ""
    sde = sdes.get(named)
    if sde is None and named in builder.definitions and builder.definitions[named].kind == "sde":
        raise Abandon  # it was refused, and has been reported
    if sde is None or value.conditions is not None:
        message = "`fokker_planck(sde, start = Normal(…))` takes an SDE"
        builder.report("G104", message, value.span, "this names none")
    of_one_variable(infer, sde, value)
    if sde.state.type.shape not in ((), (1,), (2,)):
        builder.unsupported(f"a grid over `{sde.state.type}` (the equation is solved in 1 or 2 dimensions)", value.span)
    ends = sde.time.type.support.arguments
    if not ends:
        message = f"`fokker_planck` needs a time at which `{sde.name}` ends, and its time is `{sde.time.type.support}`"
        builder.report("G703", message, statement.span, "no end", also=(Label(sde.span, "runs for ever"),))
    options = [nodes.Option("equation", sde.name, span=value.span)]
    options += [nodes.Option(n, e, span=value.span) for n, e in zip(("first", "last"), ends, strict=True)]
    for argument in value.arguments:
        if argument.name is None:
            continue
        name = argument.name.id
        if name not in words.FOKKER_PLANCK or argument.value is None:
            unknown(infer, f"`fokker_planck` has no option called `{name}`", argument, name, words.FOKKER_PLANCK)
        options += _start(infer, context, argument) if name == "start" else [_whole(infer, context, argument)]
    if not any(o.name == "mean" for o in options):
        help_ = ("say where it starts: `start = Normal(0, 1)`",)
        builder.report("G104", "`fokker_planck` needs the law that the state starts from", value.span, help=help_)
    return nodes.Method(statement.verb, "fokker_planck", tuple(options), span=statement.span)


def _start(infer: Infer, context: Context, argument: tree.Argument) -> list[nodes.Option]:
    """`start = Normal(mean, scale)`, of numbers."""
    law = argument.value
    if not isinstance(law, tree.Call) or _callee(law) != "Normal" or len(law.arguments) != 2:
        infer.builder.unsupported("a law besides `Normal(mean, scale)` to start from", argument.span)
    found = []
    for name, each in zip(("mean", "scale"), law.arguments, strict=True):
        try:
            number = evaluate(each.value, context.constants) if each.value is not None else Fraction(0)
        except NotConstant as problem:
            infer.builder.report("G206", f"the {name} at the start is a number", problem.expr.span, "not a number")
        if name == "scale" and number <= 0:
            infer.builder.report("G206", "the scale at the start is positive", each.span, f"this is {number}")
        found.append(nodes.Option(name, number, span=each.span))
    return found


def _whole(infer: Infer, context: Context, argument: tree.Argument) -> nodes.Option:
    assert argument.value is not None
    found = read_number(infer, context, argument, argument.value)
    least = 4 if found.name == "grid" else 1
    if not isinstance(found.value, Fraction) or found.value.denominator != 1 or found.value < least:
        message = f"`{found.name}` is a whole number, at least {least}"
        infer.builder.report("G206", message, argument.value.span, f"this is {found.value}")
    return found


def read_score(infer: Infer, context: Context, sde: nodes.Sde, argument: tree.Argument) -> str:
    """The instance of the score for the SDE's state and time; it must have the state's shape."""
    builder = infer.builder
    value = argument.value
    definition = builder.definition(context, value.id) if isinstance(value, tree.Name) else None
    if definition is None or definition.kind != "def":
        builder.report("G104", "a score is a `def` of the state and the time", argument.span, "not one")
    count = len(definition.signature.variables) if definition.signature else 0
    if count != 2:
        also = (Label(definition.name.span, f"it takes {count}"),)
        builder.report("G104", f"`{definition.name.id}` is not a function of state and time", argument.span, also=also)
    assert value is not None
    given = tuple(nodes.Reference(i.type, i.name, span=argument.span) for i in (sde.state, sde.time))
    instance = definitions.instantiate(infer, context, definition, given, value)
    found = known_shape(builder.functions[instance].body.type)
    if found != sde.state.type.shape:
        message = f"a score of `{sde.state.name}` has its shape, {list(sde.state.type.shape)}"
        also = (Label(definition.name.span, f"this gives {list(found or ())}"),)
        builder.report("G201", message, argument.span, also=also)
    return instance


def _option(infer: Infer, context: Context, asked: tree.Request, method_: str, argument: tree.Argument) -> nodes.Option:
    known = words.SDE_METHODS[method_][asked.verb]
    assert argument.name is not None
    name, value = argument.name.id, argument.value
    if name not in known or value is None:
        unknown(infer, f"`{method_}` has no option called `{name}`", argument, name, known)
    if name == "solver":
        return word(infer, context, argument, _solvers(asked.verb, method_))
    if name in words.SDE_WORDS:
        return word(infer, context, argument, words.SDE_WORDS[name])
    return read_number(infer, context, argument, value)


def unknown(infer: Infer, message: str, at: tree.Argument, name: str, known: Iterable[str]) -> NoReturn:
    known = tuple(known)
    listed = f"it takes {', '.join(f'`{k}`' for k in known)}" if known else "it takes none"
    help_ = nearest(name, frozenset(known)) or (listed,)
    infer.builder.report("G107", message, at.span, "unknown option", help=help_)


def _solvers(verb: str, method_: str) -> dict[str, tuple[str, ...]]:
    """The solvers that a method may name, each with its options.

    An exponential integrator carries no density, and noise that is put back has none; what a step remembers, it would
    make false."""
    found: dict[str, tuple[str, ...]] = {}
    for name in solvers.solvers(words.SDE_EQUATIONS[method_]):
        solver = solvers.SOLVERS[name]
        if verb == "sample" or not solver.exponential:
            alone = solver.solves == "ode" and not solver.multistep
            churned = solvers.CHURN if verb == "sample" and alone else ()
            found[name] = solvers.ADAPTIVE if solver.adaptive else (*solvers.GRID, *churned)
    return found


def read_number(infer: Infer, context: Context, argument: tree.Argument, value: tree.Expr) -> nodes.Option:
    """`name = number`, positive; of steps a whole one."""
    builder = infer.builder
    assert argument.name is not None
    name = argument.name.id
    try:
        number = evaluate(value, context.constants)
    except NotConstant as problem:
        builder.report("G206", f"`{name}` takes a number", problem.expr.span, "not a number")
    whole = isinstance(number, Fraction) and number.denominator == 1
    if number <= 0 or number == nodes.INFINITY or (name == "steps" and not whole):
        wanted = "a positive whole number" if name == "steps" else "a positive number"
        builder.report("G206", f"`{name}` is {wanted}", value.span, f"this is {number}")
    return nodes.Option(name, number, span=argument.span)


def word(
    infer: Infer, context: Context, argument: tree.Argument, listed: Mapping[str, tuple[str, ...]]
) -> nodes.Option:
    """`name = word` or `name = word(option = number, …)`."""
    assert argument.name is not None and argument.value is not None
    name, value = argument.name.id, argument.value
    word = value.id if isinstance(value, tree.Name) else _callee(value)
    if word not in listed:
        message = f"`{name}` is one of " + ", ".join(f"`{k}`" for k in listed)
        infer.builder.report(
            "G107", message, value.span, "not one of them", help=nearest(word, frozenset(listed)) if word else ()
        )
    given = value.arguments if isinstance(value, tree.Call) else ()
    options: list[nodes.Option] = []
    for each in given:
        own = each.name.id if each.name is not None else ""
        if own not in listed[word] or each.value is None:
            unknown(
                infer,
                f"`{word}` has no option called `{own}`" if own else f"the options of `{word}` have names",
                each,
                own,
                listed[word],
            )
        options.append(read_number(infer, context, each, each.value))
    return nodes.Option(name, word, tuple(options), span=argument.span)
