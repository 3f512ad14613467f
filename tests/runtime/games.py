"""A package with two opposed phases, its model written by hand, its loop by the compiler.

Data x in R^2; the generator draws y = shift + e with e ~ N(0, 1), and the critic is linear:

    critic      maximize  w . x - w . y - |w|^2 / 2    over w
    generator   minimize  v - w . y                    over shift, with v a constant of its own that w does not see
"""

from __future__ import annotations

from pathlib import Path

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.training import PhaseProgram, emit_training

MODEL = '''"""A game."""

import torch

from gencompiler.runtime import random
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Model, Phase, RowFunction


def sample_rows(shift, *, rows, seed, step):
    return shift + random.normal(seed, rows, step, 0, 2, dtype=shift.dtype)


def objective_critic_rows(x, w, shift, *, rows, seed, step):
    y = shift + random.normal(seed, rows, step, 0, 2, dtype=shift.dtype)
    return x @ w - y @ w - 0.5 * (w * w).sum()


def objective_generator_rows(x, w, shift, *, rows, seed, step):
    y = shift + random.normal(seed, rows, step, 0, 2, dtype=shift.dtype)
    return 1.0 - y @ w


_DRAWS = ("rows", "seed", "step")


class Game(Model):
    fields = (Field("x", (2,), Support("Real")),)
    programs = {
        "sample": RowFunction(sample_rows, keywords=_DRAWS, parameters=("shift",)),
        "objective_critic": RowFunction(objective_critic_rows, keywords=_DRAWS, parameters=("C.w", "shift")),
        "objective_generator": RowFunction(objective_generator_rows, keywords=_DRAWS, parameters=("C.w", "shift")),
    }
    phases = PHASES
    package = __package__ or ""
    model_hash = "game"

    def __init__(self, seed=0):
        super().__init__(seed)
        self.declare("C.w", (2,), origin="game.gen:1", start=0.25)
        self.declare("shift", (2,), origin="game.gen:2")

    def sample(self, count=1, *, seed=0):
        from gencompiler.runtime import sampling

        return sampling.sample(self, count, seed=seed)
'''

#: Where the options of the `train` line come from.
SPEC = """
model Game() {
  observed x : Real[2]
  param m : Real[2]
  p(x) = Normal(m, 1)
  train maximum_likelihood with { optimizer = adam(lr = 5e-2)  epochs = 3  batch = 16 }
}
"""


def phases(repeats: int) -> tuple[PhaseProgram, ...]:
    """The critic `repeats` times, then the generator once."""
    return (
        PhaseProgram("critic", "objective_critic", True, ("C.w",), repeats),
        PhaseProgram("generator", "objective_generator", False, ("shift",)),
    )


def loop(chosen: tuple[PhaseProgram, ...]) -> str:
    """The text of `train.py` with these phases."""
    model = pipeline.run(SourceText("game.gen", SPEC), until="resolve").model
    return emit_training(model, "Game", chosen, "Trains Game.")


def write(folder: Path, name: str, repeats: int) -> Path:
    """The package, in `folder / name`."""
    chosen = phases(repeats)
    listed = ", ".join(f"Phase({p.label!r}, {p.program!r}, {p.maximize}, {p.update!r}, {p.repeats})" for p in chosen)
    package = folder / name
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('"""A game."""\nfrom .model import Game\n\n__all__ = ["Game"]\n')
    (package / "model.py").write_text(MODEL.replace("PHASES", f"({listed})"))
    (package / "train.py").write_text(loop(chosen))
    (package / "__main__.py").write_text(
        "import sys\nfrom gencompiler.runtime.command import main\nfrom .model import Game\n"
        "from .train import SETTINGS, fit\n\n"
        'if __name__ == "__main__":\n    sys.exit(main(Game, fit=fit, defaults=SETTINGS))\n'
    )
    return package
