"""Shipped files are found in a checkout, in an installation, and in a zip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gencompiler import _resources
from gencompiler._resources import shipped

ROOT = Path(__file__).parents[2]
SCRIPT = "from gencompiler._resources import shipped; print((shipped('templates') / 'a.jinja').read_text(), end='')"


def test_in_this_checkout() -> None:
    names = {each.name for each in shipped("templates").iterdir()}
    assert {"model.py.jinja", "train.py.jinja"} <= names
    assert names == {path.name for path in (ROOT / "templates").iterdir()}
    with pytest.raises(FileNotFoundError, match="no folder `nothing`"):
        shipped("nothing")


@pytest.mark.parametrize("place", ["beside", "inside"])
@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
def test_elsewhere(tmp_path: Path, place: str, zipped: bool) -> None:
    package = tmp_path / "site" / "gencompiler"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    shutil.copy(str(_resources.__file__), package / "_resources.py")
    templates = package / "_shipped" / "templates" if place == "inside" else package.parent / "templates"
    templates.mkdir(parents=True)
    (templates / "a.jinja").write_text("found")
    path = package.parent
    if zipped:
        path = tmp_path / "site.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(package.parent.rglob("*")):
                archive.write(file, file.relative_to(package.parent))
    environment = {**os.environ, "PYTHONPATH": str(path)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "found"
