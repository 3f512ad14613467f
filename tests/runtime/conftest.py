"""Generated packages that the tests of the runtime run on."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from gencompiler.runtime.modules import Model
from gencompiler.runtime.runs import import_package
from tests.emit import building

NAMES = ("nade", "flow", "reals", "chain", "elementwise", "weights")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of NAMES."""
    folder = tmp_path_factory.mktemp("packages")
    for name in NAMES:
        building.built(getattr(building, name.upper()), folder, name)
    return folder


@pytest.fixture(scope="session")
def modules(packages: Path) -> dict[str, ModuleType]:
    return {name: import_package(packages / name) for name in NAMES}


@pytest.fixture(scope="session")
def kinds(modules: dict[str, ModuleType]) -> dict[str, type[Model]]:
    """The model classes by package."""
    return {name: getattr(module, module.__all__[0]) for name, module in modules.items()}
