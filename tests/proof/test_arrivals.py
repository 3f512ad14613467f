"""Draws that are always taken: applications of their rules that no search would make."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from gencompiler.proof.chain_rules import Aided, Kernel, Sequence
from gencompiler.proof.density_facts import HasMass
from gencompiler.proof.graph import literal
from gencompiler.proof.kernel import RULES, Proof, Unproved, prove
from tests.checks import chain_errors_fresh, chain_statements, chain_statements_fresh, chain_statements_unseen
from tests.checks.checking import checked

STATEMENTS = {
    name: body
    for name, body, _ in (
        *chain_statements.TRUE,
        *chain_statements_fresh.TRUE,
        *chain_statements_unseen.TRUE,
        *chain_errors_fresh.FALSE,
    )
}


def proof_of(name: str) -> Proof:
    found, _ = checked(f"model M {{\n{STATEMENTS[name]}\n}}\n")
    proof = found.verdicts[-1].proof
    assert proof is not None
    return proof


def test_what_arrives_is_integrated_over_all_ways() -> None:
    proof = proof_of("ggibbs_sign")
    assert proof.rule == "brings_all"
    move, target, order = proof.subject
    facts = tuple(p.conclusion for p in proof.premises)
    rule = RULES["brings_all"]
    assert rule(proof.subject, facts) == proof.conclusion
    *laws, finite, mass = facts
    assert isinstance(mass, HasMass)
    with pytest.raises(Unproved, match="over something else"):
        rule((move, target, order[1:]), facts)
    with pytest.raises(Unproved, match="not known to be 1"):
        rule(proof.subject, (*laws, finite, dataclasses.replace(mass, error=Fraction(1, 10**12))))
    with pytest.raises(Unproved, match="admissible"):
        rule(proof.subject, (*reversed(laws), finite, mass))
    assert isinstance(move, Sequence) and isinstance(move.parts[0], Kernel)
    refused = dataclasses.replace(move.parts[0], probability=literal(Fraction(1, 2)))
    with pytest.raises(Unproved, match="may be refused"):
        rule((Sequence((refused, *move.parts[1:])), target, order), facts)


def test_a_draw_on_the_way_reads_what_is_there() -> None:
    """The same law for the draw and for what it reads: were the draw known before it is made, it would read itself."""
    proof = proof_of("unseen_augment")
    assert proof.rule == "balanced_by_way"
    move, target = proof.subject
    assert isinstance(move, Aided)
    facts = tuple(p.conclusion for p in proof.premises)
    ((drawn, law),) = move.aids
    circular = dataclasses.replace(law, arguments=(drawn, law.arguments[1]))
    with pytest.raises(Unproved, match="besides the state"):
        RULES["balanced_by_way"]((dataclasses.replace(move, aids=((drawn, circular),)), target), (circular, *facts[1:]))
    with pytest.raises(Unproved, match="no draws by way"):
        prove("balanced_by_way", (move.kernel, target), *proof.premises[1:])
    with pytest.raises(Unproved, match="besides the state"):
        prove("metropolis_hastings", (move.kernel, target), *proof.premises[1:], proof.premises[-1])


def test_a_place_gains_at_numbers_for_everything() -> None:
    proof = proof_of("ggibbs_stale")
    assert proof.rule == "brings_more"
    move, target, assignment, place, order, ends = proof.subject
    with pytest.raises(Unproved, match="without a value"):
        prove("brings_more", (move, target, assignment, place[1:], order, ends), *proof.premises)
    with pytest.raises(Unproved, match="over something else"):
        prove("brings_more", (move, target, assignment, place, order[:1], ends), *proof.premises)
