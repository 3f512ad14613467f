"""The constant of an energy that is small enough to be summed, and with it the likelihood of held-out rows, exactly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from gencompiler.report.data import Measurement
from gencompiler.runtime import partition

if TYPE_CHECKING:
    from gencompiler.runtime.data import Rows
    from gencompiler.runtime.modules import Model


def measurements(model: Model, split: str, rows: Rows | None) -> list[Measurement]:
    """log Z, and the mean log p of `rows`; nothing of a model whose constant is not summed."""
    if "log_mass" not in model.programs:
        return []
    constant = partition.log_z(model)
    names = " and ".join(f"`{f.name}`" for f in model.summed)
    found = [Measurement("log Z", constant, None, "nats", f"exact: summed over all values of {names}")]
    if rows is not None and len(rows) and "energy" in model.programs:
        batch = rows.take(torch.arange(len(rows)), model.device)
        with torch.no_grad():
            values = -model.run_batch("energy", batch).double() - constant
        error = float(values.std()) / math.sqrt(len(values)) if len(values) > 1 else math.nan
        words = f"{len(values)} rows; -U(x) - log Z, exact"
        found.append(Measurement(f"log p, {split}", float(values.mean()), error, "nats", words))
    return found
