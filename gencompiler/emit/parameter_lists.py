"""Lists of parameters that several row functions read: each written once, under a name.

What a joint besides `p` owns is a list of its own, so that a program of both reads `(*PARAMETERS, *Q_PARAMETERS)`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping

from gencompiler.emit.code import WIDTH, Code, Sequence, Text
from gencompiler.emit.lines import statement
from gencompiler.emit.literals import string
from gencompiler.emit.names import Names, identifier

Paths = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ParameterLists:
    """`names` of the lists that have one; `joints` are those whose parameters' paths begin with their name."""

    names: Mapping[Paths, str]
    joints: frozenset[str]

    def code(self, paths: Paths) -> Code:
        """A list as its reader writes it."""
        if paths in self.names:
            return Text(self.names[paths])
        parts = _by_joint(paths, self.joints)
        if not any(part in self.names for part in parts):
            return strings(paths)
        items: list[Code] = []
        for part in parts:
            named = part in self.names
            items += [Text(f"*{self.names[part]}")] if named else [Text(string(path)) for path in part]
        return Sequence(tuple(items))

    def definitions(self) -> list[str]:
        """`PARAMETERS = ("W", "V")`, each with its lines joined."""
        return ["\n".join(statement(f"{name} = ", strings(paths), 0)) for paths, name in self.names.items()]


def parameter_lists(lists: Iterable[Paths], joints: Iterable[str], taken: Iterable[str]) -> ParameterLists:
    """Names for lists that several programs read and that would fill lines."""
    known = frozenset(joints) - {"p"}
    parts = [part for paths in lists for part in _by_joint(paths, known)]
    long = [part for part in dict.fromkeys(parts) if parts.count(part) > 1 and len(", ".join(part)) > WIDTH // 2]
    names = Names(taken)
    found = {}
    for part in long:
        joint = _joint(part[0], known)
        found[part] = names.fresh(f"{identifier(joint).upper()}_PARAMETERS" if joint else "PARAMETERS")
    return ParameterLists(found, known)


def _by_joint(paths: Paths, joints: frozenset[str]) -> list[Paths]:
    """The list in runs of one joint each."""
    return [tuple(run) for _, run in itertools.groupby(paths, key=lambda path: _joint(path, joints))]


def _joint(path: str, joints: frozenset[str]) -> str:
    head, dot, _ = path.partition(".")
    return head if dot and head in joints else ""


def strings(texts: tuple[str, ...]) -> Code:
    """A tuple of strings."""
    return Sequence(tuple(Text(string(text)) for text in texts))
