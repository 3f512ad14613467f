"""Inverses of Bayesian networks: true statements are proved, false ones refuted, and no others.

A statement is a graph, what is observed, and an inverse: `a; b|a; c|b` with `c` seen and `a|b; b|c`.  False statements
are true ones with a dependence left out.  Random graphs are judged a second time by adding up all cases of random
conditionals in exact arithmetic, which knows nothing of d-separation.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gencompiler import check
from gencompiler.api import CheckResult
from gencompiler.model.nodes import Support
from gencompiler.proof import rules
from gencompiler.proof.graph import network, symbol
from gencompiler.proof.kernel import Unproved, prove
from gencompiler.proof.separation import children_of, connected
from gencompiler.proof.structure import Admissible, Place, Production

assert rules.RULES

Heads = dict[str, tuple[str, ...]]

#: (graph, observed, inverse, why)
TRUE = [
    ("a; b|a", "b", "a|b", "one latent variable, Bayes' rule"),
    ("a; b", "b", "a", "independent of what is observed"),
    ("a; b", "b", "a|b", "an edge more than is needed"),
    # chains
    ("a; b|a; c|b", "c", "b|c; a|b", "b separates a from c"),
    ("a; b|a; c|b", "c", "b|c; a|b,c", "an edge more"),
    ("a; b|a; c|b", "c", "a|c; b|a,c", "the other order needs all"),
    ("a; b|a; c|b", "b", "a|b; c|b", "b separates the two sides"),
    ("a; b|a; c|b", "a", "b|a; c|b", "downstream: as it was generated"),
    ("a; b|a; c|b", "a,c", "b|a,c", "between two observed ones"),
    ("a; b|a; c|b", "a,b", "c|b", "a is behind b"),
    ("a; b|a; c|b; d|c", "d", "c|d; b|c; a|b", "a longer chain, backwards"),
    ("a; b|a; c|b; d|c", "b,d", "c|b,d; a|b", "each side on its own"),
    ("a; b|a; c|b; d|c", "d", "a|d; b|a,d; c|b,d", "forwards: each after its predecessor, and what is observed"),
    ("a; b|a; c|b; d|c", "a", "b|a; c|b; d|c", "prediction"),
    # forks
    ("a; b|a; c|a", "b,c", "a|b,c", "both children"),
    ("a; b|a; c|a", "b", "a|b; c|a", "the other child through its parent"),
    ("a; b|a; c|a", "b", "c|b; a|b,c", "the child first"),
    ("a; b|a; c|a", "a", "b|a; c|a", "children of what is known"),
    ("a; b|a; c|a; d|a", "b,c,d", "a|b,c,d", "naive Bayes"),
    ("a; b|a; c|a; d|a", "b,c", "a|b,c; d|a", "naive Bayes with a missing feature"),
    ("a; b|a; c|b; d|b", "c,d", "b|c,d; a|b", "a tree, the root last"),
    ("a; b|a; c|b; d|b; e|a", "c,d,e", "b|c,d,e; a|b,e", "a tree with two branches"),
    # v-structures
    ("a; b; c|a,b", "c", "a|c; b|a,c", "explaining away"),
    ("a; b; c|a,b", "c", "b|c; a|b,c", "the same in the other order"),
    ("a; b; c|a,b", "a", "b; c|a,b", "the collider is not observed: the parents stay independent"),
    ("a; b; c|a,b", "b,c", "a|b,c", "one cause known"),
    ("a; b; c|a,b; d|c", "d", "c|d; a|c; b|a,c", "a child of the collider"),
    ("a; b; c|a,b; d|c", "d", "a|d; b|a,d; c|a,b,d", "the causes first"),
    ("a; b; c|a,b; d|c", "c", "a|c; b|a,c; d|c", "what is below the collider is behind it"),
    ("a; b; c|a,b; d|b", "c,d", "b|c,d; a|b,c", "d is behind b"),
    ("a; b|a; c; d|b,c", "d", "b|d; c|b,d; a|b", "a is behind b"),
    ("a; b; c; d|a,b,c", "d", "a|d; b|a,d; c|a,b,d", "three causes"),
    ("a; b; c|a,b; d|a,b", "c,d", "a|c,d; b|a,c,d", "two common effects"),
    ("a; b; c; d|a,b; e|b,c", "d,e", "b|d,e; a|b,d; c|b,e", "given b the two effects part"),
    ("a; b; c; d|a,b; e|b,c", "d", "a|d; b|a,d; c; e|b,c", "nothing observed reaches c"),
    ("a; b; c; d|a,b; e|b,c", "d,e", "a|d,e; b|a,d,e; c|b,e", "c is behind b"),
    # diamonds and more
    ("a; b|a; c|a; d|b,c", "d", "b|d; c|b,d; a|b,c", "a diamond"),
    ("a; b|a; c|a; d|b,c", "d", "a|d; b|a,d; c|a,b,d", "a diamond from the top"),
    ("a; b|a; c|a; d|b,c", "a,d", "b|a,d; c|a,b,d", "a diamond with its top observed"),
    ("a; b|a; c|a; d|b,c", "b,c", "a|b,c; d|b,c", "both middles observed"),
    ("r; s|r; w|r,s", "w", "r|w; s|r,w", "the sprinkler"),
    ("r; s|r; w|r,s", "w", "s|w; r|s,w", "the sprinkler, the other order"),
    (
        "a; s; t|a; l|s; b|s; e|t,l; x|e; d|e,b",
        "x,d",
        "e|x,d; b|e,d; l|e,b; t|e,l; s|l,b; a|t",
        "Asia, its inverse from the leaves up",
    ),
    (
        "a; s; t|a; l|s; b|s; e|t,l; x|e; d|e,b",
        "x,d",
        "b|x,d; e|b,x,d; s|b,e; l|s,e; t|l,e; a|t",
        "Asia in another order",
    ),
    ("z; y|z; x|y; w|z", "x,w", "y|x,w; z|y,w", "a side observation at the top"),
    # hidden Markov models, unrolled
    ("z; y|z; x|y; u|z; v|y; w|x", "u,v,w", "x|u,v,w; y|x,u,v; z|y,u", "a hidden Markov model, backwards"),
    ("z; y|z; x|y; u|z; v|y; w|x", "u,v,w", "z|u,v,w; y|z,v,w; x|y,w", "forwards, each on what is still to come"),
    ("z; y|z; x|y; u|z; v|y; w|x", "u,v", "z|u,v; y|z,v; x|y", "the last one is not observed"),
    ("z; y|z; x|y; u|z; v|y; w|x", "u,v,w", "z|u,v,w; y|z,u,v,w; x|z,y,u,v,w", "everything: always faithful"),
    # two layers
    ("a; b; c|a,b; d|a,b", "c,d", "b|c,d; a|b,c,d", "two causes of two effects"),
    ("a; b|a; c|a,b; d|b", "c,d", "b|c,d; a|b,c", "d is behind b"),
    ("a; b; c|a; d|b", "c,d", "a|c; b|d", "two networks side by side"),
    ("a; b; c|a; d|b", "c,d", "a|c,d; b|a,c,d", "and all edges between them"),
    ("a; b|a", "a", "b|a", "nothing to invert"),
]

FALSE = [
    ("a; b|a", "b", "a", "the encoder ignores the data"),
    ("a; b|a; c|b", "c", "b; a|b", "b without c"),
    ("a; b|a; c|b", "c", "b|c; a", "a on nothing"),
    ("a; b|a; c|b", "c", "b|c; a|c", "a on c, and b is between"),
    ("a; b|a; c|b", "c", "a|c; b|c", "b without a"),
    ("a; b|a; c|b", "c", "a|c; b|a", "b without c, after a"),
    ("a; b|a; c|b", "a,c", "b|a", "smoothing without the future"),
    ("a; b|a; c|b", "a,c", "b|c", "smoothing without the past"),
    ("a; b|a; c|b", "a", "b|a; c|a", "c on a, and b is between"),
    ("a; b|a; c|b; d|c", "d", "c|d; b|c; a|c", "a skips b"),
    ("a; b|a; c|b; d|c", "d", "c|d; b|d; a|b", "b skips c"),
    ("a; b|a; c|b; d|c", "b,d", "c|d; a|b", "c without b"),
    ("a; b|a; c|b; d|c", "d", "a|d; b|a; c|b,d", "b without d"),
    # forks
    ("a; b|a; c|a", "b,c", "a|b", "one child left out"),
    ("a; b|a; c|a", "b,c", "a|c", "the other one"),
    ("a; b|a; c|a", "b", "a|b; c|b", "c without a"),
    ("a; b|a; c|a", "b", "c|b; a|b", "a without c"),
    ("a; b|a; c|a; d|a", "b,c,d", "a|b,c", "a feature left out"),
    ("a; b|a; c|a; d|a", "b,c", "a|b,c; d|b,c", "the missing feature without the class"),
    ("a; b|a; c|b; d|b", "c,d", "b|c; a|b", "one leaf left out"),
    ("a; b|a; c|b; d|b", "c,d", "b|c,d; a|c,d", "the root on the leaves, and b is between"),
    ("a; b|a; c|b; d|b; e|a", "c,d,e", "b|c,d,e; a|b", "the root without its own leaf"),
    # v-structures
    ("a; b; c|a,b", "c", "a|c; b|c", "explaining away is dropped"),
    ("a; b; c|a,b", "c", "b|c; a|c", "the same in the other order"),
    ("a; b; c|a,b", "c", "a|c; b", "b without its effect"),
    ("a; b; c|a,b", "b,c", "a|c", "the known cause is dropped"),
    ("a; b; c|a,b", "b,c", "a|b", "the effect is dropped"),
    ("a; b; c|a,b", "a", "b; c|a", "the effect without one cause"),
    ("a; b; c|a,b; d|c", "d", "a|d; b|d; c|a,b,d", "a descendant of the collider is observed"),
    ("a; b; c|a,b; d|c", "d", "c|d; a|c; b|c", "explaining away below an observed child"),
    ("a; b; c|a,b; d|c", "d", "a|d; b|a,d; c|a,b", "c without d"),
    ("a; b; c|a,b; d|b", "c,d", "b|c; a|b,c", "b without its other effect"),
    ("a; b; c|a,b; d|b", "c,d", "a|c; b|a,c,d", "d speaks of b, which competes with a"),
    ("a; b|a; c; d|b,c", "d", "b|d; c|d; a|b", "c competes with b"),
    ("a; b; c; d|a,b,c", "d", "a|d; b|a,d; c|b,d", "one of three competing causes is dropped"),
    ("a; b; c|a,b; d|a,b", "c,d", "a|c,d; b|c,d", "two common effects, no edge"),
    ("a; b; c; d|a,b; e|b,c", "d,e", "a|d; b|a,d,e; c|b,e", "e reaches a by way of c and b"),
    ("a; b; c; d|a,b; e|b,c", "d,e", "a|d,e; c|e; b|a,c,d,e", "c is tied to a by b"),
    ("a; b; c; d|a,b; e|b,c", "d,e", "b|d,e; a|d; c|b,e", "a without b"),
    # diamonds and more
    ("a; b|a; c|a; d|b,c", "d", "b|d; c|d; a|b,c", "the two middles part"),
    ("a; b|a; c|a; d|b,c", "d", "b|d; c|b,d; a|b", "the top without one middle"),
    ("a; b|a; c|a; d|b,c", "d", "a|d; b|a,d; c|a,d", "the middles compete for d"),
    ("a; b|a; c|a; d|b,c", "a,d", "b|a,d; c|a,d", "the same with the top observed"),
    ("r; s|r; w|r,s", "w", "r|w; s|w", "the sprinkler without explaining away"),
    ("r; s|r; w|r,s", "w", "r|w; s|r", "the sprinkler without the grass"),
    (
        "a; s; t|a; l|s; b|s; e|t,l; x|e; d|e,b",
        "x,d",
        "e|x,d; b|e,d; l|e; t|e,l; s|l,b; a|t",
        "Asia: l and b share s",
    ),
    (
        "a; s; t|a; l|s; b|s; e|t,l; x|e; d|e,b",
        "x,d",
        "e|x,d; b|e,d; l|e,b; t|e; s|l,b; a|t",
        "Asia: t and l compete for e",
    ),
    (
        "a; s; t|a; l|s; b|s; e|t,l; x|e; d|e,b",
        "x,d",
        "e|x,d; b|e; l|e,b; t|e,l; s|l,b; a|t",
        "Asia: b without its symptom",
    ),
    ("z; y|z; x|y; w|z", "x,w", "y|x; z|y,w", "the side observation reaches y"),
    ("z; y|z; x|y; u|z; v|y; w|x", "u,v,w", "x|w; y|x,v; z|y,u", "filtering backwards on one observation each"),
    ("z; y|z; x|y; u|z; v|y; w|x", "u,v,w", "z|u; y|z,v; x|y,w", "filtering passed off as smoothing"),
    ("z; y|z; x|y; u|z; v|y; w|x", "u,v,w", "z|u,v,w; y|v,w; x|y,w", "y without its predecessor"),
    ("z; y|z; x|y; u|z; v|y; w|x", "u,v,w", "z|u,v; y|z,v,w; x|y,w", "the first one without the last observation"),
    ("a; b|a; c|a,b; d|b", "c,d", "b|c; a|b,c", "d is dropped"),
    ("a; b; c|a; d|b", "c,d", "a|d; b|d", "the wrong observation"),
]


def heads(text: str) -> Heads:
    """`a; b|a` as {a: (), b: (a,)}"""
    found = {}
    for part in text.split(";"):
        name, _, parents = part.strip().partition("|")
        found[name] = tuple(parents.split(",")) if parents else ()
    return found


def spec(graph: Heads, observed: tuple[str, ...], inverse: Heads) -> str:
    """The statement as a spec whose conditionals are learned."""

    def head(joint: str, name: str, parents: tuple[str, ...]) -> str:
        given_ = f" | {', '.join(parents)}" if parents else ""
        logits = f"linear({', '.join(parents)})" if parents else "bias()"
        return f"  {joint}({name}{given_}) = Bernoulli(logits = {logits})\n"

    latent = [name for name in graph if name not in observed]
    lines = [f"  observed {', '.join(observed)} : Binary\n", f"  latent {', '.join(latent)} : Binary\n"]
    lines += [head("p", name, parents) for name, parents in graph.items()]
    lines += [head("q", name, parents) for name, parents in inverse.items()]
    return "model M {\n" + "".join(lines) + "  claim faithful(q, p)\n}\n"


def status(found: CheckResult) -> str:
    if found.diagnostics:
        assert {d.code for d in found.diagnostics} == {"G409"}
        return "refuted" if "is not faithful to" in found.diagnostics[0].message else "unknown"
    (verdict,) = [v for v in found.verdicts if v.obligation.id == "faithful"]
    return verdict.status


@pytest.mark.parametrize(("graph", "observed", "inverse", "why"), TRUE, ids=[f"{t[0]} / {t[2]}" for t in TRUE])
def test_true_statements_are_proved(graph: str, observed: str, inverse: str, why: str) -> None:
    found = check(spec(heads(graph), tuple(observed.split(",")), heads(inverse)))
    assert status(found) == "proved", why
    assert found.diagnostics == ()


@pytest.mark.parametrize(("graph", "observed", "inverse", "why"), FALSE, ids=[f"{t[0]} / {t[2]}" for t in FALSE])
def test_false_statements_are_refuted(graph: str, observed: str, inverse: str, why: str) -> None:
    found = check(spec(heads(graph), tuple(observed.split(",")), heads(inverse)))
    assert status(found) == "refuted", why
    (finding,) = found.diagnostics
    assert finding.code == "G409"
    assert any("counterexample" in note for note in finding.notes)


def test_there_are_enough_statements() -> None:
    assert len(TRUE) >= 50
    assert len(FALSE) >= 50


# -- random graphs, judged by adding up ------------------------------------------------------------------------------

BINARY = Support("Binary")


def productions(joint: str, graph: Heads) -> tuple[Production, ...]:
    def law(name: str, parents: tuple[str, ...]) -> Admissible:
        inputs = tuple(symbol("variable", p, BINARY) for p in parents)
        return Admissible("Bernoulli", "logits", (network(f"{joint}.{name}", 0, (), inputs),), BINARY, ())

    return tuple(
        Production(f"{joint}({name})", (), (Place(name),), places, places, law(name, parents))
        for name, parents in graph.items()
        for places in (tuple(map(Place, parents)),)
    )


@st.composite
def statements(draw: st.DrawFn) -> tuple[Heads, tuple[str, ...], Heads, int]:
    """A random graph, what is observed, an inverse in a random order with random parents, and a seed."""
    names = "abcdef"[: draw(st.integers(2, 5))]
    graph = {name: tuple(p for p in names[:k] if draw(st.booleans())) for k, name in enumerate(names)}
    observed = draw(st.lists(st.sampled_from(names), min_size=1, max_size=len(names) - 1, unique=True))
    latent = draw(st.permutations([n for n in names if n not in observed]))
    keep = draw(st.integers(0, 3))  # how readily a parent is left out
    inverse = {}
    for k, name in enumerate(latent):
        known = [*observed, *latent[:k]]
        inverse[name] = tuple(p for p in known if draw(st.integers(0, 3)) <= keep)
    return graph, tuple(observed), inverse, draw(st.integers(1, 10**6))


def joint_of(graph: Heads, seed: int) -> dict[tuple[int, ...], Fraction]:
    """The joint of random conditionals: the probability of every assignment."""
    state = seed
    tables: dict[tuple[str, tuple[int, ...]], Fraction] = {}
    for name, parents in graph.items():
        for values in itertools.product((0, 1), repeat=len(parents)):
            state = (state * 1103515245 + 12345) % 2**31
            tables[name, values] = Fraction(1 + (state >> 8) % 9973, 9975)
    found = {}
    names = list(graph)
    for case in itertools.product((0, 1), repeat=len(names)):
        at = dict(zip(names, case, strict=True))
        weight = Fraction(1)
        for name, parents in graph.items():
            one = tables[name, tuple(at[p] for p in parents)]
            weight *= one if at[name] else 1 - one
        found[case] = weight
    return found


def can_state(graph: Heads, observed: tuple[str, ...], inverse: Heads, seed: int) -> bool:
    """Whether every conditional of the posterior, in the inverse's order, depends on the listed parents alone."""
    joint, names = joint_of(graph, seed), list(graph)
    before = list(observed)
    for name, parents in inverse.items():
        seen: dict[tuple[int, ...], set[Fraction]] = {}
        for case in itertools.product((0, 1), repeat=len(before)):
            known = dict(zip(before, case, strict=True))
            both = [Fraction(0), Fraction(0)]
            for assignment, weight in joint.items():
                at = dict(zip(names, assignment, strict=True))
                if all(at[n] == v for n, v in known.items()):
                    both[at[name]] += weight
            seen.setdefault(tuple(known[p] for p in parents), set()).add(both[1] / sum(both))
        if any(len(values) > 1 for values in seen.values()):
            return False
        before.append(name)
    return True


