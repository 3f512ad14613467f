"""What the rules of the kernel do with statements that hold and with their neighbours, and rules that are broken.

`Recording` keeps applications that were licensed, and refusals by the line of the rule that refused.  `neighbours` are
small changes of what a rule is asked: another sign, a moved bound, a premise left out.  `without` breaks a rule: one of
its conditions is not asked any more."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Any

import pytest

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import kernel, rules, slopes
from gencompiler.proof.domain import Interval
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Malformed, Term, apply, is_finite, literal, symbol
from gencompiler.proof.kernel import RULES, Subject, Unproved

assert rules.RULES

#: A line of a module at which a rule refuses: the module's name and the line.
Site = tuple[str, int]
Asked = tuple[str, Subject, tuple[Fact, ...]]
#: What a rule may raise on data that does not fit it, as replaying takes it.
MISFITS = (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, StopIteration, AssertionError)
_MODULES = frozenset(m.__name__ for m in rules.MODULES)
_HOME = str(Path(kernel.__file__).parent)


def site_of(problem: BaseException) -> tuple[Site, bool]:
    """The line that refused, and whether it is a condition (`need`)."""
    frames: list[TracebackType] = []
    trace = problem.__traceback__
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    own = [f for f in frames if f.tb_frame.f_code.co_filename.startswith(_HOME)]
    asked = own[-1].tb_frame.f_code is kernel.need.__code__
    frame = own[-2] if asked else own[-1]
    return (str(frame.tb_frame.f_globals["__name__"]), frame.tb_lineno), asked


@dataclasses.dataclass
class Recording:
    """`applied`: by rule, what was asked and concluded; `refused`: by site, what was asked; `most` of each."""

    applied: dict[str, list[tuple[Asked, Fact]]] = dataclasses.field(default_factory=dict)
    refused: dict[Site, list[Asked]] = dataclasses.field(default_factory=dict)
    most: int = 3

    def ask(self, rule: Callable[[Subject, tuple[Fact, ...]], Fact], asked: Asked) -> Fact:
        """Apply a rule, and keep what comes of it."""
        name, subject, premises = asked
        try:
            found = rule(subject, premises)
        except Unproved as problem:
            site, condition = site_of(problem)
            kept = self.refused.setdefault(site, []) if condition and site[0] in _MODULES else []
            if len(kept) < self.most and asked not in kept:
                kept.append(asked)
            raise
        known = self.applied.setdefault(name, [])
        if len(known) < self.most and all(a != asked for a, _ in known):
            known.append((asked, found))
        return found


@contextlib.contextmanager
def recording(into: Recording) -> Iterator[None]:
    """Every rule that is asked in here is recorded."""
    honest = dict(RULES)

    def watched(name: str) -> Callable[[Subject, tuple[Fact, ...]], Fact]:
        return lambda subject, premises: into.ask(honest[name], (name, subject, premises))

    slopes._ENDED.clear()  # what an earlier test has found would not be asked again
    try:
        RULES.update({name: watched(name) for name in honest})
        yield
    finally:
        RULES.update(honest)


# -- neighbours ------------------------------------------------------------------------------------------------------


def neighbours(asked: Asked) -> Iterator[Asked]:
    """The same rule asked about something a little different."""
    name, subject, premises = asked
    for changed in variants(subject):
        if isinstance(changed, tuple):
            yield name, changed, premises
    for changed in variants(premises):
        if isinstance(changed, tuple):
            yield name, subject, changed


def variants(value: Any) -> Iterator[Any]:
    """A value with one thing in it changed."""
    if isinstance(value, Term):
        yield from _terms(value)
    elif isinstance(value, Interval):
        yield from _intervals(value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | Fraction):
        yield from (value + 1, value - 1, -value, value * 2)
    elif isinstance(value, Support):
        yield from (s for s in (REAL, Support("Positive"), Support("Unit"), Support("Binary")) if s != value)
    elif isinstance(value, str):
        yield value + "'"
    elif value is None:
        yield from (Fraction(1), literal(1))
    elif isinstance(value, tuple):
        yield from _tuples(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            for changed in variants(getattr(value, field.name)):
                with contextlib.suppress(*MISFITS, Malformed):
                    yield dataclasses.replace(value, **{field.name: changed})


def _tuples(value: tuple[Any, ...]) -> Iterator[Any]:
    for place, part in enumerate(value):
        yield value[:place] + value[place + 1 :]
        yield (*value[: place + 1], part, *value[place + 1 :])
        if place:
            yield (*value[: place - 1], part, value[place - 1], *value[place + 1 :])
        for changed in variants(part):
            yield (*value[:place], changed, *value[place + 1 :])


def _terms(value: Term) -> Iterator[Term]:
    if value.operation == "symbol":
        kind, name, support, shape = value.data
        yield symbol(kind, name + "'", support, shape)
        yield symbol(kind, name, Support("NonNegative") if support != Support("NonNegative") else REAL, shape)
        yield symbol(kind, name, support, (*shape, 2))
    if value.operation == "literal" and is_finite(value.data):
        yield from (literal(value.data + 1), literal(-value.data) if value.data else literal(2))
    if value.operation == "apply" and len(value.arguments) == 2:
        yield apply(value.data, *value.arguments[::-1])
        for other in ("add", "multiply", "divide", "power", "less", "max"):
            if other != value.data:
                yield apply(other, *value.arguments)
    if value.operation == "apply" and len(value.arguments) == 1:
        for other in ("exp", "sigmoid", "sin", "abs", "log"):
            if other != value.data:
                yield apply(other, *value.arguments)
    with contextlib.suppress(Malformed):
        yield apply("negate", value)
    with contextlib.suppress(Malformed):
        yield apply("multiply", value, value)
    yield from (a for a in value.arguments[:3])


def _intervals(value: Interval) -> Iterator[Interval]:
    lower, upper = value.lower, value.upper
    options = [
        (lower, upper, not value.lower_open, value.upper_open),
        (lower, upper, value.lower_open, not value.upper_open),
        (-1, 1, False, False),
        (0, 1, True, True),
        (0, float("inf"), False, True),
        (float("-inf"), float("inf"), True, True),
    ]
    if is_finite(lower):
        options.append((Fraction(lower) - Fraction(1, 100), upper, value.lower_open, value.upper_open))
    if is_finite(upper):
        options.append((lower, Fraction(upper) + Fraction(1, 100), value.lower_open, value.upper_open))
    for own in options:
        with contextlib.suppress(ValueError):
            found = Interval(*own)
            if found != value:
                yield found


# -- broken rules ----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def without(site: Site) -> Iterator[None]:
    """The condition at a line of a module of rules is not asked; these modules have no caches that could keep it."""
    module: ModuleType = sys.modules[site[0]]
    honest = kernel.need

    def careless(condition: bool, reason: str, *parts: object) -> None:
        frame: FrameType = sys._getframe(1)
        if frame.f_lineno != site[1]:
            honest(condition, reason, *parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "need", careless)
        yield


def licensed(asked: Asked) -> bool:
    """Whether a rule draws a conclusion from this."""
    name, subject, premises = asked
    try:
        RULES[name](subject, premises)
    except (Unproved, Malformed, *MISFITS):
        return False
    return True
