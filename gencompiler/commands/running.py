"""Running what was built: `run`, `train`, `sample`, `eval`, `test`.

A run has a folder: checkpoint, weights, metrics, the package that was run, and for `run` a report.  A new run never
goes into the folder of an old one.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import gencompiler
from gencompiler.commands import checking, sources, tables
from gencompiler.commands.arguments import (
    AllowUnknown,
    Batch,
    Data,
    Defines,
    Device,
    Epochs,
    Json,
    Rate,
    Resume,
    RunFolder,
    Schedule,
    Seed,
    Spec,
    Steps,
    defines,
)
from gencompiler.commands.console import fail_usage, out, print_json, show_diagnostics
from gencompiler.commands.status import OK, TEST_FAILED
from gencompiler.diagnostics.model import CompileError, Diagnostic, Label, Severity
from gencompiler.settings import Settings

if TYPE_CHECKING:
    from gencompiler.pipeline import Compilation
    from gencompiler.report.data import Measurement
    from gencompiler.runtime.modules import Model

PANEL = "Run"


def register(app: typer.Typer) -> None:
    for name, function in (("run", run), ("train", train), ("sample", sample), ("eval", evaluate), ("test", test)):
        app.command(name, rich_help_panel=PANEL)(function)


@dataclasses.dataclass(frozen=True)
class Ready:
    """A compiled spec with its package imported from the run's folder."""

    compilation: Compilation
    folder: Path
    kind: type[Model]
    fit: Callable[..., Model] | None
    defaults: Any


def run(
    spec: Spec,
    out_folder: RunFolder = None,
    define: Defines = None,
    data: Data = None,
    seed: Seed = None,
    epochs: Epochs = None,
    steps: Steps = None,
    batch: Batch = None,
    lr: Rate = None,
    schedule: Schedule = None,
    device: Device = None,
    resume: Resume = False,
    allow_unknown: AllowUnknown = False,
) -> None:
    """Check, build, train, sample and evaluate a spec, and write a report.

    The report is one file, `report.html` in the run's folder, that needs nothing else.

    **Examples**

    - `genc run specs/bijections/realnvp.gen`
    - `genc run nade.gen --data mnist_binary:mnist.npz -D D=784 --epochs 20`
    - `genc run nade.gen -o runs/nade --resume` goes on where an interrupted run stopped
    """
    ready = _ready(spec, out_folder, define, allow_unknown, begin=not resume)
    checking.show(ready.compilation)
    from gencompiler.report.collect import RESULTS, Request, carry_out
    from gencompiler.report.data import Measurement
    from gencompiler.runtime import distributed

    length = {"epochs": epochs, "steps": steps, "batch": batch}
    options = _options(data=data, seed=seed, **length, lr=lr, schedule=schedule, device=device, resume=resume)
    request = Request(ready.compilation, ready.folder, ready.kind, ready.fit, ready.defaults, options)
    report = carry_out(request)
    if distributed.leading():
        results = json.loads((ready.folder / RESULTS).read_text(encoding="utf-8"))
        _show(Measurement(**each) for each in results["measurements"])
        out(f"wrote {report}")


def train(
    spec: Spec,
    out_folder: RunFolder = None,
    define: Defines = None,
    data: Data = None,
    seed: Seed = None,
    epochs: Epochs = None,
    steps: Steps = None,
    batch: Batch = None,
    lr: Rate = None,
    schedule: Schedule = None,
    device: Device = None,
    resume: Resume = False,
    allow_unknown: AllowUnknown = False,
) -> None:
    """Train a model as its `train` line says.

    Interrupting is safe: with `--resume` the run goes on, and ends with the same bits as if it had never stopped.

    **Examples**

    - `genc train nade.gen`
    - `genc train nade.gen --data digits_binary --epochs 5 --seed 1`
    - `genc train nade.gen -o runs/nade --resume`
    """
    ready = _ready(spec, out_folder, define, allow_unknown, begin=not resume)
    if ready.fit is None:
        raise CompileError((_nothing_to_train(ready.compilation),), ready.compilation.sources)
    length = {"epochs": epochs, "steps": steps, "batch": batch}
    options = _options(data=data, seed=seed, **length, lr=lr, schedule=schedule, device=device, resume=resume)
    raise typer.Exit(_command(ready, "train", options))


