"""Does an annealing path start at what can be drawn from, follow transitions that keep it, and end at the target?

Each of `evaluate ais(path, T, …)`, `bdmc` and `smc` needs all three; `bdmc` also exact draws of what it ends at.
"""

from __future__ import annotations

from gencompiler.checks import admissibility, invariance
from gencompiler.checks.checking import Checking, Finding
from gencompiler.checks.moves import Unsupported, move_of
from gencompiler.checks.verdict import PROVED, Obligation
from gencompiler.derive import annealing
from gencompiler.derive.acceptance import log_joint
from gencompiler.derive.annealing import TARGET
from gencompiler.derive.conditional_laws import NoLawError
from gencompiler.derive.nodes import Annealing, Derived
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.model.annealing import Annealed, annealed
from gencompiler.model.print import expression
from gencompiler.proof.annealing_rules import Adjoint, Ends, Starts
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import Stationary
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.terms import ZERO
from gencompiler.proof.translate import Translation

START, END, KEPT, BACK = "path start", "path end", "path kept", "path reversed"


def obligations(derived: Derived) -> list[Obligation]:
    """That each path starts and ends where it should, is kept, and that what was derived runs it backwards."""
    found: list[Obligation] = []
    for own in derived.annealings:
        end = None
        if _is_new(derived, own):
            found.append(_start(derived, own))
            end = _end(derived, own)
        found += [end] if end is not None else []
        found += _moves(derived, own) or []
    return found


def _is_new(derived: Derived, own: Annealing) -> bool:
    """Whether nothing before it is asked for along the same path, by another transition."""
    return own is next(each for each in derived.annealings if each.path == own.path)


def _log_path(derived: Derived, own: Annealing) -> tuple[Term, Term]:
    """log of the path, and its time."""
    return annealing.log_path(derived.model, own.path, own.time), annealing.time_symbol(own.time)


def _start(derived: Derived, own: Annealing) -> Obligation:
    model = derived.model
    path, time = _log_path(derived, own)
    scope = annealing.scope_of(model, own.time)
    laws = tuple(annealing.law_term(scope, i, law) for i, law in zip(own.variables, own.laws, strict=True))
    shown = ", ".join(f"{i.name} ~ {expression(law)}" for i, law in zip(own.variables, own.laws, strict=True))
    goal = Starts(path, time, annealing.state_terms(model, own.variables), laws)
    return Obligation(START, own.path, f"`{own.path}` starts at {shown}, times a known constant", own.span, goal)


def _end(derived: Derived, own: Annealing) -> Obligation | None:
    """None where the target has no density that could be compared."""
    path, time = _log_path(derived, own)
    try:
        target = Translation.of_model(derived.model).term(log_joint(derived.model, TARGET, own))
    except NoLawError:
        return None
    return Obligation(END, own.path, f"`{own.path}` ends at `{TARGET}`", own.span, Ends(path, time, target))


def _moves(derived: Derived, own: Annealing) -> list[Obligation] | None:
    """That the transition keeps the path, and is undone by its reversal; None where the rules do not speak of it."""
    known = {t.name: t for t in derived.model.transitions}
    path, _ = _log_path(derived, own)
    try:
        forward = move_of(derived, known[own.transition])
        words = f"`{own.transition}` keeps `{own.path}` at every time"
        found = [Obligation(KEPT, own.transition, words, own.span, Stationary(forward, path))]
        if own.backward:
            backward = move_of(derived, known[own.backward])
            who = "its own reversal" if own.backward == own.transition else "reversed by its steps in opposite order"
            words = f"`{own.transition}` is {who}"
            goal = Adjoint(forward, backward, path)
            found.append(Obligation(BACK, own.transition, words, own.span, goal))
    except Unsupported:
        return None
    return found


# -- verdicts --------------------------------------------------------------------------------------------------------


def check(checking: Checking) -> None:
    """The verdicts on the model's annealing paths."""
    derived = checking.derived
    for asked in annealed(checking.model):
        own = next((each for each in derived.annealings if each.suffix == asked.suffix), None)
        if own is None:
            _report_no_start(checking, asked)
            continue
        if _is_new(derived, own):
            _check_start(checking, own, asked.path)
            _check_end(checking, own, asked.path)
        _check_moves(checking, own)
        _check_exact(checking, own, asked.methods)


def _report_no_start(checking: Checking, asked: Annealed) -> None:
    failures = (f.reason for f in checking.derived.failures if f.subject == asked.path.name)
    message = f"`{asked.path.name}` does not start at anything that can be drawn from"
    help_ = ("let it be a distribution at 0: `Normal(x | 0, 2)^(1 - t) * exp(-t * U(x))`",)
    label = (Label(asked.path.span, "the path"),)
    reason = next(failures, "nothing is known of it")
    at = asked.methods[0].span
    checking.report(Finding("G624", message, at, "its mass at 0 is not known", label, (reason,), help_))


