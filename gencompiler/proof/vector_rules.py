"""Rules for maps of vectors: block-triangular ones, and one map after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import domain
from gencompiler.proof.binders import releveled, replaced
from gencompiler.proof.circles import principal
from gencompiler.proof.domain import REALS, Circle, Interval
from gencompiler.proof.facts import Bijection, CircleMap, Fact, VectorBijection, result
from gencompiler.proof.graph import Term, join, select, substitute, subterms, support_of, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.terms import ZERO, plus, total

Places = tuple[int, ...]
#: What is known of one part of a map.
Part = Bijection | CircleMap | VectorBijection


def block_symbols(input_: Term, blocks: tuple[Places, ...]) -> tuple[Term, ...]:
    """One symbol for each block of places of the input, named as the part is spelled; raises Unproved where two would
    have one name, as long spellings are cut short."""
    found = tuple(
        symbol("block", str(select(input_, places)), support_of(input_), (len(places), *input_.shape[1:]))
        for places in blocks
    )
    need(len(set(found)) == len(found), "two blocks of {} go by one name", input_)
    return found


def in_blocks(input_: Term, body: Term, blocks: tuple[Places, ...]) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """The block symbols, and the parts of `body` (one for each block) in terms of them."""
    flat = sorted(p for places in blocks for p in places)
    need(bool(input_.shape) and flat == list(range(input_.shape[0])), "the blocks do not partition the input")
    symbols = block_symbols(input_, blocks)
    need(not set(symbols) & (body.symbols - {input_}), "a name of a block is in use")
    rewritten = substitute(body, {input_: assembled(symbols, blocks)})
    parts: list[Term] = []
    start = 0
    for places in blocks:
        parts.append(select(rewritten, range(start, start + len(places))))
        start += len(places)
    need(rewritten.shape == input_.shape, "the result has another shape than the input")
    return symbols, tuple(parts)


def assembled(parts: Sequence[Term], blocks: tuple[Places, ...]) -> Term:
    """Parts of a tensor as the whole of it, each at the places of its block."""
    flat = [p for places in blocks for p in places]
    position = {place: j for j, place in enumerate(flat)}
    return select(join(parts), (position[p] for p in range(len(flat))))


def part_of(premise: Fact, input_: Term, body: Term) -> Part:
    """The premise that `body` is a bijection in `input_`: elementwise, or as a whole."""
    if not isinstance(premise, Part) or premise.input is not input_ or premise.body is not body:
        raise Unproved(f"{body} is not known to be injective in {input_}")
    return premise


def whole_of(premise: Fact, input_: Term, body: Term) -> VectorBijection:
    """The premise that `body` is a bijection of the vector `input_`, as a whole."""
    found = part_of(premise, input_, body)
    if not isinstance(found, VectorBijection):
        raise Unproved(f"{body} is known element by element alone")
    return found


def undone(found: Part) -> Term:
    """The inverse of a part; of one of angles, as angles of [-pi, pi), which is what other parts know them as."""
    known = not isinstance(found, CircleMap) or found.principal or found.inverse is result(found.input.shape)
    return found.inverse if known else principal(found.inverse)


def volume(found: Part) -> Term:
    """log|det| of a map of a tensor, as a scalar in terms of its input."""
    return found.log_det if isinstance(found, VectorBijection) else total(found.log_derivative, found.input.shape)


@rule
def blocks(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A block-triangular map: part k of the result is a bijection of block k, and depends on earlier blocks only.

    Subject: the input, the body, the places of the input that belong to each part of the result in order, and the order
    in which the blocks can be solved.  Premises: one bijection for each part."""
    input_, body, places, order = cast(tuple[Term, Term, tuple[Places, ...], tuple[int, ...]], subject)
    need(all(p for p in places) and sorted(order) == list(range(len(places))), "not an order of the blocks")
    symbols, parts = in_blocks(input_, body, places)
    need(len(premises) == len(parts), "one premise for each part")
    maps = [part_of(p, s, e) for p, s, e in zip(premises, symbols, parts, strict=True)]
    images = {m.image for m in maps}
    need(len(images) == 1, "the parts have different ranges")
    solved = _solve(maps, order, input_)
    inverse = assembled(solved, places)
    here = {s: select(input_, p) for s, p in zip(symbols, places, strict=True)}
    log_det: Term = ZERO
    for found in maps:
        log_det = plus(log_det, substitute(volume(found), here))
    return VectorBijection(
        input_, body, images.pop(), all(m.onto for m in maps), releveled(inverse), releveled(log_det)
    )


