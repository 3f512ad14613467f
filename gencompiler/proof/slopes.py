"""The search for a proof that a scalar map is a bijection by its derivative: what stands inside it, where it is cut,
which way it runs, how the sign of its slope is shown.  Nothing here is trusted."""

from __future__ import annotations

import contextlib
import contextvars
import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.model.nodes import REAL
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.boxes import Evaluation, interior
from gencompiler.proof.budget import ENDLESS, limited, spend
from gencompiler.proof.calculus import derivative
from gencompiler.proof.components import component, components
from gencompiler.proof.domain import POSITIVE, Interval
from gencompiler.proof.facts import Bijection, Fact, InRange, result
from gencompiler.proof.graph import Malformed, Term, substitute, subterms, symbol
from gencompiler.proof.joints import cuts_of, in_pieces_of, symbolic_joints
from gencompiler.proof.kernel import Proof, Unproved, prove
from gencompiler.proof.lazy import np
from gencompiler.proof.monotone_rules import moving, piece, sections, total_at
from gencompiler.proof.numeric import Array, values
from gencompiler.proof.samples import grid, inside_of, sample
from gencompiler.proof.signs import BUDGET, Purse, Signs
from gencompiler.proof.terms import minus, negated, over

if TYPE_CHECKING:
    from gencompiler.proof.search import Search

#: How many values of the parameters are looked at.
COLUMNS = 12
#: What is tried in turn: how many evaluations, how deep slopes of slopes, and whether the sign must be strict.
_STAGES = tuple(
    (budget, slopes, strict)
    for budget, slopes in ((12, 1), (200, 1), (BUDGET, 2), (BUDGET, 3))
    for strict in (True, False)
)
#: How many of these are tried before a look for a counterexample.
_CHEAP = 2
#: Points at which a slope that may vanish is looked at.
WITNESSES = tuple(Fraction(n) for n in ("0", "1", "-1", "1/2", "2", "-2", "1/3", "10", "-10"))


#: Searches that have ended, by what they were for, with the steps that they took: derivation and checks ask the same.
_ENDED: dict[tuple[Term, Term, tuple[Fact, ...]], tuple[Proof | NotFound, int]] = {}
_REMEMBERED = 256

#: What searches spend from together, where they are attempts at one thing.
_SHARED: contextvars.ContextVar[Purse | None] = contextvars.ContextVar("shared", default=None)


@contextlib.contextmanager
def sharing(purse: Purse) -> Iterator[None]:
    """Searches within spend from one purse: many attempts may take no longer than a few.  What they do not find is not
    remembered, for another search may have more to spend."""
    before = _SHARED.set(purse)
    try:
        yield
    finally:
        _SHARED.reset(before)


def by_slope(search: Search, input_: Term, body: Term) -> Proof:
    """The proof that a scalar map is a bijection by its slope; raises NotFound."""
    key = (input_, body, tuple(p.conclusion for p in search.given))
    found: Proof | NotFound
    if key in _ENDED:
        found, steps = _ENDED[key]
        spend(steps)
    else:
        with limited(ENDLESS) as account:
            try:
                found = BySlope(search, input_, body).find()
            except NotFound as failure:
                found = failure
            except (Malformed, Unproved) as failure:
                found = NotFound("form", body, str(failure))
        if len(_ENDED) >= _REMEMBERED:
            _ENDED.clear()
        if _SHARED.get() is None or not isinstance(found, NotFound):
            _ENDED[key] = found, account.spent
    if isinstance(found, NotFound):
        raise found
    return found


