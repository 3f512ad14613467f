"""log|det| of maps.

The one sign convention of the compiler: `LogDet` is log|d result / d input| of the map as it is written, as a
function of the map's input.  Of z = T(x) with T as written, log p(x) = log p(z) + log_det(x); of x = T(z), log p(x) =
log p(z) - log_det(z).  A stage of a pipeline knows the map's input in either direction: it has it, or it has just
recovered it by the inverse.
"""

from __future__ import annotations

from gencompiler.derive.express import Naming, express
from gencompiler.derive.nodes import LogDet
from gencompiler.model import nodes
from gencompiler.node import walk
from gencompiler.proof.contractions import EXACT_UP_TO
from gencompiler.proof.facts import Bijection, CircleMap, Invertible, VectorBijection
from gencompiler.proof.graph import Term, name_of
from gencompiler.proof.translate import Translation

#: What says how a map is undone.
Undone = Bijection | CircleMap | VectorBijection | Invertible


def log_det(map_: nodes.Map, input_: Term, translation: Translation, found: Undone) -> LogDet:
    """log|det| of a map from what was found about it; of a lifted map, of one element."""
    value = found.log_derivative if isinstance(found, Bijection | CircleMap) else found.log_det
    assert value is not None
    naming = Naming({input_: name_of(input_)}, translation.labels, translation.origins, map_.body.span)
    return LogDet(map_.name, express(value, naming), span=map_.span)


def estimated(log_dets: dict[str, LogDet]) -> tuple[str, ...]:
    """The maps whose log|det| is an estimate: that of a Jacobian in more dimensions than it is written out in."""
    found = []
    for name, own in log_dets.items():
        jacobians = (n for n in walk(own.body) if isinstance(n, nodes.JacobianLogDet))
        if any(n.at.type.shape[0] > EXACT_UP_TO for n in jacobians):
            found.append(name)
    return tuple(found)
