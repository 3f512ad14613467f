"""The command line of a generated package: `python -m PACKAGE train|sample|eval|test`.

Exit status: 0 done, 2 usage, 4 a test failed, 5 the run failed, 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gencompiler.runtime import (
    annealing,
    conditions,
    conservative,
    data,
    distributed,
    evaluate,
    externals,
    fokker_planck,
    runs,
    sampling,
    settings,
    storage,
    threads,
    training,
)
from gencompiler.runtime.errors import RUN_FAILED, RunError, render
from gencompiler.runtime.modules import Model

INTERRUPTED = 130
TEST_FAILED = 4

#: Chains and draws of each that `eval` of a chain model looks at.
CHAINS, DRAWS = 64, 1000


def main(
    model: type[Model],
    *,
    fit: Callable[..., Model] | None = None,
    defaults: training.Settings | None = None,
    arguments: Sequence[str] | None = None,
) -> int:
    """Run the command line of `model`; `fit` and its `defaults` are the package's training, where it has one."""
    parsed = _parser(model, defaults).parse_args(arguments)
    try:
        externals.require(model.__name__, model.externals, {})
        if parsed.command == "train":
            assert fit is not None and defaults is not None
            return _train(model, fit, defaults, parsed)
        if parsed.command == "test":
            return _test(model)
        return _sample(model, parsed) if parsed.command == "sample" else _evaluate(model, defaults, parsed)
    except RunError as error:
        print(render(error), file=sys.stderr)
        return RUN_FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _parser(model: type[Model], defaults: training.Settings | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {model.package or model.__name__}", description=model.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    if defaults is not None:
        _training_options(commands.add_parser("train", help="train on data; writes checkpoints, weights and metrics"))
    sample = commands.add_parser("sample", help="draw samples")
    sample.add_argument("--count", type=int, default=64, help="how many rows (default 64)")
    sample.add_argument(
        "--given",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="of a given variable: numbers or an .npy file",
    )
    sample.add_argument("--save", type=Path, help="an .npy or .npz file (default: samples.npy in --out)")
    evaluation = commands.add_parser("eval", help="evaluate on held-out data, or diagnose chains")
    evaluation.add_argument("--data", help="data set (default: the one it was trained on)")
    evaluation.add_argument("--split", choices=("train", "valid", "test"), default="test")
    evaluation.add_argument("--draws", type=int, default=1, help="draws of a bound averaged for each row (default 1)")
    evaluation.add_argument("--importance", type=int, metavar="K", help="by K importance weights for each row")
    for each in (sample, evaluation):
        each.add_argument("--weights", type=Path, help="a weights file or checkpoint (default: the one in --out)")
        each.add_argument("--untrained", action="store_true", help="use the initial parameters")
        each.add_argument("--seed", type=int, default=0)
        each.add_argument("--device", default="cpu")
        each.add_argument("--out", type=Path, default=_run_directory(model), help="directory of the run")
    commands.add_parser("test", help="run the package's property tests")
    return parser


def _training_options(parser: argparse.ArgumentParser) -> None:
    """Options whose default is the package's setting; None means that."""
    parser.add_argument("--data", help="name, NAME:FILE or FILE")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--steps", type=int, help="optimizer steps, instead of epochs")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--lr", type=float, help="learning rate")
    parser.add_argument("--schedule", choices=("constant", "cosine", "linear"), help="of the learning rate")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--device")
    parser.add_argument("--precision", choices=("float32", "float64", "bfloat16"))
    parser.add_argument("--log", choices=("tensorboard",), help="also write the metrics for this")
    parser.add_argument("--out", type=Path, help="directory for checkpoint, weights and metrics")
    parser.add_argument("--resume", action="store_true", default=None, help="go on from the checkpoint in --out")
    parser.add_argument("--save-seconds", type=float, help="seconds between checkpoints")


def _run_directory(model: type[Model]) -> Path:
    return settings.runs_directory() / (model.package.rsplit(".", 1)[-1] or model.__name__)


def _train(
    kind: type[Model], fit: Callable[..., Model], defaults: training.Settings, parsed: argparse.Namespace
) -> int:
    options = {name: value for name, value in vars(parsed).items() if value is not None and name != "command"}
    options.setdefault("out", _run_directory(kind))
    options = defaults.spelled(options)
    source = options.pop("data", None)
    chosen = defaults.override(options)
    model = kind(seed=chosen.seed)
    with threads.chosen(model, chosen.batch):
        fit(model, source, **options)
        if not distributed.leading():
            return 0
        print(f"wrote {chosen.out}/{runs.WEIGHTS}")
        if evaluate.evaluable(kind):
            dataset = data.of(kind, source or defaults.data, chosen.validation)
            for name, rows in (("validation", dataset.valid), ("test", dataset.test)):
                if len(rows):
                    print(f"{name}: {_after_training(model, rows, chosen)}")
    return 0


