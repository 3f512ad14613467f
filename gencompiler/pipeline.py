"""The table of contents of the compiler: every pass, in order.

    text -> parse -> Surface -> resolve -> Model IR -> derive -> Derived -> check -> Checked
         -> lower -> row programs -> schedule -> Schedules -> differentiate -> backward passes
         -> emit -> the files of a package

Each pass is a function of what the passes before it left in a `Compilation`.  `run` executes them up to a named one,
times
each, verifies every tree between passes under `GENC_VERIFY=1`, and raises `CompileError` with all diagnostics found.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from gencompiler import __version__
from gencompiler.diagnostics.model import CompileError, Diagnostic, Reporter
from gencompiler.diagnostics.span import SourceText
from gencompiler.model.nodes import Model, Real
from gencompiler.settings import Settings
from gencompiler.syntax import tree

if TYPE_CHECKING:
    from gencompiler.checks import Checked
    from gencompiler.derive.nodes import Derived
    from gencompiler.rows.differentiate import Differentiated
    from gencompiler.rows.nodes import Program
    from gencompiler.rows.schedule import Schedule


@dataclasses.dataclass
class Compilation:
    """One spec on its way through the passes; a field is set by the pass that the comment names."""

    source: SourceText
    defines: Mapping[str, Real]
    settings: Settings
    reporter: Reporter
    sources: dict[str, SourceText]
    surface: tree.File = dataclasses.field(init=False)  # parse
    model: Model = dataclasses.field(init=False)  # resolve
    derived: Derived = dataclasses.field(init=False)  # derive
    checked: Checked = dataclasses.field(init=False)  # check
    programs: dict[str, Program] = dataclasses.field(init=False)  # lower
    schedules: dict[str, Schedule] = dataclasses.field(init=False)  # schedule
    gradients: dict[str, Differentiated] = dataclasses.field(init=False)  # differentiate
    files: dict[str, str] = dataclasses.field(init=False)  # emit
    timings: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(self.reporter.diagnostics)

    @property
    def name(self) -> str:
        """The package's name: the stem of the spec's file."""
        stem = self.source.name.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".gen")
        return stem if stem.isidentifier() else "model"


# -- passes ----------------------------------------------------------------------------------------------------------


def parse(compilation: Compilation) -> None:
    """Text to Surface: what was written, every node with its span."""
    from gencompiler.syntax.parse import parse

    compilation.surface = parse(compilation.source)


def resolve(compilation: Compilation) -> None:
    """Surface to Model IR: names resolved, types and shapes inferred, definitions instantiated."""
    from gencompiler.model import prelude
    from gencompiler.model.resolve import resolve

    shipped = prelude.load()
    compilation.sources.update(shipped.sources)
    compilation.model = resolve(compilation.surface, dict(compilation.defines), shipped, compilation.reporter)


def derive(compilation: Compilation) -> None:
    """Model IR to what follows from it: inverses, log-determinants, gradients, ratios, recurrences."""
    from gencompiler.derive.derive import derive

    compilation.derived = derive(compilation.model)


def check(compilation: Compilation) -> None:
    """What is claimed and what was derived, verified: verdicts, capabilities, the certificate."""
    from gencompiler.checks import check

    compilation.checked = check(
        compilation.derived, compilation.reporter, allow_unknown=compilation.settings.allow_unknown
    )
    compilation.reporter.raise_errors()


def lower(compilation: Compilation) -> None:
    """A checked model to row programs: loops over a small per-row state."""
    from gencompiler.rows.expressions import NotLowered
    from gencompiler.rows.lower import lower

    if not compilation.model.variables:
        message = "a built file holds exactly one model, and this one holds none"
        compilation.reporter.add("G303", message, compilation.surface.span)
        compilation.reporter.raise_errors()
    try:
        compilation.programs = lower(compilation.derived)
    except NotLowered as problem:
        message = f"{problem.what} is valid, but not supported yet"
        compilation.reporter.add("G901", message, problem.span, "not supported yet")
        compilation.reporter.raise_errors()


def schedule(compilation: Compilation) -> None:
    """Row programs to schedules: what fits on chip as one kernel, and why the rest does not."""
    from gencompiler.rows.schedule import schedule

    compilation.schedules = {name: schedule(program) for name, program in compilation.programs.items()}


def differentiate(compilation: Compilation) -> None:
    """What training differentiates: the backward passes that are kernels, and why torch differentiates the rest."""
    from gencompiler.rows.differentiate import differentiate

    compilation.gradients = differentiate(compilation.derived, compilation.schedules)


def emit(compilation: Compilation) -> None:
    """Programs and schedules to the files of a package: torch, Triton, training loop, tests, certificate."""
    from gencompiler.checks.certificate import certificate_text
    from gencompiler.emit.write import Capabilities, SpecIdentity, emit_package
    from gencompiler.model.hash import model_hash

    hashed = model_hash(compilation.model)
    digest = hashlib.sha256(compilation.source.text.encode()).hexdigest()
    identity = SpecIdentity(compilation.name, compilation.source.name, digest, hashed, __version__)
    able = compilation.checked.capabilities
    compilation.files = emit_package(
        compilation.model,
        compilation.programs,
        spec=identity,
        sources=compilation.sources,
        capabilities=Capabilities(able.sample.kind, able.log_prob.kind),
        schedules=compilation.schedules,
        gradients=compilation.gradients,
        certificate=certificate_text(compilation.checked, hashed, compilation.source.name),
    )


@dataclasses.dataclass(frozen=True)
class Pass:
    """One pass: its name, what it reads and leaves in a Compilation, and the function."""

    name: str
    takes: str
    gives: str
    function: Callable[[Compilation], None]

    @property
    def doc(self) -> str:
        return (self.function.__doc__ or "").strip()


PASSES: tuple[Pass, ...] = (
    Pass("parse", "source", "surface", parse),
    Pass("resolve", "surface", "model", resolve),
    Pass("derive", "model", "derived", derive),
    Pass("check", "derived", "checked", check),
    Pass("lower", "checked", "programs", lower),
    Pass("schedule", "programs", "schedules", schedule),
    Pass("differentiate", "schedules", "gradients", differentiate),
    Pass("emit", "gradients", "files", emit),
)


# -- running and dumping ---------------------------------------------------------------------------------------------


def run(
    source: SourceText,
    *,
    defines: Mapping[str, object] | None = None,
    until: str = "emit",
    settings: Settings | None = None,
) -> Compilation:
    """Run the passes on `source` up to and including `until`; raises CompileError with every diagnostic found.

    `defines` override header constants; numbers may be int, float, Fraction or text."""
    settings = settings or Settings.from_environment()
    given = {name: _exact(value) for name, value in (defines or {}).items()}
    compilation = Compilation(source, given, settings, Reporter(), {source.name: source})
    for each in PASSES:
        began = time.perf_counter()
        try:
            each.function(compilation)
            if settings.verify:
                _verify(compilation, each)
        except CompileError as error:
            raise CompileError(error.diagnostics, {**compilation.sources, **error.sources}) from None
        finally:
            compilation.timings[each.name] = time.perf_counter() - began
            _debug(compilation, each)
        if each.name == until:
            break
    return compilation


def _exact(value: object) -> Real:
    if isinstance(value, float):
        return Fraction(repr(value))
    assert isinstance(value, int | str | Fraction), f"a constant is a number, not {value!r}"
    return Fraction(value)


def _verify(compilation: Compilation, each: Pass) -> None:
    """The verifier between passes: spans present, shapes solved, row programs well-formed."""
    if each.gives == "model":
        from gencompiler.model.verify import verify

        verify(compilation.model)
    elif each.gives == "programs":
        from gencompiler.rows.verify import verify as verify_program

        for program in compilation.programs.values():
            verify_program(program, each.name)


#: What `GENC_DEBUG` shows after a pass, from its level on.
_SHOWN_FROM = {"model": 2, "derived": 3, "checked": 3, "programs": 4}


def _debug(compilation: Compilation, each: Pass) -> None:
    level = compilation.settings.debug
    if level < 1:
        return
    import sys

    print(f"genc: {each.name:<9}{compilation.timings[each.name] * 1e3:8.1f} ms", file=sys.stderr)
    if level >= _SHOWN_FROM.get(each.gives, 9) and hasattr(compilation, each.gives):
        stage = {"checked": "checks", "programs": "rows"}.get(each.gives, each.gives)
        print(dump(compilation, stage, False), file=sys.stderr)


STAGES = ("surface", "model", "derived", "checks", "rows", "schedule", "files")


def dump(compilation: Compilation, stage: str, as_json: bool) -> str:
    """One stage of a compilation as stable text or JSON; `stage` is one of STAGES."""
    from gencompiler import dumps

    if as_json:
        return json.dumps(dumps.as_data(compilation, stage), indent=2, ensure_ascii=False) + "\n"
    return dumps.as_text(compilation, stage)


def pass_that_gives(stage: str) -> str:
    """The name of the pass after which `stage` can be dumped."""
    gives = {"checks": "checked", "rows": "programs", "schedule": "gradients"}.get(stage, stage)
    return next(p.name for p in PASSES if p.gives == gives)
