"""A counterexample is computed a second time, in balls of 60 digits, before anyone is told of it.

The rules that refute are rigorous at any precision, so this finds nothing as long as they are right: it is there for
the day that they, or the library of balls, are not.  What does not hold again is no counterexample."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from gencompiler.proof import enclosure
from gencompiler.proof.graph import Malformed
from gencompiler.proof.kernel import RULES, Proof, Unproved

#: Bits of a ball of 60 decimal digits.
BITS = 200


@contextlib.contextmanager
def sharper(bits: int = BITS) -> Iterator[None]:
    """Balls of this precision, in all that is computed in here."""
    usual = enclosure.PRECISION
    enclosure.PRECISION = bits
    try:
        yield
    finally:
        enclosure.PRECISION = usual


def confirmed(refutation: Proof) -> bool:
    """Whether the last step of a refutation, which is where its witness is evaluated, concludes the same again."""
    try:
        with sharper():
            again = RULES[refutation.rule](refutation.subject, tuple(p.conclusion for p in refutation.premises))
    except (Unproved, Malformed):
        return False
    return again == refutation.conclusion
