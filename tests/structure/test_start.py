"""What a command costs before it does anything: checking a spec loads nothing that checking does not need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Left out of `genc check`: torch and triton are for generated code, the others for proofs' oracles, emission, reports.
FORBIDDEN = ("torch", "triton", "sympy", "z3", "jinja2", "matplotlib", "safetensors", "hypothesis", "scipy", "sklearn")

SPECS = sorted((ROOT / "specs").rglob("*.gen"))


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running `code`."""
    full = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run(
        [sys.executable, "-c", full], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    return set(json.loads(done.stdout.strip().splitlines()[-1]))


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.stem)
def test_checking_a_spec_loads_nothing_heavy(spec: Path) -> None:
    code = f"import gencompiler\nresult = gencompiler.check({str(spec)!r})\nassert result.ok, result.render()"
    assert not set(FORBIDDEN) & modules_after(code)


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
