"""How an emitted function is called: the same for the torch function and for the launcher of the kernel."""

from __future__ import annotations

import dataclasses

from gencompiler.node import walk
from gencompiler.rows.nodes import Draw, ExternalCall, Program, Run


@dataclasses.dataclass(frozen=True)
class Signature:
    """`name(*inputs, *parameters, *modules, *scalars, *, **keywords)`: one tensor, or a tuple of the outputs in order.

    `inputs`: tensors `[rows, *shape]` in program order, discrete ones of any exactly integral dtype.  `parameters`:
    paths;
    the arguments are their constrained tensors, in the order of `Program.parameters`.  `modules`: the user's own
    networks, by name; the arguments are what is called.  `scalars`: runtime integers, `step` among them where a program
    counts steps and draws nothing.
    `keywords`, in order: `rows`, the int64 numbers of the rows `[n]`, where the program draws or has no input;
    `seed` and
    `step`, integers, where it draws; `dtype` (by default torch.float32) where no real input or parameter has one.
    """

    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    modules: tuple[str, ...]
    scalars: tuple[str, ...]
    keywords: tuple[str, ...]
    outputs: tuple[str, ...]


def signature(program: Program) -> Signature:
    """How the functions of `program` are called."""
    random = is_random(program)
    keywords = ["rows"] if random or not program.inputs else []
    if random:
        keywords += ["seed", "step"]
    if not program.parameters and not any(each.type.kind == "real" for each in program.inputs):
        keywords.append("dtype")
    return Signature(
        inputs=tuple(each.name for each in program.inputs),
        parameters=tuple(each.path for each in program.parameters),
        modules=tuple(sorted({part.module for part in walk(program) if isinstance(part, ExternalCall)})),
        scalars=tuple(name for name in program.scalars if name != "seed" and (name != "step" or not random)),
        keywords=tuple(keywords),
        outputs=tuple(each.name for each in program.outputs),
    )


def is_random(program: Program) -> bool:
    """Whether a program draws, or runs a piece that does."""
    return any(isinstance(part, Draw) or (isinstance(part, Run) and part.random) for part in walk(program))
