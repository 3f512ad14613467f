"""Refutations of claims about chains: they are found where they exist, and never for a chain that keeps its target."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import pytest

from gencompiler.model.nodes import REAL
from gencompiler.proof import flow_search, imbalance
from gencompiler.proof.chain_refutations import MOST_PIECES
from gencompiler.proof.chain_rules import Kernel, NotReversible, NotStationary, Proposal, Stationary, log_ratio
from gencompiler.proof.formulas import instance
from gencompiler.proof.graph import Term, apply, gradient, literal, reduce, symbol
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.search import Search
from gencompiler.proof.structure import Admissible
from gencompiler.proof.terms import ONE

ONE_D, TWO_D = (1,), (2,)


def state(shape: tuple[int, ...]) -> tuple[Term, Term]:
    return symbol("variable", "x", REAL, shape), symbol("draw", "y", REAL, shape)


def gaussian(x: Term) -> Term:
    """log of a standard normal, up to its constant"""
    return instance("-0.5 * a", a=reduce("sum", apply("multiply", x, x)))


def langevin_mean(x: Term, step: Fraction) -> Term:
    formal = symbol("formal", "U.x", REAL, x.shape)
    slope = gradient(apply("negate", gaussian(formal)), (formal,), (x,))
    return apply("subtract", x, apply("multiply", literal(step), slope))


def chain(
    shape: tuple[int, ...], mean: Term, scale: Term, probability: Term | None
) -> tuple[Kernel, Term, list[Proof]]:
    x, y = state(shape)
    law = Admissible("Normal", "", (mean, scale), REAL, shape)
    proposal = Proposal(y, x, law)
    target = gaussian(x)
    kernel = Kernel((x,), (proposal,), None, probability)
    if probability is None:
        kernel = Kernel((x,), (proposal,), log_ratio(kernel, target), None)
    premises = [Search().range(mean), Search().range(scale)]
    return kernel, target, [prove("distribution", ("Normal", "", (mean, scale), REAL, shape), *premises)]


def unadjusted(shape: tuple[int, ...], step: Fraction) -> tuple[Kernel, Term, list[Proof]]:
    x, _ = state(shape)
    return chain(shape, langevin_mean(x, step), apply("sqrt", literal(2 * step)), ONE)


@pytest.mark.parametrize("shape", [ONE_D, TWO_D, (8,)])
@pytest.mark.parametrize("step", [Fraction(1, 100), Fraction(1, 20), Fraction(1, 2)])
def test_an_unadjusted_step_is_refuted(shape: tuple[int, ...], step: Fraction) -> None:
    """Its stationary variance is 1 / (1 - step / 2), not 1."""
    kernel, target, laws = unadjusted(shape, step)
    found = imbalance.gain(kernel, target, laws)
    assert found is not None
    assert isinstance(found.conclusion, NotStationary)


def test_of_this_step_size_it_is_as_wide_as_the_target_is_not() -> None:
    """x' = 0 x + sqrt(2) n: step 1 forgets the state, and its law is Normal(0, sqrt(2))."""
    kernel, target, laws = unadjusted(ONE_D, Fraction(1))
    assert imbalance.gain(kernel, target, laws) is not None


def keepers() -> dict[str, tuple[Kernel, Term, list[Proof]]]:
    """Chains that leave the standard normal invariant."""
    x, _ = state(ONE_D)
    half = literal(Fraction(1, 2))
    autoregressive = chain(ONE_D, apply("multiply", half, x), apply("sqrt", literal(Fraction(3, 4))), ONE)
    return {
        "independent draws": chain(ONE_D, literal(0), literal(1), ONE),
        "an autoregression": autoregressive,
        "its reflection": chain(ONE_D, instance("-0.5 * a", a=x), apply("sqrt", literal(Fraction(3, 4))), ONE),
        "Metropolis": chain(ONE_D, x, literal(1), None),
        "adjusted Langevin": chain(
            ONE_D, langevin_mean(x, Fraction(1, 20)), apply("sqrt", literal(Fraction(1, 10))), None
        ),
        "wide Metropolis": chain(TWO_D, state(TWO_D)[0], literal(50), None),
    }


@pytest.mark.parametrize("name", keepers())
def test_a_chain_that_keeps_its_target_is_never_refuted(name: str) -> None:
    kernel, target, laws = keepers()[name]
    assert imbalance.gain(kernel, target, laws) is None
    assert flow_search.unbalanced(kernel, target, laws) is None


@pytest.mark.parametrize("name", keepers())
def test_and_the_kernel_proves_it(name: str) -> None:
    """Also without a rejection, where the ratio is 1: (x, y) and (y, x) have one density."""
    kernel, target, laws = keepers()[name]
    accepted = kernel.probability if kernel.log_ratio is None else kernel.log_ratio
    assert accepted is not None
    balanced = prove("metropolis_hastings", (kernel, target), *laws, Search().range(target), Search().range(accepted))
    proof = prove("detailed_balance", (), balanced)
    assert isinstance(proof.conclusion, Stationary)


def test_a_shifted_target_is_refuted() -> None:
    """Independent draws from Normal(1, 1) against a target at 0."""
    kernel, target, laws = chain(ONE_D, literal(1), literal(1), ONE)
    assert imbalance.gain(kernel, target, laws) is not None
    found = flow_search.unbalanced(kernel, target, laws)
    assert found is not None
    assert isinstance(found.conclusion, NotReversible)


class TestWitnesses:
    #: A box around all the mass that reaches 4, far too wide to be bounded by its smallest integrand.
    ALL_AROUND: ClassVar[dict[str, object]] = {
        "here": ((Fraction(2),),),
        "radius": Fraction(10),
        "there": ((Fraction(4),),),
    }

    def gain(self, shape: tuple[int, ...] = ONE_D, **changes: object) -> None:
        kernel, target, laws = unadjusted(shape, Fraction(1, 2))
        found = imbalance.gain(kernel, target, laws)
        assert found is not None
        names = ("kernel", "target", "assignment", "here", "radius", "there", "pieces")
        subject = dict(zip(names, found.subject, strict=True)) | changes
        prove("gain", tuple(subject[n] for n in names), *laws)

    def test_the_witness_that_was_found_stands(self) -> None:
        self.gain()

    @pytest.mark.parametrize(
        "changes",
        [
            {"there": ((Fraction(0),),)},
            {"here": ((Fraction(10**6),),)},
            {"radius": Fraction(0)},
            {"radius": Fraction(-1)},
            {"radius": Fraction(10**9)},
            {"pieces": 0},
            {"pieces": -1},
            {"pieces": MOST_PIECES + 1},
        ],
        ids=str,
    )
    def test_others_do_not(self, changes: dict[str, object]) -> None:
        with pytest.raises(Unproved):
            self.gain(**changes)

    def test_the_mass_of_the_pieces_adds_up(self) -> None:
        """What one piece cannot show of a wide box, 64 can; and they do not where the density falls: at 0 it is
        1 / sqrt(1.25) of what it was."""
        self.gain(**self.ALL_AROUND, pieces=64)
        for pieces in (1, 2):
            with pytest.raises(Unproved, match="no more mass"):
                self.gain(**self.ALL_AROUND, pieces=pieces)
        for pieces in (64, MOST_PIECES):
            with pytest.raises(Unproved, match="no more mass"):
                self.gain(**self.ALL_AROUND | {"there": ((Fraction(0),),)}, pieces=pieces)

    def test_only_a_state_of_one_number_is_cut(self) -> None:
        self.gain(TWO_D)
        with pytest.raises(Unproved, match="too many pieces"):
            self.gain(TWO_D, pieces=2)
