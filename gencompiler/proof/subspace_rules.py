"""The rule for maps that change a vector within a subspace: `u + Q @ h(u @ Q)`, Q with orthonormal columns."""

from __future__ import annotations

import dataclasses
from typing import cast

from gencompiler.model.nodes import REAL
from gencompiler.proof.binders import releveled, replaced
from gencompiler.proof.domain import REALS
from gencompiler.proof.facts import Bijection, Fact, VectorBijection, result
from gencompiler.proof.graph import Term, contract, substitute, support_of, symbol
from gencompiler.proof.kernel import Subject, need, rule
from gencompiler.proof.lemma_rules import change, directed, summands
from gencompiler.proof.matrices import matrix
from gencompiler.proof.terms import ZERO, minus, plus, times
from gencompiler.proof.vector_rules import part_of, volume


@dataclasses.dataclass(frozen=True)
class Within:
    """`u + Q @ h(s)` with s = u @ Q: Q, the symbol that stands for s, h in terms of it."""

    basis: Term
    place: Term
    moved: Term

    @property
    def small(self) -> Term:
        """s + h(s), which s goes to."""
        kept: Term = ZERO
        own = 0
        for summand, sign in summands(self.moved):
            if summand is self.place and sign < 0 and not own:
                own = 1
                continue
            kept = (plus if sign > 0 else minus)(kept, summand)
        return kept if own else plus(self.place, self.moved)


def within_of(input_: Term, body: Term) -> Within:
    """A map as one within a subspace; raises Unproved."""
    need(len(input_.shape) == 1 and body.shape == input_.shape, "{} is not a map of a vector", body)
    basis, inner = _product(change(input_, body), input_)
    declared = basis.operation == "symbol" and support_of(basis).name == "Orthogonal" and len(basis.shape) == 2
    need(declared and basis.shape[0] >= basis.shape[1], "the columns of {} are not known to be orthonormal", basis)
    place = symbol("along", f"the part of {input_} along {basis}", REAL, basis.shape[1:])
    parts = (contract(input_, basis), contract(matrix("transpose", basis), input_))
    moved = replaced(inner, dict.fromkeys(parts, place))
    need(input_ not in moved.symbols, "{} depends on {} otherwise than through its part along {}", body, input_, basis)
    return Within(basis, place, moved)


def _product(change_: Term, input_: Term) -> tuple[Term, Term]:
    """A sum of multiples of `Q @ h` with one Q, as Q and the sum of the h."""
    basis, total = None, ZERO
    for summand, sign in summands(change_):
        product, factor = directed(summand, input_.shape)
        need(product.operation == "contract", "{} does not move {} within a subspace", change_, input_)
        own, inner = product.arguments
        need(basis in (None, own), "{} moves {} within two subspaces", change_, input_)
        basis, total = own, (plus if sign > 0 else minus)(total, times(factor, inner))
    assert basis is not None
    return basis, total


@rule
def within_subspace(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """u + Q h(Qᵀ u) with QᵀQ = I is a bijection of R^D where s + h(s) is one of R^M.

    Qᵀ y = s + h(s) for s = Qᵀ u, and what is orthogonal to the columns of Q stays: u = y + Q (s - Qᵀ y).  |det| is that
    of s + h(s) (Sylvester's identity): van den Berg, Hasenclever, Tomczak & Welling, Sylvester normalizing flows, 2018,
    theorem 1, where h is R tanh(S s + b).  Subject: the input, the body.  Premise: the map of R^M."""
    input_, body = cast(tuple[Term, Term], subject)
    found = within_of(input_, body)
    small = part_of(premises[0], found.place, found.small)
    assert isinstance(small, Bijection | VectorBijection)
    need(support_of(input_) == REAL, "not a map of the reals")
    need(small.image == REALS and small.onto, "the map within the subspace is not one of all its vectors")
    y = result(input_.shape)
    arrived = contract(y, found.basis)
    left = substitute(small.inverse, {result(found.place.shape): arrived})
    inverse = plus(y, contract(found.basis, minus(left, arrived)))
    log_det = substitute(volume(small), {found.place: contract(input_, found.basis)})
    return VectorBijection(input_, body, REALS, True, releveled(inverse), releveled(log_det))
