"""Generated packages on disk, compared byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer

from gencompiler.commands import packages
from gencompiler.commands.sources import package_name
from gencompiler.emit.write import MARK, write_package

FILES = {MARK[0]: f'"""{MARK[1]}"""\n', "model.py": "b = '∝'\n"}


def test_a_package_that_was_just_written_does_not_differ(tmp_path: Path) -> None:
    write_package(FILES, tmp_path, "nade")
    assert packages.differences(tmp_path / "nade", FILES) == []
    assert packages.differences(tmp_path / "other", FILES) == [f"{tmp_path / 'other'} does not exist"]


def test_differences_name_the_file_and_the_line(tmp_path: Path) -> None:
    folder = tmp_path / "nade"
    write_package({"a.py": "1\n2\n3\n", "b.py": "1\n", "__init__.py": ""}, tmp_path, "nade")
    (folder / "c.py").write_text("")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_bytes(b"")
    found = packages.differences(folder, {"a.py": "1\nx\n3\n", "b.py": "1\n\n", "d.py": "", "__init__.py": ""})
    assert [line.removeprefix(f"{folder}{os.sep}") for line in found] == [
        "a.py differs from line 2 on",
        "b.py differs in its length or line endings",
        "d.py is missing",
        "c.py does not belong there",
    ]


def test_packages_without_a_spec_are_found(tmp_path: Path) -> None:
    for name in ("nade", "old"):
        write_package(FILES, tmp_path, name)
    (tmp_path / "notes").mkdir()
    assert packages.strangers(tmp_path, {"nade"}) == [f"{tmp_path / 'old'} belongs to no spec"]


@pytest.mark.parametrize(
    ("stem", "reason", "other"),
    [
        ("class", "a word of Python", "class_model"),
        ("2fast", "begins with a digit", "model_2fast"),
        ("my-flow", "more than letters", "my_flow"),
        ("two words", "more than letters", "two_words"),
    ],
)
def test_a_file_that_cannot_name_a_package(stem: str, reason: str, other: str) -> None:
    with pytest.raises(typer.BadParameter, match=reason) as caught:
        package_name(Path(f"{stem}.gen"))
    assert f"say to {other}.gen" in caught.value.message
    assert package_name(Path(f"{other}.gen")) == other
