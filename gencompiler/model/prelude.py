"""The prelude: definitions and objectives written in the language, parsed on use."""

from __future__ import annotations

import dataclasses
import functools
from importlib import resources

from gencompiler.diagnostics.span import SourceText
from gencompiler.syntax import tree
from gencompiler.syntax.parse import parse


@dataclasses.dataclass(frozen=True)
class Prelude:
    """What every spec may use without declaring it; `sources` are for diagnostics."""

    definitions: dict[str, tree.Definition]
    objectives: dict[str, tree.Objective]
    sources: dict[str, SourceText]

    @property
    def names(self) -> frozenset[str]:
        return frozenset((*self.definitions, *self.objectives))


@functools.cache
def load() -> Prelude:
    """Parse the shipped prelude files."""
    definitions: dict[str, tree.Definition] = {}
    objectives: dict[str, tree.Objective] = {}
    sources: dict[str, SourceText] = {}
    folder = resources.files("gencompiler.prelude")
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".gen"):
            continue
        name = f"<prelude>/{entry.name}"
        sources[name] = SourceText(name, entry.read_text(encoding="utf-8"))
        for declaration in parse(sources[name]).declarations:
            if isinstance(declaration, tree.Definition):
                definitions[declaration.name.id] = declaration
            elif isinstance(declaration, tree.Objective):
                objectives[declaration.name.id] = declaration
    return Prelude(definitions, objectives, sources)
