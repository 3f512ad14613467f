"""What the catalogue says of a distribution: parameters with their supports, log density, sampler.

Formulas are `.gen` expressions over the event `x`, the parameters, and, in a sampler, `uniform` in (0, 1) and `normal`,
standard draws of the event's shape, and `another`, a second uniform number that is independent of these.  `log_NAME` is
the logarithm of a parameter NAME on a simplex.  A family may have several forms (Bernoulli by logits or by
probability); the form is chosen by the names of the arguments, positional ones taking the first form.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Form:
    """One parameterisation: `parameters` maps names to supports, in positional order.

    `requires`: formulas over the parameters and the support each must be proven in, beyond those of the parameters.
    `support_arguments`: the parameters that are the ends of the event's support, which is `support` where that is
    another than the family's.
    `vectors`: the parameters with one number for each of the events 0..K, whose probabilities are `masses`; there the
    sampler reads `cumulative`, the sums of the first 1, 2, …, K - 1 of them.
    `log_density` is per element of the event, summed over it by the compiler; `mean` serves reports and tests;
    `cdf` serves goodness-of-fit tests, where there is a closed form.
    `joint`: the elements of an event, a vector, depend on each other: the parameters have as many, and the formulas are
    of all of them at once.
    `sorts`: an event is the order that sorts what `sample` gives for its elements."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    log_density: str
    sample: str
    mean: str | None = None
    cdf: str | None = None
    requires: tuple[tuple[str, str], ...] = ()
    support_arguments: tuple[str, ...] = ()
    support: str | None = None
    vectors: tuple[str, ...] = ()
    masses: str | None = None
    joint: bool = False
    sorts: bool = False


@dataclasses.dataclass(frozen=True)
class Family:
    """`support` is the event's, "" for any; `discrete` picks counting measure; `pathwise`: the sampler is
    differentiable; `full_support`: the density is positive on the whole support for every admissible parameter; `atom`:
    the whole mass is at one point, on any support, so that there is a density for discrete events only."""

    name: str
    support: str
    forms: tuple[Form, ...]
    pathwise: bool
    full_support: bool = True
    atom: bool = False
