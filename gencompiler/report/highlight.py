"""A spec as HTML, line by line, with the words of the language marked."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

#: The reserved words of `syntax/grammar.lark` (a test compares).
KEYWORDS = frozenset(
    """
    model objective extern def bijection density transition sde requires observed latent given param train sample
    evaluate claim assume because with where update maximize minimize repeat if then else for and or not log in
    """.split()  # noqa: SIM905, a list of thirty words is read more easily without quotes
)

_TOKEN = re.compile(
    r"""(?P<c>\#[^\n]*)
      | (?P<s>\"{3}[\s\S]*?\"{3}|"[^"\n]*")
      | (?P<n>(?<![\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<o>\|>|->|→|∝|~|∘|𝔼|\bE(?=\s*\[))
      | (?P<w>[^\W\d]\w*'*)""",
    re.VERBOSE,
)


def lines(spec: str, types: frozenset[str]) -> list[Markup]:
    """The lines of `spec` as HTML: keywords, names of `types`, numbers, strings, comments and pipes are marked."""
    spec = spec.rstrip("\n")
    pieces: list[str] = []
    end = 0
    for match in _TOKEN.finditer(spec):
        pieces.append(str(escape(spec[end : match.start()])))
        pieces.append(_marked(match, types))
        end = match.end()
    pieces.append(str(escape(spec[end:])))
    return [Markup(line) for line in "".join(pieces).split("\n")]


def _marked(match: re.Match[str], types: frozenset[str]) -> str:
    kind, text = match.lastgroup, match[0]
    if kind == "w":
        kind = "k" if text in KEYWORDS else "t" if text in types else None
    if kind is None:
        return str(escape(text))
    return "\n".join(f'<span class="{kind}">{escape(part)}</span>' if part else "" for part in text.split("\n"))
