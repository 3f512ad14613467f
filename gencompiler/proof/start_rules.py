"""What is proved of an initial value that data give, and the rule for it."""

from __future__ import annotations

import dataclasses
from typing import cast

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof import domain
from gencompiler.proof.boxes import interior, support_interval
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Shape, Term, name_of, substitute, symbol
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.range_rules import range_of

#: The supports in whose inside a parameter may begin.
WITH_INSIDE = ("Real", "Positive", "NonNegative", "Unit", "Interval", "Open")


@dataclasses.dataclass(frozen=True)
class StartsInside(Fact):
    """With each symbol of `means` the mean over rows of the term beside it, `value` is within `support`, off its ends,
    whatever the rows are; elementwise."""

    value: Term
    support: Support
    means: tuple[tuple[Term, Term], ...]


@rule
def starts(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A mean of finitely many numbers of an interval lies in it, as intervals are convex: the symbols of means may have
    any values of intervals that hold what they are means of, and for all of these the value is inside the support.  The
    fact names the means without their intervals.

    Premises: the range of what each mean is of, then that of the value."""
    value, support, means = cast(tuple[Term, Support, tuple[tuple[Term, Term], ...]], subject)
    need(len(premises) == len(means) + 1, "one premise for each mean, and one for the value")
    symbols = [mean for mean, _ in means]
    need(all(s.operation == "symbol" and s.data[0] == "mean" for s in symbols), "something that is no name of a mean")
    need(len(set(map(name_of, symbols))) == len(symbols), "two means of one name")
    for (mean, body), found in zip(means, premises, strict=False):
        need(mean.shape == body.shape, "{} does not have the shape of what it is a mean of", mean)
        need(not body.symbols & set(symbols), "{} is made of means", body)
        need(range_of(found, body).within(support_interval(mean)), "{} may be beyond what is said of it", mean)
    own = {s for s in value.symbols if s.data[0] == "mean"}
    need(own <= set(symbols), "{} is made of means that nothing is said of", value)
    allowed = domain.of_support(support)
    if support.name not in WITH_INSIDE or allowed is None or allowed.is_point:
        raise Unproved(f"{support} has no inside")
    need(range_of(premises[-1], value).within(interior(allowed)), "{} may not be inside {}", value, support)
    plain = {mean: unbounded(name_of(mean), mean.shape) for mean in symbols}
    return StartsInside(substitute(value, plain), support, tuple((plain[mean], body) for mean, body in means))


def unbounded(name: str, shape: Shape) -> Term:
    """The symbol of a mean of which nothing is said."""
    return symbol("mean", name, REAL, shape)
