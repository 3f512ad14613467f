"""Which elements of a joint depend on which: its equations as a directed graph over single elements, and d-separation.

Part of what a proof trusts.  Sets of elements are the bits of an integer, so that whole tensors are visited at once.

The equation of an element may use fewer elements than its head lists, and a tensor at once (`p(x | z) = Normal(z, 1)`)
fewer for each element than it mentions.  Two graphs bound what an equation depends on: the `least`, what the formulas
of its parameters mention element by element, and the `most`, in which an element also depends on what the head lists
and the body does not use.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping

from gencompiler.catalog.distributions import DISTRIBUTIONS
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Shape, Term, bound_index, literal, name_of, substitute
from gencompiler.proof.kernel import Unproved, need
from gencompiler.proof.structure import WHOLE, Admissible, Axis, Chains, Place, Production, covers, is_atom

#: More elements than this are not separated one by one.
MOST_ELEMENTS = 8192

Variables = tuple[tuple[str, Shape], ...]


@dataclasses.dataclass(frozen=True)
class Elements:
    """The elements of variables, numbered; `first` is the number of each variable's first one."""

    shapes: Mapping[str, Shape]
    first: Mapping[str, int]
    count: int

    @classmethod
    def of(cls, variables: Variables) -> Elements:
        first: dict[str, int] = {}
        count = 0
        for name, shape in variables:
            first[name] = count
            count += math.prod(shape)
        need(count <= MOST_ELEMENTS, "{} elements are more than {}", count, MOST_ELEMENTS)
        return cls(dict(variables), first, count)

    def all_of(self, name: str) -> int:
        """The set of a variable's elements."""
        return ((1 << math.prod(self.shapes[name])) - 1) << self.first[name]

    def place(self, place: Place, at: Mapping[str, int]) -> tuple[int, ...]:
        """The elements of a place, its indices at these values, in order; raises Unproved where they are not known."""
        shape = self.shapes[place.variable]
        axes = [*place.axes, *(WHOLE,) * (len(shape) - len(place.axes))]
        chosen = [_along(axis, extent, at) for axis, extent in zip(axes, shape, strict=True)]
        strides = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
        start = self.first[place.variable]
        return tuple(
            start + sum(p * s for p, s in zip(each, strides, strict=True)) for each in itertools.product(*chosen)
        )

    def name(self, element: int) -> tuple[str, tuple[int, ...]]:
        """The variable and the place of an element."""
        variable = max((n for n in self.first if self.first[n] <= element), key=self.first.__getitem__)
        rest, place = element - self.first[variable], []
        for k in range(len(self.shapes[variable])):
            stride = math.prod(self.shapes[variable][k + 1 :])
            place.append(rest // stride)
            rest %= stride
        return variable, tuple(place)


def _along(axis: Axis, extent: int, at: Mapping[str, int]) -> range:
    """The places of one axis that a subscript picks."""
    if axis.order:
        raise Unproved("a place along an order, which may be any")
    if axis.kind == "whole":
        return range(extent)
    if axis.kind == "place":
        found = range(axis.shift, axis.shift + 1)
    elif axis.kind == "index" and axis.index in at:
        found = range(at[axis.index] + axis.shift, at[axis.index] + axis.shift + 1)
    elif axis.kind == "before" and axis.index in at:
        return range(min(max(at[axis.index] + axis.shift, 0), extent))
    elif axis.kind == "after" and (axis.index in at or not axis.index):
        return range(max(at.get(axis.index, 0) + axis.shift, 0), extent)
    else:
        raise Unproved("a subscript of which nothing is known")
    need(found.start >= 0 and found.stop <= extent, "a place beyond the end of its axis")
    return found


@dataclasses.dataclass(frozen=True)
class Network:
    """`least[e]` and `most[e]`: what element e depends on, as bits; `produced`: the elements that have an equation.

    `determined`: elements that are functions of what they depend on; `laws`: the equation of each element, by number,
    and the values of its indices.  `blurred`: some equation makes several elements at once by other laws than those of
    the catalogue, or computes its variable from others."""

    least: tuple[int, ...]
    most: tuple[int, ...]
    produced: int
    determined: int
    laws: tuple[tuple[int, tuple[tuple[str, int], ...]] | None, ...]
    blurred: bool


def network(elements: Elements, productions: tuple[Production, ...]) -> Network:
    """The graph of a factorization; raises Unproved where an equation's places are not known."""
    least, most = [0] * elements.count, [0] * elements.count
    laws: list[tuple[int, tuple[tuple[str, int], ...]] | None] = [None] * elements.count
    determined = 0
    blurred = False
    for number, production in enumerate(productions):
        need(production.law is not None, "an equation that is known up to a constant")
        for at in _indices(production):
            targets = [e for place in production.produces for e in elements.place(place, at)]
            parts = _parts(elements, production, at, len(targets))
            unused = _unused(elements, production, at)
            blurred = blurred or (parts is None and (len(targets) > 1 or isinstance(production.law, Chains | Member)))
            listed = _union(elements.place(p, at) for p in production.listed if p.variable in elements.shapes)
            earlier = 0
            for k, element in enumerate(targets):
                need(laws[element] is None, "an element with two equations")
                laws[element] = (number, tuple(sorted(at.items())))
                least[element] = listed & ~unused if parts is None else parts[k]
                most[element] = least[element] | unused | (earlier if parts is None else 0)
                earlier |= 1 << element
                if _atomic(production):
                    determined |= 1 << element
    produced = sum(1 << e for e in range(elements.count) if laws[e] is not None)
    return Network(tuple(least), tuple(most), produced, determined, tuple(laws), blurred)


def without(network_: Network, count: int) -> Network:
    """A graph of its first `count` elements: what depends on another depends on what that depends on."""
    kept = (1 << count) - 1

    def closed(parents: tuple[int, ...]) -> tuple[int, ...]:
        found = []
        for own in parents[:count]:
            done = own & kept
            waiting = own & ~kept
            seen = waiting
            while waiting:
                element = waiting.bit_length() - 1
                more = parents[element] & ~seen
                done |= more & kept
                seen |= more & ~kept
                waiting = (waiting & ~(1 << element)) | (more & ~kept)
            found.append(done)
        return tuple(found)

    laws, determined = network_.laws[:count], network_.determined & kept
    return Network(
        closed(network_.least), closed(network_.most), network_.produced & kept, determined, laws, network_.blurred
    )


def _atomic(production: Production) -> bool:
    return isinstance(production.law, Admissible) and is_atom(production.law.family)


def _indices(production: Production) -> Iterator[dict[str, int]]:
    """Every value of a production's indices."""
    names = [r.index for r in production.indices]
    for values in itertools.product(*(range(r.start, r.stop) for r in production.indices)):
        yield dict(zip(names, values, strict=True))


def _union(sets: Iterator[tuple[int, ...]]) -> int:
    return sum(1 << e for e in {e for each in sets for e in each})


def _unused(elements: Elements, production: Production, at: Mapping[str, int]) -> int:
    """What the head lists and the body does not mention any part of."""
    unused = [
        p
        for p in production.listed
        if p.variable in elements.shapes and not any(covers(p, u) for u in production.mentioned)
    ]
    return _union(elements.place(p, at) for p in unused)


def _parts(elements: Elements, production: Production, at: Mapping[str, int], size: int) -> list[int] | None:
    """What each element of a target depends on by the formulas of its distribution; None where that is not known."""
    law = production.law
    if not isinstance(law, Admissible) or law.family not in DISTRIBUTIONS:
        return None
    found = [0] * size
    reading = Reading(elements)
    for argument in law.arguments:
        here = {s: literal(at[name_of(s)]) for s in argument.symbols if s.data[0] == "index" and name_of(s) in at}
        each = reading.of(substitute(argument, here))
        if law.shape == ():  # a vector has one number for each value of the scalar
            each = [_all(each)]
        need(len(each) in (1, size), "a parameter of another size than the event")
        for k in range(size):
            found[k] |= each[k] if len(each) == size else each[0]
    return found


def _all(sets: list[int]) -> int:
    found = 0
    for each in sets:
        found |= each
    return found


class Reading:
    """The elements of variables that each element of a term mentions; those that a causal view hides mention none."""

    def __init__(self, elements: Elements) -> None:
        self.elements = elements
        self.known: dict[Term, list[int]] = {}

    def of(self, term: Term) -> list[int]:
        if term not in self.known:
            self.known[term] = self._of(term)
        return self.known[term]

    def _of(self, term: Term) -> list[int]:
        size = math.prod(term.shape)
        match term.operation:
            case "symbol":
                return self._symbol(term, size)
            case "apply" | "choose":
                columns = [self.of(a) for a in term.arguments]
                return [_all([c[k] if len(c) == size else c[0] for c in columns]) for k in range(size)]
            case "contract":
                return self._contract(*term.arguments)
            case "select":
                base, width = self.of(term.arguments[0]), math.prod(term.shape[1:])
                return [base[p * width + k] for p in term.data for k in range(width)]
            case "join":
                return [e for a in term.arguments for e in self.of(a)]
            case "element":
                return self._element(term)
            case "each":
                return self._each(term)
        return [_all([_all(self.of(a)) for a in term.arguments if a.operation not in ("whole", "before")])] * size

    def _symbol(self, term: Term, size: int) -> list[int]:
        kind, name = term.data[:2]
        if kind == "index":
            raise Unproved("an index whose value is not known")
        if kind != "variable" or name not in self.elements.first:
            return [0] * size
        start = self.elements.first[name]
        return [1 << (start + k) for k in range(size)]

    def _contract(self, left: Term, right: Term) -> list[int]:
        rows, columns, inner = math.prod(left.shape[:-1]), math.prod(right.shape[1:]), left.shape[-1]
        a, b = self.of(left), self.of(right)
        over = [_all(a[i * inner : (i + 1) * inner]) for i in range(rows)]
        down = [_all(b[j::columns]) for j in range(columns)]
        return [o | d for o in over for d in down]

    def _each(self, term: Term) -> list[int]:
        (body,) = term.arguments
        index = bound_index(*term.data)
        found: list[int] = []
        for k in range(term.data[1]):
            found += self.of(substitute(body, {index: literal(k)}) if index in body.symbols else body)
        return found

    def _element(self, term: Term) -> list[int]:
        """A subscript that is a variable may pick any place, and depends on the variable."""
        base, *subscripts = term.arguments
        shape, values = base.shape, self.of(base)
        also = 0
        axes: list[list[tuple[int, ...]]] = []
        for extent, place in itertools.zip_longest(shape, subscripts):
            if place is None or place.operation == "whole":
                axes.append([(k,) for k in range(extent)])
            elif place.operation == "before":
                last = _whole_number(place.arguments[0]) + int(place.data)
                axes.append([(k,) if k < last else () for k in range(extent)])
            elif (at := _place(place)) is not None:
                need(0 <= at < extent, "a place beyond the end of its axis")
                axes.append([(at,)])
            else:
                also |= _all(self.of(place))
                axes.append([tuple(range(extent))])
        strides = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
        found = []
        for chosen in itertools.product(*axes):
            picked = (sum(p * s for p, s in zip(each, strides, strict=True)) for each in itertools.product(*chosen))
            found.append(also | _all([values[p] for p in picked]))
        return found


def _place(term: Term) -> int | None:
    """The place that a subscript is where its index is a number: `3`, `3 - 1`; None of what is computed otherwise."""
    if term.operation == "literal":
        return _whole_number(term)
    if term.operation != "apply" or term.data not in ("add", "subtract"):
        return None
    left, right = map(_place, term.arguments)
    if left is None or right is None:
        return None
    return left + right if term.data == "add" else left - right


def _whole_number(term: Term) -> int:
    if term.operation != "literal" or term.data != int(term.data):
        raise Unproved(f"{term} is not a known place")
    return int(term.data)


# -- separation ------------------------------------------------------------------------------------------------------


def bits(members: int) -> Iterator[int]:
    """The elements of a set."""
    while members:
        low = members & -members
        yield low.bit_length() - 1
        members ^= low


def children_of(parents: tuple[int, ...]) -> tuple[int, ...]:
    found = [0] * len(parents)
    for child, own in enumerate(parents):
        for parent in bits(own):
            found[parent] |= 1 << child
    return tuple(found)


def ancestral(parents: tuple[int, ...], members: int) -> int:
    """`members` and everything that they descend from."""
    found = waiting = members
    while waiting:
        more = 0
        for element in bits(waiting):
            more |= parents[element]
        waiting = more & ~found
        found |= more
    return found


def fixed(network_: Network, known: int) -> int:
    """`known` and what it determines: elements that are functions of elements in it."""
    while True:
        more = sum(1 << e for e in bits(network_.determined & ~known) if network_.most[e] & ~known == 0)
        if not more:
            return known
        known |= more


def connected(parents: tuple[int, ...], children: tuple[int, ...], start: int, known: int) -> int:
    """The elements that an active trail joins to `start` given `known` (Koller & Friedman, Probabilistic Graphical
    Models, algorithm 3.1): a trail passes what is not known, and meets head to head where that, or something that
    descends from it, is known."""
    meets = ancestral(parents, known)
    up, down = 1 << start, 0  # arrived at from a child, and from a parent
    seen_up = seen_down = 0
    while up or down:
        now_up, now_down = up & ~seen_up, down & ~seen_down
        seen_up, seen_down, up, down = seen_up | now_up, seen_down | now_down, 0, 0
        for element in bits(now_up & ~known):
            up |= parents[element]
            down |= children[element]
        for element in bits(now_down & ~known):
            down |= children[element]
        for element in bits(now_down & meets):
            up |= parents[element]
        up, down = up & ~seen_up, down & ~seen_down
    return (seen_up | seen_down) & ~known & ~(1 << start)


def trail(parents: tuple[int, ...], children: tuple[int, ...], start: int, end: int, known: int) -> tuple[int, ...]:
    """A shortest active trail from `start` to `end` given `known`, both included; empty where there is none."""
    meets = ancestral(parents, known)
    came: dict[tuple[int, bool], tuple[int, bool] | None] = {(start, True): None}
    queue = [(start, True)]
    for state in queue:
        element, from_child = state
        if element == end:
            path = []
            back: tuple[int, bool] | None = state
            while back is not None:
                path.append(back[0])
                back = came[back]
            return tuple(reversed(path))
        open_ = not known >> element & 1
        steps: list[tuple[int, bool]] = []
        if open_:
            steps += [(c, False) for c in bits(children[element])]
        if (from_child and open_) or (not from_child and meets >> element & 1):
            steps += [(p, True) for p in bits(parents[element])]
        for step in steps:
            if step not in came:
                came[step] = state
                queue.append(step)
    return ()


def order_of(parents: tuple[int, ...], members: int) -> tuple[int, ...]:
    """`members` after those of them that they depend on; raises Unproved where they go round in a circle."""
    order: list[int] = []
    left = members
    while left:
        ready = [e for e in bits(left) if not parents[e] & left]
        if not ready:
            raise Unproved("the equations go round in a circle")
        order += ready
        left &= ~sum(1 << e for e in ready)
    return tuple(order)
