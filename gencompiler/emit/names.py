"""Names of generated code: valid identifiers, none used twice, none that hides another."""

from __future__ import annotations

import builtins
import keyword
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

_RESERVED = frozenset((*keyword.kwlist, *keyword.softkwlist, *dir(builtins)))


def identifier(name: str) -> str:
    """`name` as an identifier: primes become `_next`, dots and anything else `_`."""
    text = re.sub(r"\W", "_", name.replace("'", "_next"))
    return text if text and not text[0].isdigit() else f"_{text}"


class Names:
    """Hands out identifiers for one function; `taken` are those of its surroundings (modules, arguments)."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def fresh(self, *wishes: str) -> str:
        """The first of `wishes` that is free, else the last of them with the first free number."""
        names = [identifier(wish) for wish in wishes]
        name = next((each for each in names if self._is_free(each)), None)
        number = 2
        while name is None:
            numbered = f"{names[-1]}_{number}"
            name, number = (numbered if self._is_free(numbered) else None), number + 1
        self._taken.add(name)
        return name

    def _is_free(self, name: str) -> bool:
        return name not in self._taken and name not in _RESERVED


def suffixes(path: str) -> list[str]:
    """Ever longer ends of a parameter's path that are identifiers: `a.b.0.w` gives `w`, `b_0_w`, `a_b_0_w`."""
    parts = path.split(".")
    ends = ("_".join(parts[start:]) for start in range(len(parts) - 1, -1, -1))
    return [end for end in ends if not end[0].isdigit()] or [identifier(path)]


def parameter_wishes(paths: Sequence[str], bound: Collection[str]) -> dict[str, list[str]]:
    """For each path, local names to wish for: the shortest end that no other path has and that is not in `bound`.

    Parameters of one network, whose paths differ in their last two components, keep the same front: `q_mlp_0_weight`
    and `q_mlp_m_weight`, though there is only one `m_weight`.  No other parameter has a whole path."""
    ends = {path: suffixes(path) for path in paths}
    shared = Counter(end for path in paths for end in ends[path])
    free = {
        path: [end for end in ends[path] if end not in bound and (shared[end] == 1 or end == ends[path][-1])]
        for path in paths
    }
    fronts: dict[str, int] = {}
    for path in paths:
        front = _dropped(path, free[path][0]) if free[path] else 0
        fronts[_network(path)] = min(front, fronts.get(_network(path), front))
    wishes = {path: "_".join(path.split(".")[fronts[_network(path)] :]) for path in paths}
    return {path: [wishes[path], *free[path], f"{ends[path][-1]}_parameter"] for path in paths}


def _network(path: str) -> str:
    return path.rsplit(".", 2)[0] if path.count(".") > 1 else path


def _dropped(path: str, end: str) -> int:
    """How many components of `path` its end leaves out."""
    parts = path.split(".")
    return next((start for start in range(len(parts)) if "_".join(parts[start:]) == end), 0)
