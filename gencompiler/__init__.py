"""gencompiler: specs of generative models, a few lines that read like the paper, into proven, fused, tested packages.

`check` says what is true of a spec, `compile` makes its model class, `load` restores a trained model, `figures` draws
what there is to see of one.  The command line is `genc`; the passes are listed in `gencompiler.pipeline`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from gencompiler.api import CheckResult, check, compile, load
    from gencompiler.diagnostics.model import CompileError
    from gencompiler.notebook import Figures, figures

__all__ = ["CheckResult", "CompileError", "Figures", "__version__", "check", "compile", "figures", "load"]


def __getattr__(name: str) -> object:
    """The public functions are imported when first used, so that `import gencompiler` costs nothing."""
    if name in ("CheckResult", "check", "compile", "load"):
        from gencompiler import api

        return getattr(api, name)
    if name == "CompileError":
        from gencompiler.diagnostics.model import CompileError

        return CompileError
    if name in ("Figures", "figures"):
        from gencompiler import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module 'gencompiler' has no attribute '{name}'")
