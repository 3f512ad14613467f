"""Which loops over dimensions are prefix sums, and may run in chunks instead of one dimension at a time.

A causal reduction carries a <- a + term(i), where the term never looks at `a` itself.  When every carried value of a
loop
is one (NADE's hidden sum, the accumulated log-probability) and nothing is drawn or overwritten inside, the values of
many dimensions are computed at once: those that the body reads become exclusive prefix sums, the others totals.
"""

from __future__ import annotations

import dataclasses
import math

from gencompiler.node import Node, children, walk
from gencompiler.rows.analysis import block_index, bound_names, constant, local_names
from gencompiler.rows.nodes import (
    Carry,
    Column,
    Concat,
    Draw,
    Elementwise,
    Expr,
    Let,
    Local,
    Loop,
    ParameterRead,
    Run,
    Statement,
    StoreColumn,
    StoreSection,
    Window,
    WithColumn,
    WithWindow,
)


@dataclasses.dataclass(frozen=True)
class PrefixSum:
    """`carry` accumulates `term`; `running`: whether the loop reads the sum of the terms before.

    `factors` is (row scalar, uniform vector) where the term is their product: its sums are matrix products."""

    carry: Carry
    term: Expr
    running: bool
    factors: tuple[Expr, Expr] | None


@dataclasses.dataclass(frozen=True)
class PrefixLoop:
    """`loop` in an order of evaluation in which every value comes before its uses; `dependent` are the names bound in
    the loop whose values differ between its iterations."""

    loop: Loop
    steps: tuple[Statement | PrefixSum, ...]
    dependent: frozenset[str]


def prefix_loop(loop: Loop) -> PrefixLoop | None:
    """`loop` as prefix sums, or None where it is none."""
    if loop.kind != "dimensions" or constant(loop.count) is None or not _is_pure(loop):
        return None
    sums = [_prefix_sum(carry, loop) for carry in loop.carried]
    known = [each for each in sums if each is not None]
    if len(known) < len(sums):
        return None
    steps = _evaluation_order(loop.body, known)
    if steps is None:
        return None
    dependent = _dependent_names(loop, steps)
    indexed = all(_indexes_alone(part, loop.index, dependent) for part in walk(loop))
    terms_vary = all(local_names(each.term) & dependent for each in known)
    return PrefixLoop(loop, steps, dependent) if indexed and terms_vary else None


def _is_pure(loop: Loop) -> bool:
    return not any(isinstance(part, Draw | WithColumn | WithWindow | StoreSection | Run) for part in walk(loop))


def _prefix_sum(carry: Carry, loop: Loop) -> PrefixSum | None:
    term = added_term(carry.name, carry.next)
    if term is None or carry.name in local_names(term):
        return None
    others = (*loop.body, *(each.next for each in loop.carried if each is not carry), term)
    return PrefixSum(carry, term, carry.name in local_names(*others), _rank_one(term))


def added_term(name: str, expr: Expr) -> Expr | None:
    """`term` where `expr` is `name + term`."""
    match expr:
        case Elementwise(function="add", arguments=(Local(name=first), term)) if first == name:
            return term
        case Elementwise(function="add", arguments=(term, Local(name=second))) if second == name:
            return term
    return None


def _rank_one(term: Expr) -> tuple[Expr, Expr] | None:
    match term:
        case Elementwise(function="multiply", arguments=(a, b)):
            for scalar, vector in ((a, b), (b, a)):
                if scalar.type.rows and not scalar.type.shape and not vector.type.rows and vector.type.shape:
                    return scalar, vector
    return None


def _evaluation_order(body: tuple[Statement, ...], sums: list[PrefixSum]) -> tuple[Statement | PrefixSum, ...] | None:
    """Statements in their order, each running sum just before its first use, totals last; None when a sum needs
    itself."""
    source: dict[str, Statement | PrefixSum] = {each.carry.name: each for each in sums if each.running}
    for statement in body:
        source.update(dict.fromkeys(bound_names([statement]), statement))
    done: list[Statement | PrefixSum] = []
    open_steps: list[Statement | PrefixSum] = []

    def visit(step: Statement | PrefixSum) -> bool:
        if any(step is each for each in done):
            return True
        if any(step is each for each in open_steps):
            return False
        open_steps.append(step)
        reads = local_names(step.term) if isinstance(step, PrefixSum) else local_names(step)
        wanted = [source[name] for name in sorted(reads) if name in source and source[name] is not step]
        wanted.sort(key=lambda each: next((n for n, s in enumerate(body) if s is each), -1))
        finished = all(visit(each) for each in wanted)
        open_steps.pop()
        done.append(step)
        return finished

    steps: tuple[Statement | PrefixSum, ...] = (*body, *sums)
    return tuple(done) if all(visit(step) for step in steps) else None


def _dependent_names(loop: Loop, steps: tuple[Statement | PrefixSum, ...]) -> frozenset[str]:
    dependent = {loop.index}

    def visit(statement: Statement) -> None:
        match statement:
            case Let(name, value):
                if local_names(value) & dependent:
                    dependent.add(name)
            case Loop():
                before = -1
                while len(dependent) != before:  # a carried value may become dependent only in its second iteration
                    before = len(dependent)
                    for inner in statement.body:
                        visit(inner)
                    for carry in statement.carried:
                        if local_names(carry.initial, carry.next) & dependent:
                            dependent.add(carry.name)

    for step in steps:
        if isinstance(step, PrefixSum):
            dependent.add(step.carry.name)
        else:
            visit(step)
    return frozenset(dependent)


def _indexes_alone(part: Node, index: str, dependent: frozenset[str]) -> bool:
    """Whether a node stays meaningful when `index` becomes a range: the index stands alone where it selects, and at
    most once; what is selected from is the same for all iterations."""

    def is_index(place: Expr | None) -> bool:
        return isinstance(place, Local) and place.name == index

    match part:
        case ParameterRead(index=places):
            selecting = [p for p in places if p is not None and local_names(p) & dependent]
            return len(selecting) <= 1 and all(is_index(place) for place in selecting)
        case Column(vector=vector, index=place):
            varies = bool(local_names(place) & dependent)
            return not varies or (is_index(place) and not local_names(vector) & dependent)
        case Window(value=value, start=start):
            if not (local_names(start) & dependent):
                return True
            block = block_index(part)
            return block is not None and is_index(block) and not local_names(value) & dependent
        case StoreColumn(index=place):
            return is_index(place)
        case Concat(parts=parts):
            return part.type.rows or not any(local_names(each) & dependent for each in parts)
        case Loop() if part.index != index:
            return not local_names(part.count) & dependent and all(_starts_alike(c, dependent) for c in part.carried)
    return True


def _starts_alike(carry: Carry, dependent: frozenset[str]) -> bool:
    """Whether an inner loop's carried value has the same axes before and after its first iteration."""
    return (
        carry.name not in dependent
        or bool(local_names(carry.initial) & dependent)
        or added_term(carry.name, carry.next) is not None
    )


def widest(loop: Loop, dependent: frozenset[str]) -> int:
    """The length of the longest vector that differs between iterations: what one row of one iteration costs, with all
    its particles."""
    lengths = [1]
    pending: list[Node] = [*loop.body, *(carry.next for carry in loop.carried)]
    while pending:
        part = pending.pop()
        pending.extend(children(part))
        if isinstance(part, Expr) and len(part.type.shape) <= 1 and local_names(part) & dependent:
            lengths.append(math.prod(part.type.shape) * part.type.particles)
    return max(lengths)
