"""Do the domains of every pipeline chain, and is every dimension transformed?"""

from __future__ import annotations

import dataclasses

from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.equations import chains, conditional_equation, maps_used, pushed_in
from gencompiler.checks.verdict import UNKNOWN, Obligation, Verdict
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.passing import Breaks, pass_through
from gencompiler.proof.structure import Chains, PushesForward, Transforms
from gencompiler.proof.terms import ZERO
from gencompiler.proof.transformed import only_shifted, untransformed

CHAIN, TRANSFORMED = "domains", "transformed"


@dataclasses.dataclass(frozen=True)
class Pipe:
    """A pipeline of the model, between variables or from a distribution: what its verdicts go by, what must hold of it,
    and the variable that it ends in."""

    subject: str
    goal: Chains
    written: nodes.Link | nodes.Pushed
    target: nodes.Variable


def pipes(derived: Derived) -> list[Pipe]:
    """Every pipeline of the model."""
    model = derived.model
    variables = {v.name: v for v in model.variables}
    found = [Pipe(link.target, chains(derived, link), link, variables[link.target]) for link in model.links]
    for conditional in model.conditionals:
        pushed = pushed_in(conditional.distribution)
        if pushed is not None:
            production = conditional_equation(model, conditional).production
            assert isinstance(production.law, PushesForward)
            target = variables[production.produces[0].variable]
            found.append(Pipe(production.label, production.law.chain, pushed, target))
    return found


def chain_obligation(pipe: Pipe) -> Obligation:
    """The range of each stage is the domain of the next."""
    words = f"each range is the next domain, from the source to `{pipe.target.name}`"
    return Obligation(CHAIN, pipe.subject, words, pipe.written.span, pipe.goal)


def transformed_obligation(pipe: Pipe) -> Obligation:
    """No dimension passes every coupling unchanged."""
    goal = Transforms(pipe.goal.shape, pipe.goal.maps, pipe.goal.stages)
    return Obligation(
        TRANSFORMED, pipe.subject, "every dimension is transformed by some coupling", pipe.written.span, goal
    )


def check(checking: Checking, invertible: dict[str, Proof]) -> dict[str, Proof]:
    """The verdicts on all pipelines; returns the proofs that they chain, by subject."""
    proofs = {}
    for pipe in pipes(checking.derived):
        missing = [name for name in maps_used(checking.model, pipe.written) if name not in invertible]
        if missing:  # those have verdicts of their own, and nothing is known of the pipeline
            note = f"it rests on `{missing[0]}`, which is not known to be invertible"
            for own in (chain_obligation(pipe), transformed_obligation(pipe)):
                checking.record(Verdict(UNKNOWN, own, notes=(note,)))
            continue
        proof = _chain(checking, pipe, invertible)
        if proof is not None:
            proofs[pipe.subject] = proof
        _transformed(checking, pipe)
    return proofs


def _chain(checking: Checking, pipe: Pipe, invertible: dict[str, Proof]) -> Proof | None:
    goal = pipe.goal
    used = maps_used(checking.model, pipe.written)

    def attempt() -> Proof:
        try:
            subject = (goal.source, goal.target, goal.shape, goal.maps, goal.stages, goal.end)
            return prove("chain", subject, *(invertible[name] for name in used))
        except Unproved as failure:
            raise NotFound("chain", ZERO, str(failure)) from None

    def refute(failure: NotFound) -> Proof | None:
        try:
            return prove("broken_chain", (goal.source, goal.target, goal.shape, goal.maps, goal.stages, goal.end))
        except Unproved:
            return None

    verdict = checking.settle(chain_obligation(pipe), attempt, refute, lambda f, _: _broken(pipe, f))
    return verdict.proof if verdict.proof is not None and isinstance(verdict.proof.conclusion, Chains) else None


def _broken(pipe: Pipe, failure: NotFound) -> Finding:
    goal, variable, stages = pipe.goal, pipe.target, pipe.written.stages
    try:
        end = pass_through(goal.source, goal.shape, goal.maps, goal.stages, ends=goal.end)
    except Breaks as broken:
        stage = _stage(stages, broken.stage)
        if broken.wanted is None:
            return Finding("G407", f"dimensions do not add up: {broken}", stage.span, "does not fit")
        label = f"takes {broken.wanted}, and gets {broken.support}"
        return Finding("G403", "the range of one stage is not the domain of the next", stage.span, label)
    also = (Label(variable.span, f"declared {variable.type.support}"),)
    message = f"the pipeline ends in {end}, and `{variable.name}` is {variable.type.support}"
    return Finding("G403", message, stages[-1].span, f"gives {end}", also)


def _stage(stages: tuple[nodes.Stage, ...], path: tuple[int, ...]) -> nodes.Stage:
    found = stages[path[0]]
    if len(path) > 2 and isinstance(found, nodes.Parts):
        return _stage(found.parts[path[1]].stages, path[2:])
    return _stage(found.stages, path[1:]) if len(path) > 1 and isinstance(found, nodes.Repeat) else found


# -- dimensions ------------------------------------------------------------------------------------------------------


def _transformed(checking: Checking, pipe: Pipe) -> None:
    goal, name, span = pipe.goal, pipe.target.name, pipe.written.span
    subject = (goal.shape, goal.maps, goal.stages)

    def attempt() -> Proof:
        try:
            return prove("all_transformed", subject)
        except Unproved as failure:
            raise NotFound("untransformed", ZERO, str(failure)) from None

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        kept = untransformed(*subject)
        verb = "passes" if len(kept) == 1 else "pass"
        message = f"{_places(kept)} of `{name}` {verb} every coupling unchanged"
        help_ = ("permute between the couplings: `repeat(n) { Coupling |> reverse }`",)
        if len(kept) == 1 and 2 * kept[0] + 1 == goal.shape[0]:
            help_ = (
                "the middle of an odd number of dimensions stays in place under `reverse`: shift the split or permute",
            )
        return Finding("G404", message, span, "never transformed", help=help_)

    checking.settle(transformed_obligation(pipe), attempt, lambda _: _try_kept(subject), explain)
    shifted = only_shifted(*subject)
    if shifted:
        message = f"{_places(shifted)} of `{name}` {_only_shifted(len(shifted))}"
        help_ = ("end with a learned scale, such as `bijection Scale(u : Real | s : Positive) -> Real = s * u`",)
        checking.report(Finding("G405", message, span, "volume preserving", help=help_))


def _only_shifted(count: int) -> str:
    verb, whose = ("is", "its") if count == 1 else ("are", "their")
    return f"{verb} only ever shifted: the flow cannot change {whose} scale"


def _try_kept(subject: tuple[object, ...]) -> Proof | None:
    try:
        return prove("some_kept", subject)
    except Unproved:
        return None


def _places(places: tuple[int, ...]) -> str:
    if len(places) == 1:
        return f"dimension {places[0]}"
    if places == tuple(range(places[0], places[-1] + 1)):
        return f"dimensions {places[0]}..{places[-1] + 1}"
    return f"{len(places)} dimensions"
