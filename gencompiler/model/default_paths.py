"""`evaluate ais(T, particles = 500)`: annealing without a path, by a transition that keeps `p`.

The path is geometric, start^(1 - t) p^t: from the prior of what T moves, where the model states one, from uniform bits,
and else from Normal(0, 1) or the law of `start = …`.  T follows it with the path as the target of its acceptances, and
draws of the next state from conditionals of `p` are from those of the path.  Both are declared here as a spec would
declare them, before anything is resolved: what is proved of a path that is written out is proved of this one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import NoReturn

from gencompiler.catalog import words
from gencompiler.diagnostics.model import Label, Reporter
from gencompiler.diagnostics.span import Span
from gencompiler.model.objectives import head_of
from gencompiler.node import Node, rebuild, walk
from gencompiler.syntax import tree

TARGET = "p"
#: What has a target of its own in the braces of a transition.
_KEEPING = ("metropolis", "accept", "orbit")
#: Where each support starts that has a law by default, as chains have; bits without a factor of their own are uniform.
_USUAL = {"Real": ("Normal", 0, 1), "Category": ("Uniform",), "Integer": ("Uniform",), "Sign": ("Uniform",)}
_BITS = "Binary"


class _NoDefaultError(Exception):
    """There is no path by default; the reason has been reported."""


def with_paths(model: tree.Model, reporter: Reporter) -> tree.Model:
    """The model with a path and a transition along it declared for each request that names none."""
    writer = _Writer(model, reporter)
    statements: list[tree.Declaration] = []
    for statement in model.statements:
        try:
            statements.append(writer.request(statement))
        except _NoDefaultError:
            continue
    found = (*statements, *writer.added)
    return model if found == model.statements else dataclasses.replace(model, statements=found)


class _Writer:
    """Collects what is declared for one model."""

    def __init__(self, model: tree.Model, reporter: Reporter) -> None:
        self.model, self.reporter = model, reporter
        self.added: list[tree.Definition] = []
        self.paths: dict[tuple[object, ...], tuple[str, str]] = {}
        local = [s for s in model.statements if isinstance(s, tree.Definition)]
        self.moves = {d.name.id: d for d in local if d.kind == "transition"}
        groups = [(s.role, g) for s in model.statements if isinstance(s, tree.Variables) for g in s.groups]
        self.types = {n.id: g.type for role, g in groups for n in g.names if role in ("observed", "latent")}
        self.taken = {n.id for n in walk(model) if isinstance(n, tree.Name)}
        stated = [s.equation for s in model.statements if isinstance(s, tree.EquationStatement)]
        self.heads = [(e.targets[0], e.relation) for e in stated if _calls(e.targets[0], TARGET)]

    def fresh(self, name: str) -> str:
        names = (name, *(f"{name}{n}" for n in range(2, len(self.taken) + 3)))
        found = next(n for n in names if n not in self.taken)
        self.taken.add(found)
        return found

    # -- requests ----------------------------------------------------------------------------------------------------

    def request(self, statement: tree.Declaration) -> tree.Declaration:
        """The statement, with a path and a transition where it asks to anneal without."""
        if not isinstance(statement, tree.Request) or statement.verb != "evaluate":
            return statement
        head, arguments = head_of(statement.value)
        if head is None or head.id not in words.ANNEALED:
            return statement
        named = {a.name.id: a for a in arguments if a.name is not None}
        plain = [a.value for a in arguments if a.name is None]
        if not plain:
            move, usual = self._of_chain()
            named = usual | named
        else:
            move = plain[0].id if len(plain) == 1 and isinstance(plain[0], tree.Name) else ""
        if move not in self.moves or not self.heads:
            return statement  # it says why when it is resolved
        start = named.pop("start", None)
        own = {c.name.id for c in self.conditions(move)}
        given = tuple(a for name, a in named.items() if name in own)
        rest = tuple(a for name, a in named.items() if name not in own)
        path, along = self._declared(move, start, given, head)
        pair = (_argument(_name(path, head.span)), _argument(_name(along, head.span)))
        value = tree.Call(head, (*pair, *rest), None, span=statement.value.span)
        return dataclasses.replace(statement, value=value)

    def _of_chain(self) -> tuple[str, dict[str, tree.Argument]]:
        """The transition that samples are drawn by, and what it is given there that is no adaptation."""
        for each in self.model.statements:
            if isinstance(each, tree.Request) and each.verb == "sample":
                head, arguments = head_of(each.value)
                first = arguments[0].value if arguments else None
                if head is not None and head.id == "chain" and isinstance(first, tree.Name):
                    own = {c.name.id for c in self.conditions(first.id)}
                    named = {a.name.id: a for a in arguments if a.name is not None and a.name.id in own}
                    tuned = {n for n, a in named.items() if a.value is None or _head(a.value) in words.TUNING}
                    return first.id, {n: a for n, a in named.items() if n not in tuned}
        return "", {}

    def conditions(self, move: str) -> tuple[tree.ParameterDecl, ...]:
        """Those with types of their own."""
        signature = self.moves[move].signature if move in self.moves else None
        declared = (signature.conditions or ()) if signature is not None else ()
        return tuple(d for d in declared if d.type is not None)

    # -- the path ----------------------------------------------------------------------------------------------------

    def _declared(
        self, move: str, start: tree.Argument | None, given: tuple[tree.Argument, ...], head: tree.Name
    ) -> tuple[str, str]:
        """The names of the path and of the transition along it."""
        key = (move, start and start.value, given)
        if key not in self.paths:
            path, time = self.fresh("geometric"), self.fresh("t")
            moved, read = self.reach(move)
            read = tuple(dict.fromkeys((*read, *self._others(moved))))
            span = head.span
            self.added.append(self._path(path, time, moved, read, start, head))
            along = _Along(self, path, time, span)
            name = along.of(move)
            if self.conditions(move):
                name = self._bound(name, move, along, given, head)
            self.paths[key] = path, name
        return self.paths[key]

    def reach(self, move: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What a transition moves, and the variables that it is conditioned on."""
        definition = self.moves[move]
        signature = definition.signature
        if signature is not None:
            moved = tuple(d.name.id.rstrip("'") for d in signature.variables)
            return moved, tuple(d.name.id for d in signature.conditions or () if d.type is None)
        parts = [self.reach(n) for n in _mentioned(definition.body) if n in self.moves and n != move]
        moves, reads = (tuple(dict.fromkeys(n for p in parts for n in p[side])) for side in (0, 1))
        return moves, reads

    def _others(self, moved: tuple[str, ...]) -> Iterator[str]:
        """What `p` is of and a transition leaves alone."""
        return (n for n in self._variables() if n not in moved)

    def _variables(self) -> tuple[str, ...]:
        """What `p` is of: an energy names it, conditionals are of all that the model observes and hides."""
        head, relation = self.heads[0]
        assert isinstance(head, tree.Call)
        if relation != "∝":
            return tuple(self.types)
        return tuple(a.value.id for a in head.arguments if isinstance(a.value, tree.Name))

    def _path(
        self,
        path: str,
        time: str,
        moved: tuple[str, ...],
        read: tuple[str, ...],
        start: tree.Argument | None,
        head: tree.Name,
    ) -> tree.Definition:
        """`density geometric(z | x, t : Interval(0, 1)) ∝ start^(1 - t) * p(x, z)^t`"""
        span = head.span
        end = tree.Call(
            _name(TARGET, span), tuple(_argument(_name(n, span)) for n in self._variables()), None, span=span
        )
        value: tree.Expr = tree.Binary("^", end, _name(time, span), span=span)
        rest = tree.Binary("-", tree.Number(Fraction(1), "1", span=span), _name(time, span), span=span)
        for law in self._start(moved, start, head):
            value = tree.Binary("*", tree.Binary("^", law, rest, span=span), value, span=span)
        of = tuple(_plain(n, span) for n in moved)
        given = (*(_plain(n, span) for n in read if n not in moved), _time(time, span))
        signature = tree.Signature(of, given, span=span)
        return tree.Definition("density", _name(path, span), signature, None, None, "∝", value, span=span)

    def _start(self, moved: tuple[str, ...], start: tree.Argument | None, head: tree.Name) -> Iterator[tree.Expr]:
        """The laws at 0, of what has not a uniform one."""
        priors = dict(self._priors(moved)) if start is None else {}
        yield from priors.values()
        for name in moved:
            type_ = self.types.get(name)
            support = type_.name.id if isinstance(type_, tree.SupportType) else ""
            if name in priors or support == _BITS:
                continue
            if start is not None:
                yield self._law(name, start)
            elif support in _USUAL:
                law, *numbers = _USUAL[support]
                given = tuple(_argument(tree.Number(Fraction(n), str(n), span=head.span)) for n in numbers)
                event = _argument(_name(name, head.span))
                yield tree.Call(_name(str(law), head.span), (event,), given, span=head.span)
            else:
                message = f"`{head.id}` has no law to start `{name}` from, which is in {support or 'no support known'}"
                self._report(message, head.span, "where from?", f"say which: `{head.id}(…, start = …)`")

    def _law(self, name: str, start: tree.Argument) -> tree.Expr:
        """`Normal(x | 0, 2)` of `start = Normal(0, 2)`"""
        value = start.value
        if not isinstance(value, tree.Call) or value.conditions is not None:
            self._report("`start` takes a distribution", start.span, "not one", "write `start = Normal(0, 2)`")
        event = _argument(_name(name, start.span))
        return tree.Call(value.function, (event,), value.arguments, span=value.span)

    def _priors(self, moved: tuple[str, ...]) -> Iterator[tuple[str, tree.Expr]]:
        """Heads of `p` that state one moved variable, whole, given none that is moved."""
        for head, relation in self.heads:
            assert isinstance(head, tree.Call)
            first = head.arguments[0].value if len(head.arguments) == 1 else None
            if relation == "=" and isinstance(first, tree.Name) and first.id in moved:
                listed = {n.id for a in head.conditions or () for n in walk(a) if isinstance(n, tree.Name)}
                if not listed & self.types.keys():
                    yield first.id, head

    def _bound(self, name: str, move: str, along: _Along, given: tuple[tree.Argument, ...], head: tree.Name) -> str:
        """A transition whose one condition is the time; the others have the values that they were given."""
        known = {a.name.id for a in given if a.name is not None}
        missing = next((c for c in self.conditions(move) if c.default is None and c.name.id not in known), None)
        if missing is not None:
            message = f"`{move}` has the condition `{missing.name.id}`, and `{head.id}` has no value for it"
            advice = f"give it: `{head.id}({move}, {missing.name.id} = …)`"
            self._report(message, head.span, "needs a condition", advice, Label(missing.span, "declared here"))
        body = tree.Call(_name(name, head.span), given, None, span=head.span)
        return along.add(f"{name}_bound", self.reach(move), (), body)

    def _report(self, message: str, at: Span, label: str, help_: str, *also: Label) -> NoReturn:
        self.reporter.add("G703", message, at, label, also=also, help=(help_,))
        raise _NoDefaultError


