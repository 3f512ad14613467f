"""Expressions of Python: parentheses where precedence needs them, lines broken as ruff breaks them."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gencompiler.emit.code import (
    OPERATORS,
    Attribute,
    Code,
    Conditional,
    Prefix,
    Sequence,
    Subscript,
    Text,
    call,
    fill,
    flat,
    infix,
    method,
    number,
)
from gencompiler.emit.lines import returned, statement

A, B, C = Text("a"), Text("b"), Text("c")


def op(name: str, left: Code, right: Code) -> Code:
    return infix(*OPERATORS[name], left, right)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (op("subtract", A, op("subtract", B, C)), "a - (b - c)"),
        (op("subtract", op("subtract", A, B), C), "a - b - c"),
        (op("add", A, op("add", B, C)), "a + (b + c)"),
        (op("multiply", op("add", A, B), C), "(a + b) * c"),
        (op("divide", A, op("multiply", B, C)), "a / (b * c)"),
        (op("power", Prefix("-", A), number(2, whole=True)), "(-a) ** 2"),
        (op("power", A, number(2, whole=True)), "a**2"),
        (op("power", call("f", A), number(2, whole=True)), "f(a) ** 2"),
        (op("power", A, op("power", B, C)), "a ** b**c"),
        (Prefix("-", op("power", A, B)), "-(a**b)"),
        (Prefix("-", op("add", A, B)), "-(a + b)"),
        (op("and", op("less", A, B), op("equal", B, C)), "(a < b) & (b == c)"),
        (op("less", op("less", A, B), C), "(a < b) < c"),
        (op("less", op("add", A, B), C), "a + b < c"),
        (Attribute(op("add", A, B), "T"), "(a + b).T"),
        (Attribute(Text("3"), "real"), "(3).real"),
        (Subscript(call("f", A), (":", "None")), "f(a)[:, None]"),
        (Conditional(op("less", A, B), A, op("add", B, C)), "a if a < b else b + c"),
        (op("add", Conditional(A, B, C), A), "(b if a else c) + a"),
        (method(A, "sum", "-1"), "a.sum(-1)"),
        (call("f", A, key=B), "f(a, key=b)"),
        (Sequence((A,)), "(a,)"),
        (Sequence((A, B), "[]"), "[a, b]"),
        (number(-2.0), "-2.0"),
        (number(float("-inf")), 'float("-inf")'),
        (fill("F.softplus({0}, threshold=80)", [A]), "F.softplus(a, threshold=80)"),
        (fill("({0}).to(dtype)", [op("less", A, B)]), "(a < b).to(dtype)"),
    ],
)
def test_one_line(code: Code, text: str) -> None:
    assert flat(code) == text


def test_a_format_is_a_call() -> None:
    with pytest.raises(ValueError, match="neither an operator nor a call"):
        fill("({0} + 1)", [A])


# -- against Python and ruff -----------------------------------------------------------------------------------------

VALUES = {"alpha": 0.3, "beta_of_layer": -1.7, "x": 2.5, "gamma_i": 0.9}
FUNCTIONS = {"max": max, "min": min}


def random_code(rng: random.Random, depth: int) -> tuple[Code, float]:
    """Code and its value, computed beside it."""
    choice = rng.randrange(7) if depth else 0
    if choice <= 1:
        name = rng.choice(list(VALUES))
        return Text(name), VALUES[name]
    if choice <= 4:
        name, compute = rng.choice([("add", float.__add__), ("subtract", float.__sub__), ("multiply", float.__mul__)])
        (left, a), (right, b) = random_code(rng, depth - 1), random_code(rng, depth - 1)
        return op(name, left, right), compute(a, b)
    if choice == 5:
        inner, value = random_code(rng, depth - 1)
        return Prefix("-", inner), -value
    name = rng.choice(list(FUNCTIONS))
    parts = [random_code(rng, depth - 1) for _ in range(rng.randrange(2, 4))]
    return call(name, *(code for code, _ in parts)), FUNCTIONS[name](value for _, value in parts)


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_python_reads_what_was_meant(seed: int) -> None:
    """Bit for bit, so that printing never changes the order of operations; on one line and on many."""
    code, value = random_code(random.Random(seed), 6)
    assert eval(flat(code), dict(FUNCTIONS), VALUES) == value
    lines = statement("result = ", code, 0)
    names = dict(VALUES)
    exec("\n".join(lines), dict(FUNCTIONS), names)
    assert names["result"] == value
    assert all(len(line) <= 120 for line in lines) or len(lines) > 1


def test_statements_are_as_ruff_formats_them(tmp_path: Path) -> None:
    """300 random statements, most of them several lines long."""
    pytest.importorskip("ruff")
    blocks = []
    for seed in range(300):
        rng = random.Random(seed)
        code, _ = random_code(rng, 7)
        head = rng.choice(["alpha = ", "gamma_i = ", "return "])
        lines = returned(code, 4) if head == "return " else statement(head, code, 4)
        blocks.append(f"def f{seed}(alpha, beta_of_layer, x, gamma_i):\n" + "\n".join(lines) + "\n")
    file = tmp_path / "printed.py"
    file.write_text("\n\n".join(blocks))
    config = str(Path(__file__).parents[2] / "pyproject.toml")
    command = [sys.executable, "-m", "ruff", "format", "--diff", "--no-cache", "--config", config, str(file)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[:3000]


def test_long_calls_and_returns() -> None:
    names = [Text(f"argument_number_{n}") for n in range(8)]
    whole = call("function", *names)
    assert statement("result = ", whole, 0) == [
        "result = function(",
        *(f"    argument_number_{n}," for n in range(8)),
        ")",
    ]
    assert returned(Sequence((A, B)), 4) == ["    return a, b"]
    assert returned(Sequence(tuple(names)), 4)[0] == "    return ("
