"""The files of a generated package: from a checked model and its row programs to texts, and from texts to a directory.

`emit_package` is what the pipeline calls.  It is a function of its arguments alone: no clock, no environment, no
directory enters, so the same spec and compiler give the same bytes.
"""

from __future__ import annotations

import dataclasses
import keyword
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gencompiler.diagnostics.model import CompileError, Diagnostic, Severity
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.literals import documentation, visible
from gencompiler.emit.module import ClassPlan, Places, emit_backward, emit_kernels, emit_module, plan_class
from gencompiler.emit.native import emit_native
from gencompiler.emit.property_tests import emit_tests
from gencompiler.emit.templating import render
from gencompiler.emit.training import PhaseProgram, emit_training, phase_code, phases_of
from gencompiler.model.nodes import Model
from gencompiler.rows.differentiate import Differentiated
from gencompiler.rows.nodes import Program
from gencompiler.rows.schedule import Schedule

__all__ = ["Capabilities", "PhaseProgram", "SpecIdentity", "emit_package", "is_generated", "write_package"]


@dataclasses.dataclass(frozen=True)
class SpecIdentity:
    """Where a package comes from, as its header and its checkpoints state it.

    `name`: the spec file's stem, also the package's name.  `path`: as it should read in the header, relative and with
    forward slashes ("specs/bijections/realnvp.gen").  `sha256`: of the spec's bytes, hexadecimal.  `model_hash`: of the
    Model IR without spans, names of locals and docstrings; a checkpoint belongs to it.  `compiler`: the version."""

    name: str
    path: str
    sha256: str
    model_hash: str
    compiler: str


@dataclasses.dataclass(frozen=True)
class Capabilities:
    """What the model can do: `sample` is exact, chain or none; `log_prob` is exact, bound, estimate or none."""

    sample: str
    log_prob: str


def emit_package(
    model: Model,
    programs: Mapping[str, Program],
    *,
    spec: SpecIdentity,
    sources: Mapping[str, SourceText],
    capabilities: Capabilities,
    phases: tuple[PhaseProgram, ...] | None = None,
    schedules: Mapping[str, Schedule] | None = None,
    gradients: Mapping[str, Differentiated] | None = None,
    certificate: str = "",
) -> dict[str, str]:
    """The files of the package `spec.name`, by name relative to it: `{"model.py": "...", ...}`.

    `programs` is what `rows.lower.lower` returns; each becomes a row function in `model.py` (torch), where it can be a
    kernel also in `kernels.py`, and an entry of the class's `programs`.  Ports carry the variables' names.

    ===============  =============================  ==============================================================
    name             inputs -> outputs              public methods of the class
    ===============  =============================  ==============================================================
    log_prob         observed (, given) -> scalar   log_prob(x); (x, *, row, seed, step) where it draws (a bound)
    energy           observed -> scalar             energy(x) = -log p(x) + constant
    sample           (given ->) observed            sample(count, *, seed)
    rsample          (given ->) observed, scalar    rsample_and_log_prob(count, *, seed)
    start, chain     state; scalar `steps` ->       chain(count, draws, *, burn_in, thin, seed, start); and sample, the
                     state, accepted                last state after burn-in, where there is no program `sample`
    objective_LABEL  observed -> scalar             loss(batch, phase=LABEL)
    any other        its inputs -> its outputs      a method of its own name: forward, inverse, log_ratio, …
    ===============  =============================  ==============================================================

    `schedules` become `kernels.py`, `native.c` and `native.py`; `gradients` `backward.py`, and more functions of C.
    `phases`: of the default training, the model's when None.
    `sources`: by name, for `file:line` comments.  `certificate`: the text of certificate.json, left out when empty.
    Raises ValueError for a `spec.name` that is no identifier.
    """
    _require_identifier(spec.name)
    plan = plan_class(model, programs)
    phases = phases_of(model) if phases is None else phases
    texts = _Texts(spec, model)
    files = {
        "__init__.py": texts.package(plan.class_name),
        "__main__.py": _main(spec, plan, trains=bool(phases)),
        "model.py": emit_module(
            model,
            plan,
            header=texts.header(f"{plan.class_name}: the model, in torch."),
            attributes=texts.attributes(),
            capabilities=dataclasses.asdict(capabilities),
            phases=tuple(phase_code(phase) for phase in phases),
            places=Places(sources),
        ),
        f"test_{spec.name}.py": emit_tests(plan.class_name, texts.header(f"Properties of {plan.class_name}.")),
    }
    files |= _kernels(plan, schedules or {}, gradients or {}, texts, Places(sources))
    if phases:
        header = texts.header(f"Trains {plan.class_name}: the explicit loop.")
        files["train.py"] = emit_training(model, plan.class_name, phases, header)
    if certificate:
        files["certificate.json"] = certificate
    return dict(sorted(files.items()))