def _finite(checking: Checking, path: Term) -> Proof:
    return checking.search.range(path)


def _check_start(checking: Checking, own: Annealing, path: nodes.Density) -> None:
    obligation = _start(checking.derived, own)
    goal = obligation.goal
    assert isinstance(goal, Starts)

    def attempt() -> Proof:
        laws = [admissibility.attempt(checking, law) for law in goal.laws]
        try:
            return prove("known_start", goal.values(), *laws, _finite(checking, goal.log_path))
        except Unproved as failure:
            raise NotFound("start", ZERO, str(failure)) from None

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        message = f"cannot prove that {obligation.words}"
        return Finding("G624", message, own.span, "not shown", (Label(path.span, "the path"),), (str(failure),))

    checking.settle(obligation, attempt, lambda failure: None, explain)


def _check_end(checking: Checking, own: Annealing, path: nodes.Density) -> None:
    obligation = _end(checking.derived, own)
    also = (Label(path.span, "the path"),)
    if obligation is None:
        message = f"`{TARGET}` has no density that `{own.path}` could end at"
        checking.report(Finding("G625", message, own.span, "no target", also))
        return
    goal = obligation.goal
    assert isinstance(goal, Ends)

    def attempt() -> Proof:
        try:
            return prove("path_ends", goal.values(), _finite(checking, goal.log_path))
        except Unproved as failure:
            raise NotFound("end", ZERO, str(failure)) from None

    def explain(failure: NotFound, found: Proof | None) -> Finding:
        message = f"cannot prove that {obligation.words}"
        help_ = (f"let it be `{TARGET}` at 1, constant factors included: `{TARGET}(…)^t * …^(1 - t)`",)
        return Finding("G625", message, own.span, "not shown", also, (str(failure),), help_)

    checking.settle(obligation, attempt, lambda failure: None, explain)


def _check_moves(checking: Checking, own: Annealing) -> None:
    found = _moves(checking.derived, own)
    transition = next(t for t in checking.model.transitions if t.name == own.transition)
    path = next(d for d in checking.model.densities if d.name == own.path)
    by_default = own.span.start <= path.span.start < own.span.end
    if found is None:
        message = f"annealing by `{own.transition}` is valid, but not supported yet"
        checking.report(Finding("G901", message, own.span, "not supported yet", (Label(transition.span),)))
        return
    for obligation in found:
        goal, keeping = obligation.goal, invariance.Keeping(checking)
        if isinstance(goal, Stationary) and not keeping.admissible(goal.kernel):
            continue  # its proposal has been reported

        def attempt(goal: object = goal, keeping: invariance.Keeping = keeping) -> Proof:
            if isinstance(goal, Adjoint):
                return keeping.undone(goal.forward, goal.log_target)
            assert isinstance(goal, Stationary)
            return keeping.keeps(goal.kernel, goal.log_target)

        def refute(failure: NotFound, goal: object = goal, keeping: invariance.Keeping = keeping) -> Proof | None:
            return keeping.refutation(goal) if isinstance(goal, Stationary) else None

        def explain(failure: NotFound, proof: Proof | None, obligation: Obligation = obligation) -> Finding:
            message = f"cannot prove that {obligation.words}"
            also = (Label(transition.span, "the transition"),)
            help_ = (f"accept at the path: `metropolis(…, target = {own.path})`",)
            if by_default:
                help_ = ("a path by default needs a transition that keeps `p`: end it with `metropolis(…)`",)
            return Finding("G601", message, own.span, "not shown", also, (str(failure),), help_)

        if checking.settle(obligation, attempt, refute, explain).status != PROVED:
            return  # what is not kept has no reversal either


# -- exact draws of the target ---------------------------------------------------------------------------------------


def _check_exact(checking: Checking, own: Annealing, methods: tuple[nodes.Method, ...]) -> None:
    """An upper bound starts from exact draws of what the path ends at."""
    asked = next((m for m in methods if m.name == "bdmc"), None)
    if asked is None:
        return
    if not own.backward:
        message = f"`bdmc` runs `{own.transition}` backwards, and no reversal was derived"
        transition = next(t for t in checking.model.transitions if t.name == own.transition)
        checking.report(Finding("G626", message, asked.span, "no reversal", (Label(transition.span),)))
        return
    if annealing.exact_draws(checking.derived, own) is None:
        message = f"the upper bound of `bdmc` starts from exact draws of `{TARGET}`, and none can be made"
        energy = next((e for e in checking.model.energies if e.joint == TARGET), None)
        also = (Label(energy.span, "stated up to a constant"),) if energy is not None else ()
        help_ = (
            "`evaluate ais(…)` gives the lower bound; with exact draws from elsewhere, `model.reverse_ais(draws)`",
        )
        checking.report(Finding("G626", message, asked.span, "no exact draws", also, (), help_))
