"""The search for proofs about maps of vectors: block by block, entry by entry, one map after another.

As in `search`, nothing here is trusted."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gencompiler.model.nodes import Support
from gencompiler.proof import change_search, operator_search, written_search
from gencompiler.proof.binders import replaced
from gencompiler.proof.blocks import NotFound, diagonal, solving_order
from gencompiler.proof.contractions import is_formula
from gencompiler.proof.exchange_search import exchanges
from gencompiler.proof.facts import Bijection, InRange, Lipschitz, VectorBijection
from gencompiler.proof.graph import Malformed, Term, contract, select, symbol
from gencompiler.proof.index_rules import in_entries
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.lattice_rules import Shifts
from gencompiler.proof.lemma_rules import ALONG, DISTANCE, affine_parts, change, radial_of, ridge_of
from gencompiler.proof.mask_rules import masked
from gencompiler.proof.matrix_rules import factor_of
from gencompiler.proof.mixing_rules import mixed_blocks, mixing_of
from gencompiler.proof.part_search import block, by_index, elementwise, proved, value_between
from gencompiler.proof.subspace_rules import within_of
from gencompiler.proof.text import number
from gencompiler.proof.vector_rules import in_blocks, interval_support, outer_of, reordered

if TYPE_CHECKING:
    from gencompiler.proof.search import Search


def bijection(search: Search, input_: Term, body: Term, reordering: bool = True) -> Proof:
    """That a map of a vector is a bijection onto its range, `reordering` of other values too; raises NotFound.

    One whose inverse is a formula goes before one that is known to have an inverse."""
    try:
        known = _by_structure(search, input_, body, reordering)
    except NotFound:
        whole = _whole(search, input_, body)
        if whole is None:
            raise
        return whole
    if _is_formula(known):
        return known
    whole = _whole(search, input_, body)
    return whole if whole is not None and _is_formula(whole) else known


def _is_formula(found: Proof) -> bool:
    conclusion = found.conclusion
    assert isinstance(conclusion, Bijection | VectorBijection)
    return is_formula(conclusion.inverse)


def _by_structure(search: Search, input_: Term, body: Term, reordering: bool) -> Proof:
    """The same by what parts of the map do."""
    if body.shape != input_.shape:
        shapes = f"the result has the shape {list(body.shape)}, the input {list(input_.shape)}"
        raise NotFound("form", body, shapes)
    if body.operation in ("each", "contract"):
        found = _linear(search, input_, body)
        if found is not None:
            return found
    with contextlib.suppress(Unproved, Malformed):
        return _masked(search, input_, body)
    try:
        return (by_index if body.operation == "each" else _blocks)(search, input_, body)
    except NotFound as problem:
        failure = problem
    for lemma in (_mixing, _entries, _exchanged, _within, _ridge, _radial, _residual):
        try:
            found = lemma(search, input_, body)
        except NotFound as problem:
            if lemma not in (_mixing, _entries, _exchanged):
                raise
            failure = problem  # it says more than that parts need each other
        else:
            if found is not None:
                return found
    inner = value_between(input_, body)
    if inner is not None:
        return _composed(search, input_, body, inner, failure)
    for core, _ in reordered(input_, body) if reordering else ():
        with contextlib.suppress(NotFound):
            return _composed(search, input_, body, core, failure, reordering=False)
    raise failure


def _masked(search: Search, input_: Term, body: Term) -> Proof:
    """A map with constant masks, class by class; raises Unproved where it has none."""
    own = masked(input_, body)
    inner = bijection(search, input_, own.body)
    try:
        return prove("by_masks", (input_, body), search.range(body), inner)
    except Unproved as failure:
        raise NotFound("form", body, str(failure)) from None


def _whole(search: Search, input_: Term, body: Term) -> Proof | None:
    """That a map all of whose entries mix is a bijection by what is known of its Jacobian; None where it is not."""
    if len(input_.shape) != 1 or body.shape != input_.shape:
        return None
    for look in (
        operator_search.bijection,
        change_search.bijection,
        written_search.bijection,
        written_search.dominated,
        written_search.proper,
    ):
        found = look(search, input_, body)
        if found is not None:
            return found
    return None


# -- blocks ----------------------------------------------------------------------------------------------------------


def _blocks(search: Search, input_: Term, body: Term) -> Proof:
    """That a map is block-triangular with bijections on its diagonal."""
    places = diagonal(input_, body)
    try:
        symbols, parts = in_blocks(input_, body, places)
    except Unproved as failure:
        raise NotFound("form", body, str(failure)) from None
    alone = places == (tuple(range(input_.shape[0])),)
    try:
        order = solving_order(symbols, parts, places, input_)
        proofs = [
            elementwise(search, s, p) if alone else block(search, s, p) for s, p in zip(symbols, parts, strict=True)
        ]
    except NotFound as failure:
        raise failure.moved({s: select(input_, p) for s, p in zip(symbols, places, strict=True)}) from None
    return proved("blocks", (input_, body, places, order), body, *proofs)


def lattice(search: Search, input_: Term, body: Term, declared: Support) -> Proof:
    """That a map of integers shifts its blocks in turn; raises NotFound."""
    places = diagonal(input_, body)
    try:
        shifts = Shifts(input_, body, places)
    except (Unproved, Malformed) as failure:
        raise NotFound("form", body, str(failure)) from None
    known: dict[Term, Term] = {}
    order: list[int] = []
    why = f"{body} is no shift of its parts in turn"
    while len(order) < len(places):
        for k in (k for k in range(len(places)) if k not in order):
            try:
                known[shifts.symbols[k]] = shifts.solved(k, known)
            except (Unproved, Malformed) as failure:
                why = str(failure)
                continue
            order.append(k)
            break
        else:
            raise NotFound("form", body, why)
    return proved("lattice", (input_, body, declared, places, tuple(order)), body, search.defined(body))


# -- one map after another -------------------------------------------------------------------------------------------


def _composed(
    search: Search, input_: Term, body: Term, inner: Term, failure: NotFound, reordering: bool = True
) -> Proof:
    """That a map is a bijection of what another one gives; what was found before is told where this is no way."""
    first = bijection(search, input_, inner, reordering)
    try:
        own, outer = outer_of(input_, body, inner, first.conclusion)
    except (Unproved, Malformed):
        raise failure from None
    try:
        second = bijection(search, own, outer)
    except NotFound as problem:
        raise problem.moved({own: inner}) from None
    return proved("composed", (input_, body, inner), body, first, second)


# -- linear maps -----------------------------------------------------------------------------------------------------


def _linear(search: Search, input_: Term, body: Term) -> Proof | None:
    """That a linear map is a bijection; None where it is not linear in the input itself."""
    try:
        factor, _ = factor_of(input_, body)
    except Unproved:
        return None
    return proved("linear", (input_, body), body, search.nonsingular(factor))


def nonsingular(search: Search, term: Term) -> Proof:
    """That a matrix is never singular; raises NotFound or Unproved."""
    if term.operation == "contract" and all(len(a.shape) == 2 for a in term.arguments):
        return prove("nonsingular_product", (term,), *map(search.nonsingular, term.arguments))
    if term.operation == "matrix" and term.data == "expm":
        return prove("nonsingular_exponential", (term,), search.range(term.arguments[0]))
    if term.operation == "matrix":
        return prove("nonsingular_function", (term,), search.nonsingular(term.arguments[0]))
    if term.operation == "apply" and term.data in ("multiply", "divide"):
        factors = [a for a in term.arguments if a.shape == ()]
        tables = [a for a in term.arguments if a.shape != ()]
        if len(factors) == len(tables) == 1:
            return prove("nonsingular_multiple", (term,), search.nonsingular(tables[0]), search.log_abs(factors[0]))
    if term.operation == "table":
        return prove("nonsingular_table", (term,))
    try:
        return prove("declared_nonsingular", (term,))
    except Unproved:
        raise NotFound("singular", term, f"{term} may be singular") from None


def _entries(search: Search, input_: Term, body: Term) -> Proof | None:
    """That `u + (for i: e)` is a bijection as a map by index; None where it is not of this form."""
    try:
        written = in_entries(body)
    except Unproved:
        return None
    return proved("written_by_index", (input_, body), body, by_index(search, input_, written))


def _mixing(search: Search, input_: Term, body: Term) -> Proof | None:
    """That parts which mix each other linearly can be told apart; None where the map is not of this form.

    Raises NotFound where the determinant may be 0."""
    places = mixed_blocks(input_, body)
    try:
        found = mixing_of(input_, body, places)
        ranges = [search.range(term) for term in dict.fromkeys(found.coefficients())]
    except (NotFound, Unproved, Malformed):
        return None
    determinant = found.determinant()
    try:
        return proved("mixing", (input_, body, places), body, search.log_abs(determinant), *ranges)
    except NotFound:
        raise NotFound("mixed", determinant, f"the determinant {determinant} may be 0", body) from None


def _exchanged(search: Search, input_: Term, body: Term) -> Proof | None:
    """That parts of the input can be exchanged for parts of the result, one at a time; None where no order is found."""
    found = exchanges(input_, body, lambda own, part: block(search, own, part))
    if found is None and body.operation == "join" and all(p.shape == (1,) for p in body.arguments):
        shown = f"no order is found in which the entries of {input_} follow from those of the result, one at a time"
        raise NotFound("form", body, shown)
    return found


# -- within a subspace -----------------------------------------------------------------------------------------------


def _within(search: Search, input_: Term, body: Term) -> Proof | None:
    """That `u + Q @ h(u @ Q)` is a bijection; None where it is not of this form."""
    try:
        found = within_of(input_, body)
    except Unproved:
        return None
    try:
        inner = bijection(search, found.place, found.small)
    except NotFound as failure:
        raise failure.moved({found.place: contract(input_, found.basis)}) from None
    return proved("within_subspace", (input_, body), body, inner)


# -- along one direction ---------------------------------------------------------------------------------------------


def _ridge(search: Search, input_: Term, body: Term) -> Proof | None:
    """That `u + v g(w @ u)` is a bijection; None where it is not of this form."""
    try:
        found = ridge_of(input_, body)
    except Unproved:
        return None
    failures = []
    for flipped in (False, True):
        try:
            inner = _scalar(search, ALONG, found.scalar(flipped))
        except NotFound as failure:
            failures.append(failure)
            continue
        return proved("ridge", (input_, body, flipped), body, inner)
    raise failures[0].moved({ALONG: found.product})


def _radial(search: Search, input_: Term, body: Term) -> Proof | None:
    """That `u + (u - c) k(norm(u - c))` is a bijection; None where it is not of this form."""
    try:
        found = radial_of(input_, body)
    except Unproved:
        return None
    try:
        inner = _scalar(search, DISTANCE, found.scalar)
        ranges = map(search.range, (found.scale, *found.centres))
        return proved("radial", (input_, body), body, inner, *ranges)
    except NotFound as failure:
        raise failure.moved({DISTANCE: found.distance}) from None


def _residual(search: Search, input_: Term, body: Term) -> Proof | None:
    """That `u + g(u)` is a bijection where g is a contraction; None where it is not of this form."""
    try:
        moved = change(input_, body)
    except Unproved:
        return None
    try:
        bound = lipschitz(search, moved, input_)
    except (NotFound, Unproved):
        return None
    slope = bound.conclusion.slope if isinstance(bound.conclusion, Lipschitz) else None
    if slope is not None and slope >= 1:
        shown = f"{moved} may change by {number(slope)} times the change of {input_}, and it must be less than 1"
        raise NotFound("lipschitz", moved, shown)
    return proved("residual", (input_, body), body, bound, search.range(moved))


def lipschitz(search: Search, term: Term, input_: Term) -> Proof:
    """A bound on how much a term changes with the input; raises NotFound or Unproved."""
    subject = (term, input_)
    if input_ not in term.symbols or term is input_ or term.operation == "select":
        return prove("lipschitz_plain", subject)
    if term.operation == "bounded":
        return prove("lipschitz_network", subject, *(lipschitz(search, a, input_) for a in term.arguments[0].arguments))
    moved = [a for a in term.arguments if input_ in a.symbols]
    others = [a for a in term.arguments if input_ not in a.symbols]
    if term.operation == "apply" and term.data == "multiply" and len(moved) == 1:
        return prove("lipschitz_multiple", subject, lipschitz(search, moved[0], input_), search.range(others[0]))
    if term.operation == "apply":
        return prove("lipschitz_applied", subject, *(lipschitz(search, a, input_) for a in term.arguments))
    if term.operation == "contract" and len(moved) == 1:
        return prove("lipschitz_product", subject, lipschitz(search, moved[0], input_), search.range(others[0]))
    raise Unproved(f"nothing is known about how much {term} changes with {input_}")


def _scalar(search: Search, input_: Term, body: Term) -> Proof:
    """That a map of a number is a bijection, by the scalar rules or as an affine one."""
    try:
        return search.bijection(input_, body)
    except NotFound as failure:
        with contextlib.suppress(NotFound, Unproved):
            return _generalized(search, input_, body)
        try:
            slope, offset = affine_parts(input_, body)
            premises = (search.range(body), search.log_abs(slope), search.range(slope), search.range(offset))
            return prove("affine", (input_, body), *premises)
        except (NotFound, Unproved):
            raise failure from None


def _generalized(search: Search, input_: Term, body: Term) -> Proof:
    """The same with numbers in the place of products of vectors, of which nothing but their range is used."""
    products = _outermost(input_, body)
    if not products:
        raise NotFound("form", body, f"{body} has no products")
    numbers: dict[Term, Term] = {}
    ranges: dict[Term, Proof] = {}
    for product in products:
        ranges[product] = search.range(product)
        known = ranges[product].conclusion
        assert isinstance(known, InRange)
        numbers[product] = symbol("along", f"the value of {product}", interval_support(known.interval))
    found = search.bijection(input_, replaced(body, numbers))
    for product, number_ in numbers.items():
        found = prove("instance_of_map", (number_, product), found, ranges[product])
    return found


def _outermost(input_: Term, body: Term) -> list[Term]:
    """The products of vectors that are free of the input and stand in no other."""
    found: list[Term] = []
    stack, seen = [body], {body}
    while stack:
        term = stack.pop()
        if term.operation == "contract" and term.shape == () and input_ not in term.symbols:
            found.append(term)
            continue
        fresh = [a for a in term.arguments if a not in seen]
        seen.update(fresh)
        stack.extend(fresh)
    return found
