"""What must hold of the SDEs of a model: coefficients that are defined, kernels, terminal laws, what is claimed."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.checks import sde_claims
from gencompiler.checks.sde_claims import Claimed, Unsupported
from gencompiler.checks.verdict import Obligation
from gencompiler.derive import diffusions
from gencompiler.derive.nodes import Derived
from gencompiler.model import nodes
from gencompiler.model.nodes import REAL, Support
from gencompiler.model.sdes import CUTOFF
from gencompiler.proof.facts import Member
from gencompiler.proof.graph import Malformed, Term, substitute, symbol
from gencompiler.proof.scope import distribution_terms
from gencompiler.proof.sde_facts import Arrives, Diffusion, ItoForm, Moments
from gencompiler.proof.sde_numbers import terminal_bound
from gencompiler.proof.text import number, text
from gencompiler.proof.translate import Translation, Untranslated

POSITIVE = Support("Positive")
#: How far the terminal law of data with E x_i^2 <= 1 may be from the stated prior, in nats per dimension.
LIMIT = Fraction(1, 100)


def obligations(derived: Derived) -> list[Obligation]:
    """What must hold of the SDEs of a model."""
    found: list[Obligation] = []
    for sde in derived.sdes.values():
        diffusion = diffusions.diffusion_of(derived.model, sde)
        found += defined(sde, diffusion)
        found += ito(derived, sde, diffusion)
        found += kernel(derived, sde, diffusion)
    found += [own for own, _ in terminals(derived)]
    for stated in sde_claims.claims(derived.model):
        try:
            found.append(claim(sde_claims.claimed(derived, stated)))
        except (Unsupported, Untranslated, Malformed):
            continue
    return found


def defined(sde: nodes.Sde, diffusion: Diffusion) -> list[Obligation]:
    """Every noise is a real number."""
    found = []
    for noise, term in zip(sde.noises, diffusion.noises, strict=True):
        words = f"what stands at `d{noise.name}` is a real number over the whole time"
        subject = f"{sde.name}.d{noise.name}"
        found.append(Obligation("sde_noise", subject, words, noise.span, Member(term, REAL)))
    return found


def ito(derived: Derived, sde: nodes.Sde, diffusion: Diffusion) -> list[Obligation]:
    """A Stratonovich equation has the derived Itô form."""
    written = next(s for s in derived.model.sdes if s.name == sde.name)
    if not written.stratonovich:
        return []
    goal = ItoForm(diffusions.diffusion_of(derived.model, written), diffusion)
    words = f"the Itô form of `{sde.name}` has the drift {text(diffusion.drift)}"
    return [Obligation("ito_form", sde.name, words, sde.span, goal)]


def solution(derived: Derived, sde: nodes.Sde) -> tuple[Term, Term, Term] | None:
    """Signal, shift and variance of a derived kernel."""
    kernel = derived.kernels.get(sde.name)
    if kernel is None:
        return None
    scope = diffusions.translation_of(derived.model, sde)
    return scope.term(kernel.signal), scope.term(kernel.shift), scope.term(kernel.variance)


def kernel(derived: Derived, sde: nodes.Sde, diffusion: Diffusion) -> list[Obligation]:
    """The moments of the kernel, and that it has a density wherever training and sampling ask for one."""
    parts = solution(derived, sde)
    if parts is None:
        return []
    signal, shift, variance = parts
    start, time, x = diffusions.start_of(sde), sde.time.name, sde.state.name
    mean = f"{text(signal)} * {x}"
    if shift.operation != "literal" or shift.data != 0:
        mean += f" + {text(shift)}"
    words = f"given {x} at {time} = {number(start)}, {x}({time}) is Normal({mean}, sqrt({text(variance)}))"
    goal = Moments(diffusion, start, *parts)
    late = substitute(variance, {diffusion.time: late_time(sde)})
    when = f"for {time} >= {number(start + CUTOFF)}" if diffusions.end_of(sde) is not None else f"for {time} > 0"
    return [
        Obligation("moments", sde.name, words, sde.span, goal),
        Obligation("kernel_density", sde.name, f"its variance is positive {when}", sde.span, Member(late, POSITIVE)),
    ]


def late_time(sde: nodes.Sde) -> Term:
    """Any time at which the kernel must have a density."""
    end = diffusions.end_of(sde)
    support = sde.time.type.support
    if end is not None:
        support = Support("Interval", (diffusions.start_of(sde) + CUTOFF * (end - diffusions.start_of(sde)), end))
    elif diffusions.start_of(sde) == 0:
        support = POSITIVE
    return symbol("input", sde.time.name, support)


def terminals(derived: Derived) -> list[tuple[Obligation, nodes.Terminal]]:
    """`p(x(1)) = Normal(…)`, for each SDE that moves the variable to that time."""
    found = []
    for terminal in derived.model.terminals:
        for sde in derived.sdes.values():
            if len(sde.equations) > 1 or sde.state.name != terminal.variable or not _derived_from_data(derived, sde):
                continue
            law, arguments = distribution_terms(Translation.of_model(derived.model), terminal.distribution)
            if law.family != "Normal":
                continue
            diffusion = diffusions.diffusion_of(derived.model, sde)
            start, end = diffusions.start_of(sde), Fraction(terminal.time)
            mean, scale = arguments
            goal = Arrives(diffusion, start, end, mean, scale, LIMIT)
            own = Obligation("terminal_law", f"{sde.name} -> {terminal.joint}", "", terminal.span, goal)
            words = _arrival(derived, sde, terminal, goal)
            found.append((Obligation(own.id, own.subject, words, own.span, goal), terminal))
    return found


def _derived_from_data(derived: Derived, sde: nodes.Sde) -> bool:
    """Not a reverse equation or a flow: those mention the score, and start from the prior.

    A drift that a definition states looks like a score; so a linear equation counts as one from the data unless it is
    said to be a reverse, and without a linear equation all do."""
    if sde.name in derived.kernels:
        reverses = {c.fact.arguments[0] for c in derived.model.claims if c.fact.predicate == "reverse"}
        return sde.name not in reverses
    linear = tuple(s for s in derived.sdes.values() if s.name in derived.kernels)
    return bool(sde.noises) and (not linear or diffusions.score_function(derived.model, sde, linear) is None)


def _arrival(derived: Derived, sde: nodes.Sde, terminal: nodes.Terminal, goal: Arrives) -> str:
    """The bound as a function of the data's second moment, in words."""
    where = f"{terminal.joint}({terminal.variable}({number(terminal.time)}))"
    parts = solution(derived, sde)
    if parts is None:
        return f"`{sde.name}` ends near the stated `{where}`"
    bound = terminal_bound(parts, goal.diffusion.time, goal.end, goal.mean, goal.scale)
    if bound is None:
        return f"`{sde.name}` ends within {number(LIMIT)} nats per dimension of `{where}` if E x_i^2 <= 1"
    law = f"KL(law of {terminal.variable}({number(terminal.time)}) || {where})"
    return f"{law} <= {bound[0]} + {bound[1]} E x_i^2 per dimension"


def claim(claimed: Claimed) -> Obligation:
    """What a claim says."""
    fact = claimed.claim.fact
    subject = " ".join(fact.arguments)
    own_names = {"stationary": "stationary_sde", "reversible": "reversible_sde"}
    name = own_names.get(fact.predicate, fact.predicate)
    return Obligation(name, subject, claimed.words, claimed.claim.span, claimed.goal)
