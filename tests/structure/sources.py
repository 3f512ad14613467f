"""The compiler's own source files, parsed."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "gencompiler"


def files(*folders: Path) -> list[Path]:
    """Every Python file below the folders (the compiler itself when none is given)."""
    return sorted(f for folder in folders or (PACKAGE,) for f in folder.rglob("*.py"))


@functools.cache
def parsed(file: Path) -> ast.Module:
    """Its syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def module_name(file: Path) -> str:
    """`gencompiler.rows.nodes` for that file."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module, module: str, *, lazy: bool) -> Iterator[tuple[str, int]]:
    """(imported module, line) of each import that runs: with `lazy` also those within functions.

    What stands under `if TYPE_CHECKING` never runs.  `from a import b` counts as `a.b`, which may be a module."""
    for node in _running(tree, lazy):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: -node.level]
                base = ".".join([*above, *([base] if base else [])])
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)


def _running(tree: ast.AST, lazy: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield other
                yield from _running(other, lazy)
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not lazy:
            continue
        yield node
        yield from _running(node, lazy)
