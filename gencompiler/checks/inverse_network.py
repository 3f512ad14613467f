"""Can a recognition model state the posterior?  `claim faithful(q, p)`: it asks for no independence that the graph of
`p` does not give; `claim minimal(q, p)`: and none of what it depends on could be left out.

Where it cannot, the message names the missing dependence and the trail that carries it, and gives two cases with exact
probabilities: those of `p` itself where its conditionals are numbers, else those of made-up conditionals.  Where the
conditionals of `p` are numbers that happen to show no such dependence, nothing is refuted.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.joints import Joint, joints
from gencompiler.checks.verdict import Obligation
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.proof import separation
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.graph import Term, subterms
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.separation import Elements, bits
from gencompiler.proof.separation_facts import Faithful, Minimal
from gencompiler.proof.separation_rules import MOST_CASES, Pair, Tables, computed_by, leaks, pair, probability
from gencompiler.proof.structure import Admissible, Production
from gencompiler.proof.terms import ZERO
from gencompiler.proof.text import number

FACTS = {"faithful": Faithful, "minimal": Minimal}

#: Made-up conditionals that are tried.
SEEDS = range(1, 6)
#: Cases of what is given that are tried for each of them.
MOST_TRIED = 16
#: Entries of made-up conditionals that a message shows at most.
MOST_SHOWN = 24


@dataclasses.dataclass(frozen=True)
class Leak:
    """Element `element` of the inverse still depends on `other`, which its head does not list."""

    element: int
    other: int
    trail: tuple[int, ...]
    also: int


def claims_of(model: nodes.Model) -> list[nodes.Claim]:
    """The claims about inverses, each once."""
    found: dict[tuple[str, ...], nodes.Claim] = {}
    for claim in model.claims:
        if claim.fact.predicate in FACTS:
            found.setdefault((claim.fact.predicate, *claim.fact.arguments), claim)
    return list(found.values())


def obligations(derived: Derived) -> list[Obligation]:
    """One for each claim about two joints that have equations."""
    known = {j.name: j for j in joints(derived)}
    return [own for claim in claims_of(derived.model) if (own := _obligation(derived, known, claim)) is not None]


def _obligation(derived: Derived, known: dict[str, Joint], claim: nodes.Claim) -> Obligation | None:
    predicate, (inverse, joint) = claim.fact.predicate, claim.fact.arguments
    if inverse not in known or joint not in known:
        return None
    q, p = known[inverse], known[joint]
    observed = tuple(v.name for v in derived.model.variables if v.role == "observed" and v.name in dict(p.variables))
    goal = FACTS[predicate](inverse, joint, p.variables, observed, q.productions, p.productions)
    asked = ", ".join(f"`{name}`" for name, _ in q.variables if name not in computed_by(q.productions))
    seen = ", ".join(f"`{name}`" for name in observed)
    words = {
        "faithful": f"`{inverse}` can state the posterior of {asked} given {seen}: no dependence is left out",
        "minimal": f"nothing that `{inverse}` depends on could be left out",
    }[predicate]
    return Obligation(predicate, inverse, words, claim.span, goal)


def check(checking: Checking, factorized: dict[str, Proof]) -> None:
    """The verdicts on all claims about inverses.  `factorized`: the proofs that joints are factorizations."""
    known = {j.name: j for j in checking.joints}
    for claim in claims_of(checking.model):
        own = _obligation(checking.derived, known, claim)
        if own is not None and set(claim.fact.arguments) <= set(factorized):
            _settle(checking, own, claim, factorized)


def _settle(checking: Checking, own: Obligation, claim: nodes.Claim, factorized: dict[str, Proof]) -> None:
    inverse, joint = claim.fact.arguments
    goal = own.goal
    assert isinstance(goal, Faithful | Minimal)
    found: list[tuple[Pair, Leak, Proof]] = []
    spare: list[tuple[Pair, int, int]] = []

    def attempt_() -> Proof:
        try:
            return prove(own.id, (goal.observed,), factorized[inverse], factorized[joint])
        except Unproved as failure:
            raise NotFound("separation", ZERO, str(failure)) from None

    def refute(failure: NotFound) -> Proof | None:
        if isinstance(goal, Minimal):
            spare.extend(itertools.islice(_spare(goal), 1))
            return attempt("spare_parent", (*goal.values(), *spare[0][1:])) if spare else None
        found.extend(itertools.islice(_refutations(goal), 1))
        return found[0][2] if found else None

    def explain(failure: NotFound, refutation: Proof | None) -> Finding:
        if isinstance(goal, Minimal):
            return _explain_spare(checking, own, goal, *spare[0]) if refutation is not None else _open(own, failure)
        return _explain(checking, own, goal, *found[0]) if found else _open(own, failure)

    checking.settle(own, attempt_, refute, explain, (own.id, *claim.fact.arguments))


def _open(own: Obligation, failure: NotFound) -> Finding:
    return Finding("G409", f"cannot prove that {own.words}", own.span, str(failure))


# -- refutations -----------------------------------------------------------------------------------------------------


def _spare(goal: Minimal) -> Iterator[tuple[Pair, int, int]]:
    """Elements of an inverse, and parents that they could do without."""
    try:
        graphs = pair(goal.variables, goal.observed, goal.recognition, goal.generation)
    except Unproved:
        return
    for element in graphs.order:
        own = graphs.inverse.least[element]
        for parent in bits(own):
            if not leaks(graphs, graphs.joint.most, element, own & ~(1 << parent)):
                yield graphs, element, parent


def _refutations(goal: Faithful) -> Iterator[tuple[Pair, Leak, Proof]]:
    """What refutes that an inverse is faithful, the shortest trails first."""
    try:
        graphs = pair(goal.variables, goal.observed, goal.recognition, goal.generation)
    except Unproved:
        return
    for leak in _leaks(graphs):
        proof = _proof(goal, graphs, leak)
        if proof is not None:
            yield graphs, leak, proof


def _leaks(graphs: Pair) -> list[Leak]:
    """Every dependence that the inverse leaves out."""
    parents = graphs.joint.least
    children = separation.children_of(parents)
    found = []
    for element in graphs.order:
        given = graphs.inverse.most[element]
        left = leaks(graphs, parents, element, given)
        for other in bits(left):
            trail = separation.trail(parents, children, element, other, separation.fixed(graphs.joint, given))
            found.append(Leak(element, other, trail, left))
    return sorted(found, key=lambda leak: (len(leak.trail), leak.element, leak.other))


def _proof(goal: Faithful, graphs: Pair, leak: Leak) -> Proof | None:
    """By exact probabilities where the model has few cases; else by the trail."""
    subject = goal.values()
    numbers = _is_numbers(graphs, goal.generation)
    clearest: tuple[Fraction, tuple[object, ...]] | None = None
    for seed in (None,) if numbers else SEEDS:
        tables = Tables(graphs.elements, graphs.joint, goal.generation, seed)
        try:
            for value, first, second in _cases(graphs, tables, leak, whole=numbers):
                one, two = (probability(graphs, tables, leak.element, value, dict(case)) for case in (first, second))
                gap = abs(one - two) if one is not None and two is not None else Fraction(0)
                if gap > (clearest[0] if clearest else 0):
                    clearest = gap, (leak.element, value, first, second, seed)
        except Unproved:
            break
    if clearest is not None:
        return prove("dependence", (*subject, *clearest[1]))
    return None if numbers else attempt("active_trail", (*subject, leak.element, leak.other))


def _is_numbers(graphs: Pair, productions: tuple[Production, ...]) -> bool:
    """Whether every conditional is a table of numbers: finite variables, and nothing learned or given."""
    for production in productions:
        law = production.law
        if not isinstance(law, Admissible) or not SUPPORTS[law.event.name].discrete:
            return False
        symbols = {s for a in law.arguments for s in a.symbols}
        learned = any(s.data[0] == "parameter" for s in symbols) or any(_has_network(a) for a in law.arguments)
        if learned or any(s.data[0] == "variable" and s.data[1] not in graphs.elements.first for s in symbols):
            return False
    return True


def _has_network(term: Term) -> bool:
    return any(part.operation == "network" for part in subterms(term))


def _cases(
    graphs: Pair, tables: Tables, leak: Leak, *, whole: bool
) -> Iterator[tuple[int, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]]:
    """A value of the element and two cases that differ in one other element; with `whole`, also in several others.

    Raises Unproved where the model has too many cases to add up."""
    given = tuple(bits(graphs.inverse.most[leak.element]))
    value = tables.values(leak.element).stop - 1
    yield from _differing(tables, value, given, (leak.other,))
    others = tuple(e for e in bits(graphs.before(leak.element)) if e not in given)
    if whole and math.prod(len(tables.values(e)) for e in (*given, *others)) <= MOST_CASES:
        yield from _disagreements(graphs, tables, leak.element, given, others)


def _differing(
    tables: Tables, value: int, given: tuple[int, ...], others: tuple[int, ...]
) -> Iterator[tuple[int, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]]:
    values = [tables.values(e) for e in given]
    choices = list(itertools.product(*(tables.values(e) for e in others)))
    for known in itertools.islice(itertools.product(*values), MOST_TRIED):
        same = tuple(zip(given, known, strict=True))
        for one, two in itertools.combinations(choices, 2):
            first, second = (tuple(sorted((*same, *zip(others, each, strict=True)))) for each in (one, two))
            yield value, first, second


def _disagreements(
    graphs: Pair, tables: Tables, element: int, given: tuple[int, ...], others: tuple[int, ...]
) -> Iterator[tuple[int, tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]]:
    """Two full cases that agree in what is given and in which some value has other probabilities."""
    for value in tables.values(element):
        for known in itertools.product(*(tables.values(e) for e in given)):
            same = tuple(zip(given, known, strict=True))
            seen: tuple[object, tuple[tuple[int, int], ...]] | None = None
            for rest in itertools.product(*(tables.values(e) for e in others)):
                case = tuple(sorted((*same, *zip(others, rest, strict=True))))
                own = probability(graphs, tables, element, value, dict(case))
                if own is None:
                    continue
                if seen is not None and seen[0] != own:
                    yield value, seen[1], case
                    return
                seen = seen or (own, case)


# -- words -----------------------------------------------------------------------------------------------------------


def _explain(checking: Checking, own: Obligation, goal: Faithful, graphs: Pair, leak: Leak, proof: Proof) -> Finding:
    elements = graphs.elements
    element, other = spelled(elements, leak.element), spelled(elements, leak.other)
    given = [spelled(elements, e) for e in bits(graphs.inverse.most[leak.element])]
    told = f" given {', '.join(f'`{g}`' for g in given)}" if given else ""
    message = f"`{goal.inverse}` is not faithful to `{goal.joint}`: `{element}` depends on `{other}`{told}"
    equation = _equation(checking, goal, graphs, leak.element)
    notes = [f"the dependence goes along {_trail(graphs, leak)}", *_numbers(goal, graphs, leak, proof)]
    listed = ", ".join((*given, other))
    help_ = (f"list it: `{goal.inverse}({element} | {listed})`",)
    if equation is None:
        return Finding("G409", message, own.span, "not faithful", notes=tuple(notes), help=help_)
    also = (Label(own.span, "claimed here"),)
    return Finding("G409", message, equation.targets[0].span, f"leaves out `{other}`", also, tuple(notes), help_)


def _explain_spare(
    checking: Checking, own: Obligation, goal: Minimal, graphs: Pair, element: int, parent: int
) -> Finding:
    rest = [spelled(graphs.elements, e) for e in bits(graphs.inverse.least[element] & ~(1 << parent))]
    name, other = spelled(graphs.elements, element), spelled(graphs.elements, parent)
    told = f" given {', '.join(f'`{g}`' for g in rest)}" if rest else ""
    message = f"`{goal.inverse}` is not minimal: `{name}` does not depend on `{other}`{told}"
    notes = (f"in the graph of `{goal.joint}`, every trail from `{name}` to `{other}` is blocked there",)
    head = f"{name} | {', '.join(rest)}" if rest else name
    help_ = (f"leave it out: `{goal.inverse}({head})`",)
    equation = _equation(checking, goal, graphs, element)
    if equation is None:
        return Finding("G409", message, own.span, "not minimal", notes=notes, help=help_)
    also = (Label(own.span, "claimed here"),)
    return Finding("G409", message, equation.targets[0].span, f"`{other}` could be left out", also, notes, help_)


def _equation(checking: Checking, goal: Faithful | Minimal, graphs: Pair, element: int) -> nodes.Conditional | None:
    law = graphs.inverse.laws[element]
    own = [c for c in checking.model.conditionals if c.joint == goal.inverse]
    return own[law[0]] if law is not None and law[0] < len(own) else None


def spelled(elements: Elements, element: int) -> str:
    """`rain`, `z[3]`"""
    name, place = elements.name(element)
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def _trail(graphs: Pair, leak: Leak) -> str:
    """`rain -> wet <- sprinkler`"""
    parents = graphs.joint.least
    found = f"`{spelled(graphs.elements, leak.trail[0])}`"
    for before, after in itertools.pairwise(leak.trail):
        arrow = "<-" if parents[before] >> after & 1 else "->"
        found += f" {arrow} `{spelled(graphs.elements, after)}`"
    known = graphs.inverse.most[leak.element]
    met = [e for k, e in enumerate(leak.trail[1:-1], 1) if _head_to_head(parents, leak.trail, k)]
    if not met:
        return found
    where = ", ".join(f"`{spelled(graphs.elements, e)}`" for e in met)
    observed = "which is known" if all(known >> e & 1 for e in met) else "of which something known depends"
    return f"{found}, meeting at {where}, {observed}"


def _head_to_head(parents: tuple[int, ...], trail: tuple[int, ...], place: int) -> bool:
    own = parents[trail[place]]
    return bool(own >> trail[place - 1] & 1 and own >> trail[place + 1] & 1)


def _numbers(goal: Faithful, graphs: Pair, leak: Leak, proof: Proof) -> list[str]:
    """The two cases of a proof by numbers, in words."""
    if proof.rule != "dependence":
        return []
    *_, element, value, first, second, seed = proof.subject
    tables = Tables(graphs.elements, graphs.joint, goal.generation, seed)
    told = []
    for case in (first, second):
        found = probability(graphs, tables, element, value, dict(case))
        assert found is not None, "the proof says so"
        shown = ", ".join(f"{spelled(graphs.elements, e)} = {v}" for e, v in case)
        told.append(f"P({spelled(graphs.elements, element)} = {value} | {shown}) = {number(found)}")
    found_numbers = [f"counterexample: {told[0]}, and {told[1]}"]
    return (
        found_numbers if seed is None else [*found_numbers, *_conditionals(goal, graphs, tables, dict(first), element)]
    )


def _conditionals(goal: Faithful, graphs: Pair, tables: Tables, case: Mapping[int, int], element: int) -> list[str]:
    """The made-up conditionals that a counterexample is of, as they would be written; nothing where they are many."""
    parents = graphs.joint.least
    relevant = separation.ancestral(parents, 1 << element | sum(1 << e for e in case))
    order = [e for e in separation.order_of(parents, relevant) if not graphs.joint.determined >> e & 1]
    entries = sum(math.prod(len(tables.values(p)) for p in (e, *bits(parents[e]))) for e in order)
    if entries > 2 * MOST_SHOWN:
        return ["it is of made-up conditionals in the same graph"]
    return [f"there, {', '.join(_conditional(goal, graphs, tables, e) for e in order)}"]


def _conditional(goal: Faithful, graphs: Pair, tables: Tables, element: int) -> str:
    own = tuple(bits(graphs.joint.least[element]))
    name, given = spelled(graphs.elements, element), ", ".join(spelled(graphs.elements, e) for e in own)
    table = _table(tables, element, own, ())
    head = f"`{goal.joint}({name}{f' | {given}' if own else ''})"
    family = "Bernoulli" if len(tables.values(element)) == 2 else "Categorical"
    return f"{head} = {family}({table}{f'[{given}]' if own else ''})`"


def _table(tables: Tables, element: int, parents: tuple[int, ...], at: tuple[int, ...]) -> str:
    if len(at) < len(parents):
        inner = (_table(tables, element, parents, (*at, v)) for v in tables.values(parents[len(at)]))
        return f"[{', '.join(inner)}]"
    row = tables.row(element, at)
    return number(row[1]) if len(row) == 2 else f"[{', '.join(map(str, row))}]"
