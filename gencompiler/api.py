"""The Python ways in, equal to the command line: `check`, `compile`, `load`."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError, Diagnostic
from gencompiler.diagnostics.span import SourceText

if TYPE_CHECKING:
    from types import ModuleType

    from gencompiler.checks import Capabilities, Verdict


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """What `check` found.  `capabilities` is None when the spec did not get that far."""

    diagnostics: tuple[Diagnostic, ...]
    verdicts: tuple[Verdict, ...]
    capabilities: Capabilities | None
    exit_status: int
    sources: dict[str, SourceText]

    @property
    def ok(self) -> bool:
        return self.exit_status == 0

    def render(self, style: str = "full") -> str:
        """The diagnostics as text; `style` is "full", "concise" or "json"."""
        from gencompiler.diagnostics.render import render

        return render(self.diagnostics, self.sources, style)


def _source(path_or_text: str | Path) -> SourceText:
    """A spec by path, or its text itself: a text has a brace or a line break, a path has neither."""
    if isinstance(path_or_text, Path) or not ("{" in path_or_text or "\n" in path_or_text):
        path = Path(path_or_text)
        return SourceText(path.as_posix(), path.read_text(encoding="utf-8"))
    return SourceText("<string>", path_or_text)


def check(path_or_text: str | Path, **defines: object) -> CheckResult:
    """Check a spec, given by path or as text; keyword arguments override the constants of the model's header.

    Never raises for a wrong spec: what is wrong is in `diagnostics`."""
    source = _source(path_or_text)
    try:
        done = pipeline.run(source, defines=defines, until="check")
    except CompileError as error:
        return CheckResult(error.diagnostics, error.verdicts, None, error.exit_status, error.sources)
    checked = done.checked
    return CheckResult(done.diagnostics, checked.verdicts, checked.capabilities, 0, done.sources)


def compile(path_or_text: str | Path, out: str | Path | None = None, **defines: object) -> type[Any]:
    """The model class of a spec, proven and generated.

    With `out`, the package is written to `out/<spec's name>/` as `genc build` does, and imported from there; without, it
    lives in the compiler's cache.  Raises `CompileError` for a spec that is wrong or not supported."""
    from gencompiler.emit.write import write_package

    done = pipeline.run(_source(path_or_text), defines=defines)
    if out is None:
        content = "".join(f"{name}\0{text}\0" for name, text in sorted(done.files.items()))
        digest = hashlib.sha256(content.encode()).hexdigest()[:16]
        folder = done.settings.cache / "packages" / digest
    else:
        folder = Path(out)
    package = write_package(done.files, folder, done.name)
    module = _import_package(package)
    return getattr(module, done.model.name)  # type: ignore[no-any-return]


def _import_package(package: Path) -> ModuleType:
    """Import a generated package from its folder, under a name of its own."""
    digest = hashlib.sha256(str(package.resolve()).encode()).hexdigest()[:8]
    name = f"gencompiler_built_{package.name}_{digest}"
    for stale in [n for n in sys.modules if n == name or n.startswith(f"{name}.")]:
        del sys.modules[stale]
    spec = importlib.util.spec_from_file_location(
        name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load(run_dir: str | Path) -> Any:
    """The trained model of a run: the folder that `genc train` or `genc run` wrote.

    Raises `RunError` (G803) when the weights belong to another model or are damaged."""
    from gencompiler.emit.write import load_run

    return load_run(Path(run_dir))
