"""Carrying out a run and collecting what its report shows: train, evaluate, sample, run chains, look at densities."""

from __future__ import annotations

import csv
import dataclasses
import datetime
import hashlib
import importlib.util
import json
import platform
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gencompiler import __version__, summary
from gencompiler.diagnostics.wording import counted
from gencompiler.report import pictures
from gencompiler.report.data import (
    CapabilityRow,
    ChainRecord,
    Curve,
    FileLink,
    ReportData,
    TrainingRecord,
    VerdictRow,
)
from gencompiler.report.measure import AGREEMENT, Measured, chain_record, measure, short
from gencompiler.report.page import render
from gencompiler.report.pictures import chains, samples
from gencompiler.report.pictures.subject import Subject
from gencompiler.runtime import data as datasets
from gencompiler.runtime import distributed, runs, storage, threads
from gencompiler.runtime.command import CHAINS

if TYPE_CHECKING:
    from gencompiler.pipeline import Compilation
    from gencompiler.report.style import Drawing
    from gencompiler.runtime.data import Dataset
    from gencompiler.runtime.modules import Model
    from gencompiler.runtime.training import Settings

#: Draws of each chain where nothing but pictures is wanted.
DRAWS = 200

REPORT = "report.html"
RESULTS = "evaluation.json"

_WORDS = {
    "model.py": "the model: parameters, log-density, sampling, as plain torch",
    "kernels.py": "its Triton kernels",
    "train.py": "its training loop",
    "__init__.py": "its name",
    "__main__.py": "its command line",
    "certificate.json": "what was proved, in a form that `genc recheck` replays",
}


@dataclasses.dataclass(frozen=True)
class Request:
    """A run to carry out: the package's class and training, the run's folder, and what overrides the spec's options."""

    compilation: Compilation
    folder: Path
    kind: type[Model]
    fit: Callable[..., Model] | None
    defaults: Settings | None
    overrides: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Trained:
    """What training left: the model, the data it saw, and how long it took."""

    model: Model
    dataset: Dataset | None
    settings: Settings | None
    seconds: float


def carry_out(request: Request) -> Path:
    """Train (where there is something to train), evaluate, sample, and write the report; returns its path.

    Raises RunError (G8xx) where data, numbers or files are at fault."""
    seed, batch = request.overrides.get("seed", 0), CHAINS
    if request.defaults is not None:
        seed = request.overrides.get("seed", request.defaults.seed)
        batch = request.overrides.get("batch", request.defaults.batch)
    model = request.kind(seed=seed)
    with threads.chosen(model, batch):
        return _carry_out(request, model, seed)


def _carry_out(request: Request, model: Model, seed: int) -> Path:
    trained = _train(request, model)
    if not distributed.leading():  # one process of several writes
        return request.folder / REPORT
    measured = measure(trained.model, trained.dataset, method=sampling_method(request.compilation), seed=seed)
    report = collect(request, trained, measured, _subject(request, trained, measured.chains))
    results = {"spec": report.spec_path, "measurements": [dataclasses.asdict(m) for m in measured.numbers]}
    storage.write(request.folder / RESULTS, (json.dumps(results, indent=2) + "\n").encode())
    path = request.folder / REPORT
    storage.write(path, render(report).encode("utf-8"))
    return path


def collect(
    request: Request,
    trained: Trained,
    measured: Measured,
    subject: Subject,
) -> ReportData:
    """Everything that the report of a finished run shows."""
    compilation, model = request.compilation, trained.model
    parameters = sum(p.numel() for p in model.parameters())
    return ReportData(
        title=compilation.model.name,
        doc=citation(compilation),
        spec=compilation.source.text,
        spec_path=compilation.source.name,
        spec_hash=hashlib.sha256(compilation.source.text.encode()).hexdigest(),
        compiler=__version__,
        date=f"{datetime.date.today():%-d %B %Y}",
        facts=(("parameters", f"{parameters:,}"),) if parameters else (),
        verdicts=tuple(VerdictRow(*row) for row in summary.verdict_rows(compilation)),
        capabilities=tuple(CapabilityRow(*row) for row in summary.capability_rows(compilation)),
        training=_training_record(request, trained),
        comparison=subject.comparison,
        chains=measured.chains,
        pictures=pictures.gather(subject),
        measurements=measured.numbers,
        timings=tuple(compilation.timings.items()),
        commands=_commands(request),
        environment=environment(model.device),
        files=_files(request.folder),
        notes=_notes(measured.chains),
    )


