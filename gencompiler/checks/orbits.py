"""The search for proofs that a walk along an orbit keeps a measure, and what to say where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gencompiler.checks.checking import Finding
from gencompiler.diagnostics.model import Label
from gencompiler.model import nodes
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import Orbit
from gencompiler.proof.graph import Term
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.terms import ZERO

if TYPE_CHECKING:
    from gencompiler.checks.invariance import Keeping

_HELP = (
    "`orbit(F, R, …)` takes a map F that keeps volumes, and an involution R with R F R = F⁻¹, "
    "so that F and then R is an involution too",
    "a leapfrog step is such an F, with half a kick before and after the drift, and R: `(x, v) -> (x, -v)`",
)


def walks(keeping: Keeping, move: Orbit, log_target: Term) -> Proof:
    """That a walk along an orbit is in detailed balance with a measure; raises NotFound."""
    keeping.blamed = move
    turned = _turning(keeping, move, round_=False)
    both = _turning(keeping, move, round_=True)
    volumes = [keeping.volume(move.moves, maps) for maps in (move.maps, move.turn)]
    ranges = [keeping.search.range(log_target), keeping.search.range(move.reach)]
    try:
        found = prove("along_orbits", (move, log_target), turned, both, *volumes, *ranges)
    except Unproved as failure:
        raise NotFound("ratio", ZERO, str(failure)) from None
    keeping.blamed = None
    return found


def _turning(keeping: Keeping, move: Orbit, *, round_: bool) -> Proof:
    """That R is an involution, or F and then R; raises NotFound."""
    try:
        return keeping.involution(move.moves, (*move.maps, *move.turn) if round_ else move.turn)
    except NotFound:
        words = "F and then R, done twice, is" if round_ else "R, done twice, is"
        raise NotFound("involution", ZERO, f"{words} not known to be the identity, as formulas") from None


def explain(
    model: nodes.Model, claim: nodes.Claim, message: str, label: str, notes: tuple[str, ...], failure: NotFound
) -> Finding:
    """What to say of a walk that is not known to keep a measure."""
    steps = [s for t in model.transitions for s in t.steps if isinstance(s, nodes.Orbit)]
    also = tuple(Label(s.span, "walks along an orbit") for s in steps)
    help_ = _HELP if failure.kind in ("involution", "volume", "ratio") else ()
    return Finding("G621", message, claim.span, label, also, notes, help_)
