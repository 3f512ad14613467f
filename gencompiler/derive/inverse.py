"""Inverses of maps, found with their proofs: peeling a scalar map, solving a block-triangular one.

The proof found here is not believed later: `checks.invertibility` builds the inverse again from the rules alone and
compares it with the one that was derived.
"""

from __future__ import annotations

import contextlib

from gencompiler.derive.express import Naming, express
from gencompiler.derive.log_det import Undone, log_det
from gencompiler.derive.nodes import Failure, Inverse, LogDet
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.budget import Spent
from gencompiler.proof.contractions import EXACT_UP_TO, is_computed
from gencompiler.proof.facts import result
from gencompiler.proof.graph import Malformed, Term, TooDeepError, substitute
from gencompiler.proof.kernel import prove
from gencompiler.proof.patience import patiently
from gencompiler.proof.scope import MapTerms, terms_of, trusted_ranges
from gencompiler.proof.search import Search
from gencompiler.proof.translate import Untranslated

#: What an inverse calls its argument, unless the map uses the name itself.
OUTPUT_NAMES = ("y", "v", "output")


def derive_inverses(model: nodes.Model) -> tuple[dict[str, Inverse], dict[str, LogDet], tuple[Failure, ...]]:
    """The inverse and log|det| of every map of `model` that has them, by name, and why the others have none."""
    inverses: dict[str, Inverse] = {}
    log_dets: dict[str, LogDet] = {}
    failures: list[Failure] = []
    search = Search(prove("assumption", said) for said in trusted_ranges(model))
    for map_ in model.maps:
        try:
            terms = terms_of(model, map_)
            found = _found(search.under(terms.requires), terms, map_.result.support)
        except (NotFound, Untranslated, Malformed, Spent) as problem:
            failures.append(
                Failure(
                    map_.name,
                    str(problem) or "it takes more steps than a search may",
                    span=_blame(problem, map_, model),
                )
            )
            continue
        inverses[map_.name] = _inverse(map_, terms, found)
        log_dets[map_.name] = log_det(map_, terms.input, terms.translation, found)
    return inverses, log_dets, tuple(failures)


def _found(search: Search, terms: MapTerms, declared: nodes.Support) -> Undone:
    """The bijection, looked for as long as it seems worth it; raises NotFound and Spent."""
    return patiently(lambda: _bijection(search, terms, declared), terms.input, terms.body, terms.requires)


def _bijection(search: Search, terms: MapTerms, declared: nodes.Support) -> Undone:
    """The bijection that the checks will find: onto what is declared, or onto whatever its range is."""
    try:
        proof = search.invertible(terms.input, terms.body, declared)
        found = proof.premises[0].conclusion if proof.rule == "onto" else proof.conclusion
    except NotFound:
        found = search.any_bijection(terms.input, terms.body).conclusion
    assert isinstance(found, Undone)
    if found.inverse is None or not is_computed(found.inverse):
        (size,) = terms.input.shape
        shown = f"equations that are solved at once, and their Jacobian, are written out up to {EXACT_UP_TO} dimensions"
        shown = f"{shown}, and these are {size}"
        raise NotFound("form", terms.body, shown)
    return found


def _blame(problem: Exception, map_: nodes.Map, model: nodes.Model) -> Span:
    if isinstance(problem, Untranslated):
        return problem.expr.span
    if isinstance(problem, NotFound):
        return terms_of(model, map_).translation.origins.get(problem.term, map_.body.span)
    return map_.body.span


def _inverse(map_: nodes.Map, terms: MapTerms, found: Undone) -> Inverse:
    assert found.inverse is not None
    labels: dict[Term, str] = {}
    origins: dict[Term, Span] = {}
    back = {terms.input: found.inverse}
    for term, label in terms.translation.labels.items():
        with contextlib.suppress(TooDeepError):  # then no part of the inverse goes by that name
            labels.setdefault(substitute(term, back), label)
    for term, span in terms.translation.origins.items():
        with contextlib.suppress(TooDeepError):
            origins.setdefault(substitute(term, back), span)
    used = {*labels.values(), map_.input.name, *(str(s.data[1]) for s in found.inverse.symbols)}
    name = next(n for n in (*OUTPUT_NAMES, f"{map_.input.name}_of") if n not in used)
    naming = Naming({result(terms.input.shape): name}, labels, origins, map_.body.span)
    output = nodes.Input(name, nodes.Type(map_.result.support, terms.input.shape), span=map_.input.span)
    return Inverse(map_.name, output, express(found.inverse, naming), span=map_.span)
