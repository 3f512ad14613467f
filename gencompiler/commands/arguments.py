"""What several commands take: specs, sizes, overrides of a training, output styles."""

from __future__ import annotations

import enum
import re
from pathlib import Path
from typing import Annotated

import typer

_DEFINE = re.compile(r"([^\W\d]\w*)=([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\Z")
_SIZES = "Sizes and settings"
_TRAINING = "Overrides of the spec's `train` line"


class Style(enum.StrEnum):
    """How diagnostics are printed."""

    FULL = "full"
    CONCISE = "concise"


def defines(pairs: list[str] | None) -> dict[str, str]:
    """`["D=8", "eps=0.05"]` as texts of numbers by name, which stay exact.

    Raises typer.BadParameter for anything else."""
    found: dict[str, str] = {}
    for pair in pairs or []:
        match = _DEFINE.match(pair)
        if match is None:
            raise typer.BadParameter(f"{pair!r} is not NAME=NUMBER, as in -D H=32", param_hint="-D")
        if match[1] in found:
            raise typer.BadParameter(f"{match[1]} is given twice", param_hint="-D")
        found[match[1]] = match[2]
    return found


Spec = Annotated[
    Path,
    typer.Argument(metavar="SPEC", help="A .gen file.", exists=True, dir_okay=False, readable=True, show_default=False),
]
Specs = Annotated[
    list[Path],
    typer.Argument(
        metavar="SPEC…", help=".gen files, or folders of them.", exists=True, readable=True, show_default=False
    ),
]
Defines = Annotated[
    list[str] | None,
    typer.Option(
        "-D",
        "--define",
        metavar="NAME=NUMBER",
        help="Set a constant of the model's header; repeatable.",
        show_default=False,
        rich_help_panel=_SIZES,
    ),
]
AllowUnknown = Annotated[
    bool,
    typer.Option(
        "--allow-unknown",
        help="Warn, rather than fail, where something is neither proved nor refuted.",
        rich_help_panel=_SIZES,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
RunFolder = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="DIR", help="The run's folder.  [default: runs/NAME]", show_default=False),
]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="NAME|FILE",
        help="A named data set, or an .npz, .npy, .csv or .parquet file.",
        show_default=False,
        rich_help_panel=_TRAINING,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        max=2**64 - 1,
        help="Seed of every random number.",
        show_default=False,
        rich_help_panel=_TRAINING,
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option("--epochs", min=1, help="Passes over the data.", show_default=False, rich_help_panel=_TRAINING),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps", min=1, help="Optimizer steps, instead of epochs.", show_default=False, rich_help_panel=_TRAINING
    ),
]
Batch = Annotated[
    int | None, typer.Option("--batch", min=1, help="Rows of a step.", show_default=False, rich_help_panel=_TRAINING)
]
Rate = Annotated[
    float | None, typer.Option("--lr", help="Learning rate.", show_default=False, rich_help_panel=_TRAINING)
]


class Course(enum.StrEnum):
    """How the learning rate goes on, without further options."""

    CONSTANT = "constant"
    COSINE = "cosine"
    LINEAR = "linear"


Schedule = Annotated[
    Course | None,
    typer.Option("--schedule", help="How the learning rate falls to 0.", show_default=False, rich_help_panel=_TRAINING),
]
Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        metavar="NAME",
        help="cpu, cuda or cuda:N.  [default: cpu]",
        show_default=False,
        rich_help_panel=_TRAINING,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the run folder's last checkpoint.")]