@settings(max_examples=150, deadline=None)
@given(statements())
def test_random_statements_against_adding_up(statement: tuple[Heads, tuple[str, ...], Heads, int]) -> None:
    graph, observed, inverse, seed = statement
    variables = tuple((name, ()) for name in graph)
    p, q = productions("p", graph), productions("q", inverse)
    order = tuple(range(len(p)))
    joint = prove("factorization", ("p", variables, p, order))
    own = tuple((name, ()) for name in graph if name in inverse)
    recognition = prove("factorization", ("q", own, q, tuple(range(len(q)))))
    try:
        prove("faithful", (observed,), recognition, joint)
        proved = True
    except Unproved:
        proved = False
    assert proved == can_state(graph, observed, inverse, seed)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 255), min_size=6, max_size=6),
    st.integers(0, 63),
    st.integers(0, 5),
)
def test_active_trails_against_moral_graphs(rows: list[int], known: int, start: int) -> None:
    """The reachability of the kernel against the other way to decide: separation in the moral ancestral graph."""
    parents = tuple(row & ((1 << k) - 1) for k, row in enumerate(rows))
    known &= ~(1 << start)
    reached = connected(parents, children_of(parents), start, known)
    for other in range(6):
        if other != start and not known >> other & 1:
            assert bool(reached >> other & 1) == moral_connected(parents, start, other, known)


def moral_connected(parents: tuple[int, ...], start: int, end: int, known: int) -> bool:
    keep = {start, end} | {e for e in range(6) if known >> e & 1}
    while more := {p for e in keep for p in range(6) if parents[e] >> p & 1} - keep:
        keep |= more
    edges: set[frozenset[int]] = set()
    for child in keep:
        own = [p for p in keep if parents[child] >> p & 1]
        edges |= {frozenset((child, p)) for p in own} | {frozenset(two) for two in itertools.combinations(own, 2)}
    seen, waiting = {start}, [start]
    while waiting:
        current = waiting.pop()
        for edge in edges:
            if current in edge:
                (other,) = edge - {current}
                if other not in seen and not known >> other & 1:
                    seen.add(other)
                    waiting.append(other)
    return end in seen
