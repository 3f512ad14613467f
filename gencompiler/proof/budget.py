"""How much a search may cost in all, whatever strategies it tries: a number of steps, so that what is found does not
depend on the machine.

A step is about one operation of one evaluation on intervals, a few microseconds.  What is remembered from
an earlier search costs what it cost then: a second compilation in one process finds what the first one did."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator

#: What the proof of one obligation may take.  After so many steps without one, the cheapest counterexamples are looked
#: for before the search goes on: it would take the longest where there is nothing to find.
STEPS, EARLY, LOOK = 1_000_000, 150_000, 1_000_000
#: What its refutation may take, and a look for a counterexample.
FAR, FAR_LOOK = 3_000_000, 1_500_000
#: The mass of a density: what its proof and its refutation may take together, the proof alone, one way or point, and
#: the way by primitives, which are many.
MASS_STEPS, MASS_PROOF, MASS_WAY, MASS_PRIMITIVES = 800_000, 500_000, 250_000, 120_000
#: Where an estimate of the mass stands out, a look for a counterexample before the search for a proof goes on.
MASS_LOOK = 150_000
#: As good as no limit.
ENDLESS = 2**60


class Spent(Exception):
    """A search has taken as many steps as it may."""


@dataclasses.dataclass
class Account:
    """The steps that are left and those that were taken."""

    left: int
    spent: int = 0


_ACCOUNTS: contextvars.ContextVar[tuple[Account, ...]] = contextvars.ContextVar("accounts", default=())


@contextlib.contextmanager
def limited(steps: int = STEPS) -> Iterator[Account]:
    """What is done within takes at most so many steps, and no more than any limit around it; raises Spent."""
    account = Account(steps)
    token = _ACCOUNTS.set((*_ACCOUNTS.get(), account))
    try:
        yield account
    finally:
        _ACCOUNTS.reset(token)


@contextlib.contextmanager
def drawing(purse: Account) -> Iterator[Account]:
    """What is done within is paid from a purse that other searches draw from as well; raises Spent where it is
    empty."""
    token = _ACCOUNTS.set((*_ACCOUNTS.get(), purse))
    try:
        yield purse
    finally:
        _ACCOUNTS.reset(token)


def spend(steps: int) -> None:
    """Take steps; raises Spent where there are not as many."""
    for account in _ACCOUNTS.get():
        account.spent += steps
        account.left -= steps
        if account.left < 0:
            raise Spent
