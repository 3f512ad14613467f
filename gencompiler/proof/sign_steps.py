"""Other ways to write a term whose sign is asked for: without a positive factor, in terms of what a condition is about,
as a function of one product through which alone it depends on several symbols.  Part of what a proof trusts."""

from __future__ import annotations

from fractions import Fraction

from gencompiler.model.nodes import REAL
from gencompiler.proof.binders import replaced
from gencompiler.proof.calculus import fold
from gencompiler.proof.graph import Term, apply, literal, substitute, subterms, symbol
from gencompiler.proof.kernel import need
from gencompiler.proof.numerators import horner
from gencompiler.proof.ring import Polynomial, Ring, add, written
from gencompiler.proof.terms import ONE, minus, over, plus, times


def _plain(term: Term) -> Term:
    return fold(horner(Ring().normal(fold(term))))


# -- without a factor ------------------------------------------------------------------------------------------------


def is_product(term: Term, divisor: Term, quotient: Term) -> bool:
    """Whether a term is the product of two others, as polynomials."""
    return Ring().same(fold(term), fold(times(divisor, quotient)))


def quotients(term: Term) -> list[tuple[Term, Term]]:
    """Factors that functions have where they are neither 0 nor 1 in size, and what is left of a term without them."""
    found = []
    atoms = [
        t for t in subterms(term) if t.operation == "apply" and t.data in ("tanh", "sigmoid", "exp") and not t.shape
    ]
    normal = Ring().normal(fold(term)) if atoms else {}
    for atom in atoms:
        powers = _by_power(normal, atom)
        if not powers or (min(powers) < 0 and atom.data != "exp"):
            continue
        if atom.data != "tanh" and min(powers) != 0:
            lowest = min(powers)
            found.append(
                (apply("power", atom, literal(lowest)) if lowest != 1 else atom, _joined(powers, atom, -lowest))
            )
        if atom.data != "exp" and max(powers) >= 1:
            step = 2 if atom.data == "tanh" else 1
            left = _divided(powers, step)
            if left:
                whole = apply("multiply", atom, atom) if step == 2 else atom
                found.append((minus(ONE, whole), _joined(left, atom, 0)))
    return found


def _by_power(normal: Polynomial, atom: Term) -> dict[int, Polynomial]:
    """A polynomial by the powers of one atom."""
    found: dict[int, Polynomial] = {}
    for monomial, coefficient in normal.items():
        count = dict(monomial).get(atom, 0)
        rest = tuple((a, n) for a, n in monomial if a is not atom)
        found[count] = add(found.get(count, {}), {rest: coefficient})
    return {k: p for k, p in found.items() if p}


def _divided(powers: dict[int, Polynomial], step: int) -> dict[int, Polynomial]:
    """The quotient by 1 - t^step, or nothing where there is a remainder."""
    found: dict[int, Polynomial] = {}
    for k in range(max(powers) + 1):
        own = add(powers.get(k, {}), found.get(k - step, {}))
        if own:
            found[k] = own
    return {} if any(k > max(powers) - step for k in found) else found


def _joined(powers: dict[int, Polynomial], atom: Term, more: int) -> Term:
    total = literal(0)
    for count, own in powers.items():
        factor = count + more
        power = ONE if factor == 0 else atom if factor == 1 else apply("power", atom, literal(factor))
        total = plus(total, times(power, written(own)))
    return _plain(total)


# -- by a condition --------------------------------------------------------------------------------------------------


def renamed(term: Term, about: Term, name: Term) -> tuple[Term, Term]:
    """A term with c - rest for the symbol `name`, where what a premise is about is name + rest; and c.

    Raises Unproved where it is not of this form."""
    need(name.operation == "symbol" and name.shape == () == about.shape, "{} is no number", name)
    powers = _by_power(Ring().normal(fold(about)), name)
    need(set(powers) <= {0, 1} and list(powers.get(1, {})) == [()], "{} is not {} and others", about, name)
    size = powers[1][()]
    rest = written(powers.get(0, {}))
    need(name not in rest.symbols, "{} is not linear in {}", about, name)
    own = symbol("along", f"the value of {about}", REAL)
    need(own not in term.symbols, "the name of {} is in use", about)
    return _plain(substitute(term, {name: over(minus(own, rest), literal(size))})), own


# -- through one product ---------------------------------------------------------------------------------------------


def through(term: Term, part: Term) -> tuple[Term, Term]:
    """A term with one symbol for a product of powers of symbols, which it has in no other way; and the symbol.

    Raises Unproved where it has."""
    own = Ring().normal(fold(part))
    need(len(own) == 1, "{} is no product", part)
    ((monomial, size),) = own.items()
    plain = all(a.operation == "symbol" and a.shape == () and n > 0 for a, n in monomial)
    need(plain and len(monomial) > 0 and (len(monomial) > 1 or monomial[0][1] > 1), "{} is no product", part)
    name = symbol("along", f"the value of {part}", REAL)
    need(name not in term.symbols, "the name of {} is in use", part)
    gone = {a for a, _ in monomial}
    total = literal(0)
    for own_monomial, coefficient in Ring().normal(fold(term)).items():
        powers = dict(own_monomial)
        first, count = monomial[0]
        times_, left = divmod(powers.get(first, 0), count)
        need(not left and all(powers.get(a, 0) == times_ * n for a, n in monomial), "{} has {} apart", term, part)
        found = literal(coefficient / Fraction(size) ** times_)
        if times_:
            found = times(found, apply("power", name, literal(times_)))
        for atom, n in own_monomial:
            if atom not in gone:
                moved = replaced(atom, {part: name})
                need(not moved.symbols & gone, "{} has {} in another way", term, part)
                found = times(found, moved if n == 1 else apply("power", moved, literal(n)))
        total = plus(total, found)
    return _plain(total), name


def products_in(term: Term) -> list[Term]:
    """What functions of one number are applied to."""
    found: dict[Term, None] = {}
    for part in subterms(fold(term)):
        if part.operation == "apply" and len(part.arguments) == 1 and part.arguments[0].operation == "apply":
            found[part.arguments[0]] = None
    return list(found)