def sample(
    spec: Spec,
    out_folder: RunFolder = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many rows.")] = 64,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            metavar="FILE",
            help="An .npy or .npz file.  [default: samples.npy in the run's folder]",
            show_default=False,
        ),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--given",
            metavar="NAME=VALUES",
            help="Values of a given variable, in turn for the rows: numbers, or an .npy file.",
            show_default=False,
        ),
    ] = None,
    define: Defines = None,
    seed: Seed = None,
    device: Device = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="Use the initial parameters.")] = False,
    allow_unknown: AllowUnknown = False,
) -> None:
    """Draw samples from a trained model.

    Row i is a function of the seed and i alone, so asking for more rows adds rows and changes none.

    **Examples**

    - `genc sample nade.gen -n 100 --save samples.npy`
    - `genc sample conditional.gen --given y=0,1,2,3,4,5,6,7,8,9`
    """
    ready = _ready(spec, out_folder, define, allow_unknown, begin=False)
    options = _options(count=count, save=save, given=given, seed=seed, device=device, untrained=untrained)
    raise typer.Exit(_command(ready, "sample", options))


class Split(enum.StrEnum):
    """The rows of a data set that an evaluation is about."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def evaluate(
    spec: Spec,
    out_folder: RunFolder = None,
    define: Defines = None,
    data: Data = None,
    split: Annotated[Split, typer.Option("--split", help="Which rows of the data.")] = Split.TEST,
    draws: Annotated[int, typer.Option("--draws", min=1, help="Draws of a bound that are averaged for each row.")] = 10,
    importance: Annotated[
        int | None,
        typer.Option(
            "--importance",
            metavar="K",
            min=1,
            help="By K importance weights for each row.  [default: as the spec says]",
            show_default=False,
        ),
    ] = None,
    seed: Seed = None,
    device: Device = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="Use the initial parameters.")] = False,
    allow_unknown: AllowUnknown = False,
    as_json: Json = False,
) -> None:
    """Evaluate a trained model on held-out data, or say what its chains are worth.

    Every number comes with its standard error. Without log p(x) there is a bound, where the model has a `q`, or the
    energy distance between its samples and the data.
    """
    ready = _ready(spec, out_folder, define, allow_unknown, begin=False)
    from gencompiler.report.collect import sampling_method
    from gencompiler.report.measure import measure
    from gencompiler.runtime import data as datasets
    from gencompiler.runtime import threads
    from gencompiler.runtime.command import CHAINS
    from gencompiler.runtime.evaluate import BATCH, evaluable

    model = _trained(ready, seed or 0, device or "cpu", untrained)
    source = data or (ready.defaults.data if ready.defaults else "")
    held_out = ready.defaults.validation if ready.defaults else datasets.HELD_OUT
    dataset = datasets.of(ready.kind, source, held_out) if source else None
    method = sampling_method(ready.compilation)
    with threads.chosen(model, BATCH if evaluable(model) else CHAINS):
        how: dict[str, Any] = {"draws": draws, "weights": importance, "seed": seed or 0}
        measured = measure(model, dataset, method=method, splits=(split.value,), **how)
    if as_json:
        print_json([dataclasses.asdict(number) for number in measured.numbers])
        return
    _show(measured.numbers)


def _show(numbers: Iterable[Measurement]) -> None:
    """What was measured, a line for each number."""
    from gencompiler.report.page import quantity, uncertainty

    rows = [
        (m.name, quantity(m.value, m.standard_error), uncertainty(m.standard_error), m.unit, m.words) for m in numbers
    ]
    for line in tables.columns(rows, ["strong"] * len(rows), indent=0):
        out(line)


def _trained(ready: Ready, seed: int, device: str, untrained: bool) -> Model:
    """The model with its run's parameters, or with initial ones; one that has none needs no run."""
    from gencompiler.runtime import runs
    from gencompiler.runtime.errors import RunError

    model = ready.kind(seed=seed).to(device)
    if untrained or not list(model.parameters()):
        return model
    weights = ready.folder / runs.WEIGHTS
    if not weights.is_file():
        advice = ("train first", "or pass `--untrained` for initial parameters")
        raise RunError("G803", f"there are no weights at {weights}", advice)
    return ready.kind.load(weights, device)