def _kernels(
    plan: ClassPlan,
    schedules: Mapping[str, Schedule],
    gradients: Mapping[str, Differentiated],
    texts: _Texts,
    places: Places,
) -> dict[str, str]:
    """The files that hold kernels and C functions."""
    files: dict[str, str] = {}
    if fused := {name: each for name, each in schedules.items() if each.targets()}:
        header = texts.header(f"{plan.class_name}: the kernels, imported on CUDA or under the interpreter only.")
        files["kernels.py"] = emit_kernels(plan, fused, header, places)
    if by_kernels := {name: each.ways for name, each in gradients.items() if each.ways}:
        header = texts.header(f"{plan.class_name}: the kernels of its backward passes, and how they make gradients.")
        files["backward.py"] = emit_backward(plan, by_kernels, header, places)
    native = {name: each.native for name, each in schedules.items() if each.native is not None and each.native.runs}
    by_c = {name: each.native for name, each in gradients.items() if each.native}
    if native or by_c:
        header = texts.header(f"{plan.class_name}: the C functions, which `gencompiler.runtime.compiled` compiles.")
        files |= emit_native(plan, native, by_c, header, places)
    return files


def _require_identifier(name: str) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name!r} is no name for a package")


def _main(spec: SpecIdentity, plan: ClassPlan, *, trains: bool) -> str:
    verbs = "train|sample|eval|test" if trains else "sample|eval|test"
    commands = documentation(f"python -m {spec.name} {verbs}", 0)
    return render("__main__.py.jinja", commands=commands, class_name=plan.class_name, trains=trains)


class _Texts:
    """What the files of one package say about themselves."""

    def __init__(self, spec: SpecIdentity, model: Model) -> None:
        self.spec, self.model = spec, model

    def header(self, title: str) -> str:
        """A file's docstring: what it is, and where it comes from."""
        origin = visible(f"spec: {self.spec.path}, sha256 {self.spec.sha256}")
        compiler = f"gencompiler {visible(self.spec.compiler)}"
        words = f"Generated by {compiler}; change the spec and build again instead of editing."
        return documentation(f"{title.strip()}\n\n{words}\n{origin}", 0)

    def package(self, class_name: str) -> str:
        """`__init__.py`: the class under the model's own name, which the class cannot have where an import has it."""
        name = self.model.name
        imported = name if class_name == name else f"{class_name} as {name}"
        return render(
            "__init__.py.jinja", header=self.header(self.model.doc or name), imported=imported, model_name=name
        )

    def attributes(self) -> dict[str, str]:
        spec = self.spec
        return {"spec": visible(spec.path), "model_hash": visible(spec.model_hash), "compiler": visible(spec.compiler)}


#: The file that marks a folder as written by `write_package`, and its first words.
MARK = ("__init__.py", "Generated by gencompiler")


def write_package(files: Mapping[str, str], out: Path, name: str) -> Path:
    """Make the folder `out/name` hold exactly `files`, and return it; all are written beside it first, then the folders
    change places.

    Raises CompileError G804 where that cannot be done or the folder was not generated; it is then as it was."""
    folder = out / name
    if folder.exists() and not is_generated(folder):
        raise _refusal(folder, "it exists and is not a generated package", "name another folder, or remove this one")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=out) as scratch:
            fresh = Path(scratch) / "new"
            fresh.mkdir()
            for file, text in files.items():
                (fresh / file).write_bytes(text.encode("utf-8"))
            _exchange(fresh, folder, Path(scratch) / "old")
    except OSError as error:
        raise _refusal(folder, error.strerror or str(error), "name another folder, or make room on the disk") from error
    return folder


def _exchange(fresh: Path, folder: Path, old: Path) -> None:
    if not folder.exists():
        os.rename(fresh, folder)
        return
    os.rename(folder, old)
    try:
        os.rename(fresh, folder)
    except OSError:
        os.rename(old, folder)
        raise


def _refusal(folder: Path, reason: str, help: str) -> CompileError:
    return CompileError((Diagnostic("G804", Severity.ERROR, f"`{folder}` cannot be written: {reason}", help=(help,)),))


def is_generated(folder: Path) -> bool:
    """Whether `folder` is a generated package, or empty."""
    if not folder.is_dir():
        return False
    name, words = MARK
    marked = folder / name
    if not any(folder.iterdir()):
        return True
    return marked.is_file() and words in marked.read_text(encoding="utf-8", errors="replace")
