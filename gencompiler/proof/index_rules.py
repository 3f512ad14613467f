"""Rules for maps by index: `for i: e`, where entry i of the result is a bijection of entry i of the input.

What e may otherwise know of the input is what comes before i.  So the map is triangular, its log|det| is a sum over its
diagonal, and it is undone entry by entry; where e sees nothing of the past, all at once."""

from __future__ import annotations

import dataclasses
from typing import cast

from gencompiler.proof.binders import releveled, replaced
from gencompiler.proof.facts import Bijection, CircleMap, Fact, VectorBijection, result
from gencompiler.proof.graph import (
    WHOLE,
    Malformed,
    Term,
    apply,
    before,
    bound_array,
    bound_index,
    each,
    element,
    recur,
    reduce,
    substitute,
    support_of,
    symbol,
)
from gencompiler.proof.kernel import Subject, Unproved, need, rule
from gencompiler.proof.terms import ZERO, total
from gencompiler.proof.vector_rules import undone, whole_of


def own_entry(tensor: Term, index: Term) -> Term:
    """`u[i]`, a number or the tensor of the other axes."""
    return element(tensor, (index, *(WHOLE,) * (len(tensor.shape) - 1)))


def entry(input_: Term, body: Term) -> tuple[Term, Term]:
    """The symbol that stands for entry i of the input, and entry i of the result in terms of it and of the past.

    Raises Unproved where an entry sees more of the input than its own and what comes before."""
    need(body.operation == "each" and len(input_.shape) >= 1, "{} is not written by index", body)
    need(body.shape == input_.shape, "the result has another shape than the input")
    index, inner = bound_index(*body.data), body.arguments[0]
    own = symbol("block", f"{input_}[i]", support_of(input_), input_.shape[1:])
    need(own not in body.symbols, "the name of an entry of {} is in use", input_)
    found = replaced(inner, {own_entry(input_, index): own})
    earlier = element(input_, (before(index),))
    hidden = symbol("block", f"{input_}[<i]", support_of(input_), input_.shape)
    if input_ in replaced(found, {earlier: hidden}).symbols:
        raise Unproved(f"entry i of {body} depends on more of {input_} than entry i and what comes before it")
    return own, found


@rule
def by_index(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """`for i: e(u[i], u[<i])` with e a bijection of u[i], element by element, for all values of the rest.

    A triangular map is a bijection where its diagonal is, and det is the product over the diagonal.  Subject: the
    input, the body.  Premise: the bijection of one entry, for every i and every past."""
    input_, body = cast(tuple[Term, Term], subject)
    own, inner = entry(input_, body)
    (found,) = premises
    if not isinstance(found, Bijection | CircleMap) or found.input is not own or found.body is not inner:
        raise Unproved(f"{inner} is not known to be injective in {own}")
    depth, extent = body.data
    index, whole = bound_index(depth, extent), result(input_.shape)
    back = {result(own.shape): own_entry(whole, index)}
    try:
        if input_ in found.inverse.symbols:
            need(own.shape == (), "entries of a recursion are numbers")
            support = support_of(input_)
            back[input_] = bound_array(depth, extent, support)
            inverse = recur(depth, extent, support, substitute(undone(found), back))
        else:
            inverse = each(depth, extent, substitute(undone(found), back))
        slope = substitute(total(found.log_derivative, own.shape), {own: own_entry(input_, index)})
    except Malformed as problem:
        raise Unproved(str(problem)) from None
    log_det = ZERO if slope is ZERO else reduce("sum", each(depth, extent, slope))
    return VectorBijection(input_, body, found.image, found.onto, releveled(inverse), releveled(log_det))


def in_entries(body: Term) -> Term:
    """`u + (for i: e)` as `for i: u[i] + e`, and `cumsum(u)` as `for i: sum(u[<i]) + u[i]`: an elementwise formula of
    vectors one of which is written by index or a running sum.

    Raises Unproved for others."""
    arrays = [t for t in _outer(body) if t.operation == "each"]
    sums = [t for t in _outer(body) if t.operation == "scan"]
    need(body.operation in ("apply", "scan") and len(body.shape) == 1, "{} is no formula of vectors", body)
    need(bool(arrays or sums), "{} has no part by index", body)
    depth, extent = arrays[0].data if arrays else (0, body.shape[0])
    need(all(t.data == (depth, extent) for t in arrays), "{} has parts by several indices", body)
    index = bound_index(depth, extent)
    need(index not in body.symbols, "{} is under the same index", body)
    return each(depth, extent, _at(body, index))


def _at(term: Term, index: Term) -> Term:
    """Entry i of an elementwise formula of vectors."""
    if term.shape == ():
        return term
    if term.operation == "each":
        return term.arguments[0]
    if term.operation == "apply":
        return apply(term.data, *(_at(a, index) for a in term.arguments))
    if term.operation == "scan":
        (summed,) = term.arguments
        return apply("add", reduce("sum", _before(summed, index)), _at(summed, index))
    return element(term, (index,))


def _before(term: Term, index: Term) -> Term:
    """The entries before i of an elementwise formula of vectors."""
    if term.shape == ():
        return term
    if term.operation == "apply":
        return apply(term.data, *(_before(a, index) for a in term.arguments))
    need(term.operation not in ("each", "scan"), "{} is written by index within a running sum", term)
    return element(term, (before(index),))


def _outer(term: Term) -> list[Term]:
    """The vectors that an elementwise formula is made of."""
    if term.operation != "apply":
        return [term] if term.shape else []
    return [t for a in term.arguments for t in _outer(a)]


@rule
def written_by_index(subject: Subject, premises: tuple[Fact, ...]) -> Fact:
    """The same map entry by entry.  Subject: the input, the body.  Premise: that the map written by index is one."""
    input_, body = cast(tuple[Term, Term], subject)
    (found,) = premises
    return dataclasses.replace(whole_of(found, input_, in_entries(body)), body=body)
