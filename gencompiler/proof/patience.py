"""How long a proof is looked for: a little, and, unless a counterexample is near at hand, to the end of the budget.

A search takes the longest where there is nothing to find.  Nothing here is trusted: what is given up is unknown, until
a refutation says more."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TypeVar

from gencompiler.proof.budget import EARLY, LOOK, Spent, limited
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Proof
from gencompiler.proof.line_search import line_twice
from gencompiler.proof.search import Search
from gencompiler.proof.vector_counterexamples import not_injective, taken_again

Found = TypeVar("Found")


def _is_refuted(input_: Term, body: Term, requires: tuple[Member, ...]) -> bool:
    """Whether one of the cheaper looks finds two inputs with one value."""
    for look in (_line_twice, not_injective, taken_again):
        with contextlib.suppress(Spent), limited(LOOK):
            if look(input_, body, requires) is not None:
                return True
    return False


def _line_twice(input_: Term, body: Term, requires: tuple[Member, ...]) -> Proof | None:
    return line_twice(input_, body, Search(), requires)


def patiently(attempt: Callable[[], Found], input_: Term, body: Term, requires: tuple[Member, ...]) -> Found:
    """What `attempt`, a search for a proof about a map, returns; raises what it raises, and Spent."""
    with contextlib.suppress(Spent), limited(EARLY):
        return attempt()
    if _is_refuted(input_, body, requires):
        raise Spent
    with limited():
        return attempt()
