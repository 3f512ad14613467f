"""The search for proofs that a term is a probability."""

from __future__ import annotations

from gencompiler.proof.balancing import plain
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import PROBABILITIES
from gencompiler.proof.facts import InRange
from gencompiler.proof.graph import Term, subterms
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.search import Search


def probability(search: Search, term: Term) -> Proof:
    """The proof that a term is in [0, 1]; raises NotFound."""
    whole = search.range(term)
    if isinstance(whole.conclusion, InRange) and whole.conclusion.interval.within(PROBABILITIES):
        return whole
    parts = []
    for part in subterms(plain(term)):
        if part is not term and part.operation == "apply" and not part.shape:
            try:
                parts.append(search.range(part))
            except NotFound:
                continue
    try:
        return prove("a_probability", (term,), whole, *parts)
    except Unproved as failure:
        raise NotFound("range", term, str(failure)) from None
