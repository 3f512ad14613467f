"""How messages count things."""

from __future__ import annotations

#: Plurals that are not the word with an s.
_PLURALS = {"axis": "axes", "pass": "passes", "index": "indices", "batch": "batches", "entry": "entries"}


def counted(count: int, noun: str) -> str:
    """`1 axis`, `2 axes`, `1,797 rows`: a number with its noun."""
    return f"{count:,} {noun if count == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """The plural of a noun of messages."""
    return _PLURALS.get(noun, f"{noun}s")
