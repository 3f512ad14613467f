"""The search for proofs that a density is nowhere negative, and for points at which it is.  Nothing here is trusted."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler.catalog.supports import COUPLED, SUPPORTS
from gencompiler.model.nodes import Support
from gencompiler.proof import rules
from gencompiler.proof.binders import replaced
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.boxes import support_interval
from gencompiler.proof.closed_forms import ClosedForms
from gencompiler.proof.domain import NON_NEGATIVE, Interval
from gencompiler.proof.graph import Term, subterms, support_of, symbol
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.lazy import np
from gencompiler.proof.numeric import values
from gencompiler.proof.poles import divisors, is_undefined, zeros
from gencompiler.proof.range_rules import range_of
from gencompiler.proof.refute_rules import Assignment, admissible
from gencompiler.proof.samples import sample
from gencompiler.proof.sign_rules import monotone_difference, nonnegative
from gencompiler.proof.signs import Purse, Signs
from gencompiler.proof.terms import minus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gencompiler.proof.search import Search

assert rules.RULES

NON_NEGATIVE_SUPPORT = Support("NonNegative")


#: What a look at one more sign may take where the search for the others has used up what all of them may.
GLANCE = 1_000


class Asking:
    """Answers where terms lie, and keeps the proofs of its answers."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.proofs: dict[Term, Proof] = {}

    def __call__(self, term: Term) -> Interval:
        try:
            found = self.search.range(term)
        except NotFound as failure:
            raise Unproved(str(failure)) from None
        self.proofs[term] = found
        return range_of(found.conclusion, term)


class AskingSigns(Asking):
    """The same, and where intervals leave the sign of a term open, by cuts and lemmas on the box of its supports."""

    def __init__(self, search: Search, strict: bool = False) -> None:
        super().__init__(search)
        self.purse = Purse()
        self.strict = strict
        self.open: set[Term] = set()

    def __call__(self, term: Term) -> Interval:
        found = super().__call__(term)
        if found.upper <= 0 or (found.sign > 0 if self.strict else found.within(NON_NEGATIVE)):
            return found
        if term in self.open:
            return found
        purse = self.purse if self.purse.left > GLANCE else Purse(GLANCE)
        signed = on_supports(self.search, term, purse, self.strict)
        if signed is None:
            self.open.add(term)
            return found
        self.proofs[term] = signed
        return range_of(signed.conclusion, term)


def on_supports(search: Search, term: Term, purse: Purse | None = None, strict: bool = False) -> Proof | None:
    """That a term is not negative (or positive) wherever its symbols are in their supports, by a tree of lemmas; waves
    in it may stand for any number that they can be."""
    waves = [t for t in subterms(term) if t.operation == "apply" and t.data in ("sin", "cos") and not t.shape]
    if waves:
        wave = waves[-1]
        any_ = symbol("wave", str(wave), Support("Interval", (Fraction(-1), Fraction(1))))
        moved = replaced(term, {wave: any_})
        general = on_supports(search, moved, purse, strict)
        return general and attempt("specialise", (any_, wave, moved), general, search.range(wave))
    symbols = sorted(term.symbols, key=lambda s: str(s.data[:2]))
    if not symbols or any(s.shape or support_of(s).name in COUPLED for s in symbols):
        return None
    try:
        box = tuple((s, support_interval(s)) for s in symbols)
        tree = Signs({}, symbols[0], budget=_BUDGET, slopes=2, purse=purse).prove(term, dict(box), strict=strict)
    except Unproved:
        return None
    if tree is None:
        return None
    shown = attempt("on_box", (term, box, tree))
    return shown and attempt("on_supports", (term,), shown)


def in_order(search: Search, found: Proof, term: Term) -> Proof | None:
    """That a difference F(u) - F(v) has the sign that u and v give it, where its range leaves that open."""
    arguments = monotone_difference(term)
    if arguments is None or range_of(found.conclusion, term).sign:
        return None
    asking = Asking(search)
    try:
        gap = search.range(ClosedForms(asking).plain(minus(*arguments)))
    except (NotFound, Unproved):
        return None
    return attempt("in_order", (term,), found, gap, *asking.proofs.values())


#: How many boxes are looked at for one sign.
_BUDGET = 200


# -- signs -----------------------------------------------------------------------------------------------------------


def nowhere_negative(search: Search, term: Term) -> Proof:
    """That a term is defined and nowhere negative; raises NotFound."""
    defined = search.range(term)
    if range_of(defined.conclusion, term).within(NON_NEGATIVE):
        return defined
    for asking in (Asking(search), AskingSigns(search)):
        if nonnegative(ClosedForms(asking), term):
            signed = asking.proofs.pop(term, defined)
            if range_of(signed.conclusion, term).within(NON_NEGATIVE):
                return signed
            return prove("nowhere_negative", (term,), defined, *asking.proofs.values())
    raise NotFound("negative", term, f"{term} may be negative")


def positive(search: Search, term: Term) -> Proof:
    """That a term is positive, by its range, or by cuts and lemmas; else its range, which leaves that open."""
    found = search.range(term)
    return found if range_of(found.conclusion, term).sign > 0 else on_supports(search, term, strict=True) or found


def weakened_sign(search: Search, term: Term) -> Proof:
    """The same, as the one fact that an obligation states; raises NotFound."""
    try:
        return prove("not_negative", (term,), nowhere_negative(search, term))
    except Unproved as failure:
        raise NotFound("negative", term, str(failure)) from None


