"""Proofs as JSON data and back: tables of terms and of rule applications, each written once, in a fixed order.

Reading builds every term through its constructor and nothing else; what does not fit is `Damaged`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof import (
    annealing_rules,
    breaking_rules,
    causal_rules,
    chain_rules,
    composite_rules,
    conditional_rules,
    density_facts,
    ergodic_rules,
    facts,
    ode_rules,
    sde_facts,
    separation_facts,
    stages,
    start_rules,
    structure,
)
from gencompiler.proof.domain import Circle, Interval
from gencompiler.proof.graph import Malformed, Term, build, subterms
from gencompiler.proof.kernel import Proof

Json = Any


class Damaged(Exception):
    """The data is not an archive of proofs."""


#: Where the facts are stated, and the data that they consist of.
MODULES = (
    density_facts,
    facts,
    stages,
    structure,
    causal_rules,
    chain_rules,
    composite_rules,
    ergodic_rules,
    annealing_rules,
    breaking_rules,
    conditional_rules,
    ode_rules,
    sde_facts,
    separation_facts,
    start_rules,
)
#: Every class that may stand in a certificate, by name.
CLASSES: dict[str, type[Any]] = {
    name: value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, type) and dataclasses.is_dataclass(value) and not issubclass(value, Term)
}
CLASSES |= {"Support": Support, "Interval": Interval, "Circle": Circle}


class Writer:
    """Collects terms and proofs; `terms` and `proofs` are the finished tables."""

    def __init__(self) -> None:
        self.terms: list[Json] = []
        self.proofs: list[Json] = []
        self._terms: dict[Term, int] = {}
        self._proofs: dict[int, int] = {}
        self._kept: list[Proof] = []

    def proof(self, proof: Proof) -> int:
        """The number of a proof, after those of its premises."""
        if id(proof) not in self._proofs:
            premises = [self.proof(p) for p in proof.premises]
            entry = {"rule": proof.rule, "subject": self.value(proof.subject), "premises": premises}
            entry["conclusion"] = self.value(proof.conclusion)
            self._proofs[id(proof)] = len(self.proofs)
            self.proofs.append(entry)
            self._kept.append(proof)
        return self._proofs[id(proof)]

    def value(self, value: object) -> Json:
        """Plain data, terms by number."""
        if isinstance(value, Term):
            return {"term": self._term(value)}
        if value is None or isinstance(value, str | bool | int):
            return value
        if isinstance(value, Fraction):
            return {"number": _spelled(value)}
        if isinstance(value, float):
            return {"number": "inf" if value > 0 else "-inf"}
        if isinstance(value, tuple):
            return _runs(value) or [self.value(v) for v in value]
        name = type(value).__name__
        if CLASSES.get(name) is not type(value):
            raise TypeError(f"{value!r} does not belong in a certificate")
        fields = dataclasses.fields(CLASSES[name])
        return {"is": name, **{f.name: self.value(getattr(value, f.name)) for f in fields}}

    def _term(self, term: Term) -> int:
        for part in subterms(term):
            if part not in self._terms:
                entry = [part.operation, self.value(part.data), [self._terms[a] for a in part.arguments]]
                self._terms[part] = len(self.terms)
                self.terms.append(entry)
        return self._terms[term]


#: Python converts longer numbers to and from decimals slowly, or not at all.
_DECIMAL_BITS = 4096


def _spelled(value: Fraction) -> str:
    """A fraction in decimals, a long one in hexadecimals."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) <= _DECIMAL_BITS:
        return str(value)
    return f"{value.numerator:#x}/{value.denominator:#x}"


def _runs(value: tuple[object, ...]) -> Json:
    """A long tuple of consecutive places as its runs `[first, step, count]`."""
    if len(value) < 4 or not all(type(v) is int for v in value):
        return None
    runs: list[list[int]] = []
    for place in value:
        assert isinstance(place, int)
        if runs and runs[-1][2] == 1 and abs(place - runs[-1][0]) == 1:
            runs[-1] = [runs[-1][0], place - runs[-1][0], 2]
        elif runs and place == runs[-1][0] + runs[-1][1] * runs[-1][2] and runs[-1][2] > 1:
            runs[-1][2] += 1
        else:
            runs.append([place, 1, 1])
    return {"runs": runs}


#: What an archive may hold at most: places of a selection, entries of a table.
LIMIT = 1_000_000


class Reader:
    """Reads what a Writer wrote; raises Damaged."""

    def __init__(self, terms: Sequence[Json]) -> None:
        if not isinstance(terms, list) or len(terms) > LIMIT:
            raise Damaged("the table of terms is not a list, or too long")
        self.terms: list[Term] = []
        for number, entry in enumerate(terms):
            if not (isinstance(entry, list) and len(entry) == 3 and isinstance(entry[2], list)):
                raise Damaged(f"term {number} is not [operation, data, arguments]")
            operation, data, places = entry
            if not all(type(p) is int and 0 <= p < number for p in places):
                raise Damaged(f"term {number} uses terms after itself")
            try:
                self.terms.append(build(operation, self.value(data), tuple(self.terms[p] for p in places)))
            except (Malformed, TypeError, AttributeError, KeyError, ValueError) as problem:
                raise Damaged(f"term {number}: {problem}") from None

    def value(self, value: Json) -> Any:
        """The data that `Writer.value` wrote."""
        if value is None or isinstance(value, str | bool | int):
            return value
        if isinstance(value, list):
            return tuple(self.value(v) for v in value)
        if not isinstance(value, dict):
            raise Damaged(f"{value!r} is not data of a certificate")
        if "is" in value:
            return self._instance(value)
        if "term" in value:
            if type(value["term"]) is not int or not 0 <= value["term"] < len(self.terms):
                raise Damaged("a term that is not in the table")
            return self.terms[value["term"]]
        if "number" in value:
            return _number(value["number"])
        return _places(value.get("runs"))

    def _instance(self, value: dict[str, Json]) -> Any:
        kind = CLASSES.get(value.get("is", ""))
        if kind is None:
            raise Damaged(f"there is no {value.get('is')!r}")
        names = [f.name for f in dataclasses.fields(kind)]
        if sorted(names) != sorted(k for k in value if k != "is"):
            raise Damaged(f"{value['is']} has other fields")
        read = {name: self.value(value[name]) for name in names}
        if kind is Support and read["name"] not in SUPPORTS:
            raise Damaged(f"there is no support {read['name']!r}")
        try:
            made = kind(**read)
        except (TypeError, ValueError) as problem:
            raise Damaged(f"{value['is']}: {problem}") from None
        if any(getattr(made, name) != read[name] for name in names):
            raise Damaged(f"{value['is']} is not in normal form")
        return made


def _number(text: Json) -> Fraction | float:
    if text in ("inf", "-inf"):
        return float(text)
    try:
        if "x" in text:
            numerator, denominator = text.split("/")
            return Fraction(int(numerator, 16), int(denominator, 16))
        return Fraction(text)
    except (TypeError, ValueError, ZeroDivisionError):
        raise Damaged(f"{text!r} is not a number") from None


def _places(runs: Json) -> tuple[int, ...]:
    found: list[int] = []
    for run in runs if isinstance(runs, list) else [None]:
        if not (isinstance(run, list) and len(run) == 3 and all(type(n) is int for n in run) and 0 < run[2] <= LIMIT):
            raise Damaged("a run of places is [first, step, count]")
        found.extend(run[0] + run[1] * k for k in range(run[2]))
    return tuple(found)
