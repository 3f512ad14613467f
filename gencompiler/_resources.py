"""Where the shipped text files are: `templates/` and `specs/`, installed, zipped, or in a checkout.

A wheel carries them inside the package (`_shipped/`), a checkout or an editable install beside it.
"""

from __future__ import annotations

import importlib.resources
from importlib.resources.abc import Traversable
from pathlib import Path


def shipped(kind: str) -> Traversable:
    """The folder `kind` ("templates" or "specs").  Raises FileNotFoundError where the installation lacks it."""
    package = importlib.resources.files("gencompiler")
    inside = package / "_shipped" / kind
    if inside.is_dir():
        return inside
    beside = _parent(package) / kind
    if beside.is_dir():
        return beside
    raise FileNotFoundError(f"this installation of gencompiler has no folder `{kind}`")


def _parent(package: Traversable) -> Traversable:
    """The folder that holds the package; Traversable itself has no `parent`, but every kind of package folder does."""
    parent: Traversable = package.parent if hasattr(package, "parent") else Path(str(package)).parent
    return parent
