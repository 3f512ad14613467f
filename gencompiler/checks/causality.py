"""Does a network on causal views depend on what its views show, and on nothing else?"""

from __future__ import annotations

from gencompiler.catalog import causal
from gencompiler.catalog.networks import NETWORKS
from gencompiler.checks.checking import Checking
from gencompiler.checks.verdict import PROVED, Obligation, Verdict
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes
from gencompiler.proof.causal_rules import Folds, SeesThePast
from gencompiler.proof.kernel import Subject, prove

ID = "causal"


def _subject(network: nodes.Network) -> Subject:
    sizes = tuple(max(1, n) for n in network.inputs)
    outputs = tuple(max(1, n) for n in network.outputs)
    return (network.path, network.places, sizes, network.views, network.hidden, outputs)


def _goal(network: nodes.Network) -> SeesThePast:
    """What must hold, the number of places with a blind spot computed from the degrees."""
    path, places, sizes, views, hidden, outputs = _subject(network)
    first = tuple(causal.inputs(places, n, view) for n, view in zip(sizes, views, strict=True))
    shown = [max((d for part in first for d in part.all() if d <= i), default=-1) for i in range(places)]
    layers = (first, *((causal.hidden(places, units, views),) for units in hidden))
    seen = causal.reach((*layers, (causal.outputs(places, 1),)))
    blind = sum(far < most for far, most in zip(seen, shown, strict=True))
    return SeesThePast(path, places, sizes, views, hidden, outputs, blind)


def obligations(model: nodes.Model) -> list[tuple[Obligation, nodes.Network]]:
    """One for each network on causal views."""
    found = []
    for network in model.networks:
        if network.places and NETWORKS[network.kind].gates:
            words = f"the state of `{network.kind}` for each place has read what its view shows, and nothing else"
            goal = Folds(network.path, network.places, network.views)
            found.append((Obligation(ID, network.path, words, network.span, goal), network))
        elif network.places:
            words = f"the output of `{network.kind}` for each place depends on what its view shows, and on nothing else"
            found.append((Obligation(ID, network.path, words, network.span, _goal(network)), network))
    return found


def check(checking: Checking) -> None:
    """The verdicts; a network too narrow to see all of its view is a warning."""
    for own, network in obligations(checking.model):
        if isinstance(own.goal, Folds):
            proof = prove("recurrent_network", (network.path, network.places, network.views))
        else:
            proof = prove("masked_network", _subject(network))
        checking.record(Verdict(PROVED, own, proof))
        if isinstance(own.goal, SeesThePast) and own.goal.blind:
            _blind(checking, network, own.goal.blind)


def _blind(checking: Checking, network: nodes.Network, blind: int) -> None:
    narrow = min(network.hidden)
    message = f"at {counted(blind, 'place')} this network is blind to the nearest of what its view shows"
    checking.reporter.add(
        "G306",
        message,
        network.span,
        f"{counted(narrow, 'unit')} cannot tell {counted(network.places, 'place')} apart",
        notes=("each hidden unit sees the places up to one of its own; the places between two units share the lower",),
        help=(f"give every hidden layer {network.places} units or more",),
    )
