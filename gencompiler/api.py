"""The Python ways in, equal to the command line: `check`, `compile`, `load`."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gencompiler import pipeline
from gencompiler.diagnostics.model import CompileError, Diagnostic
from gencompiler.diagnostics.span import SourceText

if TYPE_CHECKING:
    from gencompiler.checks import Capabilities, Verdict


@dataclasses.dataclass(frozen=True)
class CheckResult:
    """What `check` found.  `capabilities` is None when the spec did not get that far."""

    diagnostics: tuple[Diagnostic, ...]
    verdicts: tuple[Verdict, ...]
    capabilities: Capabilities | None
    exit_status: int
    sources: dict[str, SourceText]

    def _repr_html_(self) -> str:
        from gencompiler.notebook import check_html

        return check_html(self)

    @property
    def ok(self) -> bool:
        return self.exit_status == 0

    def render(self, style: str = "full") -> str:
        """The diagnostics as text; `style` is "full", "concise" or "json"."""
        from gencompiler.diagnostics.render import render

        return render(self.diagnostics, self.sources, style=style)


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

    With `out`, the package is written to `out/<spec's name>/` as `genc build` does, and imported from there;
    without, it lives in the compiler's cache.  Raises `CompileError` for a spec that is wrong or not supported."""
    from gencompiler.emit.write import write_package
    from gencompiler.runtime.runs import import_package

    done = pipeline.run(_source(path_or_text), defines=defines)
    folder = cached_package(done) if out is None else write_package(done.files, Path(out), done.name)
    module = import_package(folder)
    return getattr(module, done.model.name)  # type: ignore[no-any-return]


def cached_package(done: pipeline.Compilation) -> Path:
    """The folder of a compilation's package in the compiler's cache, by its content; written when it is not there."""
    from gencompiler.emit.write import write_package

    content = "".join(f"{name}\0{text}\0" for name, text in sorted(done.files.items()))
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    folder = done.settings.cache / "packages" / digest / done.name
    if folder.is_dir() and all((folder / name).is_file() for name in done.files):
        return folder
    return write_package(done.files, folder.parent, done.name)


def load(run_dir: str | Path, **networks: Any) -> Any:
    """The trained model of a run: the folder that `genc train` or `genc run` wrote.

    `networks`: an `nn.Module` for each `extern def` of the spec, whose parameters the run holds too.

    Raises `RunError` (G803) when the weights belong to another model or are damaged."""
    from gencompiler.runtime.runs import load_run

    return load_run(Path(run_dir), **networks)
