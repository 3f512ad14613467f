"""Does every joint factorize: no cycle, each element produced once, heads and bodies agree, causal views strictly
before?"""

from __future__ import annotations

import itertools

from gencompiler.checks import through
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.equations import Equation
from gencompiler.checks.joints import Joint
from gencompiler.checks.verdict import Obligation, Verdict
from gencompiler.diagnostics.model import Label
from gencompiler.diagnostics.wording import counted
from gencompiler.model import diffusion_methods, nodes
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.graph import Shape
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.precedence import acyclic, apart
from gencompiler.proof.structure import (
    Axis,
    Factorizes,
    Place,
    Range,
    box,
    covers,
    describe,
    overlap,
    strictly_before,
    volume,
)
from gencompiler.proof.terms import ZERO
from gencompiler.proof.turns import circle, order_of, wanted

ID = "factorization"


def obligation(joint: Joint) -> Obligation:
    """What must hold of a joint."""
    produced = {name for name, _ in joint.variables}
    conditions = {u.variable for p in joint.productions for u in p.listed} - produced
    goal = Factorizes(joint.name, joint.variables, joint.productions, tuple(sorted(conditions)))
    words = f"`{joint.name}` is a factorization: no cycle, and each element of {_names(joint)} produced once"
    span = joint.equations[0].span
    return Obligation(ID, joint.name, words, span, goal)


def _names(joint: Joint) -> str:
    return ", ".join(f"`{name}`" for name, _ in joint.variables) or "nothing"


def check(checking: Checking) -> dict[str, Proof]:
    """The verdicts on all joints; returns the proofs, by joint."""
    proofs = {}
    produced = set(diffusion_methods.moved(checking.model))
    if not checking.model.methods and not checking.model.trainings:  # a model that only claims something of an SDE
        produced |= {state.name for sde in checking.model.sdes for state in sde.states}
    for joint in checking.joints:
        produced |= {name for name, _ in joint.variables}
        verdict = _settle(checking, joint)
        if verdict.proof is not None and isinstance(verdict.proof.conclusion, Factorizes):
            proofs[joint.name] = verdict.proof
    for variable in checking.model.variables:
        if variable.role == "given" and variable.name in produced:
            _generated(checking, variable)
        if variable.role != "given" and variable.name not in produced:
            message = f"`{variable.name}` is never produced"
            help_ = (f"state its distribution, `p({variable.name}) = …`, or declare it `given`",)
            checking.report(Finding("G303", message, variable.span, f"no equation gives `{variable.name}`", help=help_))
    return proofs


def _generated(checking: Checking, variable: nodes.Variable) -> None:
    """An equation produces a given variable, which everything is conditioned on."""
    equation = next(
        e for j in checking.joints for e in j.equations for p in e.production.produces if p.variable == variable.name
    )
    message = f"`{variable.name}` is given, and an equation generates it"
    also = (Label(variable.span, "declared `given`"),)
    help_ = (f"declare it `observed {variable.name}` or `latent {variable.name}`, or leave the equation out",)
    checking.report(Finding("G302", message, equation.span, "generates it", also, help=help_))


def _settle(checking: Checking, joint: Joint) -> Verdict:
    findings: list[Finding] = []

    def attempt() -> Proof:
        findings.extend(_problems(joint) or through.unlisted(checking.model, joint.equations))
        if findings:
            raise NotFound("factorization", ZERO, findings[0].message)
        order = order_of(joint.productions, dict(joint.variables))
        assert order is not None
        try:
            return prove("factorization", (joint.name, joint.variables, joint.productions, order))
        except Unproved as failure:
            raise NotFound("factorization", ZERO, str(failure)) from None

    def refute(failure: NotFound) -> Proof | None:
        return _refutation(joint) if findings else None

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        for more in findings[1:]:
            checking.report(more)
        return findings[0] if findings else Finding("G304", str(failure), joint.equations[0].span)

    return checking.settle(obligation(joint), attempt, refute, explain)


def _refutation(joint: Joint) -> Proof | None:
    try:
        return prove("no_factorization", (joint.name, joint.variables, joint.productions))
    except Unproved:
        return None


# -- what is wrong, each at its own place ----------------------------------------------------------------------------


def _problems(joint: Joint) -> list[Finding]:
    found: list[Finding] = []
    for equation in joint.equations:
        found.extend(_mentions(equation, dict(joint.variables)))
    for name, shape in joint.variables:
        found.extend(_coverage(joint, name, shape))
    if not found:
        found.extend(_cycle(joint))
    return found


def _mentions(equation: Equation, shapes: dict[str, Shape]) -> list[Finding]:
    """What a body uses and its head does not list; what a head lists and cannot come before."""
    found: list[Finding] = []
    if not acyclic(equation.production, shapes):
        found.extend(_not_before(equation, shapes))
    own = {p.variable: p for p in equation.production.produces}
    for used in equation.production.mentioned:
        if any(covers(p, used) for p in equation.production.listed):
            continue
        at = equation.mentioned_at(used)
        target = own.get(used.variable)
        if target is not None and not _is_made_before(equation, target, used, shapes):
            message = f"`{describe(used)}` is not strictly before `{describe(target)}`, which this equation produces"
            also = (Label(equation.head, "the head"),)
            help_ = _earlier(target)
            found.append(Finding("G305", message, at, "not known yet when it is needed", also, help=help_))
            continue
        message = f"`{describe(used)}` is mentioned, and the head does not list it"
        help_ = (f"list it in the head: `… | {describe(used)}`",)
        found.append(Finding("G105", message, at, "not listed", (Label(equation.head, "the head"),), help=help_))
    return found