def _notes(record: ChainRecord | None) -> tuple[str, ...]:
    """What a reader must know before the numbers."""
    worst = max((q.r_hat for q in record.quantities), default=1.0) if record is not None else 1.0
    if worst <= AGREEMENT:
        return ()
    return (
        f"The chains do not agree yet: the largest R-hat is {worst:.3f}, and {AGREEMENT} is the usual limit. "
        "Means and their standard errors are not to be trusted; run longer chains, or move differently.",
    )


def citation(compilation: Compilation) -> str:
    """The model's docstring, or the first of its file: by custom, where the model comes from."""
    docs = [compilation.model.doc, *(getattr(d, "doc", None) for d in compilation.surface.declarations)]
    return " ".join(next((doc for doc in docs if doc and doc.strip()), "").split())


# -- training --------------------------------------------------------------------------------------------------------


def _train(request: Request, model: Model) -> Trained:
    if request.fit is None or request.defaults is None:
        model = model.to(request.overrides.get("device", "cpu"))
        runs.keep_package(model, request.folder)
        return Trained(model, None, None, 0.0)
    options = {**request.defaults.spelled(request.overrides), "out": request.folder}
    source = options.pop("data", None) or request.defaults.data
    settings = request.defaults.override(options)
    dataset = datasets.of(request.kind, source, settings.validation)
    began = time.monotonic()
    model = request.fit(model, dataset, **options)
    return Trained(model, dataset, settings, time.monotonic() - began)


def _training_record(request: Request, trained: Trained) -> TrainingRecord | None:
    settings = trained.settings
    if settings is None or trained.dataset is None:
        return None
    training = request.compilation.model.trainings[0]
    curves, steps = read_curves(request.folder / runs.METRICS)
    dataset = trained.dataset
    most = counted(len(dataset.train), "row")
    rows = f"{most} to train on, {len(dataset.valid):,} to validate, {len(dataset.test):,} to test"
    facts = (
        ("data", f"{short(dataset.name)}: {rows}"),
        ("optimizer", _call(settings.optimizer, settings.optimizer_options)),
        ("schedule", _call(settings.schedule, settings.schedule_options)),
        ("batch", str(settings.batch)),
        ("seed", str(settings.seed)),
    )
    kept = next((best_position(curve) for curve in curves if curve.name == "validation"), None)
    return TrainingRecord(training.objective.name, "epoch", "loss", curves, trained.seconds, steps, facts, kept)


def best_position(curve: Curve) -> float | None:
    """Where `curve` is lowest: the parameters that `runtime.training` keeps."""
    return float(curve.positions[np.nanargmin(curve.values)]) if np.isfinite(curve.values).any() else None


def _call(name: str, options: Mapping[str, Any]) -> str:
    """`sgd(lr = 0.001, nesterov = True)`"""
    given = ", ".join(f"{n} = {v:g}" if isinstance(v, float) else f"{n} = {v}" for n, v in options.items())
    return f"{name}({given})" if given else name


