"""Files and functions are of a length one can read, and say what they are."""

import ast
import re
from pathlib import Path

import pytest

from gencompiler.pipeline import PASSES
from tests.structure.sources import PACKAGE, ROOT, files, module_name, parsed

LONGEST_FILE = 400

#: A function that fits a screen.
LONGEST_FUNCTION = 60

#: Public definitions of at most this many lines may speak for themselves.
SELF_EXPLANATORY = 6

SOURCES = files(PACKAGE, ROOT / "tests")


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(ROOT)))
def test_files_are_short(file: Path) -> None:
    lines = len(file.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{lines} lines; a file has at most {LONGEST_FILE}"


@pytest.mark.parametrize("file", files(), ids=module_name)
def test_functions_fit_a_screen(file: Path) -> None:
    long = [
        f"{node.name} ({length} lines)"
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.FunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not long, f"longer than {LONGEST_FUNCTION} lines: {', '.join(long)}"


def undocumented(tree: ast.Module) -> list[str]:
    """Public functions and classes without a docstring, apart from very short ones."""
    found = [] if ast.get_docstring(tree) else ["the module"]
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        if (node.end_lineno or 0) - node.lineno + 1 > SELF_EXPLANATORY and not ast.get_docstring(node):
            found.append(node.name)
    return found


@pytest.mark.parametrize("file", files(), ids=module_name)
def test_what_is_public_is_documented(file: Path) -> None:
    missing = undocumented(parsed(file))
    assert not missing, f"no docstring: {', '.join(missing)}"


def test_the_rule_for_docstrings() -> None:
    body = "\n".join(f"    x{i} = 1" for i in range(6))
    tree = ast.parse(f'"""Module."""\ndef long():\n{body}\ndef short():\n    pass\ndef _private():\n{body}\n')
    assert undocumented(tree) == ["long"]
    assert undocumented(ast.parse("x = 1")) == ["the module"]


def docstring(package: str) -> str:
    text = ast.get_docstring(parsed(PACKAGE / package / "__init__.py"))
    assert text, f"{package}/__init__.py has no docstring"
    return text


#: Packages that hold a pass of the pipeline, in its order.
STAGES = ("syntax", "model", "derive", "checks", "rows", "emit")


@pytest.mark.parametrize(("number", "package"), list(enumerate(STAGES, 1)))
def test_a_stage_says_which_it_is_and_what_goes_in_and_out(number: int, package: str) -> None:
    first = docstring(package).splitlines()[0]
    assert first.startswith(f"Stage {number}"), first
    assert "->" in first or ("in, " in first and "out" in first), f"what goes in and what comes out? {first}"


@pytest.mark.parametrize("package", sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py")))
def test_every_package_says_what_it_is(package: str) -> None:
    assert len(docstring(package).splitlines()[0]) > 20


def test_every_folder_of_sources_is_a_package() -> None:
    missing = {f.parent for f in files() if not (f.parent / "__init__.py").exists()}
    assert not missing, f"no __init__.py: {sorted(str(m.relative_to(ROOT)) for m in missing)}"


def test_the_pipeline_is_its_own_table_of_contents() -> None:
    text = ast.get_docstring(parsed(PACKAGE / "pipeline.py")) or ""
    places = [re.search(rf"\b{each.name}\b", text) for each in PASSES]
    assert all(places), "the docstring names every pass"
    assert [p.start() for p in places if p] == sorted(p.start() for p in places if p), "in their order"
    for each in PASSES:
        assert each.doc, f"{each.name} has no docstring"
    names = [each.gives for each in PASSES]
    for place, each in enumerate(PASSES):
        assert each.takes in ("source", *names[:place]), (
            f"{each.name} takes {each.takes}, which nothing before it gives"
        )


def test_the_top_level_holds_what_the_design_lists() -> None:
    allowed = {"pyproject.toml", "README.md", "gencompiler", "specs", "templates", "tests", "generated"}
    made = {"build", "dist", "runs"}
    found = {p.name for p in ROOT.iterdir() if not p.name.startswith(".") and not p.name.endswith(".egg-info")}
    assert found - made <= allowed, f"unexpected: {sorted(found - made - allowed)}"