class BySlope:
    """The search for one map."""

    def __init__(self, search: Search, input_: Term, body: Term) -> None:
        self.search = search
        self.input = input_
        self.body = body
        self.given = tuple(p for p in search.given if isinstance(p.conclusion, InRange))
        self.known = {p.conclusion.term: p.conclusion.interval for p in self.given}  # type: ignore[attr-defined]
        self.failure = NotFound("slope", body, f"{body} is not seen to be monotone in {input_}")

    def find(self) -> Proof:
        """The proof; raises NotFound."""
        for inner, x, outer in self._inner():
            try:
                found = self._of(inner, x, outer)
            except Unproved as failure:
                self.failure = NotFound("slope", self.body, str(failure))
                continue
            if found is not None:
                return found
        raise self.failure

    def _inner(self) -> Iterator[tuple[Proof, Term, Term]]:
        """What may stand inside: the input, a bijection that all of it goes through, the input moved to a joint."""
        yield prove("itself", (self.input,)), self.input, self.body
        for part in _gates(self.input, self.body):
            x = self._named(part)
            try:
                yield self.search.bijection(self.input, part), x, _replaced(self.body, part, x)
            except (NotFound, Malformed):
                continue
        moved = [f(self.input, joint) for joint in symbolic_joints(self.input, self.body) for f in (minus, over)]
        for part in moved:
            try:
                inner = self.search.bijection(self.input, part)
            except NotFound:
                continue
            conclusion = inner.conclusion
            assert isinstance(conclusion, Bijection)
            x = self._named(part)
            undone = substitute(conclusion.inverse, {result(self.input.shape): x})
            yield inner, x, substitute(self.body, {self.input: undone})

    def _named(self, part: Term) -> Term:
        """A symbol that stands for a part, and reads like it in messages."""
        return symbol("inner", str(part), REAL, self.input.shape)

    def monotone(self, where: Interval) -> tuple[Proof, tuple[Proof, ...]]:
        """That the map itself is monotone on an interval, and the ranges that this rests on; raises NotFound or
        Unproved."""
        cuts = cuts_of(self.body, self.input, where)
        self.purse = _SHARED.get() or Purse()
        self._look_at_divisors(self.input, self.body, where)
        found = self._monotone(self.input, self.body, where, cuts)
        if found is None:
            raise self.failure
        return found, (*self.given, *self.local)

    def _of(self, inner: Proof, x: Term, outer: Term) -> Proof | None:
        conclusion = inner.conclusion
        assert isinstance(conclusion, Bijection)
        where = conclusion.image
        if where.is_point:
            return None
        cuts = cuts_of(outer, x, where)
        self.purse = _SHARED.get() or Purse()
        self._look_at_divisors(x, outer, where)
        monotone = self._monotone(x, outer, where, cuts)
        if monotone is None:
            return None
        ends = []
        for upper in (False, True):
            last = (cuts[-1] if upper else cuts[0]) if cuts else None
            ends.append(prove("tends", (x, outer, where, upper, last), *self.given, *self.local))
        subject = (self.input, self.body, x, outer, cuts)
        return prove("by_slope", subject, inner, monotone, *ends, *self.given, *self.local)

    def _look_at_divisors(self, x: Term, outer: Term, where: Interval) -> None:
        """Signs of what is divided by, or under a root or a logarithm, where intervals do not see them at once."""
        self.local: list[Proof] = []
        self.here = dict(self.known)
        if in_pieces_of(outer, x):
            return
        for part in subterms(outer):
            inside = part.arguments[-1 if part.data == "divide" else 0] if part.arguments else part
            partial = part.operation == "apply" and part.data in ("divide", "log", "sqrt", "log1p")
            if not partial or not inside.arguments or x not in inside.symbols or inside in self.here:
                continue
            with contextlib.suppress(Unproved):
                if Evaluation({x: where}, self.here).range(inside).sign:
                    continue
            tree = Signs(self.here, x, 200, purse=self.purse).prove(inside, {x: where}, strict=True)
            if tree is not None:
                self.local.append(prove("on_box", (inside, ((x, where),), tree), *self.given, *self.local))
                self.here[inside] = POSITIVE

    def _monotone(self, x: Term, outer: Term, where: Interval, cuts: tuple[Fraction, ...]) -> Proof | None:
        parts = []
        rising: bool | None = None
        for part in sections(where, cuts):
            formula = piece(outer, x, part, self.here) if cuts or in_pieces_of(outer, x) else outer
            proof = self._section(x, formula, part, rising)
            if proof is None:
                return None
            rising = proof.conclusion.increasing  # type: ignore[attr-defined]
            parts.append(proof)
        if len(parts) == 1 and parts[0].conclusion.body is outer:  # type: ignore[attr-defined]
            return parts[0]
        return prove("joined", (x, outer, where, cuts), *parts, *self.given, *self.local)

    def _section(self, x: Term, formula: Term, part: Interval, rising: bool | None) -> Proof | None:
        Evaluation({x: part}, self.here).range(formula)
        slope = derivative(formula, x)
        box = moving(x, part)
        guess = self._direction(slope, x, part)
        if rising is not None and guess is not None and guess != rising:
            raise Unproved("the pieces run in different directions")
        directions = (True, False) if guess is None else (guess,)
        for stage, (budget, slopes, strict) in enumerate(_STAGES):
            if stage == _CHEAP and self._is_false():
                break
            for up in directions:
                steep = slope if up else negated(slope)
                tree = Signs(self.here, x, budget, slopes, self.purse).prove(steep, dict(box), strict=strict)
                if tree is None:
                    continue
                sign = prove("on_box", (steep, box, tree), *self.given, *self.local)
                subject = (x, formula, part)
                if strict:
                    return prove("strictly", (*subject, ()), sign, *self.given, *self.local)
                found = self._weakly(subject, steep, sign)
                if found is not None:
                    return found
        raise Unproved(f"the slope of {formula} in {x} is not seen to have one sign")

    def _sampled(self, slope: Term, x: Term) -> dict[Term, object] | None:
        """Values of the other symbols for which what is given holds; None where none are met."""
        about = [(t, i) for t, i in self.here.items() if x not in t.symbols and all(s.shape == () for s in t.symbols)]
        symbols = (slope.symbols - {x}).union(*(t.symbols for t, _ in about))
        if not about:
            return sample(tuple(symbols), COLUMNS)
        points = sample(tuple(symbols), 64 * COLUMNS)
        holds = np.ones((1, 64 * COLUMNS), dtype=bool)
        for term, interval in about:
            found = np.broadcast_to(values(term, points), holds.shape)
            holds = holds & (found > float(interval.lower)) & (found < float(interval.upper))
        kept = np.flatnonzero(holds[0])[:COLUMNS]
        if len(kept) < COLUMNS:
            return None
        return {s: v[..., kept] for s, v in points.items()}  # type: ignore[index]

    def _is_false(self) -> bool:
        """Whether a look finds two inputs with one value: then no search for a sign can end well."""
        from gencompiler.proof.counterexamples import Looking

        return Looking(*_at_one_place(self.input, self.body)).not_injective() is not None

    def _weakly(self, subject: tuple[Term, Term, Interval], steep: Term, sign: Proof) -> Proof | None:
        x, _, part = subject
        inside = interior(part)
        points = [p for p in (*WITNESSES, *inside_of(part)) if inside.contains(p)]
        for chosen in (*((p,) for p in points), *itertools.combinations(points[:5], 2)):
            total = total_at(steep, x, chosen)
            tree = Signs(self.here, x, 60, purse=self.purse).prove(total, {}, strict=True)
            if tree is not None:
                witness = prove("on_box", (total, (), tree), *self.given, *self.local)
                return prove("strictly", (*subject, chosen), sign, witness, *self.given, *self.local)
        return None

    def _direction(self, slope: Term, x: Term, part: Interval) -> bool | None:
        """Which way a map runs, by a look at some points; raises Unproved where it runs both ways."""
        x, slope = _at_one_place(x, slope)
        points = self._sampled(slope, x)
        if points is None or x.shape:
            return None
        places = np.array(grid(part, 40))[:, None]
        shape = (places.shape[0], COLUMNS)
        found = np.broadcast_to(values(slope, {**points, x: places}), shape)
        if not np.isfinite(found).any():
            return None
        finite = found[np.isfinite(found)]
        size = np.abs(finite).max()
        flat = np.isfinite(found).any(0) & (np.where(np.isfinite(found), found, 0.0) == 0).all(0)
        if (flat & _moderate(points)).any():  # beyond, floats may have lost what is left of a slope
            raise Unproved(f"the slope of {self.body} in {self.input} vanishes everywhere for some parameters")
        up, down = (finite > 1e-9 * size).any(), (finite < -1e-9 * size).any()
        if up and down:
            raise Unproved(f"the slope of {self.body} in {self.input} has both signs")
        return bool(up) if up or down else None


