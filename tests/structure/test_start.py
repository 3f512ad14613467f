"""What a command costs before it does anything: checking a spec loads nothing that checking does not need."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

#: Left out of `genc check`: torch and triton are for generated code, the others for proofs' oracles, emission, reports.
FORBIDDEN = ("torch", "triton", "sympy", "z3", "jinja2", "matplotlib", "safetensors", "hypothesis", "scipy", "sklearn")

SPECS = sorted((ROOT / "specs").rglob("*.gen"))


def last_line(code: str) -> Any:
    """What a fresh interpreter prints last, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running `code`."""
    full = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    return set(last_line(full))


#: Checks specs one after the other, and says after which one a module was there first.
ONE_BY_ONE = """
import json, sys
import gencompiler
first = {}
for spec in SPECS:
    result = gencompiler.check(spec)
    assert result.ok, result.render()
    for module in set(HEAVY) & {m.split(".")[0] for m in sys.modules}:
        first.setdefault(module, spec)
print(json.dumps(first))
"""


def first_loaded(heavy: Sequence[str]) -> dict[str, str]:
    """Of these modules, those that checking the shipped specs loads, each with the spec that was the first to."""
    found = last_line(f"SPECS = {[str(s) for s in SPECS]!r}\nHEAVY = {list(heavy)!r}\n{ONE_BY_ONE}")
    assert isinstance(found, dict)
    return found


def test_checking_specs_loads_nothing_heavy() -> None:
    assert not first_loaded(FORBIDDEN)


def test_a_module_that_is_loaded_is_named_with_its_spec() -> None:
    assert first_loaded(("flint",)).keys() == {"flint"}


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = "\n".join(
        (
            "import sys",
            f"sys.argv = ['genc', 'check', {str(SPECS[0])!r}]",
            "from gencompiler.cli import main",
            "try:",
            "    main()",
            "except SystemExit as end:",
            "    assert not end.code, end.code",
        )
    )
    assert not set(FORBIDDEN) & modules_after(code)


def test_importing_the_package_costs_nothing() -> None:
    loaded = modules_after("import gencompiler")
    assert not loaded & {*FORBIDDEN, "numpy", "pydantic", "lark", "flint", "typer", "rich"}


def test_the_probe_sees_what_is_loaded() -> None:
    assert "jinja2" in modules_after("import jinja2")
