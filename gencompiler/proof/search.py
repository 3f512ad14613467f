"""The search for proofs.  Nothing here is trusted: all it can do is ask the kernel, which refuses what does not
follow."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable

from gencompiler.catalog.functions import FUNCTIONS
from gencompiler.model.nodes import Support
from gencompiler.proof import defined_search, rules, share_search, sign_search, splines, vector_search
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.case_rules import branches, distributed, vanishing
from gencompiler.proof.circle_search import onto_circle
from gencompiler.proof.circles import is_circle
from gencompiler.proof.discrete_rules import halves
from gencompiler.proof.facts import InRange, Member, NonZero
from gencompiler.proof.graph import Malformed, Term, gradient_parts, literal, substitute, support_of
from gencompiler.proof.half_turns import WAVES, half_turns
from gencompiler.proof.kernel import Proof, Unproved, attempt, prove
from gencompiler.proof.map_rules import is_interval, pieces
from gencompiler.proof.numbers import COMPARISONS
from gencompiler.proof.range_rules import local_derivatives
from gencompiler.proof.reduction_rules import first_entry
from gencompiler.proof.slopes import by_slope

assert rules.RULES


#: Functions of what is positive, which a closer look may show where its range does not.
_OF_POSITIVE = ("power", "log", "sqrt")


class Search:
    """Finds proofs about terms, each term once."""

    def __init__(self, given: Iterable[Proof] = ()) -> None:
        """`given`: proofs of ranges to start from, such as assumptions."""
        self.given = tuple(given)
        self._maps: dict[tuple[Term, Term], Proof | NotFound] = {}
        self._nonzero: dict[Term, Proof | NotFound] = {
            p.conclusion.term: p for p in self.given if isinstance(p.conclusion, NonZero)
        }
        self._logs: dict[Term, Proof | NotFound] = {}
        self._matrices: dict[Term, Proof | NotFound] = {}
        self._simplexes: dict[Term, Proof | NotFound] = {}
        self._defined: dict[Term, Proof | NotFound] = {}
        self._ranges: dict[Term, Proof | NotFound] = {
            p.conclusion.term: p for p in self.given if isinstance(p.conclusion, InRange)
        }

    def under(self, conditions: tuple[Member, ...]) -> Search:
        """A search that may also use these conditions; itself, where there are none."""
        if not conditions:
            return self
        return Search((*self.given, *(prove("required", (condition,)) for condition in conditions)))

    # -- ranges ------------------------------------------------------------------------------------------------------

    def range(self, term: Term) -> Proof:
        """That `term` is defined, and where its values lie; raises NotFound."""
        return self._once(self._ranges, self._range, term)

    def _once(self, known: dict[Term, Proof | NotFound], search: Callable[[Term], Proof], term: Term) -> Proof:
        """What is known of a term, searched for at most once; raises NotFound."""
        found = known.get(term)
        if found is None:
            try:
                found = search(term)
            except NotFound as failure:
                found = failure
            except Unproved as failure:
                found = NotFound("range", term, str(failure))
            known[term] = found
        if isinstance(found, NotFound):
            raise found
        return found

    def _range(self, term: Term) -> Proof:
        if term.operation == "reduce":
            return self._reduction(term)
        name = rules.RANGE_RULES.get(term.operation)
        if name is None and term.operation == "apply":
            return self._apply(term)
        if term.operation == "matrix":
            inner = term.arguments[0]
            whole = term.data in ("transpose", "diagonal")
            return prove("matrix_value", (term,), self.range(inner) if whole else self.nonsingular(inner))
        if term.operation == "gradient":
            body, _, actuals = gradient_parts(term)
            return prove("gradient_value", (term,), *map(self.range, (body, *local_derivatives(term), *actuals)))
        if name is None:
            raise NotFound("form", term, f"nothing is known about the range of {term}")
        parts = ("element", "select", "each", "scatter")
        arguments = term.arguments[:1] if term.operation in parts else term.arguments
        try:
            found = prove(name, (term,), *map(self.range, arguments))
        except NotFound:
            cases = self._by_cases(term)
            if cases is None:
                raise
            return cases
        if term.operation == "choose":
            return _narrower(found, self._by_cases(term))
        if term.operation == "contract":
            found = _narrower(found, share_search.mean(self, term))
            return self._distributed(term, found) if term.shape == () else found
        return found

    def _by_cases(self, term: Term) -> Proof | None:
        """The range of a choice, its branches where they are taken; None where that says nothing."""
        condition = term.arguments[0]
        if condition.operation == "apply" and condition.data in COMPARISONS:
            with contextlib.suppress(NotFound, Unproved):
                return prove("settled_choice", (term,), *map(self.range, (*condition.arguments, *term.arguments[1:])))
        with contextlib.suppress(NotFound, Unproved):
            compared, *parts = branches(term)
            if tuple(parts) != term.arguments[1:]:
                return prove("by_cases", (term,), *map(self.range, (compared, *parts, *vanishing(term))))
        return None

    def _distributed(self, term: Term, found: Proof) -> Proof:
        """A narrower range of a product of vectors, where taking it apart gives one."""
        plain = distributed(term)
        if plain is term:
            return found
        with contextlib.suppress(NotFound, Unproved):
            return prove("distributed_product", (term,), found, self.range(plain))
        return found

    def _apply(self, term: Term) -> Proof:
        arguments = [self.range(a) for a in term.arguments]
        fact = FUNCTIONS[term.data]
        if fact.kind == "boolean" or term.data == "indicator":
            return prove("condition", (term,), *arguments)
        if term.data == "divide":
            try:
                return prove("quotient", (term,), *arguments)
            except Unproved:
                signed = sign_search.on_supports(self, term.arguments[1], strict=True)
                if signed is not None:
                    self._ranges[term.arguments[1]] = signed
                    return prove("quotient", (term,), arguments[0], signed)
                return prove("quotient", (term,), *arguments, self.nonzero(term.arguments[1]))
        turns = half_turns(term.arguments[0]) if term.data in WAVES else None
        if turns is not None:
            with contextlib.suppress(NotFound, Unproved):
                return prove("wave_values", (term,), self.range(turns), *arguments)
        rule = rules.APPLY_RULES.get(term.data) or ("monotone" if fact.monotone else "bounded")
        try:
            found = prove(rule, (term,), *arguments)
        except Unproved:
            signed = self._signed(term.arguments[0]) if term.data in _OF_POSITIVE else None
            if signed is None:
                raise
            found = prove(rule, (term,), signed, *arguments[1:])
        return sign_search.in_order(self, found, term) or found

    def simplex(self, term: Term) -> Proof:
        """That the elements of `term` are not negative and sum to 1; raises NotFound."""
        return self._once(self._simplexes, lambda t: share_search.on_simplex(self, t), term)

    def _reduction(self, term: Term) -> Proof:
        """The range of a reduction; the numbers of a point of a simplex sum to 1."""
        if term.data == "sum" and len(term.arguments[0].shape) == 1:
            with contextlib.suppress(NotFound, Unproved):
                return prove("sum_of_shares", (term,), self.simplex(term.arguments[0]))
        found = prove("reduction", (term,), self.range(term.arguments[0]))
        with contextlib.suppress(NotFound, Unproved):
            first = self.range(first_entry(term))
            found = _narrower(found, prove("shrinking_product", (term,), self.range(term.arguments[0]), first))
        return found

    def defined(self, term: Term) -> Proof:
        """That `term` has a value, whatever its symbols are; raises NotFound."""
        return self._once(self._defined, lambda t: defined_search.defined(self, t), term)

    # -- not 0 -------------------------------------------------------------------------------------------------------

    def nonzero(self, term: Term) -> Proof:
        """That no element of `term` is 0; raises NotFound."""
        return self._once(self._nonzero, self._find_nonzero, term)

    def _find_nonzero(self, term: Term) -> Proof:
        if term.operation == "symbol":
            try:
                return prove("nonzero_declared", (term,))
            except Unproved:
                pass
        try:
            return prove("nonzero_sign", (term,), self.range(term))
        except Unproved:
            pass
        counted = attempt("nonzero_counted", (term,))
        if counted is not None:
            return counted
        signed = self._signed(term)
        if signed is not None:
            return prove("nonzero_sign", (term,), signed)
        try:
            if term.operation == "apply" and term.data in ("multiply", "divide", "negate"):
                return prove("nonzero_product", (term,), *map(self.nonzero, term.arguments))
            if term.operation in ("element", "select", "each"):
                return prove("nonzero_product", (term,), self.nonzero(term.arguments[0]))
        except NotFound as inner:
            raise NotFound("vanishes", inner.term, f"{inner.term} may be 0") from None
        raise NotFound("vanishes", term, f"{term} may be 0")

    def _signed(self, term: Term) -> Proof | None:
        """That a sum of numbers is positive where its range leaves that open; None where it is not seen."""
        if term.operation != "apply" or term.data not in ("add", "subtract") or term.shape:
            return None
        found = sign_search.on_supports(self, term, strict=True) or self._of_condition(term)
        if found is not None:
            self._ranges[term] = found
        return found

    def _of_condition(self, term: Term) -> Proof | None:
        """That a number is not 0 since a condition is about it, or about what it is the square of."""
        for known in self.given:
            conclusion = known.conclusion
            if not isinstance(conclusion, InRange) or conclusion.term.shape or not conclusion.interval.sign:
                continue
            for count in (1, 2):
                with contextlib.suppress(NotFound, Unproved, Malformed):
                    return prove("by_condition", (term, count), self.range(term), known)
        return None

    def log_abs(self, term: Term) -> Proof:
        """log|term|, in a form that neither overflows nor cancels where the catalogue knows one; raises NotFound."""
        return self._once(self._logs, self._find_log_abs, term)

    def _find_log_abs(self, term: Term) -> Proof:
        if term.operation == "literal" and term.data != 0:
            return prove("log_of_number", (term,))
        if term.operation == "apply" and term.data in ("multiply", "divide", "negate"):
            try:
                return prove("log_of_product", (term,), *map(self.log_abs, term.arguments))
            except NotFound:
                pass
        for rule in ("log_catalogued", "log_of_positive"):
            if rule == "log_of_positive" or term.operation == "apply":
                try:
                    return prove(rule, (term,), self.range(term))
                except Unproved:
                    pass
        return prove("log_of_nonzero", (term,), self.nonzero(term))

    def nonsingular(self, term: Term) -> Proof:
        """That a matrix is never singular; raises NotFound."""
        return self._once(self._matrices, lambda t: vector_search.nonsingular(self, t), term)

    # -- scalar bijections -------------------------------------------------------------------------------------------

    def bijection(self, input_: Term, body: Term) -> Proof:
        """That `body` is a bijection in `input_`: by peeling one function after the other, and by the slope of what
        does not peel; raises NotFound."""
        found = self._maps.get((input_, body))
        if found is None:
            try:
                found = self._peeled_or_sloped(input_, body)
            except NotFound as failure:
                found = failure
            self._maps[(input_, body)] = found
        if isinstance(found, NotFound):
            raise found
        return found

    def _peeled_or_sloped(self, input_: Term, body: Term) -> Proof:
        try:
            return self._bijection(input_, body)
        except NotFound as failure:
            peeled = failure
        except Unproved as failure:
            peeled = NotFound("form", body, str(failure))
        plain = peeled.kind == "vanishes" and not peeled.term.arguments
        if input_ not in body.symbols or body.shape != input_.shape or plain:
            raise peeled
        try:
            return by_slope(self, input_, body)
        except NotFound as failure:
            raise peeled if peeled.kind in ("vanishes", "slope") else failure from None

    def _bijection(self, input_: Term, body: Term) -> Proof:
        if body is input_:
            return prove("itself", (input_,))
        if input_ not in body.symbols:
            raise NotFound("form", body, f"{body} does not depend on {input_}")
        if body.operation == "choose" and input_ not in body.arguments[0].symbols:
            sides = [self.bijection(input_, branch) for branch in body.arguments[1:]]
            return prove("either_way", (input_, body), self.range(body.arguments[0]), *sides)
        if body.operation == "choose":
            return splines.banded(self, input_, body) if splines.is_banded(input_, body) else self._pieces(input_, body)
        if splines.is_spline(input_, body):
            try:
                return splines.knots(self, input_, body)
            except (NotFound, Unproved):
                if body.operation != "apply" or sum(input_ in a.symbols for a in body.arguments) != 1:
                    raise
        if body.operation != "apply" or body.shape != input_.shape:
            raise NotFound("form", body, f"{body} is not an elementwise function of {input_}")
        inside = [a for a in body.arguments if input_ in a.symbols]
        if len(inside) > 1:
            raise NotFound("reused", body, f"{input_} occurs more than once in {body}")
        subject = (input_, body)
        turns = half_turns(body.arguments[0]) if body.data in WAVES else None
        if turns is not None:
            with contextlib.suppress(NotFound, Unproved):
                return prove("turned", subject, self.bijection(input_, turns))
        inner = self.bijection(input_, inside[0])
        if len(body.arguments) == 1:
            return prove("unary", subject, inner)
        other = body.arguments[1] if body.arguments[0] is inside[0] else body.arguments[0]
        if body.data == "power" and inside[0] is body.arguments[0]:
            return prove("raised", subject, inner)
        if body.data in ("add", "subtract"):
            return prove("shift", subject, inner, self.range(other))
        if body.data == "divide" and inside[0] is body.arguments[1]:
            parts = (self.range(other), self._factor(other, body), self.log_abs(inside[0]))
            return prove("reciprocal", subject, inner, *parts)
        if body.data in ("multiply", "divide"):
            return prove("scaling", subject, inner, self.range(other), self._factor(other, body))
        raise NotFound("form", body, f"{body} cannot be undone")

    def _factor(self, factor: Term, body: Term) -> Proof:
        try:
            return self.log_abs(factor)
        except NotFound as failure:
            raise NotFound(failure.kind, failure.term, failure.reason, body) from None

    def _pieces(self, input_: Term, body: Term) -> Proof:
        low, high, joint, upper_first = pieces(input_, body)
        _, then, otherwise = body.arguments
        below, above = (otherwise, then) if upper_first else (then, otherwise)
        try:
            halves = [self.bijection(half, substitute(b, {input_: half})) for b, half in ((below, low), (above, high))]
        except NotFound as failure:
            raise failure.moved({low: input_, high: input_}) from None
        at = {input_: literal(joint)}
        meeting = (self.range(substitute(below, at)), self.range(substitute(above, at)))
        return prove("piecewise", (input_, body), *halves, *meeting)

    # -- the whole map -----------------------------------------------------------------------------------------------

    def any_bijection(self, input_: Term, body: Term) -> Proof:
        """That a map of a number or of a tensor is a bijection onto its range; raises NotFound."""
        return vector_search.bijection(self, input_, body) if input_.shape else self.bijection(input_, body)

    def invertible(self, input_: Term, body: Term, declared: Support) -> Proof:
        """That `body` maps the support of `input_` one-to-one onto the declared one; raises NotFound."""
        if is_circle(declared) and is_circle(support_of(input_)):
            return onto_circle(self, input_, body, declared)
        if input_.shape == () and not is_interval(support_of(input_)):
            return self._with_gaps(input_, body, declared)
        found, defined = self.any_bijection(input_, body), self.defined(body)
        try:
            return prove("onto", (declared,), found, defined)
        except Unproved as failure:
            found = self._sharper(input_, body) or found
            try:
                return prove("onto", (declared,), found, defined)
            except Unproved:
                raise NotFound("onto", body, str(failure)) from None

    def _with_gaps(self, input_: Term, body: Term, declared: Support) -> Proof:
        """The same of numbers between which there are gaps."""
        found = attempt("permuted", (input_, body, declared))
        if found is not None:
            return found
        with contextlib.suppress(NotFound, Unproved):
            return prove("shifted_integers", (input_, body, declared), self.range(body))
        try:
            parts = [(s, substitute(body, {input_: s})) for s in halves(input_)]
            sides = [self.bijection(s, part) for s, part in parts]
            return prove("beside_zero", (input_, body, declared), *sides, *(self.defined(part) for _, part in parts))
        except Unproved as failure:
            raise NotFound("form", body, str(failure)) from None

    def _sharper(self, input_: Term, body: Term) -> Proof | None:
        """A scalar bijection with its range as limits give it."""
        try:
            return by_slope(self, input_, body) if input_.shape == () else None
        except NotFound:
            return None


def _narrower(found: Proof, other: Proof | None) -> Proof:
    """The one of two proofs of a range that says more."""
    if other is None:
        return found
    known, cases = found.conclusion, other.conclusion
    assert isinstance(known, InRange)
    assert isinstance(cases, InRange)
    return found if known.interval.within(cases.interval) else other
