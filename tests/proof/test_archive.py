"""Archived proofs: what is written is read back, replays, and survives no change."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from gencompiler.model.nodes import REAL, Support
from gencompiler.proof.archive import Damaged, Reader, Writer
from gencompiler.proof.graph import Term, apply, choose, join, literal, network, select, symbol
from gencompiler.proof.kernel import Proof
from gencompiler.proof.replay import replay
from gencompiler.proof.search import Search

U = symbol("input", "u", REAL, (64,))
X = symbol("input", "u", REAL)
SCALE = symbol("parameter", "s", Support("Positive"))


def coupling() -> Term:
    first, last = select(U, range(32)), select(U, range(32, 64))
    scale, shift = (network("mlp", k, (32,), (first,)) for k in (0, 1))
    moved = apply("add", apply("multiply", last, apply("exp", apply("tanh", scale))), shift)
    return select(join((first, moved)), reversed(range(64)))


def leaky() -> Term:
    return choose(apply("greater_equal", X, literal(0)), X, apply("multiply", SCALE, X))


PROOFS: dict[str, Proof] = {
    "coupling": Search().invertible(U, coupling(), REAL),
    "leaky": Search().invertible(X, leaky(), REAL),
    "range": Search().range(apply("sqrt", apply("multiply", literal(2), apply("softplus", X)))),
}


def archived(proof: Proof) -> dict[str, Any]:
    writer = Writer()
    writer.proof(proof)
    return json.loads(json.dumps({"terms": writer.terms, "proofs": writer.proofs}))


@pytest.mark.parametrize("name", PROOFS)
def test_an_archive_replays_to_the_same_conclusion(name: str) -> None:
    data = archived(PROOFS[name])
    done, failures = replay(Reader(data["terms"]), data["proofs"])
    assert failures == []
    assert done[-1] is not None
    assert done[-1].conclusion == PROOFS[name].conclusion


@pytest.mark.parametrize("name", PROOFS)
def test_writing_is_deterministic(name: str) -> None:
    assert archived(PROOFS[name]) == archived(PROOFS[name])


def test_places_are_written_as_runs() -> None:
    text = json.dumps(archived(PROOFS["coupling"]))
    assert '{"runs": [[63, -1, 32]]}' in text
    assert len(text) < 12_000


def mutations(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """Every leaf of JSON data with something else in its place."""
    if isinstance(data, dict):
        return [m for key, value in data.items() for m in mutations(value, (*path, key))]
    if isinstance(data, list):
        return [m for place, value in enumerate(data) for m in mutations(value, (*path, place))]
    if isinstance(data, bool):
        return [(path, not data)]
    if isinstance(data, int):
        return [(path, data + 1), (path, data - 1)]
    if isinstance(data, str):
        return [(path, "0" if data != "0" else "1"), (path, data + "x")]
    return [(path, 1)]


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    data = copy.deepcopy(data)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return data


@pytest.mark.parametrize("name", PROOFS)
def test_no_changed_step_replays(name: str) -> None:
    """Every rule, premise, subject, bound and conclusion of every step."""
    data = archived(PROOFS[name])
    reader = Reader(data["terms"])
    survivors = []
    for path, value in mutations(data["proofs"]):
        _, failures = replay(reader, changed(data["proofs"], path, value))
        if not failures:
            survivors.append((path, value))
    assert survivors == []


@pytest.mark.parametrize("name", PROOFS)
def test_a_changed_term_changes_what_is_proved(name: str) -> None:
    """A consistent change of the table of terms may prove something, but never the same thing."""
    data = archived(PROOFS[name])
    for path, value in mutations(data["terms"]):
        damaged = changed(data["terms"], path, value)
        try:
            reader = Reader(damaged)
        except Damaged:
            continue
        done, failures = replay(reader, data["proofs"])
        if not failures:
            assert done[-1] is not None
            assert done[-1].conclusion != PROOFS[name].conclusion


@pytest.mark.parametrize(
    "terms",
    [
        None,
        [["literal", {"number": "1"}]],
        [["apply", "exp", [0]]],
        [["apply", "exp", [1]]],
        [["literal", {"number": "x"}, []]],
        [["literal", {"number": "nan"}, []]],
        [["symbol", ["input", "u", {"is": "Support", "name": "NoSuch", "arguments": []}, []], []]],
        [["symbol", ["input", "u", {"is": "Reporter"}, []], []]],
        [["select", {"runs": [[0, 1, 10**9]]}, []]],
        [["no such operation", None, []]],
    ],
)
def test_damaged_terms_are_refused(terms: Any) -> None:
    with pytest.raises(Damaged):
        Reader(terms)


@pytest.mark.parametrize(
    "step",
    [
        None,
        {},
        {"rule": "no_such_rule", "subject": [], "premises": [], "conclusion": None},
        {"rule": "declared", "subject": [], "premises": [0], "conclusion": None},
        {"rule": "declared", "subject": [], "premises": [], "conclusion": None},
        {"rule": ["declared"], "subject": [], "premises": [], "conclusion": None},
    ],
)
def test_damaged_steps_are_refused(step: Any) -> None:
    done, failures = replay(Reader([]), [step])
    assert done == [None]
    assert len(failures) == 1


def test_a_large_number_is_written_and_read() -> None:
    from fractions import Fraction

    large = Fraction(7**9001, 3**9000)
    writer = Writer()
    written = json.loads(json.dumps(writer.value(large)))
    assert Reader([]).value(written) == large