def read_curves(path: Path) -> tuple[tuple[Curve, ...], int]:
    """The curves of a metrics file over epochs, and the number of optimizer steps."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    if not lines:
        return (), 0
    phases = [name for name in lines[0] if name.startswith("loss_")]
    named = {phases[0]: "training"} if len(phases) == 1 else {p: p.removeprefix("loss_") for p in phases}
    named["validation"] = "validation"
    curves = []
    for column, name in named.items():
        points = [(float(line["epoch"]) + 1, float(line[column])) for line in lines if line.get(column)]
        if points:
            positions, values = np.array(points).T
            curves.append(Curve(name, positions, values))
    return tuple(curves), int(lines[-1]["step"])


def sampling_method(compilation: Compilation) -> str:
    """`chain(mala, burn_in = 1000, thin = 10)`, as the spec asks for samples."""
    method = next((m for m in compilation.model.methods if m.verb == "sample"), None)
    if method is None:
        return "chain"
    arguments = [o.name if o.value == o.name else f"{o.name} = {o.value}" for o in method.arguments]
    return f"{method.name}({', '.join(arguments)})"


# -- pictures --------------------------------------------------------------------------------------------------------


def _subject(request: Request, trained: Trained, record: ChainRecord | None) -> Subject:
    """The trained model with its held-out rows and its samples."""
    seed = request.overrides.get("seed", 0)
    subject = Subject(trained.model, *_held_out(trained.dataset), seed=seed, chains=record)
    return dataclasses.replace(subject, comparison=samples.gather(subject))


def figures_of(model: Model, source: Any, seed: int) -> list[Drawing]:
    """The pictures of a model by itself, with held-out rows of `source` or of the data that its package names."""
    defaults = training_defaults(model)
    source = source if source is not None else getattr(defaults, "data", "")
    validation = defaults.validation if defaults is not None else datasets.HELD_OUT
    known = source if not isinstance(source, str) or source else None
    dataset = None if known is None else datasets.of(type(model), known, validation)
    explored = "chain" in model.programs and "sample" not in model.programs
    record = chain_record(model, "chain", seed, DRAWS) if explored else None
    subject = Subject(model, *_held_out(dataset), seed=seed, chains=record)
    subject = dataclasses.replace(subject, comparison=samples.gather(subject))
    found = [] if subject.comparison is None else samples.draw(subject.comparison)
    gathered = pictures.gather(subject)
    found += [drawing for section in pictures.SECTIONS for drawing in pictures.draw(gathered, section)]
    return found if record is None else [*found, *chains.draw(record)]


def training_defaults(model: Model) -> Settings | None:
    """The settings of the model's own training, None where it has none."""
    name = f"{model.package}.train"
    if not model.phases or not model.package or importlib.util.find_spec(name) is None:
        return None
    settings: Settings = importlib.import_module(name).SETTINGS
    return settings


def _held_out(dataset: Dataset | None) -> tuple[Mapping[str, torch.Tensor] | None, str]:
    """The test rows of a data set, or all where none were kept, and what they are called."""
    if dataset is None:
        return None, ""
    kept = len(dataset.test) > 0
    rows, label = (dataset.test, "test rows") if kept else (dataset.train, "rows")
    return rows.tensors, f"{label} of {short(dataset.name)}"


# -- how and where ---------------------------------------------------------------------------------------------------


def _commands(request: Request) -> tuple[str, ...]:
    spec = shlex.quote(request.compilation.source.name)
    defined = "".join(f" -D {name}={value}" for name, value in request.compilation.defines.items())
    chosen = "".join(
        f" --{name} {shlex.quote(str(value))}"
        for name, value in request.overrides.items()
        if value is not True and value is not False
    )
    folder = shlex.quote(str(request.folder))
    return (
        f"genc run {spec}{defined}{chosen} -o {folder}",
        f"genc sample {spec}{defined} -o {folder} -n 64",
        f"genc test {spec}{defined}",
    )


def environment(device: torch.device) -> tuple[tuple[str, str], ...]:
    """What a run was carried out with."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu, {torch.get_num_threads()} threads"
    return (
        ("gencompiler", __version__),
        ("python", platform.python_version()),
        ("torch", torch.__version__),
        ("device", name),
        ("system", f"{platform.system()} {platform.machine()}"),
    )


def _files(folder: Path) -> tuple[FileLink, ...]:
    package = sorted(folder.glob(f"{runs.PACKAGE}/*/*.*"))
    found = [FileLink(p.relative_to(folder).as_posix(), _WORDS.get(p.name, "its property tests")) for p in package]
    others = (
        (runs.METRICS, "one line for each epoch"),
        (runs.WEIGHTS, "the trained parameters"),
        (RESULTS, "the numbers above"),
    )
    return (*found, *(FileLink(name, words) for name, words in others if name == RESULTS or (folder / name).is_file()))
