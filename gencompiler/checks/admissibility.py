"""Are the parameters of every distribution where they must be (a scale positive, a probability inside (0, 1)), and are
its events the values of the variable it describes?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from fractions import Fraction

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.equations import conditional_equation, law_of
from gencompiler.checks.law_places import written
from gencompiler.checks.objective_draws import own_draws, own_support
from gencompiler.checks.verdict import UNKNOWN, Obligation, Verdict
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.proof import domain, refute, sign_search
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Term, name_of, subterms, symbol
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.law_rules import events, needs
from gencompiler.proof.probabilities import probability
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.scope import distribution_terms, index_symbol
from gencompiler.proof.structure import Admissible, Described, Mixed, PushesForward, is_atom
from gencompiler.proof.structure_rules import is_whole
from gencompiler.proof.terms import ZERO
from gencompiler.proof.text import approximately, number, text
from gencompiler.proof.translate import Translation

ID = "admissible"
#: The kind of failure that has been reported where a density is written.
UNSHOWN = "unshown"

PROBABILITY = nodes.Support("Interval", (Fraction(0), Fraction(1)))


@dataclasses.dataclass(frozen=True)
class Use:
    """One use of a distribution, with the spans of its arguments."""

    obligation: Obligation
    goal: Admissible
    distribution: nodes.Distribution
    translation: Translation
    variable: Span


def uses(derived: Derived) -> list[Use]:
    """Every distribution of the model: of its conditionals, of its transitions' draws, then of its objectives'."""
    model = derived.model
    variables = {v.name: v for v in model.variables}
    found = []
    for conditional in model.conditionals:
        inside = Translation.of_model(model).binding({r.index: index_symbol(r) for r in conditional.indices})
        distribution, _ = distribution_terms(inside, conditional.distribution)
        production = conditional_equation(model, conditional).production
        own = production.law.base if isinstance(production.law, PushesForward) else production.law
        assert isinstance(own, Admissible)
        name = production.produces[0].variable
        found.append(_use(production.label, own, distribution, inside, variables[name].span))
    for transition in model.transitions:
        for step, inside in scopes(model, transition):
            if isinstance(step, nodes.Draw) and not isinstance(step.distribution, nodes.Conditioned):
                distribution, arguments = distribution_terms(inside, step.distribution)
                event = step_support(transition, step, distribution, arguments, model)
                goal = Admissible(distribution.family, distribution.form, arguments, event, distribution.type.shape)
                found.append(_use(f"{transition.name}: {step.name}", goal, distribution, inside, transition.span))
    for subject, drawn, inside in own_draws(model):
        distribution, arguments = distribution_terms(inside, drawn)
        law = law_of(model, inside, drawn, own_support(distribution, arguments))
        found.append(_use(subject, law, distribution, inside, drawn.span))
    return found


def scopes(model: nodes.Model, transition: nodes.Transition) -> Iterator[tuple[nodes.Step, Translation]]:
    """The steps in a transition's braces, each with what its names stand for: any value of their supports."""
    inside = transition_translation(model, transition)
    types = {i.name: i.type for i in transition.current} | {v.name: v.type for v in model.variables}
    for step in transition.steps:
        yield step, inside
        names: dict[str, Term] = {}
        match step:
            case nodes.Draw(name=name, place=place):
                event, shape = step.distribution.type.support, step.distribution.type.shape
                if not isinstance(step.distribution, nodes.Conditioned):
                    distribution, arguments = distribution_terms(inside, step.distribution)
                    event = step_support(transition, step, distribution, arguments, model)
                    shape = distribution.type.shape
                if place:
                    shape = types[name.rstrip("'")].shape
                names[name] = symbol("draw", name, event, shape)
            case nodes.Assign(name=name, value=value):
                names[name] = inside.term(value)
            case nodes.Through():
                for name, source in zip(step.names, step.sources, strict=True):
                    names[name] = symbol("draw", name, source.type.support, source.type.shape)
            case nodes.Accept() | nodes.Orbit():
                for name in step.names:
                    own = types[name.rstrip("'")]
                    names[name] = symbol("draw", name, own.support, own.shape)
        inside = inside.binding(names)


