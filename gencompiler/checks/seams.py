"""Does what a network makes of an angle stay the same once around?

-π and just below π are neighbours on a circle, and as numbers they are 2π apart: a network that is given the number has
a jump there, and with it the density.  What it is given is the same after a whole turn where the angle stands below sin
and cos alone, of whole multiples of it (Rezende et al., Normalizing flows on tori and spheres, ICML 2020, section 2.3).
"""

from __future__ import annotations

from collections.abc import Iterator

from gencompiler.checks.checking import Checking, Finding
from gencompiler.model import nodes
from gencompiler.proof.circles import is_circle
from gencompiler.proof.graph import Malformed, Term, subterms, support_of, symbol
from gencompiler.proof.scope import distribution_terms, index_symbol, terms_of
from gencompiler.proof.text import text
from gencompiler.proof.translate import Translation, Untranslated

#: What takes a part of a tensor, and changes no number.
_PARTS = ("select", "element", "flat")


def check(checking: Checking) -> None:
    """Warn of each network that is given an angle as a number."""
    if not _has_angles(checking.model):
        return
    seen: set[str] = set()
    for roots, translation in _formulas(checking.model):
        for network in (t for t in subterms(*roots) if t.operation == "network"):
            plain = next((a for a in network.arguments if not _is_back(a)), None)
            path = network.data[0]
            if plain is None or path in seen or network not in translation.origins:
                continue
            seen.add(path)
            _report(checking, network, plain, translation)


def _has_angles(model: nodes.Model) -> bool:
    typed = (*model.variables, *(i for owner in (*model.maps, *model.functions) for i in _inputs(owner)))
    return any(is_circle(each.type.support) for each in typed)


def _inputs(owner: nodes.Map | nodes.Function) -> tuple[nodes.Input, ...]:
    return (owner.input,) if isinstance(owner, nodes.Map) else owner.inputs


def _formulas(model: nodes.Model) -> Iterator[tuple[tuple[Term, ...], Translation]]:
    """The formulas of a model in which networks stand, as terms, and what these were made by."""
    for map_ in model.maps:
        terms = terms_of(model, map_)
        yield (terms.body,), terms.translation
    for conditional in model.conditionals:
        inside = Translation.of_model(model).binding({r.index: index_symbol(r) for r in conditional.indices})
        try:
            _, arguments = distribution_terms(inside, conditional.distribution)
        except (AssertionError, Untranslated, Malformed):  # no law of the catalogue: it has checks of its own
            continue
        yield arguments, inside
    for function in model.functions:
        names = {i.name: symbol("input", i.name, i.type.support, i.type.shape) for i in function.inputs}
        inside = Translation.of_model(model).binding(names)
        yield (inside.term(function.body),), inside


def _is_back(term: Term) -> bool:
    """Whether a value is the same after a whole turn of any angle in it, by its form."""
    if not any(is_circle(support_of(s)) for s in term.symbols):
        return True
    if term.operation == "symbol" or term.operation in _PARTS:
        return term.operation != "symbol" and _is_back(term.arguments[0])
    if term.operation == "apply" and term.data in ("sin", "cos") and _multiple(term.arguments[0]) is not None:
        return True
    return all(_is_back(argument) for argument in term.arguments)


def _multiple(term: Term) -> int | None:
    """How often a value turns while the angles in it turn once: 0 of what is free of them, None where it is no whole
    number."""
    if _is_back(term):
        return 0
    if term.operation == "symbol":
        return 1
    if term.operation in _PARTS:
        return _multiple(term.arguments[0])
    if term.operation != "apply":
        return None
    found = [_multiple(argument) for argument in term.arguments]
    if None in found:
        return None
    match term.data:
        case "add" | "subtract" | "negate":
            return 1
        case "multiply":
            factors = [a for a, n in zip(term.arguments, found, strict=True) if n == 0]
            whole = len(factors) == 1 and factors[0].operation == "literal" and factors[0].data.denominator == 1
            return 1 if whole else None
    return None


def _angle(term: Term) -> Term:
    """The angle, or the part of one, that is seen."""
    while term.operation != "symbol" and term.operation not in _PARTS:
        term = next(a for a in term.arguments if not _is_back(a))
    bound = any(s.data[0] == "bound" for s in term.symbols)
    return next(s for s in term.symbols if is_circle(support_of(s))) if bound else term


def _report(checking: Checking, network: Term, plain: Term, translation: Translation) -> None:
    name = text(_angle(plain), translation.labels)
    span = translation.origins[network]
    message = f"a network sees an angle, `{name}`, as a plain number: what it gives jumps between -pi and pi"
    help_ = (f"give it the point of the circle: `cos({name}), sin({name})`",)
    checking.report(Finding("G413", message, span, "the density has a seam", help=help_))