def _at_one_place(x: Term, term: Term) -> tuple[Term, Term]:
    """An elementwise function of a tensor as that of its first element; itself where it is not written out."""
    if x.shape == ():
        return x, term
    with contextlib.suppress(Unproved):
        return component(x, 0), components(term)[0]
    return x, term


def _moderate(points: dict[Term, object]) -> Array:
    """In which columns no symbol has a large value."""
    columns = [np.abs(np.asarray(v, dtype=float)).reshape(-1, COLUMNS).max(0) <= 8 for v in points.values()]
    return np.logical_and.reduce([np.ones(COLUMNS, dtype=bool), *columns])


# -- what is inside --------------------------------------------------------------------------------------------------


def _gates(input_: Term, body: Term) -> list[Term]:
    """Parts other than the input that every occurrence of it stands in, the outermost first."""
    parts = [p for p in subterms(body) if input_ in p.symbols and p is not input_ and p is not body]
    found = []
    for part in reversed(parts):
        if (
            part.operation == "apply"
            and part.shape == input_.shape
            and input_ not in _replaced(body, part, None).symbols
        ):
            found.append(part)
    return found[:3]


def _replaced(body: Term, part: Term, by: Term | None) -> Term:
    """`body` with a part replaced by a symbol."""
    from gencompiler.proof.graph import build

    stand_in = by if by is not None else symbol("inner", "gate", REAL, part.shape)
    known: dict[Term, Term] = {part: stand_in}
    for each in subterms(body):
        if each not in known:
            known[each] = build(each.operation, each.data, tuple(known[a] for a in each.arguments))
    return known[body]
