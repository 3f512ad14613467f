"""The torch printer against the literal meaning of row programs, and the text it prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gencompiler.emit.torch import IMPORTS, print_function
from gencompiler.emit.torch_expressions import Expressions
from tests.rows import interpreter
from tests.rows.harness import SEED, STEP, compiled, inputs, parameters, run_torch
from tests.rows.programs import PROGRAMS, fvsbn_log_prob, mala, nade_log_prob, nade_sample

ROWS = 5
SCALARS = {"mala": {"steps": 7}}


def _interpreted(name: str, given: dict[str, torch.Tensor], values: dict[str, torch.Tensor]) -> list[np.ndarray]:
    scalars = {"seed": SEED, "step": STEP, "rows": ROWS, **SCALARS.get(name, {})}
    return interpreter.run(PROGRAMS[name](), given, values, **scalars)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_printed_function_is_the_program(name: str, dtype: torch.dtype, tolerance: float) -> None:
    program = PROGRAMS[name]()
    given, values = inputs(program, ROWS), parameters(program)
    found = run_torch(program, given, values, ROWS, dtype, **SCALARS.get(name, {}))
    wanted = _interpreted(name, given, values)
    for output, result, reference in zip(program.outputs, found, wanted, strict=True):
        assert result.shape == (ROWS, *output.type.shape)
        if output.type.kind == "integer":
            assert result.dtype == torch.int64
            assert np.array_equal(result.numpy(), reference)
        else:
            assert result.dtype == dtype
            np.testing.assert_allclose(result.numpy(), reference, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", PROGRAMS)
def test_printed_text_is_clean(name: str, tmp_path: Path) -> None:
    """ruff neither complains nor would format it differently."""
    pytest.importorskip("ruff")
    printed = print_function(PROGRAMS[name](), where=lambda span: "flow.gen:7")
    imports = [IMPORTS[key] for key in IMPORTS if key in printed.imports]
    file = tmp_path / "printed.py"
    file.write_text("\n".join(imports) + "\n\n\n" + printed.text)
    config = str(Path(__file__).parents[2] / "pyproject.toml")
    for command in (["check", "--no-cache", "--ignore=I001"], ["format", "--check", "--diff", "--no-cache"]):
        result = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", config, str(file)], capture_output=True, text=True
        )
        assert result.returncode == 0, result.stdout + result.stderr


def test_text_of_nade() -> None:
    """Read by a person: hoisted nothing, repeated nothing, one line an equation."""
    text = print_function(nade_log_prob(784, 500), where=lambda span: "nade.gen:6").text
    assert (
        text
        == '''def log_prob(x, W, V, b, c):
    """log p(x) of NADE.

    Takes x [rows, 784] integer; returns log_prob [rows].
    """
    dtype = W.dtype
    x = x.to(dtype)
    # nade.gen:6
    a = c
    log_p = 0.0
    for i in tiles.chunks(784, 500 * len(x)):
        a_i = a + tiles.exclusive_products(x[:, i].T, W[:, i].T)
        logit = b[i, None] + (torch.sigmoid(a_i) * V[i, None]).sum(-1)
        a = a + x[:, i] @ W[:, i].T
        log_p = log_p + (x[:, i].T * logit - F.softplus(logit, threshold=80)).sum(0)
    return log_p
'''
    )


@pytest.mark.parametrize("make", [nade_log_prob, fvsbn_log_prob])
def test_chunks_do_not_change_values_or_gradients(make: object, monkeypatch: pytest.MonkeyPatch) -> None:
    program = make()  # type: ignore[operator]
    given, values = inputs(program, ROWS), parameters(program)
    results = []
    for length in (1, 5, 32):
        monkeypatch.setattr("gencompiler.runtime.tiles.LONGEST_CHUNK", length)
        leaves = [value.clone().requires_grad_() for value in values.values()]
        total = compiled(program)(given["x"], *leaves).sum()
        results.append((total.detach(), torch.autograd.grad(total, leaves)))
    for other, gradients in results[1:]:
        torch.testing.assert_close(other, results[0][0])
        torch.testing.assert_close(gradients, results[0][1])


@pytest.mark.parametrize("name", ["coupling_log_prob", "nade_log_prob", "fvsbn_log_prob"])
def test_gradients_are_right_twice(name: str) -> None:
    """Autograd through the printed function against finite differences, first and second order."""
    program = PROGRAMS[name](3) if name != "coupling_log_prob" else PROGRAMS[name](4, 3, 2)  # type: ignore[call-arg]
    given, values = inputs(program, 2), parameters(program)
    function = compiled(program)
    leaves = [value.clone().requires_grad_() for value in values.values()]

    def last(*parameters: torch.Tensor) -> torch.Tensor:
        outputs = function(given["x"], *parameters)
        return outputs[-1] if isinstance(outputs, tuple) else outputs

    assert torch.autograd.gradcheck(last, leaves)
    assert torch.autograd.gradgradcheck(last, leaves)


def test_a_sample_is_scored_as_it_was_drawn() -> None:
    sample, score = nade_sample(), nade_log_prob()
    values = parameters(sample)
    x, log_p = run_torch(sample, {}, values, 64)
    (again,) = run_torch(score, {"x": x}, values, 64)
    torch.testing.assert_close(log_p, again)
    assert 0 < x.double().mean() < 1


def test_the_chain_leaves_its_target_invariant() -> None:
    """x[0] ~ N(0, 1) and x[1] - x[0]^2 ~ N(0, 1/4) under the banana: 4,000 chains of 60 steps from exact draws."""
    first, rows = torch.randn(4000, dtype=torch.float64), 4000
    start = torch.stack((first, first.square() + 0.5 * torch.randn(4000, dtype=torch.float64)), -1)
    x, accepted = run_torch(mala(), {"x": start}, {}, rows, steps=60)
    residual = x[:, 1] - x[:, 0].square()
    for moment, exact, deviation in (
        (x[:, 0].mean(), 0.0, 1.0),
        (x[:, 0].square().mean(), 1.0, 2**0.5),
        (residual.square().mean(), 0.25, 0.25 * 2**0.5),
    ):
        assert abs(moment - exact) < 5 * deviation / rows**0.5
    assert 0.3 < accepted.mean() / 60 < 0.999


def test_a_wrong_printer_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison above fails when the printer exchanges two operands."""
    right = Expressions._apply

    def wrong(self: Expressions, function: str, codes: list[object], values: list[object]) -> object:
        return right(self, function, codes[::-1] if function == "subtract" else codes, values)  # type: ignore[arg-type]

    monkeypatch.setattr(Expressions, "_apply", wrong)
    with pytest.raises(AssertionError):
        test_printed_function_is_the_program("nade_log_prob", torch.float64, 1e-12)
