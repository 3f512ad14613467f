"""How long a proof is looked for: a little, and, unless a counterexample is near at hand, to the end of the budget.

A search takes the longest where there is nothing to find.  Nothing here is trusted: what is given up is unknown, until
a refutation says more."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

from gencompiler.proof.budget import EARLY, Spent, limited
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Term
from gencompiler.proof.vector_counterexamples import not_injective

Found = TypeVar("Found")


def patiently(attempt: Callable[[], Found], input_: Term, body: Term, requires: tuple[Member, ...]) -> Found:
    """What `attempt`, a search for a proof about a map, returns; raises what it raises, and Spent."""
    with contextlib.suppress(Spent), limited(EARLY):
        return attempt()
    if not_injective(input_, body, requires) is not None:
        raise Spent
    with limited():
        return attempt()
