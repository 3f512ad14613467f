"""The prelude: definitions and objectives written in the language, each parsed when a spec first mentions it."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Generic, TypeVar, cast

from gencompiler.diagnostics.span import SourceText
from gencompiler.syntax import tree
from gencompiler.syntax.parse import parse

DeclarationT = TypeVar("DeclarationT", tree.Definition, tree.Objective)

#: A declaration begins its line, after a docstring of its own if it has one.  The shipped files are formatted.
_HEAD = re.compile(
    r'^(?:"""(?:[^"]|"(?!""))*"""\n)?(?P<kind>def|bijection|density|transition|sde|objective) (?P<name>\w+)', re.M
)


@dataclasses.dataclass(frozen=True)
class _Place:
    kind: str
    source: SourceText
    start: int
    end: int


class Declarations(Mapping[str, DeclarationT], Generic[DeclarationT]):
    """Declarations by name.  Most specs mention a few of them, and to parse all takes longer than to check a model."""

    def __init__(self, places: Mapping[str, _Place], own: Mapping[str, DeclarationT]) -> None:
        self._places = places
        self._own: Mapping[str, DeclarationT] = own

    def hidden_by(self, own: Mapping[str, DeclarationT]) -> Declarations[DeclarationT]:
        """These, with a file's own declarations before them."""
        return Declarations(self._places, {**self._own, **own})

    def of_kind(self, kind: str) -> list[str]:
        """The names of the definitions of one kind; none is parsed for it."""
        shipped = [name for name, place in self._places.items() if place.kind == kind and name not in self._own]
        return shipped + [n for n, d in self._own.items() if isinstance(d, tree.Definition) and d.kind == kind]

    def __getitem__(self, name: str) -> DeclarationT:
        found = self._own.get(name)
        return cast(DeclarationT, _declared(self._places[name])) if found is None else found

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._places, *self._own)))

    def __len__(self) -> int:
        return len(self._places.keys() | self._own.keys())


@dataclasses.dataclass(frozen=True)
class Prelude:
    """What every spec may use without declaring it; `sources` are for diagnostics."""

    definitions: Declarations[tree.Definition]
    objectives: Declarations[tree.Objective]
    sources: dict[str, SourceText]

    @property
    def names(self) -> frozenset[str]:
        return frozenset((*self.definitions, *self.objectives))


@functools.cache
def load() -> Prelude:
    """Find the declarations of the shipped prelude files."""
    definitions: dict[str, _Place] = {}
    objectives: dict[str, _Place] = {}
    sources: dict[str, SourceText] = {}
    folder = resources.files("gencompiler.prelude")
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".gen"):
            continue
        name = f"<prelude>/{entry.name}"
        source = sources[name] = SourceText(name, entry.read_text(encoding="utf-8"))
        heads = list(_HEAD.finditer(source.text))
        ends = (*(head.start() for head in heads[1:]), len(source.text))
        for head, end in zip(heads, ends, strict=True):
            found = objectives if head["kind"] == "objective" else definitions
            found[head["name"]] = _Place(head["kind"], source, head.start(), end)
    return Prelude(Declarations(definitions, {}), Declarations(objectives, {}), sources)


@functools.cache
def _declared(place: _Place) -> tree.Declaration:
    """What is declared at a place; blanks stand for what is before it, so that spans are those of the file."""
    text = place.source.text
    before = re.sub(r"[^\n]", " ", text[: place.start])
    (declaration,) = parse(SourceText(place.source.name, before + text[place.start : place.end])).declarations
    return declaration
