"""What a transition draws the observed variables from, last: a law given what it drew before.

A generative stochastic network draws c ~ C(c | x), then x' ~ p(x | c); a Gibbs sweep h' ~ p(h | x), then
x' ~ p(x | h').  The law of x' in equilibrium is the mean of these laws over the chain, a density that can be estimated.
"""

from __future__ import annotations

import dataclasses

from gencompiler.model import nodes
from gencompiler.node import Node, walk

#: The evaluation that asks for it: a conservative estimate of log p(x), from samples of a chain.
CSL = "csl"


@dataclasses.dataclass(frozen=True)
class Emission:
    """`before` are the steps that the laws rest on, in order; `laws` the draw of each observed variable, whose
    distribution reads those, what the transition starts from, and earlier observed variables."""

    transition: nodes.Transition
    before: tuple[nodes.Step, ...]
    laws: tuple[nodes.Draw, ...]


def asked(model: nodes.Model) -> nodes.Method | None:
    """The request for an estimate by a chain's own laws."""
    return next((m for m in model.methods if m.verb == "evaluate" and m.name == CSL), None)


def emission(model: nodes.Model) -> Emission | str:
    """Of the chain that samples; or, in words, why there is none."""
    method = next((m for m in model.methods if m.verb == "sample" and m.name == "chain"), None)
    if method is None:
        return "no chain samples the model: add `sample chain(T)`"
    move = next(t for t in model.transitions if t.name == str(method.arguments[0].value))
    if move.conditions:
        return f"`{move.name}` has conditions"
    observed = [v.name for v in model.variables if v.role == "observed"]
    last = {s.name: s for s in move.steps if isinstance(s, nodes.Draw) and not s.place}
    laws = tuple(last[f"{name}'"] for name in observed if f"{name}'" in last)
    if len(laws) < len(observed):
        missing = next(name for name in observed if f"{name}'" not in last)
        return f"`{move.name}` draws no new `{missing}` from a law"
    steps: list[nodes.Step] = [s for s in move.steps if s not in laws]
    needed = _read(laws)
    before: list[nodes.Step] = []
    for step in reversed(steps):
        if isinstance(step, nodes.Draw | nodes.Assign) and step.name in needed:
            before.insert(0, step)
            needed |= _read((step,))
        elif needed & set(getattr(step, "names", ())):
            return f"`{move.name}` does more than draw and compute before it draws anew"
    late = _read(tuple(before)) & {d.name for d in laws}
    if late:
        return f"`{move.name}` draws `{min(late)}` before what its law rests on"
    start = {i.name for i in move.current} - {v.name for v in model.variables if v.role in ("observed", "given")}
    hidden = sorted(needed & start)
    if hidden:
        return f"the law of what `{move.name}` draws reads `{hidden[0]}`, where the chain was, which draws do not show"
    return Emission(move, tuple(before), laws)


def _read(trees: tuple[Node, ...]) -> set[str]:
    """The names that steps mention, but for those that they give values to."""
    return {n.name for tree in trees for n in walk(tree) if isinstance(n, nodes.Reference)}
