"""The folder of a run: what is in it, and how a trained model comes back out of it.

checkpoint.safetensors   where the run is: parameters, optimizers, averages, best so far
model.safetensors        the parameters it ended with
metrics.csv              one line per epoch
package/NAME/            the generated package that was trained, so that the folder is enough to load the model
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from gencompiler.runtime import storage
from gencompiler.runtime.errors import RunError

if TYPE_CHECKING:
    from torch import nn

    from gencompiler.runtime.modules import Model

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "model.safetensors"
METRICS = "metrics.csv"
PACKAGE = "package"

#: What of a package's folder is kept: the code, that in C too, and the certificate; no caches.
_KEPT = ("*.py", "*.c", "*.json")


def keep_package(model: Model, folder: Path) -> None:
    """Copy the package that `model` comes from into the run's folder; nothing for a model that has none on disk."""
    module = sys.modules.get(model.package)
    if module is None or not getattr(module, "__file__", None):
        return
    source = Path(str(module.__file__)).parent
    for pattern in _KEPT:
        for file in sorted(source.glob(pattern)):
            storage.write(folder / PACKAGE / source.name / file.name, file.read_bytes())


def load_run(folder: Path, device: str = "cpu", **networks: nn.Module) -> Model:
    """The trained model of a run: its end result, or, of a run that has not ended, its last checkpoint.

    `networks` are the user's own, where the spec has an `extern def`; the run holds their parameters too.

    Raises RunError G803 where the folder holds no run, or weights that are damaged or of another model."""
    packages = sorted((folder / PACKAGE).glob("*/__init__.py"))
    weights = next((folder / name for name in (WEIGHTS, CHECKPOINT) if (folder / name).is_file()), None)
    if len(packages) != 1 or weights is None:
        raise RunError("G803", f"{folder} does not hold a run", "name a folder that training wrote (`--out`)")
    module = import_package(packages[0].parent)
    kind: type[Model] = getattr(module, module.__all__[0])
    return kind.load(weights, device, **networks)


def import_package(folder: Path) -> ModuleType:
    """Import the generated package in `folder` under a name of its own, anew each time."""
    name = f"gencompiler_run_{folder.name}_{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"
    for stale in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[stale]
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise RunError("G803", f"{folder} is not a package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
