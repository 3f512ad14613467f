"""The search for counterexamples: a bounded number of small rational points, each confirmed by the kernel."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from fractions import Fraction

from gencompiler.model.nodes import Support
from gencompiler.proof import rules, splines, sweep_search
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.condition_rules import holds_at
from gencompiler.proof.counterexamples import Looking
from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Term, substitute, subterms, support_of
from gencompiler.proof.kernel import Proof, Unproved, attempt
from gencompiler.proof.map_rules import pieces
from gencompiler.proof.numbers import Number, Undecided, compare
from gencompiler.proof.poles import divisors, zeros
from gencompiler.proof.refute_rules import Assignment, admissible, continuous
from gencompiler.proof.search import Search

assert rules.RULES

#: Values tried, simplest first, and how many points at most.
CANDIDATES = tuple(Fraction(v) for v in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "3", "-3", "10", "-10"))
BUDGET = 200


def atoms(*terms: Term) -> tuple[Term, ...]:
    """The symbols and network outputs that terms depend on, outermost networks as atoms of their own, in order."""
    found: dict[Term, None] = {}
    hidden: set[Term] = set()
    for term in reversed(subterms(*terms)):
        if term in hidden and not _seen_outside(term, terms):
            continue
        if term.operation == "network":
            found[term] = None
            hidden.update(term.arguments)
        elif term.operation == "symbol" and term.data[0] != "bound":
            found[term] = None
    return tuple(reversed(found))


def _seen_outside(term: Term, roots: tuple[Term, ...]) -> bool:
    """Whether `term` is reached from a root without passing through a network."""
    stack = list(roots)
    seen: set[Term] = set()
    while stack:
        current = stack.pop()
        if current is term:
            return True
        if current not in seen and current.operation != "network":
            seen.add(current)
            stack.extend(current.arguments)
    return False


def assignments(free: tuple[Term, ...]) -> Iterator[Assignment]:
    """Points for the free atoms: all equal first, then others, BUDGET at most."""
    groups: dict[object, list[Term]] = {}
    for atom in free:
        groups.setdefault(atom.data[:2] if atom.operation == "network" else atom, []).append(atom)
    choices = [
        [c for c in CANDIDATES if members[0].operation == "network" or admissible(support_of(members[0]), c)]
        for members in groups.values()
    ]
    by_size = sorted(itertools.islice(itertools.product(*(range(len(c)) for c in choices)), 20 * BUDGET), key=sum)
    for picked in by_size[:BUDGET]:
        yield tuple(
            (atom, choices[k][place])
            for k, (members, place) in enumerate(zip(groups.values(), picked, strict=True))
            for atom in members
        )


def _inputs(input_: Term) -> list[Fraction]:
    return [c for c in CANDIDATES if admissible(support_of(input_), c)]


def not_injective(
    input_: Term, body: Term, search: Search, zero: Term | None = None, requires: tuple[Member, ...] = ()
) -> Proof | None:
    """Two inputs with one value, or values out of order, where the conditions hold; with `zero`, first where that
    factor of the map is 0."""
    return _near(input_, body, search, zero, requires) or Looking(input_, body, requires).not_injective()


def _near(input_: Term, body: Term, search: Search, zero: Term | None, requires: tuple[Member, ...]) -> Proof | None:
    free = tuple(a for a in atoms(body, *(c.term for c in requires)) if a is not input_)
    for assignment in assignments(free):
        if requires and not holds_at(requires, assignment):
            continue
        if zero is not None and not _vanishes(zero, assignment):
            continue
        found = _twins(input_, body, assignment) or (
            _folded(input_, body, assignment, search) if input_.shape == () and continuous(body, input_) else None
        )
        if found is not None:
            return found
    return None


def _vanishes(term: Term, assignment: Assignment) -> bool:
    try:
        return any(v == 0 for v in evaluate(term, dict(assignment)))
    except (Undecided, Undefined):
        return False


def _twins(input_: Term, body: Term, assignment: Assignment) -> Proof | None:
    size = 1
    for extent in input_.shape:
        size *= extent
    places = [(p,) * size for p in _inputs(input_)]
    if size > 1:
        start, *others = _inputs(input_)
        places += [(start,) * (size - 1) + (p,) for p in others[:2]]
        places += [(p,) + (start,) * (size - 1) for p in others[:2]]
    seen: dict[tuple[object, ...], tuple[Fraction, ...]] = {}
    for place in places:
        try:
            values = evaluate(body, {**dict(assignment), input_: place})
        except (Undecided, Undefined):
            continue
        if not all(isinstance(v, Fraction) for v in values):
            continue
        other = seen.setdefault(values, place)
        if other != place:
            return attempt("two_points", (input_, body, assignment, other, place))
    return None


def _folded(input_: Term, body: Term, assignment: Assignment, search: Search) -> Proof | None:
    try:
        premise = search.range(body)
    except NotFound:
        return None
    values: list[tuple[Fraction, Number]] = []
    for place in sorted(_inputs(input_)):
        try:
            values.append((place, evaluate(body, {**dict(assignment), input_: (place,)})[0]))
        except (Undecided, Undefined):
            continue
    for first, second, third in itertools.combinations(values, 3):
        if _turns(first[1], second[1], third[1]):
            places = (first[0], second[0], third[0])
            return attempt("fold", (input_, body, assignment, *places), premise)
    return None


def _turns(a: Number, b: Number, c: Number) -> bool:
    try:
        return compare(a, b) * compare(b, c) < 0
    except Undecided:
        return False


def not_around(input_: Term, body: Term, search: Search) -> Proof | None:
    """Values of the rest for which a map of the circle does not go around once."""
    if input_.shape or body.shape:
        return None
    try:
        defined = search.range(body)
    except NotFound:
        return None
    free = tuple(a for a in atoms(body) if a is not input_)
    for assignment in assignments(free):
        found = attempt("not_around", (input_, body, assignment), defined)
        if found is not None:
            return found
    return None


def outside(term: Term, support: Support) -> Proof | None:
    """Values of the symbols for which `term` is not in `support`, or undefined."""
    for assignment in assignments(atoms(term)):
        found = attempt("outside", (term, support, assignment))
        if found is not None:
            return found
    return None


def outside_map(input_: Term, body: Term, support: Support, requires: tuple[Member, ...] = ()) -> Proof | None:
    """An input, and values of the rest where the conditions hold, at which a map leaves `support`."""
    if input_.shape != ():
        return None
    near = None if requires else outside(body, support)
    return near or Looking(input_, body, requires).outside(support) or _at_poles(body, support, requires)


def _at_poles(body: Term, support: Support, requires: tuple[Member, ...]) -> Proof | None:
    """Values at which a divisor vanishes, where the conditions hold."""
    free = atoms(body, *(c.term for c in requires))
    if any(a.operation == "network" for a in free):
        return None
    for divisor in divisors(body):
        for assignment in zeros(divisor, assignments(free)):
            if requires and not holds_at(requires, assignment):
                continue
            found = attempt("outside", (body, support, assignment))
            if found is not None:
                return found
    return None


def not_onto(
    input_: Term, body: Term, support: Support, search: Search, requires: tuple[Member, ...] = ()
) -> Proof | None:
    """A proven range that misses part of `support`, or values of the rest, where the conditions hold, for which one
    does."""
    found: Proof | None = None
    if not requires:
        found = attempt("skips_integers", (input_, body, support))
        if found is not None:
            return found
        with contextlib.suppress(NotFound):
            if splines.is_spline(input_, body):
                return attempt("not_onto", (support,), search.bijection(input_, body))
            found = attempt("not_onto", (support,), search.range(body)) or _gap(input_, body, support, search)
    return found or Looking(input_, body, requires).not_onto(support, search)


def along_intervals(input_: Term, body: Term, support: Support) -> Proof | None:
    """A value that is taken on two intervals, or on none."""
    free = tuple(a for a in atoms(body) if a is not input_)
    if input_.shape or body.shape:
        return None
    found = sweep_search.taken_twice(input_, body, free)
    return found or sweep_search.never_taken(input_, body, support, free)


def _gap(input_: Term, body: Term, support: Support, search: Search) -> Proof | None:
    """A value between the two pieces of a map."""
    try:
        low, high, _, upper_first = pieces(input_, body)
    except Unproved:
        return None
    _, then, otherwise = body.arguments
    below, above = (otherwise, then) if upper_first else (then, otherwise)
    ranges = [search.range(substitute(b, {input_: half})) for b, half in ((below, low), (above, high))]
    for value in CANDIDATES:
        found = attempt("gap", (input_, body, support, value), *ranges)
        if found is not None:
            return found
    return None
