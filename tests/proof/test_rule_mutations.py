"""Break each rule of the kernel in turn: the suite of statements notices every one.

A rule is broken in two ways.  Its conclusion says something a little different: another sign, a bound moved, a flag
turned; then a certificate that rests on it is rejected.  Or one of its conditions is not asked any more; then it
licenses what it must not: a neighbour of something true, which the honest rule refuses."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
from typing import Any

import pytest

from gencompiler.diagnostics.model import CompileError
from gencompiler.proof.archive import Damaged, Reader, Writer
from gencompiler.proof.facts import Fact
from gencompiler.proof.graph import Malformed
from gencompiler.proof.kernel import RULES, Proof, Unproved
from gencompiler.proof.replay import _step, replay
from tests.checks.checking import checked
from tests.proof import mutants
from tests.proof.mutants import MISFITS, Recording, licensed, neighbours, recording, without
from tests.proof.planted import PLANTED
from tests.proof.rule_statements import TREES, statements
from tests.proof.test_archive import changed as changed_json
from tests.proof.test_archive import mutations


@functools.cache
def suite() -> tuple[Recording, dict[str, list[Proof]]]:
    """What the rules were asked, and the proofs that were found, by the name of each rule in them."""
    into = Recording()
    proofs: dict[str, list[Proof]] = {}
    with recording(into):
        for _, spec in statements():
            for proof in _proofs(spec):
                for rule in _rules(proof):
                    proofs.setdefault(rule, []).append(proof)
    return into, proofs


def _proofs(spec: str) -> list[Proof]:
    try:
        found, _ = checked(spec)
    except CompileError:
        return []
    return [v.proof for v in found.verdicts if v.proof is not None]


def _rules(proof: Proof) -> set[str]:
    found: set[str] = set()
    seen: set[int] = set()
    waiting = [proof]
    while waiting:
        current = waiting.pop()
        if id(current) not in seen:
            seen.add(id(current))
            found.add(current.rule)
            waiting.extend(current.premises)
    return found


def archived(proof: Proof) -> dict[str, Any]:
    writer = Writer()
    writer.proof(proof)
    data: dict[str, Any] = json.loads(json.dumps({"terms": writer.terms, "proofs": writer.proofs}))
    return data


def test_every_rule_is_asked_for() -> None:
    into, proofs = suite()
    assert set(RULES) - set(into.applied) == set()
    assert set(RULES) - set(proofs) - {"assumption"} == set()


def test_a_rule_that_concludes_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every field of every rule's conclusion, changed: the shortest certificate that rests on it no longer replays."""
    _, proofs = suite()
    survivors = []
    for name, honest in sorted(RULES.items()):
        shortest = min((archived(p) for p in proofs.get(name, [])[:6]), key=lambda d: len(d["proofs"]))
        reader = Reader(shortest["terms"])
        assert replay(reader, shortest["proofs"])[1] == []
        for field in range(len(honest_conclusion(shortest, reader, name).values())):

            def broken(subject: Any, premises: Any, honest: Any = honest, field: int = field) -> Fact:
                return changed(honest(subject, premises), field)

            with monkeypatch.context() as patch:
                patch.setitem(RULES, name, broken)
                if replay(reader, shortest["proofs"])[1] == []:
                    survivors.append((name, field))
    assert survivors == []


def honest_conclusion(data: dict[str, Any], reader: Reader, rule: str) -> Fact:
    step = next(s for s in data["proofs"] if s["rule"] == rule)
    found = reader.value(step["conclusion"])
    assert isinstance(found, Fact)
    return found


def changed(fact: Fact, field: int) -> Fact:
    """A fact with one field changed; as it is where that has no neighbour."""
    assert dataclasses.is_dataclass(fact)
    name = dataclasses.fields(fact)[field].name
    for value in mutants.variants(getattr(fact, name)):
        try:
            found = dataclasses.replace(fact, **{name: value})
        except (*MISFITS, Malformed):
            continue
        if found != fact:
            assert isinstance(found, Fact)
            return found
    return dataclasses.replace(fact, **{name: ("changed", getattr(fact, name))})  # type: ignore[arg-type]


# -- conditions that are not asked -----------------------------------------------------------------------------------

#: How many neighbours of an application are asked about; fewer where a rule integrates or writes out a lot.
_NEIGHBOURS = 60
_FEWER = {
    **dict.fromkeys(("mass_enclosed", "mass_elsewhere"), 1),
    **dict.fromkeys(("mass_in_closed_form", "mass_is_other", "mass_by_bijection", "mass_by_reflection"), 8),
    **dict.fromkeys(("not_reversed", "other_marginals", "solves_no_equation", "knots"), 12),
    **dict.fromkeys(("metropolis_hastings", "moments"), 24),
}


