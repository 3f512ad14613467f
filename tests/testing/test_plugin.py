"""The plugin: specs become items, wrong ones fail with their diagnostics, and everyone else does not notice it."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

RIGHT = """
model Coin(D = 3) {
  observed x : Binary[D]
  param b : Real[D]
  p(x[i] | x[<i]) = Bernoulli(logits = b[i])
  train maximum_likelihood with { data = digits_binary }
}
"""

CONDITIONAL = """
model Told(D = 2) {
  observed x : Binary[D]
  given y : Category(3)
  latent z : Binary
  p(z) = Bernoulli(0.5)
  p(x | z) = Bernoulli(logits = mlp(z, embedding(y, size = 2), hidden = [2]))
  q(z | x) = Bernoulli(logits = mlp(x, embedding(y, size = 2), hidden = [2]))
  train wake_sleep
}
"""

REFUTED = """
bijection Fold(u : Real) -> Real = u * u
model Bad {
  observed x : Real[2]
  latent z : Real[2]
  p(z) = Normal(0, 1)
  x = z |> Fold
  train maximum_likelihood with { data = moons }
}
"""

MISSPELT = "modle Coin { observed x : Binary }\n"

ROOT = str(Path(__file__).parents[2])

INSTALLED = any(e.name == "gencompiler" for e in importlib.metadata.entry_points(group="pytest11"))


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest in `folder`, in a process of its own, with the plugin and none of this project's options."""
    plugin = [] if INSTALLED else ["-p", "gencompiler.testing.plugin"]
    command = [*plugin, "-p", "no:cacheprovider", "--rootdir", str(folder), *arguments]
    code = f"import sys; sys.path.insert(0, {ROOT!r}); import pytest; sys.exit(pytest.main({command!r}))"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass\n", encoding="utf-8")
    (tmp_path / "coin.gen").write_text(RIGHT, encoding="utf-8")
    return tmp_path


def test_a_right_spec_passes_item_by_item(folder: Path) -> None:
    done = run_pytest(folder, "-v", "--gen")
    assert done.returncode == 0, done.stdout
    for item in ("factorization", "mass", "sampler_small", "finite_gradients"):
        assert f"coin.gen::{item}" in done.stdout, done.stdout
    assert "FAILED" not in done.stdout


@pytest.mark.slow
def test_a_conditional_spec_has_items_for_its_properties(folder: Path) -> None:
    (folder / "told.gen").write_text(CONDITIONAL, encoding="utf-8")
    done = run_pytest(folder, "-v", "told.gen", "-k", "mass or encode or decode or phases or same_rows")
    assert done.returncode == 0, done.stdout
    for item in ("mass", "encode", "decode", "phases", "same_rows"):
        assert f"told.gen::{item} PASSED" in done.stdout, done.stdout


def test_a_refuted_spec_fails_with_its_counterexample(folder: Path) -> None:
    (folder / "bad.gen").write_text(REFUTED, encoding="utf-8")
    done = run_pytest(folder, "bad.gen")
    assert done.returncode == 1
    assert "G401" in done.stdout
    assert "bad.gen::diagnostics" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_spec_that_does_not_parse_has_one_item(folder: Path) -> None:
    (folder / "misspelt.gen").write_text(MISSPELT, encoding="utf-8")
    done = run_pytest(folder, "misspelt.gen")
    assert done.returncode == 1
    assert "1 failed" in done.stdout
    assert "error[G007]" in done.stdout


def test_specs_are_left_alone_unless_asked_for(folder: Path) -> None:
    done = run_pytest(folder, "-v")
    assert "1 passed" in done.stdout
    assert ".gen" not in done.stdout


def test_the_plugin_is_silent_and_imports_nothing_heavy(folder: Path) -> None:
    heavy = "torch triton numpy sympy flint jinja2 matplotlib lark pydantic hypothesis.strategies gencompiler.runtime"
    (folder / "test_nothing.py").write_text(
        "import sys\n\n\ndef test_nothing():\n"
        f"    assert not set({heavy.split()!r}) & set(sys.modules)\n"
        "    assert 'gencompiler.testing.plugin' in sys.modules\n",
        encoding="utf-8",
    )
    # The header lists installed plugins, this one among them; what is looked for is a line of the plugin's own.
    done = run_pytest(folder, "-p", "no:hypothesispytest", "--no-header")
    assert done.returncode == 0, done.stdout
    assert "gencompiler" not in done.stdout.replace(str(folder), "")
