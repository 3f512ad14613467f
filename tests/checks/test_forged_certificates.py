"""Certificates that were put together wrong: whatever passes says no more than the honest one.

A leaf in a certificate's place is changed by `test_certificate`; here whole parts change places: proofs, goals,
premises, statements of other models.  Everything is resealed, as whoever forges a certificate can compute its digest."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from gencompiler.checks.certificate import certificate_data, digest, recheck
from tests.checks.test_shipped import SPECS, compiled

Data = dict[str, Any]
#: Specs of five kinds, with quick proofs: maps, chains, equations, inverses, sequences.
NAMES = ("planar", "gsn", "ou", "sprinkler", "nade")
TRIES = 51


def certified(name: str) -> tuple[Data, Any]:
    done = compiled(next(p for p in SPECS if p.stem == name))
    return json.loads(json.dumps(certificate_data(done.checked, "hash", "spec"))), done.derived


# -- what a forger may do --------------------------------------------------------------------------------------------


def _proofs_change_places(data: Data, rng: random.Random) -> None:
    one, other = rng.choices(data["verdicts"], k=2)
    for key in ("proof", "grade", "assumptions"):
        one[key], other[key] = other[key], one[key]


def _goals_change_places(data: Data, rng: random.Random) -> None:
    one, other = rng.choices(data["verdicts"], k=2)
    one["goal"], other["goal"] = other["goal"], one["goal"]


def _names_change_places(data: Data, rng: random.Random) -> None:
    one, other = rng.choices(data["verdicts"], k=2)
    for key in ("obligation", "subject", "words"):
        one[key], other[key] = other[key], one[key]


def _a_status_is_claimed(data: Data, rng: random.Random) -> None:
    rng.choice(data["verdicts"])["status"] = rng.choice(("proved", "refuted", "assumed", "unknown"))


def _a_proof_is_left_out(data: Data, rng: random.Random) -> None:
    rng.choice(data["verdicts"])["proof"] = None


def _an_earlier_step_is_the_proof(data: Data, rng: random.Random) -> None:
    rng.choice(data["verdicts"])["proof"] = rng.randrange(len(data["proofs"]))


def _premises_change_places(data: Data, rng: random.Random) -> None:
    rng.shuffle(_a_step(data, rng)["premises"])


def _a_premise_is_another(data: Data, rng: random.Random) -> None:
    step = _a_step(data, rng)
    step["premises"][rng.randrange(len(step["premises"]))] = rng.randrange(len(data["proofs"]))


def _a_premise_twice(data: Data, rng: random.Random) -> None:
    step = _a_step(data, rng)
    step["premises"].insert(rng.randrange(len(step["premises"])), rng.choice(step["premises"]))


def _a_premise_is_missing(data: Data, rng: random.Random) -> None:
    step = _a_step(data, rng)
    del step["premises"][rng.randrange(len(step["premises"]))]


def _a_step_rests_on_itself(data: Data, rng: random.Random) -> None:
    place = rng.randrange(len(data["proofs"]))
    data["proofs"][place]["premises"] = [place]


def _a_step_is_of_another_rule(data: Data, rng: random.Random) -> None:
    one, other = rng.choices(data["proofs"], k=2)
    one["rule"] = other["rule"]


def _a_step_concludes_what_another_does(data: Data, rng: random.Random) -> None:
    one, other = rng.choices(data["proofs"], k=2)
    one["conclusion"] = other["conclusion"]


def _a_step_is_about_something_else(data: Data, rng: random.Random) -> None:
    one, other = rng.choices(data["proofs"], k=2)
    one["subject"] = other["subject"]


def _a_goal_is_trusted(data: Data, rng: random.Random) -> None:
    own = rng.choice(data["verdicts"])
    step = {"rule": "assumption", "subject": [own["goal"], "it is so"], "premises": [], "conclusion": own["goal"]}
    data["proofs"].append(step)
    own |= {"proof": len(data["proofs"]) - 1, "status": "assumed", "grade": "rule", "assumptions": ["it is so"]}
    data["assumptions"] = sorted({*data["assumptions"], "it is so"})


def _terms_change_places(data: Data, rng: random.Random) -> None:
    one, other = sorted(rng.choices(range(len(data["terms"])), k=2))
    data["terms"][one], data["terms"][other] = data["terms"][other], data["terms"][one]


def _a_verdict_twice(data: Data, rng: random.Random) -> None:
    own = copy.deepcopy(rng.choice(data["verdicts"]))
    data["verdicts"].insert(rng.randrange(len(data["verdicts"])), own)
    _a_status_is_claimed({"verdicts": [own]}, rng)


def _a_step(data: Data, rng: random.Random) -> Any:
    return rng.choice([s for s in data["proofs"] if s["premises"]])


FORGERS: tuple[Callable[[Data, random.Random], None], ...] = (
    _proofs_change_places,
    _goals_change_places,
    _names_change_places,
    _a_status_is_claimed,
    _a_proof_is_left_out,
    _an_earlier_step_is_the_proof,
    _premises_change_places,
    _a_premise_is_another,
    _a_premise_twice,
    _a_premise_is_missing,
    _a_step_rests_on_itself,
    _a_step_is_of_another_rule,
    _a_step_concludes_what_another_does,
    _a_step_is_about_something_else,
    _a_goal_is_trusted,
    _terms_change_places,
    _a_verdict_twice,
)


def claims(data: Data) -> dict[tuple[str, str, str], set[str]]:
    """What is claimed of each obligation; nothing is, where it is unknown."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for v in data["verdicts"]:
        found.setdefault((v["obligation"], v["subject"], v["words"]), set()).update({v["status"]} - {"unknown"})
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_passes_says_no_more_than_the_honest_certificate(name: str) -> None:
    honest, derived = certified(name)
    assert recheck(honest, derived, "hash") == []
    told = claims(honest)
    rng = random.Random(name)
    refused = 0
    for number in range(TRIES):
        forged = copy.deepcopy(honest)
        for forger in (FORGERS[number % len(FORGERS)], *rng.sample(FORGERS, rng.randrange(2))):
            forger(forged, rng)
        forged["digest"] = digest(forged)
        if recheck(forged, derived, "hash"):
            refused += 1
            continue
        assert all(said <= told[key] for key, said in claims(forged).items()), number
    assert refused > TRIES // 3


def test_a_proof_is_of_its_own_model() -> None:
    """The verdicts of one model with the goals and proofs of another, names and hash as they should be."""
    certificates = {name: certified(name) for name in NAMES}
    for name, (data, _) in certificates.items():
        for other, (own, derived) in certificates.items():
            if other == name:
                continue
            forged = copy.deepcopy(data)
            for verdict, honest in zip(forged["verdicts"], own["verdicts"], strict=False):
                verdict |= {key: honest[key] for key in ("obligation", "subject", "words")}
            forged["digest"] = digest(forged)
            assert recheck(forged, derived, "hash") != [], (name, other)