@functools.cache
def asked_around() -> tuple[Recording, dict[str, int]]:
    """The suite's recording, after every rule was asked about neighbours; and how many of them it refused."""
    into, _ = suite()
    refused = dict.fromkeys(into.applied, 0)
    for tree in TREES:
        with contextlib.suppress(Unproved):
            into.ask(RULES["on_box"], ("on_box", tree, ()))
    for planted in PLANTED:
        name, subject, premises = planted()
        with contextlib.suppress(Unproved):
            into.ask(RULES[name], (name, subject, premises))
    for name in sorted(into.applied):
        for asked, _ in tuple(into.applied[name]):
            near = list(neighbours(asked))
            for other in near[:: max(1, len(near) // _FEWER.get(name, _NEIGHBOURS))]:
                try:
                    into.ask(RULES[name], other)
                except (Unproved, Malformed, *MISFITS):
                    refused[name] += 1
    return into, refused


def test_every_rule_refuses_neighbours_of_what_it_licenses() -> None:
    _, refused = asked_around()
    assert [name for name, count in refused.items() if count == 0] == []


@pytest.mark.parametrize("place", range(len(TREES)))
def test_a_tree_that_shows_nothing_is_refused(place: int) -> None:
    with pytest.raises(Unproved):
        RULES["on_box"](TREES[place], ())


def test_a_condition_that_is_not_asked_is_noticed() -> None:
    """With one condition of a rule left out, a neighbour that was refused is licensed.

    Conditions whose neighbours still do not fit the data, or are refused by the next condition, are left over: those
    that ask for a form before it is taken apart.  Where a condition decides, leaving it out must be noticed."""
    into, _ = asked_around()
    noticed = [site for site, asked in sorted(into.refused.items()) if _licenses_more(site, asked)]
    assert len(noticed) >= 280
    assert len(noticed) >= 0.55 * len(into.refused)
    assert {module for module, _ in noticed} >= {f"gencompiler.proof.{name}" for name in _DECIDING}


#: Modules whose rules decide by conditions, each of which must have some that are noticed.
_DECIDING = (
    "box_sign_rules",
    "causal_rules",
    "chain_rules",
    "composite_rules",
    "conditional_rules",
    "factorization_rules",
    "finite_rules",
    "knot_rules",
    "law_rules",
    "lemma_rules",
    "lipschitz_rules",
    "map_rules",
    "mass_rules",
    "matrix_rules",
    "monotone_rules",
    "ode_rules",
    "range_rules",
    "refute_rules",
    "sde_rules",
    "sde_refutations",
    "separation_rules",
    "simplex_rules",
    "structure_rules",
    "sweep_refutations",
    "vector_refutations",
    "vector_rules",
)


def _licenses_more(site: mutants.Site, asked: list[mutants.Asked]) -> bool:
    assert not any(map(licensed, asked))
    with without(site):
        return any(map(licensed, asked))


def test_no_rule_ignores_its_premises() -> None:
    """Without one of its premises, or with one about something else, a rule refuses, or it concludes something else;
    ranges that are given in case they are needed are the exception, and never all that a rule has."""
    into, _ = suite()
    ignoring = []
    for name, applications in sorted(into.applied.items()):
        with_premises = [(a, c) for a, c in applications if a[2]]
        if with_premises and not any(_needed(asked, fact) for asked, fact in with_premises):
            ignoring.append(name)
    assert ignoring == []


def _needed(asked: mutants.Asked, fact: Fact) -> bool:
    name, subject, premises = asked
    for place in range(len(premises)):
        try:
            found = RULES[name](subject, premises[:place] + premises[place + 1 :])
        except (Unproved, Malformed, *MISFITS):
            return True
        if found != fact:
            return True
    return False


# -- corrupted certificates ------------------------------------------------------------------------------------------


def test_no_corrupted_step_replays() -> None:
    """Of the last step of each kind the rule, the first premise, and leaves of the conclusion changed."""
    _, proofs = suite()
    survivors = []
    for name in sorted(proofs):
        data = min((archived(p) for p in proofs[name][:6]), key=lambda d: len(d["proofs"]))
        place = max(k for k, step in enumerate(data["proofs"]) if step["rule"] == name)
        steps = data["proofs"][: place + 1]
        reader = Reader(data["terms"])
        done = replay(reader, steps)[0]
        for path, value in _corruptions(steps[place]):
            if not refused_last(reader, {**steps[place], path: value}, done):
                survivors.append((name, path, value))
    assert survivors == []


def _corruptions(step: dict[str, Any]) -> list[tuple[str, Any]]:
    """Changes of one step: another rule, another premise or none, leaves of the conclusion."""
    premises = step["premises"]
    found: list[tuple[str, Any]] = [("rule", "number" if step["rule"] != "number" else "declared")]
    found += [("premises", [0, *premises[1:]]), ("premises", [])] if premises and premises[0] else []
    own = mutations(step["conclusion"])
    found += [
        ("conclusion", changed_json(step["conclusion"], path, value)) for path, value in own[:: max(1, len(own) // 12)]
    ]
    return found


def refused_last(reader: Reader, last: dict[str, Any], done: list[Proof | None]) -> bool:
    """Whether the last step in another form is refused, after the others as they are."""
    try:
        _step(reader, last, done[:-1])
    except (Damaged, Unproved, Malformed, *MISFITS):
        return True
    return False
