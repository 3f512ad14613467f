"""C functions against the torch printer: models, random programs, planted errors; all compiled in one file."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gencompiler.emit.c import print_c
from gencompiler.rows.native import Native, native, prepared
from gencompiler.rows.nodes import Program
from gencompiler.rows.uniforms import settle
from gencompiler.runtime import compiled
from tests import c_library
from tests.emit.test_triton import MODELS
from tests.rows import harness
from tests.rows.programs import coupling_log_prob, mala
from tests.rows.strategies import build
from tests.rows.test_particles import random_program

LANES = 16
#: Random programs: what a compiler takes for each (0.2 s) limits their number.
RANDOM = {f"random_{seed}": (build(seed), 21) for seed in range(12)}
LEFT_OUT = ("coupling_log_prob_32", "coupling_log_prob_2", "coupling_sample_17", "fvsbn_log_prob")


def of_rows(seed: int) -> Program:
    """A random program whose rows have particles, and what of its outputs belongs to rows."""
    program, _ = random_program(seed)
    return dataclasses.replace(program, outputs=tuple(o for o in program.outputs if o.type.particles == 1))


#: Programs whose rows have particles: drawn, carried by loops, spread, handed out and collected.
PARTICLES = {f"particles_{seed}": (of_rows(seed), 21) for seed in (106, 112, 125, 143, 146, 154)}
CASES = {**{name: case for name, case in MODELS.items() if name not in LEFT_OUT}, **RANDOM, **PARTICLES}

#: As functions of packages are compiled, in half the time.
FLAGS = ("-O1", *(flag for flag in compiled.FLAGS if not flag.startswith("-O")))

#: Changes to the text of `coupling_log_prob_12`, each of which the comparison must notice.
SABOTAGE = {
    "a sign": ("exponential(-s", "exponential(s"),
    "a layer": ("k = 3 - 1; k >= 0; k--", "k = 0; k < 3; k++"),
    "a sum": ("+= s[at][lane];", "+= s[at][lane] * s[at][lane];"),
    "a weight": ("mlp_0_weight + k * 96", "mlp_0_weight"),
    "a permutation": ("[11 - at]", "[at]"),
}

#: Changes to the text of the programs with particles, each of which the comparison of one of them must notice.
OF_PARTICLES = {
    "a draw": ("row, seed, step, particle", "row, seed, step, 0"),
    "a particle": ("[particle]", "[0]"),
    "particles that are left out": ("particle < 3", "particle < 2"),
}

#: Beyond 2e-5 of the value: sums in other orders, in programs that cancel.
TOLERANCE, RELATIVE = 1e-4, 2e-5


def forced(program: Program) -> Native:
    """The program in C, whatever it costs."""
    return Native(True, "", LANES, 1e4, settle(prepared(program)))


def printed(program: Program, name: str) -> c_library.Printed:
    given = forced(program)
    return program, given, print_c(program, given, name=name)


def text(program: Program, name: str) -> str:
    return printed(program, name)[2].text


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, compiled.CFunction]:
    """Every case as a function of one library."""
    c_library.compiler()
    made = {name: printed(program, name) for name, (program, _) in CASES.items()}
    whole = CASES["coupling_log_prob_12"][0]
    for name, (old, new) in SABOTAGE.items():
        program, given, own = printed(whole, _spelled(name))
        assert old in own.text, name
        made[_spelled(name)] = program, given, dataclasses.replace(own, text=own.text.replace(old, new))
    for (name, (old, new)), case in itertools.product(OF_PARTICLES.items(), PARTICLES):
        program, given, own = printed(CASES[case][0], f"{_spelled(name)}_in_{case}")
        made[f"{_spelled(name)}_in_{case}"] = program, given, dataclasses.replace(own, text=own.text.replace(old, new))
    return c_library.functions(tmp_path_factory.mktemp("c") / "native.c", made, FLAGS)


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    c_library.used(monkeypatch)


def _spelled(name: str) -> str:
    return name.replace(" ", "_")


def outputs(function: Any, program: Program, rows: int, seed: int) -> list[Tensor]:
    given, values = harness.inputs(program, rows, seed), harness.parameters(program, seed)
    scalars = dict.fromkeys(program.scalars, 6)
    positional, keywords = harness.arguments(program, given, values, rows, torch.float32, **scalars)
    result = function(*positional, **keywords)
    return [result] if isinstance(result, Tensor) else list(result)


def agree(program: Program, ours: list[Tensor], theirs: list[Tensor]) -> bool:
    """Whole numbers equal, others to rounding, and not finite at the same places."""
    for output, a, b in zip(program.outputs, ours, theirs, strict=True):
        if output.type.kind == "integer":
            if not torch.equal(a, b):
                return False
            continue
        finite = torch.isfinite(b)
        same = torch.equal(torch.isfinite(a), finite) and torch.equal(a[~finite].isnan(), b[~finite].isnan())
        if not same or not bool(((a - b).abs()[finite] <= TOLERANCE + RELATIVE * b.abs()[finite]).all()):
            return False
    return True


@pytest.mark.parametrize("name", CASES)
def test_c_functions_are_the_torch_functions(name: str, functions: dict[str, Any]) -> None:
    program, rows = CASES[name]
    theirs = outputs(harness.compiled(program), program, rows, 3)
    assert agree(program, outputs(functions[name], program, rows, 3), theirs)


@pytest.mark.parametrize("name", SABOTAGE)
def test_wrong_functions_are_noticed(name: str, functions: dict[str, Any]) -> None:
    program = CASES["coupling_log_prob_12"][0]
    theirs = outputs(harness.compiled(program), program, 9, 0)
    assert agree(program, outputs(functions["coupling_log_prob_12"], program, 9, 0), theirs)
    assert not agree(program, outputs(functions[_spelled(name)], program, 9, 0), theirs)


@pytest.mark.parametrize("name", OF_PARTICLES)
def test_wrong_particles_are_noticed(name: str, functions: dict[str, Any]) -> None:
    wrong = [
        case
        for case, (program, rows) in PARTICLES.items()
        if not agree(
            program,
            outputs(functions[f"{_spelled(name)}_in_{case}"], program, rows, 3),
            outputs(harness.compiled(program), program, rows, 3),
        )
    ]
    assert wrong


@pytest.mark.parametrize("name", ["coupling_log_prob_12", "mala", "nade_sample", "random_5", "random_11"])
def test_a_row_has_the_same_bits_among_others(
    name: str, functions: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever their number, and however many threads there are."""
    program, function = CASES[name][0], functions[name]
    monkeypatch.setattr(compiled, "WORTH_A_THREAD", 1.0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    given, values = harness.inputs(program, 70, 3), harness.parameters(program, 3)
    scalars = dict.fromkeys(program.scalars, 6)

    def run(rows: int) -> list[Tensor]:
        own = {port: value[:rows] for port, value in given.items()}
        positional, keywords = harness.arguments(program, own, values, rows, torch.float32, **scalars)
        result = function(*positional, **keywords)
        return [result] if isinstance(result, Tensor) else list(result)

    whole = run(70)
    for rows in (1, 8, 16, 17, 69):
        for few, many in zip(run(rows), whole, strict=True):
            assert torch.equal(few, many[:rows])


def test_infinities_and_nan_are_values_like_others(functions: dict[str, Any]) -> None:
    program = CASES["coupling_log_prob_12"][0]
    given, values = harness.inputs(program, 4, 1), harness.parameters(program, 1)
    given["x"][0, 3], given["x"][1, 8], given["x"][2, 5] = float("nan"), float("inf"), 1e30
    positional, keywords = harness.arguments(program, given, values, 4, torch.float32)
    theirs = list(harness.compiled(program)(*positional, **keywords))
    assert not theirs[1][0].isfinite()
    assert agree(program, list(functions["coupling_log_prob_12"](*positional, **keywords)), theirs)


# -- which, and how they read ----------------------------------------------------------------------------------------


def test_what_runs_in_c_is_decided_by_its_cost() -> None:
    assert native(mala()).runs
    assert native(coupling_log_prob(12, 16, 3)).runs
    wide = native(coupling_log_prob(512, 2048, 2))
    assert not wide.runs
    assert "large products" in wide.reason
    with pytest.raises(ValueError, match="large products"):
        print_c(coupling_log_prob(512, 2048, 2), wide)


def test_text_of_a_chain() -> None:
    """Neighbouring statements share a loop over lanes, and draws are those of `runtime.random`."""
    shown = text(mala(), "chain_rows")
    assert "void chain_rows(const int64_t *numbers, void *const *pointers) {" in shown
    assert "for (int64_t t = 0; t < steps; t++) {" in shown
    assert shown.count("for (int lane") < shown.count("[lane] =")
    assert all(len(line) <= 120 for line in shown.splitlines())


def test_a_compiler_takes_it_without_a_warning(tmp_path: Path) -> None:
    command = c_library.compiler()
    source = tmp_path / "native.c"
    source.write_text(
        '#define LANES 16\n#include "lanes.h"\n' + text(coupling_log_prob(7, 16, 3), "f") + text(mala(), "g")
    )
    flags = [
        "-O1",
        "-fsyntax-only",
        "-Wall",
        "-Wextra",
        "-Wno-unknown-pragmas",
        "-Wno-unused-parameter",
        f"-I{compiled.HEADER.parent}",
    ]
    done = subprocess.run([command, *flags, "-std=gnu11", str(source)], capture_output=True, text=True)
    assert done.returncode == 0
    assert "warning" not in done.stderr