def _is_made_before(equation: Equation, target: Place, used: Place, shapes: dict[str, Shape]) -> bool:
    """Whether a place of the variable that an equation produces comes first in scan order, or from elsewhere."""
    indices = equation.production.indices
    return strictly_before(target, used, indices) or apart(target, used, indices, shapes[used.variable])


def _not_before(equation: Equation, shapes: dict[str, Shape]) -> list[Finding]:
    """What a head lists of the variable that it produces, and that does not come before it."""
    own = {p.variable: p for p in equation.production.produces}
    found = []
    for listed in equation.production.listed:
        target = own.get(listed.variable)
        if target is not None and not _is_made_before(equation, target, listed, shapes):
            message = f"`{describe(target)}` depends on `{describe(listed)}`, which is not strictly before it"
            at = equation.listed_at(listed)
            found.append(Finding("G305", message, at, "not strictly before", help=_earlier(target)))
    return found


def _earlier(target: Place) -> tuple[str, ...]:
    """What comes before an element of a vector or of an image."""
    indices = [a.index for a in target.axes if a.kind == "index" and not a.order]
    if len(indices) != len(target.axes) or not indices:
        return ()
    shown = f"<{indices[0]}" if len(indices) == 1 else f"<({', '.join(indices)})"
    return (f"what comes before is `{target.variable}[{shown}]`",)


def _coverage(joint: Joint, name: str, shape: Shape) -> list[Finding]:
    """Elements of a variable that are produced twice, or never."""
    boxes: list[tuple[tuple[tuple[int, int], ...], Equation, Place]] = []
    for equation in joint.equations:
        for place in equation.production.produces:
            if place.variable != name:
                continue
            covered = box(place, shape, equation.production.indices)
            unused = _unused(place, equation.production.indices)
            if covered is None or unused:
                what = f"for every `{unused[0].index}` again" if unused else "in another shape than a box of elements"
                return [Finding("G302", f"`{describe(place)}` is produced {what}", equation.head, "produced here")]
            boxes.append((covered, equation, place))
    for k, (one, equation, place) in enumerate(boxes):
        for other, earlier, _ in boxes[:k]:
            if overlap(one, other):
                label = Label(earlier.head, "first produced here")
                return [
                    Finding("G302", f"`{describe(place)}` is produced twice", equation.head, "produced again", (label,))
                ]
    missing = volume(tuple((0, n) for n in shape)) - sum(volume(b) for b, _, _ in boxes)
    if missing:
        equation = boxes[0][1]
        message = f"{counted(missing, 'element')} of `{name}` {'is' if missing == 1 else 'are'} never produced"
        left = next(at for at in itertools.product(*map(range, shape)) if not any(_inside(at, b) for b, _, _ in boxes))
        element = f"{name}[{', '.join(map(str, left))}]"
        computed = isinstance(equation.source, nodes.Quantity)
        stated = f"{element} = …" if computed else f"{joint.name}({element}) = …"
        help_ = (f"state what is left on its own: `{stated}`",)
        return [Finding("G303", message, equation.head, "produces only part of it", help=help_)]
    return []


def _inside(at: tuple[int, ...], covered: tuple[tuple[int, int], ...]) -> bool:
    return all(start <= place < stop for place, (start, stop) in zip(at, covered, strict=True))


def _unused(place: Place, indices: tuple[Range, ...]) -> list[Range]:
    used = {a.index for a in place.axes if a.kind == "index"}
    return [r for r in indices if r.index not in used]


def _cycle(joint: Joint) -> list[Finding]:
    """Equations that wait for one another: slices in a circle are shown one by one, or else whole equations."""
    shapes = dict(joint.variables)
    if order_of(joint.productions, shapes) is not None:
        return []
    slices = circle(joint.productions, shapes)
    path = [k for k, _ in slices] if slices is not None else cycle(wanted(joint.productions, shapes))
    if slices is None and _refutation(joint) is None:
        message = "conditionals that need each other otherwise than slice by slice along the first axis"
        also = tuple(Label(joint.equations[k].head, "in turns with this") for k in path[1:-1])
        head = joint.equations[path[0]].head
        return [Finding("G901", f"{message} are valid, but not supported yet", head, "not supported yet", also)]
    names = [describe(joint.productions[k].produces[0]) for k in path]
    if slices is not None:
        names = [_slice(joint.productions[k].produces[0], s) for k, s in slices]
    labels = tuple(Label(joint.equations[k].head, f"needs `{n}`") for k, n in zip(path[1:-1], names[2:], strict=True))
    message = "the conditionals go round in a circle: " + " needs ".join(f"`{n}`" for n in names)
    return [Finding("G301", message, joint.equations[path[0]].head, f"needs `{names[1]}`", labels)]


def _slice(produced: Place, number: int) -> str:
    """What an equation produces in one slice: `x[3, :]` of `x[t, :]`."""
    index = produced.axes[0].index
    rest = tuple(Axis("place", "", number) if a.kind == "index" and a.index == index else a for a in produced.axes[1:])
    while rest and rest[-1].kind == "whole":
        rest = rest[:-1]
    return describe(Place(produced.variable, (Axis("place", "", number), *rest)))


def cycle(graph: list[set[int]]) -> list[int]:
    """A cycle of a graph that has one, its first node repeated at the end."""
    stuck = set(range(len(graph)))
    while True:
        free = {k for k in stuck if not (graph[k] & stuck)}
        if not free:
            break
        stuck -= free
    path = [min(stuck)]
    while len(set(path)) == len(path):
        path.append(min(graph[path[-1]] & stuck))
    return path[path.index(path[-1]) :]
