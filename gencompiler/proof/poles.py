"""Where divisors vanish: values of symbols at which a term is not defined.  Nothing here is trusted."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction

from gencompiler.proof.evaluate import Undefined, evaluate
from gencompiler.proof.graph import Term, subterms, support_of
from gencompiler.proof.numbers import Undecided
from gencompiler.proof.refute_rules import Assignment, admissible

#: How many points of the other symbols are looked at for each divisor.
_LOOKED = 24


def divisors(term: Term) -> list[Term]:
    """What a term divides by, where that depends on something."""
    found = [t.arguments[1] for t in subterms(term) if t.operation == "apply" and t.data == "divide"]
    return [d for d in dict.fromkeys(found) if d.symbols and not d.shape and all(not s.shape for s in d.symbols)]


def zeros(divisor: Term, points: Iterable[Assignment]) -> Iterator[Assignment]:
    """Points at which a divisor is exactly 0, where it is affine in one symbol, all others at one of `points`."""
    for point in itertools.islice(points, _LOOKED):
        if _value(divisor, point) == 0:
            yield point
        for k, (name, _) in enumerate(point):
            ends = [_value(divisor, (*point[:k], (name, Fraction(v)), *point[k + 1 :])) for v in (0, 1)]
            if ends[0] is None or ends[1] is None or ends[0] == ends[1]:
                continue
            solved = ends[0] / (ends[0] - ends[1])
            moved = (*point[:k], (name, solved), *point[k + 1 :])
            if admissible(support_of(name), solved) and _value(divisor, moved) == 0:
                yield moved


def is_undefined(term: Term, point: Assignment) -> bool:
    """Whether a term has no value at a point."""
    try:
        evaluate(term, dict(point))
    except Undefined:
        return True
    except Undecided:
        return False
    return False


def _value(term: Term, point: Assignment) -> Fraction | None:
    try:
        (value,) = evaluate(term, dict(point))
    except (Undefined, Undecided):
        return None
    return value if isinstance(value, Fraction) else None