def step_support(
    transition: nodes.Transition,
    step: nodes.Draw,
    distribution: nodes.Distribution,
    arguments: tuple[Term, ...],
    model: nodes.Model,
) -> nodes.Support:
    """The support that a draw must have: that of the variable it becomes, or else what its family gives."""
    moved = {n: i.type.support for n in transition.next for i in transition.current if i.name == n.rstrip("'")}
    moved |= {v.name: v.type.support for v in model.variables if v.role == "latent"}
    if step.name in moved:
        return moved[step.name]
    return own_support(distribution, arguments)


def transition_translation(model: nodes.Model, transition: nodes.Transition) -> Translation:
    """The scope of a transition's steps."""
    names = {i.name: symbol("variable", i.name, i.type.support, i.type.shape) for i in transition.current}
    names |= {i.name: symbol("condition", i.name, i.type.support, i.type.shape) for i in transition.conditions}
    return Translation.of_model(model).binding(names)


def _use(
    subject: str, goal: Admissible, distribution: nodes.Distribution, translation: Translation, variable: Span
) -> Use:
    words = f"`{_told(distribution.family)}` has admissible parameters, and events in {goal.event}"
    return Use(Obligation(ID, subject, words, distribution.span, goal), goal, distribution, translation, variable)


def check(checking: Checking) -> dict[str, Proof]:
    """The verdicts on all distributions; returns the proofs, by subject."""
    proofs = {}
    for use in uses(checking.derived):
        verdict = _settle(checking, use)
        if verdict.proof is not None and isinstance(verdict.proof.conclusion, Admissible):
            proofs[use.obligation.subject] = verdict.proof
    for own, term, scope in probabilities(checking.derived):
        check_probability(checking, own, term, scope)
    return proofs


def _settle(checking: Checking, use: Use) -> Verdict:
    unshown = next((d for d in _described_in(use.goal) if d.body not in checking.densities), None)
    if unshown is not None:
        reason = f"`{_told(unshown.family)}` is not known to be a density"  # reported where it is written
        return checking.record(Verdict(UNKNOWN, use.obligation, notes=(reason,)))
    return checking.settle(
        use.obligation,
        lambda: attempt(checking, use.goal),
        lambda failure: _refute(use, failure),
        lambda failure, found: _explain(checking, use, failure, found),
    )


def _described_in(goal: Admissible) -> Iterator[Described]:
    """The users' densities in a law."""
    if isinstance(goal, Mixed):
        yield from _described_in(goal.component)
    elif isinstance(goal, Described):
        yield goal


def probabilities(derived: Derived) -> list[tuple[Obligation, Term, Translation]]:
    """The probabilities of acceptance that a spec writes itself: each must lie in [0, 1]."""
    found = []
    for transition in derived.model.transitions:
        for step, scope in scopes(derived.model, transition):
            if isinstance(step, nodes.Accept) and step.probability is not None:
                term = scope.term(step.probability)
                words = "the probability of acceptance is in [0, 1]"
                own = Obligation(
                    ID, f"{transition.name}: accept", words, step.probability.span, Member(term, PROBABILITY)
                )
                found.append((own, term, scope))
    return found


def check_probability(checking: Checking, own: Obligation, term: Term, scope: Translation) -> None:
    """The verdict on one probability of acceptance."""

    def attempt() -> Proof:
        try:
            return prove("member", (term, PROBABILITY), probability(checking.search, term))
        except Unproved as failure:
            raise NotFound("range", term, str(failure)) from None

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        notes = (f"counterexample: {_values(found, scope)}",) if found is not None else (str(failure),)
        message = f"cannot prove that {own.words}"
        return Finding(
            "G501", message, own.span, "this may not be a probability", notes=notes, help=("write `min(1, …)`",)
        )

    checking.settle(own, attempt, lambda failure: refute.outside(term, PROBABILITY), explain)