class _Along:
    """Transitions along one path, made of those that keep `p`."""

    def __init__(self, writer: _Writer, path: str, time: str, span: Span) -> None:
        self.writer, self.path, self.time, self.span = writer, path, time, span
        self.made: dict[str, str] = {}

    def of(self, move: str) -> str:
        """The name of a transition's own."""
        if move not in self.made:
            self.made[move] = self.writer.fresh(f"{self.path}_{move}")
            self._declare(self.made[move], self.writer.moves[move])
        return self.made[move]

    def add(
        self,
        name: str,
        reach: tuple[tuple[str, ...], tuple[str, ...]],
        conditions: tuple[tree.ParameterDecl, ...],
        body: tree.Expr | tree.Block | None,
        relation: str | None = "=",
        at: Span | None = None,
    ) -> str:
        """Declare a transition that moves and reads these, with its conditions and the time; `at`: where what it is
        made of was written."""
        name = name if name in self.made.values() else self.writer.fresh(name)
        moved, read = reach
        of = tuple(_plain(f"{n}'", self.span) for n in moved)
        given = (*(_plain(n, self.span) for n in read), *conditions, _time(self.time, self.span))
        signature = tree.Signature(of, given, span=self.span)
        named, at = _name(name, self.span), at or self.span
        own = tree.Definition("transition", named, signature, None, None, relation, body, span=at)
        self.writer.added.append(own)
        return name

    def _declare(self, name: str, move: tree.Definition) -> None:
        reach, conditions = self.writer.reach(move.name.id), self.writer.conditions(move.name.id)
        body: tree.Expr | tree.Block | None = move.body
        if isinstance(body, tree.Block):
            moved = {f"{n}'" for n in reach[0]}
            body = dataclasses.replace(body, items=tuple(self._step(item, moved) for item in body.items))
        elif body is not None:
            body = self._composed(body)
        self.add(name, reach, conditions, body, move.relation, move.span)

    def _composed(self, expr: tree.Expr) -> tree.Expr:
        """`refresh |> move` of their own along the path."""

        def change(part: Node) -> Node:
            if isinstance(part, tree.Name) and part.id in self.writer.moves:
                return _name(self.of(part.id), part.span)
            return rebuild(part, change)

        found = change(expr)
        assert isinstance(found, tree.Expr)
        return found

    def _step(self, item: tree.Equation, moved: set[str]) -> tree.Equation:
        """A step with the path in place of `p`: as a target, and where the next state is drawn."""
        value = item.value
        if item.relation == "=" and _head(value) in _KEEPING:
            assert isinstance(value, tree.Call)
            at = value.span
            others = tuple(a for a in value.arguments if a.name is None or not _is_target(a))
            if all(a.name is None or a.name.id != "target" for a in others):
                target = tree.Argument(_name("target", at), _name(self.path, at), span=at)
                value = dataclasses.replace(value, arguments=(*others, target))
        elif item.relation == "~" and _calls(value, TARGET) and self.writer.heads[0][1] == "∝":
            names = {n.id for t in item.targets for n in walk(t) if isinstance(n, tree.Name)}
            if names & moved:
                assert isinstance(value, tree.Call)
                given = (*(value.conditions or ()), _argument(_name(self.time, value.span)))
                value = dataclasses.replace(value, function=_name(self.path, value.span), conditions=given)
        return dataclasses.replace(item, value=value)


