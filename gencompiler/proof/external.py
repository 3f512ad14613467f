"""Networks that the user supplies, as terms."""

from __future__ import annotations

from gencompiler.model.nodes import Support
from gencompiler.proof.graph import Shape, Term, apply, network

#: Before the name of a network that the user supplies, in place of a path; no path begins so.  Between the two stands
#: what makes a number of a value that is declared to be positive, or in (0, 1): `extern log scale`.
EXTERN = "extern "
EXTERN_NUMBERS = {"Positive": "log", "Unit": "logit"}


def external(name: str, support: Support, shape: Shape, inputs: tuple[Term, ...]) -> Term:
    """The value of a network that the user supplies: any in its declared support."""
    function = EXTERN_NUMBERS.get(support.name)
    if function is None:
        return network(f"{EXTERN}{name}", 0, shape, inputs)
    back = {"log": "exp", "logit": "sigmoid"}[function]
    return apply(back, network(f"{EXTERN}{function} {name}", 0, shape, inputs))
