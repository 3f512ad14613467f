"""`genc new`: a project from each shipped spec, which checks, and never over something that exists."""

from __future__ import annotations

from pathlib import Path

import pytest

from gencompiler.commands.starting import Shipped, shipped_specs
from tests.cli.conftest import Genc

SPECS = shipped_specs()


def test_without_a_folder_it_lists_every_shipped_spec(genc: Genc) -> None:
    shown = genc("new")
    assert shown.status == 0
    files = sorted(Path(__file__).parents[2].glob("specs/*/*.gen"))
    assert len(files) == len(SPECS) > 5
    for file in files:
        assert any(line.split()[:2] == [file.stem, file.parent.name] for line in shown.out.splitlines())
    assert all(spec.title for spec in SPECS), [spec.name for spec in SPECS if not spec.title]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_project_is_the_spec_and_how_to_go_on(genc: Genc, spec: Shipped, tmp_path: Path) -> None:
    name = spec.name
    done = genc("new", "work/mine", "--from", name)
    assert done.status == 0, done.err
    folder = tmp_path / "work" / "mine"
    assert sorted(each.name for each in folder.iterdir()) == [".gitignore", "README.md", "mine.gen"]
    assert (folder / "mine.gen").read_text(encoding="utf-8") == spec.text
    assert "genc run mine.gen" in (folder / "README.md").read_text(encoding="utf-8")
    assert genc("check", folder / "mine.gen").status == 0


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("mine",), 2, "--from NAME"),
        (("mine", "--from", "nothing"), 2, "no shipped spec called `nothing`"),
        (("my-flow", "--from", "nade"), 2, "cannot name a package"),
        (("class", "--from", "nade"), 2, "cannot name a package"),
        (("taken", "--from", "nade"), 5, "taken exists"),
    ],
)
def test_what_it_refuses(genc: Genc, tmp_path: Path, arguments: tuple[str, ...], status: int, told: str) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine", encoding="utf-8")
    done = genc("new", *arguments)
    assert done.status == status
    assert told in " ".join((done.out + done.err).replace("│", " ").split())
    assert sorted(each.name for each in tmp_path.rglob("*.gen")) == []
