"""Rules for laws that are no row of the catalogue: users' densities, and mixtures of other distributions."""

from __future__ import annotations

from typing import cast

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof import domain, views
from gencompiler.proof import exponentials as ex
from gencompiler.proof.density_facts import HasMass
from gencompiler.proof.domain import NON_NEGATIVE, POSITIVE
from gencompiler.proof.facts import Fact, InRange, Member
from gencompiler.proof.graph import Shape, Term, literal, name_of, support_of
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.pieces import linear
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.stick_rules import in_sticks
from gencompiler.proof.structure import Admissible, Described, Mixed, is_atom
from gencompiler.proof.structure_rules import event_support, requirements, same_events


def needs(goal: Admissible) -> tuple[tuple[str, Term, Support], ...]:
    """What must be proven of a distribution's arguments: a name, a term, and the support it must lie in."""
    if isinstance(goal, Mixed):
        return ((goal.form, goal.arguments[0], WEIGHTS[goal.form]), *needs(goal.component))
    if not isinstance(goal, Described):
        return requirements(goal.family, goal.form, goal.arguments)
    names = [name_of(c).rpartition(".")[2] for c in goal.conditions]
    need(len(goal.arguments) == len(names), "{} has {} parameters", goal.family, len(names))
    return tuple((n, a, support_of(c)) for n, a, c in zip(names, goal.arguments, goal.conditions, strict=True))


def events(goal: Admissible) -> Support:
    """The support of a distribution's events."""
    if isinstance(goal, Mixed):
        return events(goal.component)
    if isinstance(goal, Described):
        need(goal.place is None, "the ends of its support are parameters, and may be outside")
        return support_of(goal.variable)
    return event_support(goal.family, goal.form, goal.arguments)


#: What the weights of a mixture are: logarithms up to a constant, or numbers of sum 1.
WEIGHTS = {"logits": Support("Real"), "weights": Support("Simplex")}


@rule
def mixed(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A mixture of distributions of one kind of event: sum_k w_k p_k, the w_k not negative and of sum 1.

    Premises: that the weights are numbers (`logits`: theirs are their softmax) or on a simplex, then that the component
    is admissible for every value of the index."""
    form, arguments, event, shape, index, component = cast(
        tuple[str, tuple[Term, ...], Support, Shape, Term, Admissible], subject
    )
    need(len(premises) == 2 and len(arguments) == 1 and form in WEIGHTS, "two premises")
    (weights,) = arguments
    whole = len(weights.shape) == 1 and not any(views.axes(weights)) and index not in weights.symbols
    need(whole, "{} is no vector of weights", weights)
    values = Support("Integer", (literal(0).data, literal(weights.shape[0]).data))
    need(index.operation == "symbol" and support_of(index) == values, "an index of another number of components")
    if form == "logits":
        need(isinstance(premises[0], InRange) and premises[0].term is weights, "{} may be undefined", weights)
    else:
        need(premises[0] == Member(weights, WEIGHTS[form]), "{} is not known to be on a simplex", weights)
    need(premises[1] == component and not is_atom(component.family), "the component is not known to be admissible")
    need((component.event, component.shape) == (event, shape), "a component of other events")
    return Mixed("Mixture", form, arguments, event, shape, index, component)


@rule
def described(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """A user's density with conditions in their declared supports, on the values of its variable.

    Premises: that it is nowhere negative, that its mass is 1; of one whose events are places of a standard variable,
    the ranges of the place and of the width; then the range of each argument; of one on a simplex, that it is there."""
    family, form, arguments, event, shape, variable, conditions, body, place, width = cast(
        tuple[str, str, tuple[Term, ...], Support, Shape, Term, tuple[Term, ...], Term, Term | None, Term | None],
        subject,
    )
    goal = Described(family, form, arguments, event, shape, variable, conditions, body, place, width)
    wanted, moves = needs(goal), [t for t in (place, width) if t is not None]
    need(len(premises) == len(wanted) + len(moves) + 2, "one premise for each requirement")
    sign, mass = premises[:2]
    ranges = premises[2 + len(moves) :]
    if (
        not isinstance(sign, InRange)
        or sign.term is not in_sticks((variable,), body)[1]
        or not sign.interval.within(NON_NEGATIVE)
    ):
        raise Unproved("the density may be negative")
    if not isinstance(mass, HasMass) or mass.variables != (variable,) or mass.body is not body:
        raise Unproved("the mass of the density is not known")
    need(body.symbols <= {variable, *conditions}, "the density depends on something else")
    for premise, (name, term, support) in zip(ranges, wanted, strict=True):
        if support.name == "Simplex":
            need(premise == Member(term, Support("Simplex")), "{} is not known to be on a simplex", term)
            continue
        allowed = domain.of_support(support)
        if not isinstance(premise, InRange) or premise.term is not term or allowed is None:
            raise Unproved(f"nothing is known about {name}")
        need(premise.interval.within(allowed) and support.name != "NonZero", "{} may not be {}", term, support)
        whole = not SUPPORTS[support.name].discrete or (term.operation == "symbol" and support_of(term) == support)
        need(whole, "{} may not be a value of {}", term, support)
    scalar = variable.shape == () and all(a.shape in ((), shape) for a in arguments)
    need(variable.shape == shape or scalar, "an event of another shape")
    if place is None:
        need(width is None and same_events(support_of(variable), event), "{} does not have events in {}", family, event)
    else:
        _moved(place, width, variable, conditions, event, premises[2 : 2 + len(moves)])
    return goal


def _moved(
    place: Term,
    width: Term | None,
    variable: Term,
    conditions: tuple[Term, ...],
    event: Support,
    premises: tuple[Fact, ...],
) -> None:
    """Raises Unproved unless y -> place(y) is a + w y on the unit interval, w > 0, or a + y or b - y on the positive
    numbers, and leads into the support of the event.  The density of the standard variable is that of the event times
    w, so that its mass is that of the event's."""
    need(not SUPPORTS[event.name].discrete and event.name != "Angle", "{} is no interval of numbers", event)
    need(variable.shape == () and place.symbols <= {variable, *conditions}, "{} depends on something else", place)
    parts = linear(ex.normal(place), variable)
    if parts is None:
        raise Unproved(f"{place} is not affine")
    if width is None:
        need(support_of(variable).name == "Positive", "{} has another standard variable", place)
        need(parts[0] in (ex.constant(1), ex.constant(-1)), "{} has another slope", place)
    else:
        need(support_of(variable).name == "Unit" and parts[0] == ex.normal(width), "{} has another slope", place)
        need(range_of(premises[1], width).within(POSITIVE), "the ends of the support may not be in order")
    allowed = domain.of_support(event)
    need(allowed is not None and range_of(premises[0], place).within(allowed), "events may be outside {}", event)
