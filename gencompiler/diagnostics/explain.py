"""The explain pages: what a code means, why it is so, a spec that fails and one that passes.

A page is `explain/G###.md`.  Its examples are fenced blocks whose info string is `gen fails` or `gen passes`, with
`planned` after it where the compiler cannot build the example yet; a page on what happens in a run shows commands.
"""

from __future__ import annotations

import dataclasses
import re
from importlib import resources

from gencompiler.diagnostics.codes import CODES

_FENCE = re.compile(
    r"^```gen (?P<tag>fails|passes)(?P<planned> planned)?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclasses.dataclass(frozen=True)
class Example:
    """A spec on a page; `fails` says that the code of the page must be reported for it."""

    fails: bool
    text: str
    planned: bool = False


def page(code: str) -> str:
    """The page of `code`, as markdown; raises KeyError for a code that does not exist."""
    if code not in CODES:
        raise KeyError(code)
    folder = resources.files(__package__).joinpath("explain")
    return folder.joinpath(f"{code}.md").read_text(encoding="utf-8")


def examples(code: str) -> tuple[Example, ...]:
    """The specs on the page of `code`, in order."""
    return tuple(
        Example(found["tag"] == "fails", found["text"], found["planned"] is not None)
        for found in _FENCE.finditer(page(code))
    )
