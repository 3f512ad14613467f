"""The words of the language as a reader sees them: keywords, and readable names for what a parser expects."""

from __future__ import annotations

from collections.abc import Iterable, Set

#: Keyword terminals and how they are spelt.
KEYWORDS: dict[str, str] = {
    word.upper(): word
    for word in (
        "model", "objective", "extern", "def", "bijection", "density", "transition", "sde", "requires", "observed",
        "latent", "given", "param", "train", "sample", "evaluate", "claim", "assume", "because", "with", "where",
        "update", "maximize", "minimize", "repeat", "if", "then", "else", "for", "and", "or", "not", "log",
    )
}  # fmt: skip

#: Words of other languages, and the keyword meant.
SYNONYMS = {
    "fn": "DEF", "fun": "DEF", "func": "DEF", "function": "DEF", "map": "BIJECTION", "flow": "BIJECTION",
    "distribution": "DENSITY", "kernel": "TRANSITION", "params": "PARAM", "parameter": "PARAM", "parameters": "PARAM",
    "hidden": "LATENT", "data": "OBSERVED", "loss": "OBJECTIVE", "let": "WHERE", "using": "WITH", "prove": "CLAIM",
    "max": "MAXIMIZE", "min": "MINIMIZE", "external": "EXTERN", "require": "REQUIRES", "elif": "ELSE",
}  # fmt: skip

#: Words that begin statements elsewhere, and how what they say is written here.
FOREIGN = {
    **dict.fromkeys(
        ("energy", "potential", "hamiltonian"),
        "an energy is a function, `def U(x : Real[2]) -> Real = …`, and `p(x) ∝ exp(-U(x))` its density",
    ),
    **dict.fromkeys(
        ("propose", "proposal", "accept", "reject", "metropolis"),
        "a proposal is a draw, `y ~ Normal(x, s)`, and `x' = metropolis(y)` takes it or stays",
    ),
    **dict.fromkeys(
        ("prior", "likelihood", "posterior", "target"),
        "every distribution is an equation: `p(z) = …`, `p(x | z) = …`, `q(z | x) = …`",
    ),
    **dict.fromkeys(("return", "yield"), "a definition is its value: `def f(x : Real) -> Real = …`"),
    **dict.fromkeys(("import", "include", "from", "use"), "a spec is one file; the prelude is always there"),
    **dict.fromkeys(("optimizer", "optimise", "optimize", "fit"), "write `train maximum_likelihood with { … }`"),
}

#: The other terminals.
WORDS: dict[str, str] = {
    **{terminal: f"`{word}`" for terminal, word in KEYWORDS.items()},
    "NAME": "a name", "NUMBER": "a number", "STRING": "a string in double quotes", "DOCSTRING": "a docstring",
    "$END": "the end of the text", "LPAR": "`(`", "RPAR": "`)`", "LSQB": "`[`", "RSQB": "`]`", "LBRACE": "`{`",
    "RBRACE": "`}`", "COMMA": "`,`", "COLON": "`:`", "BAR": "`|`", "PIPE": "`|>`", "_ARROW": "`->`", "EQUALS": "`=`",
    "TILDE": "`~`", "PROPTO": "`∝`", "EQ": "`==`", "NE": "`!=`", "LE": "`<=`", "GE": "`>=`", "LT": "`<`", "GT": "`>`",
    "PLUS": "`+`", "MINUS": "`-`", "STAR": "`*`", "SLASH": "`/`", "AT": "`@`", "PERCENT": "`%`", "CARET": "`^`",
    "DOTS": "`..`", "_IN": "`in`", "EXPECT": "`E[`", "STRATONOVICH": "`∘`",
}  # fmt: skip

_EXPRESSION = frozenset({"NAME", "NUMBER", "LPAR", "LSQB", "EXPECT", "LOG", "MINUS", "IF", "FOR", "NOT", "REPEAT"})
_OPERATORS = frozenset(
    {"PLUS", "MINUS", "STAR", "SLASH", "AT", "PERCENT", "CARET", "PIPE", "LT", "LE", "GT", "GE", "EQ", "NE", "AND",
     "OR", "STRATONOVICH"}
)  # fmt: skip
_STATEMENT = frozenset(
    {"OBSERVED", "LATENT", "GIVEN", "PARAM", "TRAIN", "SAMPLE", "EVALUATE", "CLAIM", "ASSUME", "DEF", "BIJECTION",
     "DENSITY", "TRANSITION", "SDE", "EXTERN", "OBJECTIVE", "DOCSTRING", "NAME", "MODEL"}
)  # fmt: skip
_RELATION = frozenset({"EQUALS", "TILDE", "PROPTO"})
_RELATIVE = frozenset({"LT", "LE", "GT", "GE", "NE"})
#: More alternatives than this are not listed.
_MOST = 4


def expectation(expected: Set[str], previous: str | None) -> str | None:
    """`expected` terminals in a few words ("an expression or `)`"), or None where there is too much to say: after an
    expression that could end a statement, nothing in particular is missing."""
    left = set(expected)
    words: list[str] = []
    if {"NUMBER", "LSQB"} <= left:
        words.append("an expression")
        left -= _EXPRESSION | ({"DOTS", "COLON"} | _RELATIVE if "COLON" in left else set())
    operators = len(left & _OPERATORS) > 2
    if operators:
        left -= _OPERATORS | {"LPAR", "LSQB"}
    if {"OBSERVED", "LATENT"} <= left or {"MODEL", "DEF"} <= left:
        words.append("a statement" if "OBSERVED" in left else "a declaration")
        left -= _STATEMENT
    if left >= {"NAME", "LPAR"} and previous in ("COLON", "_ARROW"):
        words.append("a type")
        left -= {"NAME", "LPAR"}
    relations = [WORDS[r] for r in ("EQUALS", "TILDE", "PROPTO") if r in left]
    left -= _RELATION
    if relations and not operators:
        left -= {"LPAR", "LSQB", "COMMA"}
    words += relations
    words += sorted(WORDS[terminal] for terminal in left)
    if operators and not words:
        words.append("an operator")
    finished = operators and ("a statement" in words or "a declaration" in words)
    return None if not words or len(words) > _MOST or finished else alternatives(words)


def alternatives(words: list[str]) -> str:
    """`a`, `a or b`, `a, b or c`"""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The keyword terminal among `candidates` that `word` is most likely a misspelling of."""
    allowed = 2 if len(word) > 4 else 1
    scored = sorted((edits(word.lower(), KEYWORDS[c]), c) for c in candidates)
    return next((c for distance, c in scored if distance <= allowed and len(word) > 2), None)


def edits(a: str, b: str) -> int:
    """How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`."""
    if abs(len(a) - len(b)) > 2:
        return 3
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            best = min(row[-1] + 1, rows[-1][j] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
