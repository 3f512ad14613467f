"""Inverses of maps, found with their proofs: peeling a scalar map, solving a block-triangular one.

The proof found here is not believed later: `checks.invertibility` builds the inverse again from the rules alone and
compares it with the one that was derived.
"""

from __future__ import annotations

import dataclasses

from gencompiler.derive.express import Naming, express
from gencompiler.derive.log_det import log_det
from gencompiler.derive.nodes import Failure, Inverse, LogDet
from gencompiler.diagnostics.span import Span
from gencompiler.model import nodes
from gencompiler.proof.blocks import NotFound
from gencompiler.proof.facts import Bijection, VectorBijection, result
from gencompiler.proof.graph import Malformed, Term, substitute, symbol
from gencompiler.proof.search import Search
from gencompiler.proof.translate import Translation, Untranslated

#: What an inverse calls its argument, unless the map uses the name itself.
OUTPUT_NAMES = ("y", "v", "output")


@dataclasses.dataclass(frozen=True)
class MapTerms:
    """A map as terms: its input symbol, its body, and where the body's parts come from."""

    input: Term
    body: Term
    translation: Translation


def terms_of(model: nodes.Model, map_: nodes.Map) -> MapTerms:
    """The terms of a map; raises Untranslated or Malformed."""
    input_ = symbol("input", map_.input.name, map_.input.type.support, map_.input.type.shape)
    translation = Translation.of_model(model).binding({map_.input.name: input_})
    return MapTerms(input_, translation.term(map_.body), translation)


def derive_inverses(model: nodes.Model) -> tuple[dict[str, Inverse], dict[str, LogDet], tuple[Failure, ...]]:
    """The inverse and log|det| of every map of `model` that has them, by name, and why the others have none."""
    inverses: dict[str, Inverse] = {}
    log_dets: dict[str, LogDet] = {}
    failures: list[Failure] = []
    search = Search()
    for map_ in model.maps:
        try:
            terms = terms_of(model, map_)
            found = search.any_bijection(terms.input, terms.body).conclusion
        except (NotFound, Untranslated, Malformed) as problem:
            failures.append(Failure(map_.name, str(problem), span=_blame(problem, map_, model)))
            continue
        assert isinstance(found, Bijection | VectorBijection)
        inverses[map_.name] = _inverse(map_, terms, found)
        log_dets[map_.name] = log_det(map_, terms.input, terms.translation, found)
    return inverses, log_dets, tuple(failures)


def _blame(problem: Exception, map_: nodes.Map, model: nodes.Model) -> Span:
    if isinstance(problem, Untranslated):
        return problem.expr.span
    if isinstance(problem, NotFound):
        return terms_of(model, map_).translation.origins.get(problem.term, map_.body.span)
    return map_.body.span


def _inverse(map_: nodes.Map, terms: MapTerms, found: Bijection | VectorBijection) -> Inverse:
    labels: dict[Term, str] = {}
    origins: dict[Term, Span] = {}
    back = {terms.input: found.inverse}
    for term, label in terms.translation.labels.items():
        labels.setdefault(substitute(term, back), label)
    for term, span in terms.translation.origins.items():
        origins.setdefault(substitute(term, back), span)
    used = {*labels.values(), map_.input.name, *(str(s.data[1]) for s in found.inverse.symbols)}
    name = next(n for n in (*OUTPUT_NAMES, f"{map_.input.name}_of") if n not in used)
    naming = Naming({result(terms.input.shape): name}, labels, origins, map_.body.span)
    output = nodes.Input(name, nodes.Type(map_.result.support, terms.input.shape), span=map_.input.span)
    return Inverse(map_.name, output, express(found.inverse, naming), span=map_.span)
