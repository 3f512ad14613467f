"""Is every map one-to-one onto what it declares, and are the derived inverse and log|det| its own?

The proof is built from the map's text alone; the inverse and log|det| that it arrives at must be, term for term, the
ones that were derived.  A difference is a bug of the compiler, and raised as one."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from gencompiler.checks import map_refutations, requirements
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.repairs import suggestions, support_like
from gencompiler.checks.verdict import Obligation, Verdict
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.model.nodes import Real
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.budget import STEPS, Spent
from gencompiler.proof.circle_refutations import gained
from gencompiler.proof.discrete_rules import whole_steps
from gencompiler.proof.evaluate import evaluate
from gencompiler.proof.facts import (
    InRange,
    Invertible,
    Monotone,
    NotAround,
    NotInjective,
    NotOnto,
    Outside,
    Tends,
    result,
)
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Proof, prove
from gencompiler.proof.patience import patiently
from gencompiler.proof.scope import MapTerms, terms_of
from gencompiler.proof.text import approximately, number, text

ID = "invertible"
#: Maps all of whose entries mix, of which rules are.
_FORMS = (
    "write it in steps that are each a coupling, a map by index, `W @ u` with an invertible matrix, "
    "`u + v * g(w @ u)`, `u * k(norm(u))` or `u + lipschitz(…)`"
)


def goal(derived: Derived, map_: nodes.Map, terms: MapTerms) -> Invertible:
    """What must hold of a map: it is a bijection, with the inverse and log|det| that were derived."""
    inverse: Term | None = None
    log_det: Term | None = None
    if map_.name in derived.inverses:
        found = derived.inverses[map_.name]
        outside = terms.translation.binding({found.output.name: result(terms.input.shape)})
        outside.names.pop(map_.input.name, None)
        outside.names[found.output.name] = result(terms.input.shape)
        inverse = outside.term(found.body)
        log_det = terms.translation.term(derived.log_dets[map_.name].body)
    return Invertible(terms.input, terms.body, map_.result.support, inverse, log_det, terms.requires)


def obligations(derived: Derived) -> list[tuple[Obligation, nodes.Map, MapTerms]]:
    """One for each map of the model."""
    found = []
    for map_ in derived.model.maps:
        terms = terms_of(derived.model, map_)
        words = f"`{map_.definition}` maps {map_.input.type} one-to-one onto {map_.result}"
        found.append((Obligation(ID, map_.name, words, map_.body.span, goal(derived, map_, terms)), map_, terms))
    return found


def check(checking: Checking) -> dict[str, Proof]:
    """The verdicts on all maps; returns the proofs, by map, of those whose conditions hold too."""
    proofs: dict[str, Proof] = {}
    for obligation, map_, terms in obligations(checking.derived):
        verdict = _settle(checking, obligation, map_, terms)
        if verdict.proof is not None and isinstance(verdict.proof.conclusion, Invertible):
            proofs[map_.name] = verdict.proof
    if checking.model.variables:  # a library states maps and uses none
        proofs = requirements.check(checking, proofs)
    _underived(checking, proofs)
    return proofs


def _settle(checking: Checking, obligation: Obligation, map_: nodes.Map, terms: MapTerms) -> Verdict:
    return checking.settle(
        obligation,
        lambda: _attempt(checking, map_, terms),
        lambda failure: map_refutations.refutation(checking, map_, terms, failure),
        lambda failure, found: _explain(checking, map_, terms, failure, found),
        # Taking it on trust is of use only where there is an inverse to compile.
        (ID, map_.definition) if map_.name in checking.derived.inverses or _assumed(checking, map_) else (),
    )


def _attempt(checking: Checking, map_: nodes.Map, terms: MapTerms) -> Proof:
    """The proof of a map; what it requires may be used."""
    search = checking.search.under(terms.requires)
    try:
        found = patiently(
            lambda: search.invertible(terms.input, terms.body, map_.result.support),
            *(terms.input, terms.body, terms.requires),
        )
    except Spent:
        raise NotFound("budget", terms.body, f"no proof was found in {STEPS:,} steps") from None
    conclusion = found.conclusion
    if isinstance(conclusion, Invertible) and conclusion.inverse is not None and not _is_derived(checking, map_):
        raise NotFound("budget", terms.body, "its inverse was not derived within the steps that a search may take")
    return prove("under", terms.requires, found) if terms.requires else found


def _is_derived(checking: Checking, map_: nodes.Map) -> bool:
    return map_.name in checking.derived.inverses


def _assumed(checking: Checking, map_: nodes.Map) -> bool:
    return checking.assumption(ID, map_.definition) is not None


def _underived(checking: Checking, proofs: dict[str, Proof]) -> None:
    """A map that is only assumed or allowed to be invertible still needs an inverse to be compiled."""
    reasons = {f.subject: f for f in checking.derived.failures}
    for map_ in checking.model.maps if checking.model.variables else ():
        settled = map_.name in proofs or (checking.allow_unknown and not checking.reporter.has_errors)
        if map_.name not in checking.derived.inverses and settled and map_.name in reasons:
            failure = reasons[map_.name]
            message = f"no inverse of `{map_.definition}` can be derived"
            checking.report(Finding("G406", message, failure.span, failure.reason))


def _explain(checking: Checking, map_: nodes.Map, terms: MapTerms, failure: NotFound, found: Proof | None) -> Finding:
    origins = terms.translation.origins
    span = origins.get(failure.within or failure.term, map_.body.span)
    name = map_.definition
    notes = (counterexample(found, terms),) if found is not None else ()
    if failure.kind == "cycle":
        return Finding(
            "G406",
            f"no inverse of `{name}` can be derived: {failure.reason}",
            span,
            "needs what it transforms",
            notes=notes,
            help=(_FORMS if "all of" in failure.reason else "let the conditioner see only the part that is passed on",),
        )
    if failure.kind == "mixed":
        shown = text(failure.term, terms.translation.labels)
        message = f"the parts of `{name}` mix by a matrix that may be singular"
        label = f"its determinant is `{shown}`" if len(shown) <= 60 else "its determinant may be 0"
        return Finding("G402", message, span, label, notes=notes)
    if found is not None and (failure.kind == "onto" or isinstance(found.conclusion, NotOnto)):
        return _not_onto(checking, map_, terms, found, notes)
    if found is not None and isinstance(found.conclusion, NotAround):
        return _not_around(map_, found, notes)
    if failure.kind == "vanishes":
        return _vanishes(checking, name, terms, failure, notes, map_)
    if found is not None and isinstance(found.conclusion, Outside):
        message = f"`{name}` is not defined with values in {map_.result.support} everywhere"
        help_ = suggestions(checking, terms, map_.result.support)
        return Finding("G403", message, span, str(failure), notes=notes, help=help_)
    if found is not None:
        help_ = suggestions(checking, terms, map_.result.support)
        order = terms.input.shape == () and found.rule != "two_points"
        label = "rises and falls" if order else "one value at two inputs"
        return Finding("G401", f"`{name}` is not injective", span, label, notes=notes, help=help_)
    help_ = suggestions(checking, terms, map_.result.support)
    return Finding("G408", f"cannot prove that `{name}` is invertible", span, failure.reason, help=help_)


def _vanishes(
    checking: Checking, name: str, terms: MapTerms, failure: NotFound, notes: tuple[str, ...], map_: nodes.Map
) -> Finding:
    factor = failure.term
    shown = text(factor, terms.translation.labels)
    within = failure.within
    span = terms.translation.origins.get(within or factor, map_.body.span)
    also: list[Label] = []
    help_: tuple[str, ...] = ()
    at = checking.declared_at(factor)
    if at is not None:
        also.append(Label(at, "declared without a sign"))
        help_ = (f"declare {checking.declaration(factor, 'Positive')}",)
    elif factor.symbols:
        help_ = (f"make it positive: `exp({shown})` or `softplus({shown})`",)
        where = terms.translation.origins.get(factor)
        if where is not None and factor.operation == "network":
            also.append(Label(where, "any real number"))
    label = "zero here makes every input map to one value"
    if (
        within is not None
        and within.operation == "apply"
        and within.data == "multiply"
        and terms.input in within.arguments
    ):
        label = f"zero here makes every {map_.input.name} map to 0"
    if factor is terms.input or (within is not None and within.operation == "apply" and within.data == "divide"):
        label = "not defined where this is zero"
    message = f"cannot prove that `{shown}` is never zero, so `{name}` may not be invertible"
    if factor.operation == "literal":
        message = f"`{shown}` is zero, so `{name}` is not invertible"
    return Finding("G402", message, span, label, tuple(also), notes, help_)


def _not_onto(checking: Checking, map_: nodes.Map, terms: MapTerms, found: Proof, notes: tuple[str, ...]) -> Finding:
    declared = map_.result.support
    help_ = suggestions(checking, terms, declared)
    if found.rule == "not_onto" and isinstance(found.premises[0].conclusion, InRange):
        reached = found.premises[0].conclusion.interval
        help_ = help_ or (f"declare the result as `{support_like(reached)}`",)
        notes = (f"the range of `{map_.definition}` is within {reached}",)
    message = f"the range of `{map_.definition}` is not {declared}"
    return Finding("G403", message, map_.body.span, f"declared to give {declared}", notes=notes, help=help_)


def _not_around(map_: nodes.Map, found: Proof, notes: tuple[str, ...]) -> Finding:
    """How often a map of the circle goes around, at the values that show it."""
    name, input_ = map_.definition, map_.input.name
    message = f"`{name}` does not go around the circle once"
    label = f"goes around {_times(found)} while `{input_}` does once"
    help_ = f"let it gain one turn, as `{input_}` does; what depends on `sin({input_})` and `cos({input_})` gains none"
    return Finding("G412", message, map_.body.span, label, notes=notes, help=(help_,))


def _times(found: Proof) -> str:
    """How often a map goes around, in words."""
    turns = abs(float(gained(*found.subject).mid()))
    counted = {0: "not at all", 2: "twice"}.get(round(turns)) if abs(turns - round(turns)) < 1e-9 else None
    return counted or f"{turns:.6g} times"


#: What the number or vector of a counterexample to a smaller map is of the input.
_PLACES = {
    "ridge": "where s is the product of the input with the direction that the map looks along",
    "radial": "where r is the distance from the centre",
    "within": "as the part of the input within the subspace",
}


def counterexample(found: Proof, terms: MapTerms) -> str:
    """The exact values of a counterexample, in words."""
    conclusion = found.conclusion
    names = terms.translation.labels
    if isinstance(conclusion, NotOnto):
        at = "".join(f"{text(t, names)} = {point(v)}: " for t, v in conclusion.at)
        return f"counterexample: {at}it {missed(found)} of {conclusion.support}"
    if found.rule == "entry_twice":
        return counterexample(found.premises[0], terms) + ", as all places or the last one"
    if found.rule == "smaller_twice":
        return f"{counterexample(found.premises[0], terms)}, {_PLACES[str(found.subject[2])]}"
    if found.rule == "line_twice":
        return _along_line(found, terms)
    if found.rule in ("two_vectors", "second_solution"):
        return _two_vectors(found, names)
    if found.rule == "singular_between":
        above, below = (", ".join(f"{text(t, names)} = {point(v)}" for t, v in a) for a in found.subject[3:])
        return f"counterexample: between {above} and {below} the determinant goes through 0"
    assignment = found.subject[2]
    if isinstance(conclusion, NotAround) and not assignment:
        return "counterexample: its values at -pi and pi are not one turn apart"
    fixed = [f"{text(t, names)} = {point(v)}" for t, v in assignment]
    if found.rule == "taken_twice":
        (a, b), (c, d), value = found.subject[3:]
        cells = f"between {number(a)} and {number(b)} and between {number(c)} and {number(d)}"
        return f"counterexample: {', '.join([*fixed, f'the value {number(value)} is taken'])} {cells}"
    if isinstance(conclusion, NotInjective):
        input_ = conclusion.input
        places = found.subject[3:]
        if found.rule == "two_points":
            points = [f"{input_} = {point(p)}" for p in places]
            told = f"{', '.join(points[:-1])} and {points[-1]}"
            return f"counterexample: {', '.join([*fixed, told])} both map to {value_at(found)}"
        return f"counterexample: {', '.join([*fixed, ''])}{turning(found)}"
    return f"counterexample: {', '.join(fixed)}" if fixed else "counterexample: any values"


def missed(found: Proof) -> str:
    """What a map does not reach, in words."""
    at = {"gap": 3, "skipped": 5, "never_taken": 4}.get(found.rule)
    if at is not None:
        return f"never takes the value {number(found.subject[at])}"
    if found.rule == "skips_integers":
        return f"never takes the value {number(whole_steps(*found.subject[:2])[1] + 1)}"
    if found.rule == "lattice_skips":
        return "takes multiples in one part, and misses values"
    if found.rule == "always_in_order":
        _, greater, less, _ = found.subject
        return f"never has entry {greater} below entry {less}, and misses values"
    if found.rule == "falls_short_of_sphere":
        distance = found.premises[1]
        return f"has no values at some distances from the centre: the distance {missed(distance)}"
    if found.rule == "falls_short":
        limit = found.premises[1].conclusion
        assert isinstance(limit, Tends)
        monotone = found.premises[0].conclusion
        assert isinstance(monotone, Monotone)
        over = limit.upper == monotone.increasing
        end = limit.high if over else limit.low
        return f"stays {'below' if over else 'above'} {roughly(end)}, and misses values"
    return "misses values"


def roughly(value: Real) -> str:
    """A number, or a long one to six digits."""
    spelled = number(value)
    return spelled if len(spelled) <= 12 else f"about {float(value):.6g}"


def turning(found: Proof) -> str:
    """Three points in order, and their values that are not."""
    input_, body, assignment, *places = found.subject
    shown = []
    for place in sorted(places):
        (value,) = evaluate(body, {**dict(assignment), input_: (place,)})
        digits = float(value) if isinstance(value, Fraction) else float(value.mid())
        shown.append((f"{input_} = {roughly(place)}", f"{digits:.10g}"))
    return f"{_listed([p for p, _ in shown])} map to {_listed([v for _, v in shown])}, out of order"


def _listed(parts: list[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _two_vectors(found: Proof, names: Mapping[Term, str]) -> str:
    input_, body, choices, *ends = found.subject
    solved = found.rule == "second_solution"
    first, second = ends[0] if solved else ends
    same = [f"{text(a, names)} = {point(v)}" for a, v, w in choices if v == w]
    told = [f"{input_} = {point(first)}", f"{input_} = {nearly(second) if solved else point(second)}"]
    for atom, at_first, at_second in choices:
        if at_first != at_second:
            values = (point(at_first), nearly(at_second) if solved else point(at_second))
            told = [f"{t} with {text(atom, names)} = {v}" for t, v in zip(told, values, strict=True)]
    value = point(evaluate(body, {**{a: v for a, v, _ in choices}, input_: first}))
    return f"counterexample: {', '.join([*same, told[0]])} and {told[1]} both map to {value}"


def _along_line(found: Proof, terms: MapTerms) -> str:
    """What is fixed, and the values of the element that moves."""
    input_, _, choices, start, place = found.subject
    fixed = [f"{text(a, terms.translation.labels)} = {point(v)}" for a, v, _ in choices]
    others = (*start[:place], *start[place + 1 :])
    fixed += [f"{input_} = {point(others)} but for {input_}[{place}]"] if others else []
    moved = counterexample(found.premises[0], terms).removeprefix("counterexample: ")
    own = found.premises[0].subject[0]
    return f"counterexample: {', '.join([*fixed, moved.replace(str(own), f'{input_}[{place}]')])}"


def point(place: object) -> str:
    """A number, or a tensor as a short list; one of equal elements as that element, balls by their middles."""
    if isinstance(place, Fraction):
        return number(place)
    assert isinstance(place, tuple)
    if place and all(p is place[0] or p == place[0] for p in place):  # a ball that is not exact has no hash
        return approximately(place[0])
    shown = [approximately(p) for p in place]
    return f"[{', '.join(shown if len(shown) <= 16 else ['…', *shown[-3:]])}]"


def nearly(place: tuple[Fraction, ...]) -> str:
    """The centre of a small box, to six digits where its numbers are long."""
    shown = [number(v) if v.denominator <= 1000 else f"about {float(v):.6g}" for v in place]
    return shown[0] if len(set(shown)) == 1 else f"[{', '.join(shown)}]"


def value_at(found: Proof) -> str:
    """The common value of the two points of a counterexample."""
    input_, body, assignment, first, _ = found.subject
    return point(evaluate(body, {**dict(assignment), input_: first}))