#: Values tried for a symbol, simplest first.
_VALUES = tuple(
    Fraction(v)
    for v in ("0", "1", "1/2", "-1", "2", "-2", "-1/2", "1/4", "3/4", "3", "-3", "1/10", "9/10", "-1/4", "-3/4", "5")
) + tuple(Fraction(v) for v in ("1/100", "99/100", "10", "-10", "7", "20", "-9/10", "1/3", "2/3", "4", "6", "1/1000"))
_MOST_POINTS = 400


def points(free: tuple[Term, ...], most: int = _MOST_POINTS) -> Iterator[Assignment]:
    """Numbers for scalar symbols, simple ones first."""
    choices = [[v for v in _VALUES if admissible(support_of(s), v)] for s in free]
    if any(not c or support_of(s).name in COUPLED for c, s in zip(choices, free, strict=True)):
        return
    places = itertools.islice(itertools.product(*(range(len(c)) for c in choices)), 40 * most)
    for picked in sorted(places, key=sum)[:most]:
        yield tuple((s, c[k]) for s, c, k in zip(free, choices, picked, strict=True))


def free_symbols(term: Term) -> tuple[Term, ...]:
    return tuple(sorted((s for s in term.symbols), key=lambda s: str(s.data[:2])))


def negative(term: Term, variables: tuple[Term, ...] = ()) -> Proof | None:
    """A point at which a term is negative or not defined; `variables`: those of a density, else all of it may be."""
    smooth = any(not SUPPORTS[support_of(s).name].discrete for s in term.symbols)
    for assignment in itertools.chain(points(free_symbols(term)), dips(term)):
        if smooth and is_undefined(term, assignment):
            continue  # perhaps at this point alone, which has no mass
        found = attempt("outside", (term, NON_NEGATIVE_SUPPORT, assignment))
        if found is not None:
            return found
    for assignment in _undefined_parameters(term, frozenset(variables)) if variables else ():
        found = attempt("outside", (term, NON_NEGATIVE_SUPPORT, assignment))
        if found is not None:
            return found
    return None


def _undefined_parameters(term: Term, variables: frozenset[Term]) -> Iterator[Assignment]:
    """Values of the parameters for which a part that is free of the variables is not defined, whatever these are."""
    parts = subterms(term)
    if any(t.operation == "choose" for t in parts) or any(s.shape for s in term.symbols):
        return
    vanishing = divisors(term)
    for part in parts:
        if part.operation != "apply" or not part.symbols or part.symbols & variables:
            continue
        own = free_symbols(part)
        others = tuple(s for s in free_symbols(term) if s not in own)
        tried = itertools.chain(points(own, 40), *(zeros(d, points(own, 40)) for d in divisors(part)))
        of_part = zeros(part, points(own, 40)) if part in vanishing else ()
        bad = next(itertools.chain((p for p in tried if is_undefined(part, p)), of_part), None)
        rest = next(points(others, 1), None)
        if bad is not None and rest is not None:
            yield (*bad, *rest)


#: How many points are looked at for a dip, in how many rounds about the lowest so far, and to how many digits that one
#: is tried exactly.
_LOOKED, _ROUNDS, _DIGITS = 4096, 40, (1, 3, 6)


def dips(term: Term) -> Iterator[Assignment]:
    """Points at which a term seems negative: the lowest of many, then of points ever closer around it."""
    free = free_symbols(term)
    if not free or any(s.shape or support_of(s).name in COUPLED for s in free):
        return
    own = [support_interval(s) for s in free]
    drawn = sample(free, _LOOKED)
    if len(drawn) < len(free):
        return
    generator = np.random.default_rng(1)
    places = np.array([np.broadcast_to(np.asarray(drawn[s], dtype=float).ravel(), (_LOOKED,)) for s in free])
    best: tuple[float, NDArray[np.float64] | None] = (0.0, None)
    for round_ in range(_ROUNDS):
        found = np.broadcast_to(values(term, dict(zip(free, places, strict=True))), (places.shape[1],))
        if np.all(np.isnan(found)):
            return
        lowest = int(np.nanargmin(found))
        if best[1] is None or found[lowest] < best[0]:
            best = float(found[lowest]), places[:, lowest]
        centre = np.asarray(best[1])[:, None]
        spread = np.maximum(np.abs(centre), 0.1) * 0.7**round_
        places = centre + spread * generator.standard_normal((len(free), 256))
        for k, interval in enumerate(own):
            places[k] = np.clip(places[k], *_inside(interval))
            if SUPPORTS[support_of(free[k]).name].discrete:
                places[k] = np.round(places[k])
    if best[0] >= 0:
        return
    for digits in _DIGITS:
        rounded = [Fraction(round(float(v), digits)).limit_denominator(10**digits) for v in np.asarray(best[1])]
        if all(admissible(support_of(s), v) for s, v in zip(free, rounded, strict=True)):
            yield tuple(zip(free, rounded, strict=True))


def _inside(interval: Interval) -> tuple[float, float]:
    """The ends of an interval, drawn in a little where they are not reached."""
    low, high = (math.copysign(1e300, e) if math.isinf(e) else float(e) for e in (interval.lower, interval.upper))
    margin = 1e-5 * min(high - low, 1.0)
    return low + margin * interval.lower_open, high - margin * interval.upper_open