# -- pieces of a surface ---------------------------------------------------------------------------------------------


def _name(text: str, span: Span) -> tree.Name:
    return tree.Name(text, span=span)


def _argument(value: tree.Expr) -> tree.Argument:
    return tree.Argument(None, value, span=value.span)


def _plain(name: str, span: Span) -> tree.ParameterDecl:
    return tree.ParameterDecl(_name(name, span), None, None, span=span)


def _time(name: str, span: Span) -> tree.ParameterDecl:
    """`t : Interval(0, 1)`"""
    ends = tuple(_argument(tree.Number(Fraction(n), str(n), span=span)) for n in (0, 1))
    return tree.ParameterDecl(
        _name(name, span), tree.SupportType(_name("Interval", span), ends, (), span=span), None, span=span
    )


def _head(expr: tree.Expr) -> str:
    """The name that is called, or "" where none is."""
    return expr.function.id if isinstance(expr, tree.Call) and isinstance(expr.function, tree.Name) else ""


def _calls(expr: tree.Expr, name: str) -> bool:
    return _head(expr) == name


def _is_target(argument: tree.Argument) -> bool:
    """`target = p`"""
    value = argument.value
    return (
        argument.name is not None
        and argument.name.id == "target"
        and isinstance(value, tree.Name)
        and value.id == TARGET
    )


def _mentioned(body: tree.Expr | tree.Block | None) -> list[str]:
    return [n.id for n in walk(body) if isinstance(n, tree.Name)] if body is not None else []