def attempt(checking: Checking, goal: Admissible) -> Proof:
    """Prove each requirement, then put them together; raises NotFound."""
    if is_atom(goal.family):
        return _point(checking, goal)
    if isinstance(goal, Mixed):
        return _mixed(checking, goal)
    wanted = needs(goal)
    premises = [_required(checking, name, term, support) for name, term, support in wanted]
    if isinstance(goal, Described):
        return _described(checking, goal, premises)
    try:
        subject = (goal.family, goal.form, goal.arguments, goal.event, goal.shape)
        return prove("distribution", subject, *premises)
    except Unproved as failure:
        raise NotFound("event", ZERO, str(failure)) from None


def _point(checking: Checking, goal: Admissible) -> Proof:
    """That the one value of a distribution is one of the variable's; raises NotFound."""
    (value,) = goal.arguments
    try:
        inside = prove("member", (value, goal.event), checking.search.range(value))
        return prove("point_mass", (goal.family, goal.form, goal.arguments, goal.event, goal.shape), inside)
    except Unproved as failure:
        raise NotFound("point", value, str(failure)) from None


def _mixed(checking: Checking, goal: Mixed) -> Proof:
    """A mixture: its weights, and its component for every index; raises NotFound."""
    (weights,) = goal.arguments
    shares = checking.search.range(weights) if goal.form == "logits" else checking.search.simplex(weights)
    component = attempt(checking, goal.component)
    try:
        own = (goal.form, goal.arguments, goal.event, goal.shape, goal.index, goal.component)
        return prove("mixed", own, shares, component)
    except Unproved as failure:
        raise NotFound("event", ZERO, str(failure)) from None


def _described(checking: Checking, goal: Described, premises: list[Proof]) -> Proof:
    """A user's density: it rests on the proofs of its sign and its mass, which have verdicts of their own."""
    if goal.body not in checking.densities:
        raise NotFound(UNSHOWN, goal.body, f"`{_told(goal.family)}` is not known to be a density")
    try:
        moves = [sign_search.positive(checking.search, t) for t in (goal.place, goal.width) if t is not None]
        return prove("described", goal.values(), *checking.densities[goal.body], *moves, *premises)
    except Unproved as failure:
        raise NotFound("event", ZERO, str(failure)) from None


def _told(family: str) -> str:
    return family.removeprefix(nodes.USER)


def _required(checking: Checking, name: str, term: Term, support: nodes.Support) -> Proof:
    """That one requirement holds; raises NotFound."""
    if support.name == "Simplex":
        return checking.search.simplex(term)
    found = checking.search.range(term)
    if support.name == "Positive" and not term.shape:
        found = sign_search.positive(checking.search, term)
    allowed, known = domain.of_support(support), range_of(found.conclusion, term)
    if allowed is None or not known.within(allowed):
        raise NotFound("range", term, f"{name} must be {support}, and {term} is only known to be in {known}")
    if SUPPORTS[support.name].discrete and not is_whole(term):
        raise NotFound("range", term, f"{name} must be {support}, and {term} may be between its values")
    return found


def _refute(use: Use, failure: NotFound) -> Proof | None:
    goal = use.goal
    if is_atom(goal.family):
        return refute.outside(goal.arguments[0], goal.event)
    if failure.kind == "event":
        if isinstance(goal, Described | Mixed):
            return None
        try:
            return prove("wrong_events", (goal.family, goal.form, goal.arguments, goal.event, goal.shape))
        except Unproved:
            return None
    for _, term, support in needs(goal):
        found = refute.outside(term, support)
        if found is not None:
            return found
    return None


def _explain(checking: Checking, use: Use, failure: NotFound, found: Proof | None) -> Finding:
    goal = use.goal
    if is_atom(goal.family):
        message = f"cannot prove that this value is always {goal.event}"
        notes = (f"counterexample: {_values(found, use.translation)}",) if found is not None else (str(failure),)
        also = (Label(use.variable, f"declared {goal.event}"),)
        _, span = written(goal, use.distribution, goal.arguments[0])
        return Finding("G502", message, span, "may be outside", also, notes)
    if failure.kind == "event":
        try:
            own = events(goal)
        except Unproved:
            message = f"cannot tell whether `{_told(goal.family)}` has its events in {goal.event}"
            return Finding("G502", message, use.distribution.span, str(failure))
        message = f"`{_told(goal.family)}` has events in {own}, and the variable is {goal.event}"
        also = (Label(use.variable, f"declared {goal.event}"),)
        return Finding("G502", message, use.distribution.span, f"a density on {own}", also)
    wrong = [_explain_one(checking, use, *part) for part in _failing(checking, use)]
    wrong.sort(key=lambda pair: not pair[0])  # what is refuted first: it is what the verdict's counterexample is of
    (_, main), *rest = wrong
    return dataclasses.replace(main, more=tuple(other for _, other in rest))


