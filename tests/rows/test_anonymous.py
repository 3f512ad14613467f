"""Programs that differ in names only are the same to `anonymous`, and any other difference tells them apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.stages import Pieces, print_schedule
from gencompiler.node import Node, rebuild
from gencompiler.rows.anonymous import anonymous
from gencompiler.rows.nodes import Elementwise, Expr, Number, Program
from tests.rows.building import apply, given, let, local, number, output, parameter, read, row, subtract, use
from tests.rows.programs import PROGRAMS

SPECS = Path(__file__).parents[2] / "specs"


def piece(x: str, y: str, bias: str, made: str, *, swapped: bool = False, shift: float = 1.0) -> Program:
    """made = x - y + bias + shift, or with x and y exchanged."""
    first, second = read(x, row(3)), read(y, row(3))
    moved = subtract(second, first) if swapped else subtract(first, second)
    value = apply("add", apply("add", moved, parameter(bias, (None,), (3,))), number(shift))
    return Program(
        "stage",
        "a piece",
        inputs=(given(x, row(3)), given(y, row(3))),
        scalars=(),
        parameters=(use(bias, 3),),
        body=(let(made, value),),
        outputs=(output(made, local(made, row(3))),),
        span=value.span,
    )


def test_names_do_not_matter() -> None:
    assert anonymous(piece("x", "y", "mlp.0.bias", "h")) == anonymous(piece("y", "x", "mlp.1.bias", "total"))


@pytest.mark.parametrize("other", [{"swapped": True}, {"shift": 2.0}], ids=["order", "number"])
def test_what_is_computed_does(other: dict[str, object]) -> None:
    assert anonymous(piece("x", "y", "b", "h")) != anonymous(piece("x", "y", "b", "h", **other))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PROGRAMS)
def test_any_changed_operation_is_seen(name: str) -> None:
    """Of each program by hand: another number, or another function, in one place alone."""
    program = PROGRAMS[name]()
    own = anonymous(program)
    changed = 0
    while (other := _changed_at(program, changed)) is not None:
        assert anonymous(other) != own
        changed += 1
    assert changed


def _changed_at(program: Program, place: int) -> Program | None:
    """The program with its number or function of this place, counted from 0, changed; None where it has fewer."""
    seen = -1

    def visit(part: Node) -> Node:
        nonlocal seen
        if isinstance(part, Number | Elementwise):
            seen += 1
            if seen == place:
                return _other(part)
        return rebuild(part, visit)

    found = rebuild(program, visit)
    return found if seen >= place else None


def _other(part: Number | Elementwise) -> Expr:
    if isinstance(part, Number):
        return dataclasses.replace(part, value=part.value + 1)
    return dataclasses.replace(part, function="tanh" if part.function != "tanh" else "exp")


def test_a_file_has_one_kernel_for_equal_pieces() -> None:
    """Flow matching evaluates one network at each stage of its solver, in four of its functions."""
    spec = SPECS / "bijections" / "flow_matching.gen"
    done = pipeline.run(SourceText(spec.name, spec.read_text(encoding="utf-8")), until="schedule")
    staged = [each for each in done.schedules.values() if each.stages is not None]
    pieces: Pieces = {}
    printed = [
        one for number, each in enumerate(staged) for one in print_schedule(each, name=f"f{number}", known=pieces)
    ]
    kernels = sum("@triton.jit" in each.text for each in printed)
    assert kernels == len(pieces) < sum(len(each.kernels()) for each in staged) / 2
    text = "\n".join(each.text for each in printed)
    assert all(text.count(f"def {launcher}(") == 1 for launcher in pieces.values())