def _solve(maps: list[Part], order: tuple[int, ...], input_: Term) -> list[Term]:
    """Each block in terms of the result, block by block in the given order."""
    whole = result(input_.shape)
    starts = [sum(m.input.shape[0] for m in maps[:k]) for k in range(len(maps))]
    solved: dict[Term, Term] = {}
    unsolved = {m.input for m in maps}
    for k in order:
        found = maps[k]
        unsolved.discard(found.input)
        mentioned = found.body.symbols | found.inverse.symbols
        need(not (mentioned & unsolved), "{} depends on a block solved later", found.body)
        own = select(whole, range(starts[k], starts[k] + found.input.shape[0]))
        solved[found.input] = substitute(undone(found), {**solved, result(found.input.shape): own})
    return [solved[m.input] for m in maps]


@rule
def composed(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """`f(g(u))` of two bijections, the second applied to all that the first gives.

    Subject: the input, the body, the inner value g(u).  Premises: the inner bijection, and that the body is one of a
    symbol with the inner image as its values, put in the place of g(u)."""
    input_, body, inner = cast(tuple[Term, Term, Term], subject)
    first, second = premises
    own, outer = outer_of(input_, body, inner, first)
    after = part_of(second, own, outer)
    before_ = part_of(first, input_, inner)
    slope = plus(volume(before_), substitute(volume(after), {own: inner}))
    inverse = substitute(before_.inverse, {result(inner.shape): after.inverse})
    onto = after.onto and before_.onto
    return VectorBijection(input_, body, after.image, onto, releveled(inverse), releveled(slope))


def outer_of(input_: Term, body: Term, inner: Term, first: Fact) -> tuple[Term, Term]:
    """A symbol for the inner value, and the body in terms of it and free of the input."""
    need(isinstance(first, Bijection | VectorBijection), "the inner value is not known to be a bijection")
    assert isinstance(first, Bijection | VectorBijection)
    support = interval_support(first.image)
    own = symbol("block", f"the value of {inner}", support, inner.shape)
    need(own not in body.symbols, "the name of {} is in use", inner)
    outer = replaced(body, {inner: own})
    if input_ in outer.symbols:  # a reordering of the inner value, which normal forms push into its parts
        outer = next((select(own, places) for core, places in reordered(input_, body) if core is inner), outer)
    need(input_ not in outer.symbols and inner is not input_, "{} depends on {} in another way", body, input_)
    return own, outer


def reordered(input_: Term, body: Term) -> Iterator[tuple[Term, Places]]:
    """The values of which the body is a reordering that some part of it has too, and the reordering."""
    if body.operation not in ("apply", "choose") or not body.shape:
        return
    whole = list(range(body.shape[0]))
    parts = [t for t in subterms(body) if t.operation == "select" and input_ in t.symbols]
    for places in dict.fromkeys(t.data for t in parts if sorted(t.data) == whole):
        core = select(body, tuple(places.index(k) for k in whole))
        if core is not body and select(core, places) is body:
            yield core, places


def interval_support(image: Interval | Circle) -> Support:
    """The support whose values are the numbers of an interval."""
    if isinstance(image, Circle):
        raise Unproved("angles are no numbers of an interval")
    if image == REALS:
        return REAL
    closed = Support("Interval", (image.lower, image.upper))
    for found in (Support("Open", (image.lower, image.upper)), closed):
        if domain.of_support(found) == image:
            return found
    raise Unproved(f"no type has the values {image}")