def _failing(checking: Checking, use: Use) -> Iterator[tuple[str, Term, nodes.Support, NotFound]]:
    """The requirements that could not be proved, each with its reason; of several with one reason, the first."""
    blamed: set[Term] = set()
    for name, term, support in needs(use.goal):
        try:
            _required(checking, name, term, support)
        except NotFound as failure:
            if failure.term not in blamed:
                yield name, term, support, failure
            blamed.add(failure.term)


def _explain_one(
    checking: Checking, use: Use, name: str, term: Term, support: nodes.Support, failure: NotFound
) -> tuple[bool, Finding]:
    """Whether one requirement is refuted, and what to say of it."""
    found = refute.outside(term, support)
    shown = text(term, use.translation.labels)
    told = f"the {name}" if name.isidentifier() else f"`{name}`"
    simplex = support.name == "Simplex"
    family, span = written(use.goal, use.distribution, term)
    stated = f"of `{_told(family)}` " + ("are not negative and sum to 1" if simplex else f"is {support}")
    message = f"cannot prove that {told} {stated}"
    marks: list[Label] = []
    usable = support.name == "Positive" and bool(term.symbols) and _is_real(checking, term)
    help_ = [f"make it {support}: {_positive_form(shown)}"] if usable else []
    if simplex and any(part.operation == "table" for part in subterms(term)):
        help_ = ["the numbers of each row are probabilities: they sum to 1"]
    elif simplex:
        help_ = [f"`softmax({shown})` does; logarithms of them, up to a constant, are `logits = …`"]
    for part in sorted(term.symbols, key=name_of):
        at = checking.declared_at(part)
        if at is not None and part.data[0] == "parameter" and domain.of_support(part.data[2]) == domain.REALS:
            marks.append(Label(at, "declared without a sign" if support.name == "Positive" else "any real number"))
            if part is _whole(term) and not simplex:
                help_ = [f"declare {checking.declaration(part, str(support))}"]
    notes = (f"counterexample: {_values(found, use.translation)}",) if found is not None else (str(failure),)
    return found is not None, Finding(
        "G501",
        message,
        span,
        "these may not" if simplex else f"this may not be {support}",
        tuple(marks),
        notes,
        tuple(help_),
    )


def _is_real(checking: Checking, term: Term) -> bool:
    """Whether a term is defined everywhere, so that a function of it is, too."""
    try:
        checking.search.range(term)
    except NotFound:
        return False
    return True


def _whole(term: Term) -> Term:
    """What an element or a selection is part of."""
    while term.operation in ("element", "select"):
        term = term.arguments[0]
    return term


def _positive_form(shown: str) -> str:
    return f"`exp({shown})` or `softplus({shown})`"


def _values(found: Proof, translation: Translation) -> str:
    term, support, assignment = found.subject
    from gencompiler.proof.evaluate import Undefined, evaluate

    names = translation.labels
    if term.operation == "literal":
        return f"it is {number(term.data)}"
    told = [f"{text(t, names)} = {number(v)}" for t, v in assignment if t.data[0] != "formal"]
    try:
        found_values = [approximately(v) for v in evaluate(term, dict(assignment))]
        shown = f"[{', '.join(found_values)}]" if support.name == "Simplex" else found_values[0]
    except Undefined:
        return ", ".join([*told, f"{text(term, names)} is not defined"])
    own = text(term, names)
    told = [part for part in told if not part.startswith(f"{own} = ") or part == f"{own} = {shown}"]
    return ", ".join(told) if f"{own} = {shown}" in told else ", ".join([*told, f"{own} = {shown}"])
