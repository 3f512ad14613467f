"""Limits on what a text may contain, so that no input takes unbounded time, memory or stack."""

from __future__ import annotations

MAX_CHARACTERS = 100_000
#: Brackets inside brackets, and operations inside operations.
MAX_DEPTH = 100
#: What the parser has begun and not finished; a level of nesting takes fewer than ten places.
MAX_STACK = 10 * MAX_DEPTH
#: Digits of a number, and the size of its decimal exponent: more than any float has.
MAX_DIGITS = 400
MAX_EXPONENT = 400
#: Syntax errors reported for one text, and words mended in it.
MAX_ERRORS = 50
MAX_MENDED = 500
