"""How every check works: an obligation, an attempt to prove it, a search for a counterexample, a verdict, a
diagnostic."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from gencompiler.checks.verdict import (
    ASSUMED,
    PROVED,
    REFUTED,
    UNKNOWN,
    Obligation,
    Verdict,
    assumptions_in,
    refutes,
    rests_on_conditions,
)
from gencompiler.derive.nodes import Derived
from gencompiler.diagnostics.model import CompilerBug, Diagnostic, Label, Reporter, Severity
from gencompiler.diagnostics.span import BUILTIN, Span
from gencompiler.model import nodes
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.confirmation import confirmed
from gencompiler.proof.graph import Term, name_of
from gencompiler.proof.kernel import Proof, prove
from gencompiler.proof.scope import trusted_ranges
from gencompiler.proof.search import Search
from gencompiler.proof.text import short

if TYPE_CHECKING:
    from gencompiler.checks.joints import Joint


@dataclasses.dataclass(frozen=True)
class Finding:
    """What to tell the user about a verdict that is not proved; `more`: what else is wrong, independently."""

    code: str
    message: str
    span: Span
    label: str = ""
    also: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: tuple[str, ...] = ()
    more: tuple[Finding, ...] = ()


class Checking:
    """One run of the checks over a derived model."""

    def __init__(self, derived: Derived, reporter: Reporter, allow_unknown: bool) -> None:
        self.derived = derived
        self.model = derived.model
        self.reporter = reporter
        self.allow_unknown = allow_unknown
        self.verdicts: list[Verdict] = []
        #: The proofs of the sign and of the mass of each density, by its formula.
        self.densities: dict[Term, tuple[Proof, Proof]] = {}
        self.search = Search(prove("assumption", said) for said in trusted_ranges(self.model))

    @functools.cached_property
    def joints(self) -> tuple[Joint, ...]:
        """Every joint that has an equation; half a dozen checks ask."""
        from gencompiler.checks.joints import joints  # which knows what some checks ask of equations

        return tuple(joints(self.derived))

    def settle(
        self,
        obligation: Obligation,
        attempt: Callable[[], Proof],
        refute: Callable[[NotFound], Proof | None],
        explain: Callable[[NotFound, Proof | None], Finding],
        assume: tuple[str, ...] = (),
    ) -> Verdict:
        """Try to prove, then to refute; record the verdict and report what is not proved.

        `assume` is the fact of the `assume` line that would accept an unknown: a predicate and its arguments."""
        try:
            proof = attempt()
        except NotFound as failure:
            return self._unproved(obligation, failure, refute(failure), explain, assume)
        if proof.conclusion != obligation.goal:
            raise CompilerBug(
                "check", f"{obligation.subject}: what was derived is not what was proved", obligation.span
            )
        if rests_on_conditions(proof, obligation.goal):
            raise CompilerBug("check", f"{obligation.subject}: proved under conditions only", obligation.span)
        reasons = assumptions_in(proof)
        return self.record(Verdict(ASSUMED if reasons else PROVED, obligation, proof, reasons))

    def _unproved(
        self,
        obligation: Obligation,
        failure: NotFound,
        refutation: Proof | None,
        explain: Callable[[NotFound, Proof | None], Finding],
        assume: tuple[str, ...],
    ) -> Verdict:
        if refutation is not None and not confirmed(refutation):
            refutation = None
        finding = explain(failure, refutation)
        if refutation is not None:
            if not refutes(refutation.conclusion, obligation.goal):
                raise CompilerBug("check", f"{obligation.subject}: a counterexample to something else", obligation.span)
            self.report(finding)
            return self.record(Verdict(REFUTED, obligation, refutation, notes=finding.notes))
        trusted = self.assumption(*assume)
        if trusted is not None:
            proof = prove("assumption", (obligation.goal, trusted.reason))
            return self.record(Verdict(ASSUMED, obligation, proof, (trusted.reason,)))
        line = f'assume {assume[0]}({", ".join(assume[1:])}) because "…"' if assume else ""
        help_ = (*finding.help, f"or take it on trust: `{line}`") if line else finding.help
        self.report(dataclasses.replace(finding, help=help_), unknown=True)
        return self.record(Verdict(UNKNOWN, obligation, notes=(str(failure), *finding.notes)))

    def record(self, verdict: Verdict) -> Verdict:
        self.verdicts.append(verdict)
        return verdict

    def assumption(self, predicate: str = "", *arguments: str) -> nodes.Assumption | None:
        """The assumption of the model that states this fact."""
        for found in self.model.assumptions:
            if (found.fact.predicate, found.fact.arguments) == (predicate, arguments):
                return found
        return None

    def report(self, finding: Finding, *, unknown: bool = False) -> None:
        """Report a finding; an unknown is only a warning under `--allow-unknown`."""
        for part in (finding, *finding.more):
            self._report(part, unknown)

    def _report(self, finding: Finding, unknown: bool) -> None:
        if not (unknown and self.allow_unknown):
            self.reporter.add(
                finding.code,
                finding.message,
                finding.span,
                finding.label,
                also=finding.also,
                notes=finding.notes,
                help=finding.help,
            )
            return
        labels = (Label(finding.span, finding.label), *finding.also)
        warning = Diagnostic(finding.code, Severity.WARNING, finding.message, labels, finding.notes, finding.help)
        if warning not in self.reporter.diagnostics:
            self.reporter.diagnostics.append(warning)

    def declaration(self, parameter: Term, support: str) -> str:
        """How a parameter would be declared with another support, in the spec's own sizes."""
        given = next((v for v in self.model.variables if v.name == name_of(parameter)), None)
        if parameter.data[0] == "variable" and given is not None:
            return f"`{given.role} {given.name} : {support}`"
        declared = next(p for p in self.model.parameters if p.path == name_of(parameter))
        sizes = []
        for extent in declared.shape:
            names = [name for name, value in self.model.constants if value == extent]
            sizes.append(names[0] if len(names) == 1 else str(extent))
        shape = f"[{', '.join(sizes)}]" if sizes else ""
        keyword = "param " if "." not in declared.path else ""
        return f"`{keyword}{short(declared.path)} : {support}{shape}`"

    # -- where things come from --------------------------------------------------------------------------------------

    def declared_at(self, term: Term) -> Span | None:
        """Where a parameter or a variable is declared."""
        if term.operation != "symbol":
            return None
        kind, name = term.data[:2]
        declared = {
            "parameter": {p.path: p.span for p in self.model.parameters},
            "variable": {v.name: v.span for v in self.model.variables},
        }.get(kind, {})
        span = declared.get(name)
        return None if span == BUILTIN else span
