"""Does a network on causal views depend on what its views show, and on nothing else?"""

from __future__ import annotations

from gencompiler.catalog import causal, stacks
from gencompiler.catalog.networks import NETWORKS
from gencompiler.checks.checking import Checking
from gencompiler.checks.verdict import PROVED, Obligation, Verdict
from gencompiler.diagnostics.wording import counted
from gencompiler.model import nodes
from gencompiler.model.stacks import layers_of, structure
from gencompiler.proof.causal_rules import Folds, SeesItsField, SeesThePast
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
        elif network.grid and network.places:
            stacked = _stack(network)
            words = f"the output of `{network.kind}` for each place depends on {_seen(stacked)}, and on nothing else"
            found.append((Obligation(ID, network.path, words, network.span, stacked), network))
        elif network.places:
            words = f"the output of `{network.kind}` for each place depends on what its view shows, and on nothing else"
            found.append((Obligation(ID, network.path, words, network.span, _goal(network)), network))
    return found


def check(checking: Checking) -> None:
    """The verdicts; a network too narrow to see all of its view is a warning."""
    for own, network in obligations(checking.model):
        if isinstance(own.goal, Folds):
            proof = prove("recurrent_network", (network.path, network.places, network.views))
        elif isinstance(own.goal, SeesItsField):
            proof = prove("convolutional_network", (network.path, network.grid, structure(network)))
        else:
            proof = prove("masked_network", _subject(network))
        checking.record(Verdict(PROVED, own, proof))
        if isinstance(own.goal, SeesThePast) and own.goal.blind:
            _blind(checking, network, own.goal.blind)
        if isinstance(own.goal, SeesItsField) and own.goal.blind:
            _hole(checking, network, own.goal)


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


def _stack(network: nodes.Network) -> SeesItsField:
    """What must hold of a stack, its receptive field and its blind spot read off its layers."""
    parts = tuple((layer.name, layer.reads) for layer in layers_of(network))
    seen = stacks.sights(network.grid, parts, frozenset(["last"]))["last"]
    ends, blind = stacks.field(network.grid, seen), stacks.holes(network.grid, seen)
    return SeesItsField(network.path, network.grid, structure(network), ends, blind)


def _seen(fact: SeesItsField) -> str:
    """The receptive field in words."""
    (back, _), *rest = fact.field
    if not rest:
        return "the place before it" if back == -1 else f"the {-back} places before it"
    (left, right), *_ = rest
    sides = f"{counted(-left, 'column')} to the left and {right} to the right"
    return f"{counted(-back, 'row')} above it, {sides}, and on what its own row has before it"


def _hole(checking: Checking, network: nodes.Network, fact: SeesItsField) -> None:
    checking.reporter.add(
        "G306",
        f"this network has a blind spot: at {counted(fact.blind, 'place')} it does not see all of its receptive field",
        network.span,
        f"it reaches {_reach(fact)}",
        notes=("a place to the upper right is seen through places between; those in the row of the output lie ahead",),
        help=("`pixelcnn` has a stack for the rows above and one for the row so far, and no blind spot",),
    )


def _reach(fact: SeesItsField) -> str:
    return ", ".join(f"{low} to {high}" for low, high in fact.field)
