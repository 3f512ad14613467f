"""Which variables of an energy its constant can be summed over, value by value: few states, all others summed out."""

from __future__ import annotations

import math

from gencompiler.model import nodes
from gencompiler.model.draws import finite_values

#: States that are summed over at most: as many as 20 hidden units have.
MOST_STATES = 2**20


def summed(model: nodes.Model) -> tuple[nodes.Variable, ...]:
    """The observed, or the latent variables of `p(…) ∝ …`, whichever have fewer states; none where these are too many,
    or where the energy is given something."""
    energy = next((e for e in model.energies if e.joint == "p"), None)
    if energy is None or any(v.role == "given" for v in model.variables):
        return ()
    variables = {v.name: v for v in model.variables}
    own = [variables[n] for n in energy.variables]
    latent = tuple(v for v in own if v.role == "latent")
    kept = [each for each in (tuple(v for v in own if v.role != "latent"), latent) if each]
    best = min(kept, key=_states, default=())
    return best if _states(best) <= MOST_STATES else ()


def _states(variables: tuple[nodes.Variable, ...]) -> float:
    """How many values they have together; infinite where one is not counted, or is an order."""
    found = 1.0
    for each in variables:
        values = finite_values(each.type.support)
        if values is None:
            return math.inf
        found *= float(values) ** min(math.prod(each.type.shape), 1000)
    return found
