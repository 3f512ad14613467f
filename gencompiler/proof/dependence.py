"""By what ways a term depends on a symbol."""

from __future__ import annotations

from gencompiler.proof.graph import Term


def depends_beside(term: Term, unknown: Term, known: Term) -> bool:
    """Whether a term depends on a symbol otherwise than through a known term."""
    stack, seen = [term], {known}
    while stack:
        current = stack.pop()
        if current is unknown:
            return True
        if current not in seen and unknown in current.symbols:
            seen.add(current)
            stack.extend(current.arguments)
    return False
