"""Settings come from one place, and every variable that the code reads is in its table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gencompiler
from gencompiler.settings import Settings, SettingsError, variables

PACKAGE = Path(gencompiler.__file__).parent


def test_defaults() -> None:
    settings = Settings.from_environment({})
    assert (settings.debug, settings.verify, settings.allow_unknown) == (0, False, False)
    assert settings.cache.name == "gencompiler"
    assert settings.runs == Path("runs")


def test_environment_is_read_and_overridden(tmp_path: Path) -> None:
    environment = {"GENC_DEBUG": "2", "GENC_VERIFY": "1", "GENC_CACHE": str(tmp_path), "OTHER": "x"}
    settings = Settings.from_environment(environment, debug=3)
    assert (settings.debug, settings.verify, settings.cache) == (3, True, tmp_path)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("GENC_DEBUG", "5"), ("GENC_DEBUG", "loud"), ("GENC_VERIFY", "maybe"), ("GENC_CACHE", ""), ("GENC_RUNS", "")],
)
def test_unreadable_values_name_the_variable(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_environment({variable: value})


def test_the_table_has_every_variable_that_the_code_reads() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        found |= set(re.findall(r"\bGENC_[A-Z_]+\b", path.read_text(encoding="utf-8")))
    assert found == {name for name, _ in variables()}
