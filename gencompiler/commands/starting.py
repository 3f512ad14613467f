"""From nothing to a project: `new`."""

from __future__ import annotations

import dataclasses
import keyword
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from gencompiler._resources import shipped
from gencompiler.commands import tables
from gencompiler.commands.console import out, say
from gencompiler.commands.status import OK, RUN_FAILED
from gencompiler.diagnostics.span import SourceText

PANEL = "Start"

README = """# {name}

Started from `{origin}`: {title}

```sh
genc check {name}.gen      # what is true of the model, and what it can do
genc run {name}.gen        # train, sample, evaluate; then open runs/{name}/report.html
pytest {name}.gen          # property tests of the model that it compiles to
genc build {name}.gen      # the package itself, code to read: generated/{name}/
```

From Python:

```python
import gencompiler

Model = gencompiler.compile("{name}.gen")
model = Model().fit()
model.sample(16, seed=0)
```
"""

IGNORED = "generated/\nruns/\n__pycache__/\n"


@dataclasses.dataclass(frozen=True)
class Shipped:
    """A spec that comes with gencompiler: its family (the folder), its name, the first line of its docstring."""

    family: str
    name: str
    title: str
    text: str


def register(app: typer.Typer) -> None:
    app.command("new", rich_help_panel=PANEL)(new)


def new(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="The project's folder; its name is the spec's name.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--from", metavar="SPEC", help="The shipped spec to start from.", show_default=False)
    ] = None,
) -> None:
    """Start a project from a spec that comes with gencompiler; without a folder, list those specs.

    Nothing that exists is overwritten.

    **Examples**

    - `genc new` lists the specs
    - `genc new my_flow --from realnvp` writes my_flow/my_flow.gen and how to go on
    """
    known = shipped_specs()
    if folder is None:
        listed = [(spec.name, spec.family, spec.title) for spec in known]
        for line in tables.columns(listed, ["strong"] * len(listed)):
            out(line)
        out("start from one of them: genc new FOLDER --from NAME")
        raise typer.Exit(OK)
    if not folder.name.isidentifier() or keyword.iskeyword(folder.name):
        raise typer.BadParameter(f"`{folder.name}` cannot name a package; use letters, digits and _")
    if origin is None:
        raise typer.BadParameter("say which spec to start from: --from NAME; `genc new` lists them")
    chosen = [spec for spec in known if spec.name == origin]
    if not chosen:
        raise typer.BadParameter(f"there is no shipped spec called `{origin}`; `genc new` lists them")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        say(f"error: {folder} exists; choose another folder")
        raise typer.Exit(RUN_FAILED)
    _write(folder, chosen[0])
    out(f"wrote {folder / folder.name}.gen, from {chosen[0].family}/{chosen[0].name}")
    out(f"next: cd {folder} && genc run {folder.name}.gen")


def shipped_specs() -> list[Shipped]:
    """Every spec that comes with gencompiler, by family and name."""
    families = sorted((each for each in shipped("specs").iterdir() if each.is_dir()), key=lambda each: each.name)
    found = []
    for family in families:
        for file in sorted(family.iterdir(), key=lambda each: each.name):
            if file.name.endswith(".gen"):
                found.append(_described(family.name, file))
    return found


def _described(family: str, file: Traversable) -> Shipped:
    from gencompiler.syntax.parse import parse
    from gencompiler.syntax.tree import Model

    text = file.read_text(encoding="utf-8")
    surface = parse(SourceText(file.name, text))
    models = [each.doc or "" for each in surface.declarations if isinstance(each, Model)]
    others = [getattr(each, "doc", None) or "" for each in surface.declarations]
    title = next((doc for doc in (*models, *others) if doc), "").strip().split("\n")[0]
    return Shipped(family, file.name.removesuffix(".gen"), title, text)


def _write(folder: Path, spec: Shipped) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    readme = README.format(name=folder.name, origin=f"{spec.family}/{spec.name}", title=spec.title)
    for name, text in ((f"{folder.name}.gen", spec.text), ("README.md", readme), (".gitignore", IGNORED)):
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
