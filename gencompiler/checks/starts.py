"""Is the initial value that data give a parameter one of its support, whatever the data are?"""

from __future__ import annotations

import dataclasses
import math

from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.verdict import Obligation
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.domain import Interval
from gencompiler.proof.graph import Term, name_of, substitute, symbol
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.scope import terms_of
from gencompiler.proof.search import Search
from gencompiler.proof.start_rules import StartsInside, unbounded
from gencompiler.proof.text import number, text
from gencompiler.proof.translate import Translation

ID = "start"


@dataclasses.dataclass(frozen=True)
class Value:
    """One initial value, and its obligation."""

    obligation: Obligation
    start: nodes.Start
    goal: StartsInside


def values(derived: Derived) -> list[Value]:
    """Every initial value of the model that data give."""
    return [_value(derived.model, start) for start in derived.model.starts]


def _value(model: nodes.Model, start: nodes.Start) -> Value:
    support = next(p.support for p in model.parameters if p.path == start.path)
    map_ = next((m for m in model.maps if m.name == start.map), None)
    inside = Translation.of_model(model) if map_ is None else terms_of(model, map_).translation
    means: dict[Term, Term] = {}
    names = {}
    for mean in start.means:
        own = inside
        if map_ is not None and mean.side == nodes.RESULT:
            passing = symbol("input", mean.passing, map_.result.support, map_.result.shape)
            own = inside.binding({mean.passing: passing})
        body = own.term(mean.body)
        names[mean.name] = unbounded(f"E[{mean.passing} ~ data] {text(body, own.labels)}", body.shape)
        means[names[mean.name]] = body
    goal = StartsInside(inside.binding(names).term(start.value), support, tuple(means.items()))
    words = f"`{start.path}` starts inside {support}, whatever the data are"
    return Value(Obligation(ID, start.path, words, start.span, goal), start, goal)


def obligations(derived: Derived) -> list[Obligation]:
    """What must hold of every initial value that data give."""
    return [value.obligation for value in values(derived)]


def check(checking: Checking) -> None:
    """The verdicts on all initial values that data give."""
    for value in values(checking.derived):
        _settle(checking, value)


def _settle(checking: Checking, value: Value) -> None:
    checking.settle(
        value.obligation,
        lambda: _attempt(checking.search, value.goal),
        lambda _: None,
        lambda failure, _: _explain(checking, value, failure),
    )


def _attempt(search: Search, goal: StartsInside) -> Proof:
    """The ranges of what means are of, then that of the value for all means in these; raises NotFound."""
    try:
        ranges = [search.range(body) for _, body in goal.means]
        bounded = {}
        for (mean, body), found in zip(goal.means, ranges, strict=True):
            support = _support(range_of(found.conclusion, body))
            bounded[mean] = symbol("mean", name_of(mean), support, mean.shape)
        value = substitute(goal.value, bounded)
        means = tuple((bounded[mean], body) for mean, body in goal.means)
        return prove("starts", (value, goal.support, means), *ranges, search.range(value))
    except Unproved as failure:
        raise NotFound("range", goal.value, str(failure)) from None


def _support(interval: Interval) -> nodes.Support:
    """The support of all numbers of an interval, or of its closure where that has an end of its own on one side."""
    ends = ((interval.lower, interval.lower_open), (interval.upper, interval.upper_open))
    closed = any(math.isfinite(end) and not is_open for end, is_open in ends)
    return nodes.Support("Interval" if closed else "Open", (interval.lower, interval.upper))


def _explain(checking: Checking, value: Value, failure: NotFound) -> Finding:
    own = value.start
    declared = next(p.span for p in checking.model.parameters if p.path == own.path)
    support = value.goal.support
    advice = {
        "Positive": "keep it off 0: `sqrt(0.001 + E[…] …)`",
        "NonNegative": "keep it off 0, where nothing would ever move it: `0.001 + E[…] …`",
        "Real": "keep what the function takes inside its domain: `logit(0.01 + 0.98 * E[…] …)`",
    }
    return Finding(
        "G207",
        f"cannot prove that `{own.path.rpartition('.')[2]}` starts inside {support}, whatever the data are",
        own.span,
        "data may all be equal, or at an end of their support",
        (Label(declared, f"declared in {support}"),),
        (str(failure),),
        (advice.get(support.name) or f"keep it off the ends: `{_between(support)}`",),
    )


def _between(support: nodes.Support) -> str:
    inner = "0.01 + 0.98 * E[…] …"
    if support.name == "Unit":
        return inner
    low, high = map(number, support.arguments)
    return f"{low} + ({high} - {low}) * ({inner})"