def test(
    spec: Spec,
    define: Defines = None,
    allow_unknown: AllowUnknown = False,
) -> None:
    """Build a spec and run the property tests that its package contains.

    Inverses against round trips, densities against quadrature or enumeration, samplers against densities, back ends
    against each other. Exits with 4 if one fails.
    """
    missing = [name for name in ("pytest", "hypothesis") if importlib.util.find_spec(name) is None]
    if missing:
        raise typer.Exit(fail_usage(f"`genc test` needs {' and '.join(missing)}: pip install 'gencompiler[test]'"))
    compilation = _compiled(spec, define, allow_unknown)
    from gencompiler.emit.write import write_package
    from gencompiler.runtime import settings as runtime_settings

    # The package must find this very compiler, which need not be installed.
    paths = [str(Path(gencompiler.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p)}
    environment.setdefault("OMP_NUM_THREADS", str(runtime_settings.threads() or 1))
    with tempfile.TemporaryDirectory(prefix="genc-test-") as folder:
        package = write_package(compilation.files, Path(folder), compilation.name)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, str(package)]
        done = subprocess.run(command, cwd=folder, check=False, stdin=subprocess.DEVNULL, env=environment)
    raise typer.Exit(TEST_FAILED if done.returncode else OK)


# -- getting ready ---------------------------------------------------------------------------------------------------


def _compiled(spec: Path, define: list[str] | None, allow_unknown: bool) -> Compilation:
    from gencompiler import pipeline

    sources.package_name(spec)
    settings = Settings.from_environment(allow_unknown=allow_unknown or None)
    compilation = pipeline.run(sources.read(spec), defines=defines(define), settings=settings)
    show_diagnostics(compilation.diagnostics, compilation.sources)
    return compilation


def _ready(spec: Path, folder: Path | None, define: list[str] | None, allow_unknown: bool, *, begin: bool) -> Ready:
    """Compile, and import the package from the compiler's cache; training copies it into the run's folder.

    `begin` starts a new run, in a folder without one; otherwise the run is one that is there, if there is."""
    compilation = _compiled(spec, define, allow_unknown)
    from gencompiler.api import cached_package
    from gencompiler.runtime import runs

    chosen = _folder(compilation, folder, begin)
    module = runs.import_package(cached_package(compilation))
    kind = getattr(module, module.__all__[0])
    if "train.py" not in compilation.files:
        return Ready(compilation, chosen, kind, None, None)
    training = importlib.import_module(f"{module.__name__}.train")
    return Ready(compilation, chosen, kind, training.fit, training.SETTINGS)


def _folder(compilation: Compilation, folder: Path | None, begin: bool) -> Path:
    """The run's folder: the one named; else the next free, or the latest, of runs/NAME, runs/NAME-2, …"""
    from gencompiler.runtime.errors import RunError

    if folder is not None:
        if begin and _taken(folder):
            advice = ("add `--resume` to go on with it", "or choose another `-o`")
            raise RunError("G804", f"{folder} holds a run already", advice)
        return folder
    base = compilation.settings.runs / compilation.name
    number, latest = 1, base
    while _taken(numbered := base if number == 1 else base.with_name(f"{base.name}-{number}")):
        number, latest = number + 1, numbered
    return numbered if begin else latest


def _taken(folder: Path) -> bool:
    from gencompiler.runtime import runs

    return any((folder / name).exists() for name in (runs.CHECKPOINT, runs.WEIGHTS, "report.html"))


def _options(**given: Any) -> dict[str, Any]:
    """The options that were given; what is None or False is left to the package."""
    return {name: value for name, value in given.items() if value is not None and value is not False}


def _command(ready: Ready, name: str, options: dict[str, Any]) -> int:
    """Run a command of the generated package as `python -m PACKAGE` would."""
    from gencompiler.runtime.command import main

    arguments = [name, "--out", str(ready.folder)]
    for option, value in options.items():
        for each in value if isinstance(value, list) else [value]:
            arguments += [f"--{option}"] if each is True else [f"--{option}", str(each)]
    return main(ready.kind, fit=ready.fit, defaults=ready.defaults, arguments=arguments)


def _nothing_to_train(compilation: Compilation) -> Diagnostic:
    labels = (Label(compilation.model.span, "no `train` line"),)
    message = f"`{compilation.model.name}` has nothing to train: the spec has no `train` line"
    help_ = ("add `train maximum_likelihood`, or draw from it with `genc sample`",)
    return Diagnostic("G703", Severity.ERROR, message, labels, help=help_)
