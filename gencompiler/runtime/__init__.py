"""Stage 8, at run time: all that a generated package imports.

In come tensors and a generated module class; out go log-densities, samples, training runs and their files.  Nothing
here knows the compiler: a generated package needs torch, numpy, safetensors and this folder, and nothing else of it.
"""

from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Model
from gencompiler.runtime.sampling import Chain

__all__ = ["Chain", "Field", "Model", "RunError", "Support"]
