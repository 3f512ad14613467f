"""Options and fixtures that all tests share."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# One thread for each torch process: the models of tests are small, and threads that wait for each other cost far more than
# they bring as soon as anything else runs (measured: 40 times slower on two busy cores).
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Each program takes a C compiler some tenths of a second when it first runs, and tests run hundreds: those of the C back end
# ask for it.
os.environ.setdefault("GENC_NATIVE", "words")

# Where `CI` is set, the same examples every time: a search for new ones belongs to a person who can look at what it finds.
# And a loaded machine generates them slowly, which says nothing about the code.
settings.register_profile(
    "ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--bless", action="store_true", help="rewrite golden files with what the code now gives")


def pytest_collection_finish() -> None:
    """What imports and collection made, torch's modules and the tests themselves, lives as long as the run: looking
    through it for garbage again and again took a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


class Golden:
    """Compares a text with a file; with `--bless`, writes the file."""

    def __init__(self, bless: bool) -> None:
        self.bless = bless

    def check(self, path: Path, actual: str) -> None:
        if self.bless:
            path.write_text(actual, encoding="utf-8", newline="\n")
            return
        assert path.exists(), f"{path} is missing; write it with `pytest --bless`"
        expected = path.read_text(encoding="utf-8")
        assert actual == expected, f"{path.name} differs; if the new text is better, accept it with `pytest --bless`"


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files, never edited by hand."""
    return Golden(bool(request.config.getoption("--bless")))