def _after_training(model: Model, rows: data.Rows, chosen: training.Settings) -> str:
    """How good a trained model is, at a cost that is none beside that of training: one draw for each row, and along an
    order, where log p takes as many passes as there are places, the objective."""
    if any(field.support.name == "Permutation" for field in model.latents):
        parts = [rows.take(places, model.device) for places in torch.split(torch.arange(len(rows)), evaluate.BATCH)]
        with torch.no_grad():
            loss = sum(float(model.loss(part, seed=chosen.seed)) * len(part) for part in parts) / len(rows)
        return f"a loss of {loss:.4f} ({len(rows)} rows; `eval` goes through whole orders, place by place)"
    return evaluate.words(model, rows, weights=0, seed=chosen.seed)


def _sample(kind: type[Model], parsed: argparse.Namespace) -> int:
    model = _loaded(kind, parsed)
    given = conditions.context(model, parsed.given, parsed.count)
    context = {} if given is None else {"context": given}
    with threads.chosen(model, parsed.count):
        drawn: Any = model.sample(parsed.count, seed=parsed.seed, **context)  # type: ignore[operator]
    values = drawn if isinstance(drawn, tuple) else (drawn,)
    arrays = {field.name: value.cpu().numpy() for field, value in zip(model.observed, values, strict=True)}
    file = parsed.save or parsed.out / ("samples.npy" if len(arrays) == 1 else "samples.npz")
    content = io.BytesIO()
    if file.suffix == ".npz":
        np.savez(content, **arrays)
    elif len(arrays) == 1:
        np.save(content, next(iter(arrays.values())))
    else:
        raise RunError("G804", f"{file}: one .npy cannot hold {len(arrays)} variables", "save to an .npz file")
    storage.write(file, content.getvalue())
    shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
    print(f"wrote {file}: {shapes}")
    return 0


def _evaluate(kind: type[Model], defaults: training.Settings | None, parsed: argparse.Namespace) -> int:
    model = _loaded(kind, parsed)
    if fokker_planck.asked(kind) is not None and "chain" not in kind.programs:
        print(fokker_planck.compare(model, seed=parsed.seed))
        return 0
    source = parsed.data or (defaults.data if defaults else "")
    if not evaluate.evaluable(kind):
        with threads.chosen(model, CHAINS):
            if annealing.asked(kind):
                print(annealing.words(model, None, seed=parsed.seed))
            if conservative.asked(kind) and source:
                print(conservative.evaluate(model, _rows(kind, source, defaults, parsed), seed=parsed.seed))
            return _evaluate_chain(model, parsed) if "chain" in kind.programs or not annealing.asked(kind) else 0
    if not source:
        raise RunError("G806", "no data set to evaluate on", "name one with `--data`")
    rows = _rows(kind, source, defaults, parsed)
    with threads.chosen(model, evaluate.BATCH):
        print(evaluate.words(model, rows, samples=parsed.draws, weights=parsed.importance, seed=parsed.seed))
        if annealing.asked(kind):
            print(annealing.words(model, rows, seed=parsed.seed))
    return 0


def _rows(kind: type[Model], source: str, defaults: training.Settings | None, parsed: argparse.Namespace) -> data.Rows:
    """The rows to evaluate on: what training held out, where the spec says how much of the data that is."""
    dataset = data.of(kind, source, defaults.validation if defaults else data.HELD_OUT)
    return {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}[str(parsed.split)]


def _evaluate_chain(model: Model, parsed: argparse.Namespace) -> int:
    if "chain" not in model.programs:
        raise RunError("G801", f"{type(model).__name__} has neither log p(x) nor a chain to evaluate")
    chain: sampling.Chain = model.chain(CHAINS, DRAWS, seed=parsed.seed)  # type: ignore[operator]
    print(f"{CHAINS} chains of {DRAWS} draws, acceptance {float(chain.acceptance.mean()):.3f}")
    for name, summary in evaluate.evaluate_chain(model, chain).items():
        print(f"{name}: {summary}")
    return 0


def _loaded(kind: type[Model], parsed: argparse.Namespace) -> Model:
    """The model with trained parameters; without any to train it needs no file."""
    model = kind(seed=parsed.seed).to(torch.device(parsed.device))
    if parsed.untrained or not list(model.parameters()):
        return model
    weights = parsed.weights or parsed.out / runs.WEIGHTS
    if not weights.is_file():
        raise RunError(
            "G803",
            f"there are no weights at {weights}",
            ("train first", "or pass `--untrained` for initial parameters"),
        )
    return kind.load(weights, parsed.device)


def _test(kind: type[Model]) -> int:
    import pytest

    module = sys.modules[kind.__module__]
    folder = Path(str(module.__file__)).parent
    with threads.chosen(kind(), kind.tile):
        return TEST_FAILED if pytest.main(["-q", "-p", "no:cacheprovider", str(folder)]) else 0
