"""Who may import whom: the stages in their order, and torch where it belongs."""

import ast
from pathlib import Path

import pytest

from tests.structure.sources import PACKAGE, files, imports, module_name, parsed

#: What each stage may import of the compiler, beside itself and `ANYONE`.  Imports within functions count as well.
MAY_IMPORT: dict[str, set[str]] = {"diagnostics": set(), "catalog": set(), "runtime": set()}
MAY_IMPORT["syntax"] = {"diagnostics"}
MAY_IMPORT["model"] = MAY_IMPORT["syntax"] | {"syntax", "catalog", "prelude"}
for stage, before in zip(
    ("proof", "derive", "checks", "rows", "emit"), ("model", "proof", "derive", "checks", "rows"), strict=True
):
    MAY_IMPORT[stage] = MAY_IMPORT[before] | {before}

#: Importable from all stages of the compiler proper, but not from those that import nothing.
ANYONE = {"node", "settings", "diagnostics", "_resources", "__version__"}

IMPORT_NOTHING = {"catalog", "runtime"}

#: Who may import the libraries that are heavy, or there for one purpose, at any time; others not even lazily.
OWNERS = {
    "torch": {"runtime", "testing", "report", "doctor"},
    "triton": {"runtime", "testing"},
    "safetensors": {"runtime", "testing", "commands", "report"},
    "hypothesis": {"testing"},
    "pytest": {"testing", "runtime", "commands"},
    "lark": {"syntax"},
    "sympy": set(),
    "z3": set(),
    "flint": {"proof"},
    "jinja2": {"emit", "report"},
    "matplotlib": {"report"},
    "typer": {"cli", "commands", "__main__"},
}


def stage_of(module: str) -> str:
    """`rows` for gencompiler.rows.nodes, `pipeline` for gencompiler.pipeline."""
    return module.split(".")[1] if "." in module else ""


def wrong_direction(module: str, imported: str) -> bool:
    """Whether a module of the compiler imports what it must not know."""
    stage, other = stage_of(module), stage_of(imported)
    if not imported.startswith("gencompiler.") or stage not in MAY_IMPORT or other == stage:
        return False
    return other not in MAY_IMPORT[stage] | (set() if stage in IMPORT_NOTHING else ANYONE)


@pytest.mark.parametrize("file", files(), ids=module_name)
def test_imports_follow_the_order_of_stages(file: Path) -> None:
    module = module_name(file)
    wrong = [
        f"line {line}: {name}"
        for name, line in imports(parsed(file), module, lazy=True)
        if wrong_direction(module, name)
    ]
    assert not wrong, f"{module} may not import {wrong}"


@pytest.mark.parametrize("file", files(), ids=module_name)
def test_libraries_are_imported_by_their_owners(file: Path) -> None:
    module = module_name(file)
    wrong = [
        f"line {line}: {name}"
        for name, line in imports(parsed(file), module, lazy=True)
        if stage_of(module) not in OWNERS.get(name.split(".")[0], {stage_of(module)})
    ]
    assert not wrong, f"{module} may not import {wrong}"


@pytest.mark.parametrize(
    ("module", "imported", "wrong"),
    [
        ("gencompiler.syntax.parse", "gencompiler.model.nodes", True),
        ("gencompiler.derive.inverse", "gencompiler.checks.verdict", True),
        ("gencompiler.runtime.modules", "gencompiler.diagnostics.model", True),
        ("gencompiler.runtime.modules", "gencompiler.settings", True),
        ("gencompiler.catalog.functions", "gencompiler.node", True),
        ("gencompiler.emit.torch", "gencompiler.pipeline", True),
        ("gencompiler.emit.torch", "gencompiler.rows.nodes", False),
        ("gencompiler.model.nodes", "gencompiler.node", False),
        ("gencompiler.testing.plugin", "gencompiler.pipeline", False),
        ("gencompiler.emit.torch", "torch", False),
    ],
)
def test_the_rule_itself(module: str, imported: str, wrong: bool) -> None:
    assert wrong_direction(module, imported) is wrong


def test_lazy_and_type_checking_imports_are_told_apart() -> None:
    text = """
from __future__ import annotations
import a
if TYPE_CHECKING:
    import b
else:
    import c
def f():
    from d import e
from . import g
from ..h import i
"""
    tree = ast.parse(text)
    assert [n for n, _ in imports(tree, "x.y.z", lazy=True)] == [
        "__future__.annotations",
        "a",
        "c",
        "d.e",
        "x.y.g",
        "x.h.i",
    ]
    assert "d.e" not in [n for n, _ in imports(tree, "x.y.z", lazy=False)]


def test_every_package_is_known_to_the_rule() -> None:
    packages = {p.parent.name for p in PACKAGE.glob("*/__init__.py")}
    everything = {"testing", "commands", "report", "prelude"}
    assert packages <= set(MAY_IMPORT) | everything, "a new package: say in MAY_IMPORT what it may import"
