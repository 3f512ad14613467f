"""The search for proofs that a move keeps a measure, part by part, and for refutations."""

from __future__ import annotations

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.checks import admissibility, arrivals, orbits
from gencompiler.checks.carrying import carried, linear_volume, sheared
from gencompiler.checks.checking import Checking
from gencompiler.model.nodes import Support
from gencompiler.proof import finite_chains, flow_search, imbalance
from gencompiler.proof.balancing import log_of
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.chain_rules import (
    Aided,
    Blend,
    Deterministic,
    Images,
    Kernel,
    Mapped,
    Move,
    Orbit,
    Repeated,
    Reversible,
    Sequence,
    Stationary,
    Times,
    positive_everywhere,
)
from gencompiler.proof.composite_rules import blends, kernels, moved, parts_of
from gencompiler.proof.forgotten_rules import FROM_ZERO, forgets, images
from gencompiler.proof.graph import Malformed, Term, support_of
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.probabilities import probability
from gencompiler.proof.terms import ONE, ZERO, plus


class Keeping:
    """Proofs about moves; `blamed` is the part that a failed attempt stopped at."""

    def __init__(self, checking: Checking) -> None:
        self.checking = checking
        self.search = checking.search
        self.blamed: Move | None = None
        self.involutions: dict[tuple[tuple[Term, ...], tuple[Mapped, ...]], Proof] = {}

    def keeps(self, move: Move, log_target: Term) -> Proof:
        """That a move leaves a measure invariant; raises NotFound."""
        match move:
            case Deterministic() if (found := carried(self, move, log_target)) is not None:
                return found
            case Kernel() | Deterministic() | Orbit():
                return prove("detailed_balance", (), self.balances(move, log_target))
            case Sequence(parts=parts):
                return self._sequence(parts, log_target)
            case Repeated(index=index, count=count, part=part):
                own = self.keeps(part, log_target)
                return self.proved(move, "repeated", (index, count), own)
            case Blend():
                return self._blend(move, log_target)
            case Aided():
                return prove("detailed_balance", (), arrivals.by_way(self, move, log_target))

    def _sequence(self, parts: tuple[Move, ...], log_target: Term) -> Proof:
        """Part by part, without those whose work the next one does anew."""
        idle = [k for k in range(len(parts) - 1) if forgets(parts[k + 1], moved(parts[k]))]
        try:
            return prove("in_sequence", (log_target,), *(self.keeps(p, log_target) for p in parts))
        except NotFound:
            if not idle:
                raise
        rest = (*parts[: idle[0]], *parts[idle[0] + 1 :])
        found = self.keeps(rest[0] if len(rest) == 1 else Sequence(rest), log_target)
        taken = self.taken(parts[idle[0]])
        return self.proved(parts[idle[0]], "forgotten", (parts[idle[0]], idle[0]), found, *taken)

    def taken(self, move: Move) -> list[Proof]:
        """What says that a move can be taken from everywhere; raises NotFound."""
        if isinstance(move, Kernel | Deterministic):
            draws = move.proposals if isinstance(move, Kernel) else ()
            made = [(p.moves, p.body) for p in draws] if isinstance(move, Kernel) else images(move)
            return [
                *(admissibility.attempt(self.checking, p.law) for p in draws),
                *(self._value(i, support_of(m)) for m, i in made if i is not None),
                *(() if move.probability is ONE else (self.accepts(move),)),
            ]
        signs = self.signs(move) if isinstance(move, Blend) else []
        return [*signs, *(proof for part in parts_of(move) for proof in self.taken(part))]

    def _value(self, term: Term, support: Support) -> Proof:
        """That a term is a value of a support; raises NotFound."""
        try:
            return prove("member", (term, support), self.search.range(term))
        except Unproved as failure:
            raise NotFound("range", term, str(failure)) from None

    def proved(self, move: Move, rule: str, subject: tuple[object, ...], *premises: Proof) -> Proof:
        """A conclusion of a rule about a move, which is blamed where the rule does not apply; raises NotFound."""
        try:
            return prove(rule, subject, *premises)
        except Unproved as failure:
            self.blamed = move
            raise NotFound("ratio", ZERO, str(failure)) from None

    def _blend(self, move: Blend, log_target: Term) -> Proof:
        signs = self.signs(move)
        parts = [self._branch(move, w, p, log_target) for w, p in zip(move.weights, move.parts, strict=True)]
        return self.proved(move, "blended", (move.state, move.weights, log_target), *parts, *signs)

    def _branch(self, move: Blend, weight: Term, part: Move, log_target: Term) -> Proof:
        """That a part of a mixture keeps the measure, or where its weight reads what it moves, its share of it."""
        if weight.symbols & moved(part) and any(p != part for p in move.parts):
            try:
                return self.keeps(part, plus(log_target, log_of(weight)))
            except NotFound:
                self.blamed = None
        return self.keeps(part, log_target)

    def signs(self, move: Blend) -> list[Proof]:
        """That no weight of a mixture is negative; raises NotFound."""
        signs = []
        for weight in move.weights:
            try:
                signs.append(prove("member", (weight, FROM_ZERO), self.search.range(weight)))
            except (Unproved, NotFound) as failure:
                self.blamed = move
                raise NotFound("range", weight, str(failure)) from None
        return signs

    # -- detailed balance --------------------------------------------------------------------------------------------

    def balances(self, move: Move, log_target: Term) -> Proof:
        """That a move is in detailed balance with a measure; raises NotFound."""
        if isinstance(move, Orbit):
            return orbits.walks(self, move, log_target)
        if isinstance(move, Aided):
            return arrivals.by_way(self, move, log_target)
        if not isinstance(move, Kernel | Deterministic):
            return self.proved(move, "self_adjoint", (), self.undone(move, log_target))
        self.blamed = move
        by_cases = self._by_cases(move, log_target)
        if by_cases is not None:
            self.blamed = None
            return by_cases
        finite = self.search.range(log_target)
        defined = self.accepts(move)
        if isinstance(move, Deterministic):
            own = self.involution(move.moves, move.maps)
            volume = self.volume(move.moves, move.maps)
            found = self.proved(move, "involutive", (move, log_target), own, volume, finite, defined)
        else:
            laws = [admissibility.attempt(self.checking, p.law) for p in move.proposals]
            maps = [
                shown
                for p in move.proposals
                if p.noise is not None and p.body is not None
                for shown in (self.search.any_bijection(p.noise, p.body), self.search.defined(p.body))
            ]
            subject = (move, log_target)
            found = self.proved(move, "metropolis_hastings", subject, *laws, finite, defined, *maps)
        self.blamed = None
        return found

    def _by_cases(self, move: Kernel | Deterministic, log_target: Term) -> Proof | None:
        """Balance value by value, of a proposal whose chances are given by a table and may be 0."""
        if not isinstance(move, Kernel) or all(positive_everywhere(p.law) for p in move.proposals):
            return None
        laws = self.laws(move)
        try:
            return prove("balanced_by_cases", (move, log_target), *(laws or ()), *self._stated(move))
        except (NotFound, Unproved):
            return None

    def _stated(self, move: Move) -> list[Proof]:
        """That the probabilities of acceptance that the spec states are in [0, 1]; raises NotFound."""
        return [probability(self.search, p) for p in _stated(move)]

    def undone(self, move: Move, log_target: Term) -> Proof:
        """A transition and what runs it backwards; raises NotFound."""
        match move:
            case Kernel() | Deterministic() | Orbit() | Aided():
                return prove("own_adjoint", (), self.balances(move, log_target))
            case Sequence(parts=parts):
                return prove("adjoint_sequence", (log_target,), *(self.undone(p, log_target) for p in parts))
            case Repeated(index=index, count=count, part=part):
                return self.proved(move, "adjoint_repeated", (index, count), self.undone(part, log_target))
            case Blend():
                parts_ = [self.undone(p, log_target) for p in move.parts]
                signs = self.signs(move)
                return self.proved(move, "adjoint_blend", (move.state, move.weights), *parts_, *signs)

    def accepts(self, move: Kernel | Deterministic) -> Proof:
        """That a derived log ratio is a real number, or a probability of acceptance is in [0, 1]; raises NotFound."""
        if move.probability is None:
            assert move.log_ratio is not None, "an acceptance has a ratio or a probability"
            return self.search.range(move.log_ratio)
        return probability(self.search, move.probability)

    def laws(self, move: Kernel) -> list[Proof] | None:
        """That the laws of a kernel's proposals are admissible; None where that is not found."""
        try:
            return [admissibility.attempt(self.checking, p.law) for p in move.proposals]
        except NotFound:
            return None

    def premises(self, move: Kernel) -> list[Proof] | None:
        """What a refutation rests on: the laws of proposals, then the maps of those that are made of noise."""
        laws = self.laws(move)
        try:
            maps = [
                self.search.any_bijection(p.noise, p.body)
                for p in move.proposals
                if p.noise is not None and p.body is not None
            ]
        except (NotFound, Unproved, Malformed):
            return None
        return None if laws is None else [*laws, *maps]

    def admissible(self, move: Move) -> bool:
        """Whether all laws of a move are known to be admissible; what is not has been reported at its own place."""
        if isinstance(move, Kernel | Aided) and arrivals.laws(self, move) is None:
            return False
        return all(self.admissible(part) for part in parts_of(move))

    # -- deterministic proposals -------------------------------------------------------------------------------------

    def involution(self, moves: tuple[Term, ...], maps: tuple[Mapped, ...]) -> Proof:
        """That maps are their own inverse; raises NotFound."""
        if (moves, maps) not in self.involutions:
            self.involutions[moves, maps] = self._involution(moves, maps)
        return self.involutions[moves, maps]

    def _involution(self, moves: tuple[Term, ...], maps: tuple[Mapped, ...]) -> Proof:
        try:
            if len(maps) > 1 and isinstance(maps[0], Times):
                first, rest = maps[0], maps[1:]
                assert isinstance(first, Times)
                back = tuple(rest)
                last = self.involution(moves, back)
                both = self.involution(moves, (*first.maps, *back))
                return prove("reversing", (first.count, first.maps, back), last, both)
            return prove("self_inverse", (moves, maps))
        except (Unproved, Malformed) as failure:
            raise NotFound("involution", ZERO, f"the proposal is not known to be an involution: {failure}") from None

    def volume(self, moves: tuple[Term, ...], maps: tuple[Mapped, ...]) -> Proof:
        """log|det| of maps; raises NotFound."""
        if len(moves) == 1 and len(maps) == 1 and isinstance(maps[0], Images):
            try:
                own = self.search.any_bijection(moves[0], maps[0].images[0])
                return prove("scalar_volume", (maps,), own, self.search.defined(maps[0].images[0]))
            except (Unproved, NotFound, Malformed) as failure:
                if not (_is_sign(moves[0], maps[0].images[0]) or _discrete(moves, maps[0])):
                    raise NotFound("volume", ZERO, f"the Jacobian of the proposal is not known: {failure}") from None
        try:
            single = [sheared(self.search, moves, m) for m in _images(maps)]
            return single[0] if single[0].conclusion.values()[1] == maps else prove("volumes", (moves, maps), *single)
        except (NotFound, Unproved) as failure:
            if len(maps) == 1 and isinstance(maps[0], Images) and _discrete(moves, maps[0]):
                return self._counted(moves, maps[0])
            if (linear := linear_volume(self.search, moves, maps)) is not None:
                return linear
            raise NotFound("volume", ZERO, f"the Jacobian of the proposal is not known: {failure}") from None

    def _counted(self, moves: tuple[Term, ...], own: Images) -> Proof:
        """That an involution of discrete variables keeps the counting measure; raises NotFound or Unproved."""
        changing = [(m, i) for m, i in zip(moves, own.images, strict=True) if m is not i]
        try:
            members = [prove("member", (i, support_of(m)), self.search.range(i)) for m, i in changing]
            return prove("counted", (moves, own.images), self.involution(moves, (own,)), *members)
        except Unproved as failure:
            raise NotFound("volume", ZERO, f"the proposal may be no state: {failure}") from None

    # -- refutations -------------------------------------------------------------------------------------------------

    def refutation(self, goal: Stationary | Reversible) -> Proof | None:
        """A place where invariance, or detailed balance, fails."""
        move, target = goal.kernel, goal.log_target
        if isinstance(goal, Reversible):
            found = self._unbalanced(move, target) or finite_chains.imbalance(move, target)
            if found is None and (lost := self.refutation(Stationary(move, target))) is not None:
                found = prove("not_kept", (), lost)
            return found
        return (
            arrivals.bringing_more(self, move, target)
            or self._changing(move, target)
            or finite_chains.change(move, target)
            or self._by_a_part(move, target)
        )

    def _unbalanced(self, move: Move, target: Term) -> Proof | None:
        """Two places between which the flows differ."""
        premises = self._all_premises(move)
        return None if premises is None else flow_search.unbalanced(move, target, premises)

    def _changing(self, move: Move, target: Term) -> Proof | None:
        """A place that gains, by a kernel, a mixture of kernels, or a deterministic move."""
        if isinstance(move, Blend) and not any(w.symbols for w in move.weights):
            lost = attempt("lost_share", (move, target))
            if lost is not None:
                return lost
        try:
            stated = self._stated(move)
            if isinstance(move, Deterministic):
                return flow_search.overtaken(move, target, self._map_premises(move, stated), stated)
            premises = self._all_premises(move)
            if premises is None or isinstance(move, Sequence | Repeated):
                return None
            signs = [s for blend in blends(move) for s in self.signs(blend)]
        except NotFound:
            return None
        found = flow_search.surplus(move, target, (*premises, *signs, *stated))
        if found is None and isinstance(move, Kernel):
            found = imbalance.gain(move, target, premises)
        return found

    def _map_premises(self, move: Deterministic, stated: list[Proof]) -> list[Proof] | None:
        """The volume of a map, where it moves anything continuous, and its probability; None where it is not known."""
        if all(SUPPORTS[support_of(m).name].discrete for m in move.moves):
            return stated
        try:
            return [self.volume(move.moves, move.maps), *stated]
        except NotFound:
            return None

    def _all_premises(self, move: Move) -> list[Proof] | None:
        """What is known of the laws and maps of all kernels of a move, in order; None where something is not."""
        found: list[Proof] = []
        for kernel in kernels(move):
            own = self.premises(kernel)
            if own is None:
                return None
            found += own
        return found

    def _by_a_part(self, move: Move, target: Term) -> Proof | None:
        """Of a composition all but one of whose parts keep the measure: that this one does not, and the others tell."""
        if not isinstance(move, Sequence):
            return None
        try:
            kept: list[Proof] = []
            for part in move.parts:
                try:
                    kept.append(self.keeps(part, target))
                except NotFound:
                    break
            if len(kept) == len(move.parts):
                return None
            own = move.parts[len(kept)]
            after = [self._separating(p, target) for p in move.parts[len(kept) + 1 :]]
            bounded = any(p.conclusion.values()[2] for p in after)
            branches = [self.keeps(p, target) for p in own.parts] if bounded and isinstance(own, Blend) else []
            broken = self.refutation(Stationary(own, target))
            if broken is None:
                return None
            return prove("part_breaks", (len(kept),), *kept, broken, *after, *branches)
        except (NotFound, Unproved):
            return None

    def _separating(self, move: Move, target: Term) -> Proof:
        """That a part keeps the measure and tells measures apart; raises NotFound or Unproved."""
        if isinstance(move, Deterministic) and move.probability is ONE:
            return prove("separating_map", (), self.keeps(move, target), self.volume(move.moves, move.maps))
        rule = "separating_involution" if isinstance(move, Deterministic) else "separating_walk"
        return prove(rule, (), self.balances(move, target))


def _stated(move: Move) -> list[Term]:
    """The probabilities of acceptance that the spec states."""
    own = move.probability if isinstance(move, Kernel | Deterministic) else None
    return [*([own] if own is not None and own is not ONE else []), *(p for m in parts_of(move) for p in _stated(m))]


def _images(maps: tuple[Mapped, ...]) -> list[Images]:
    """The distinct maps that a map is made of."""
    found: dict[Images, None] = {}
    for each in maps:
        for own in _images(each.maps) if isinstance(each, Times) else [each]:
            found[own] = None
    return list(found)


def _discrete(moves: tuple[Term, ...], own: Images) -> bool:
    """Whether a map changes discrete variables only."""
    changing = [m for m, i in zip(moves, own.images, strict=True) if m is not i]
    return bool(changing) and all(SUPPORTS[support_of(m).name].discrete for m in changing)


def _is_sign(move: Term, image: Term) -> bool:
    """Whether a map changes at most the sign of a tensor."""
    return image is move or (image.operation == "apply" and image.data == "negate" and image.arguments[0] is move)
