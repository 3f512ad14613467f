"""Networks: kinds, their parameters layer by layer, and their expansion into row operations.

`mlp` and `linear` expand into affine layers; every kind in `PLANNED` is known to the language and not yet to the
compiler.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class NetworkKind:
    """`options` a call may give, with defaults; `expands`: it has an expansion into affine layers and activations."""

    name: str
    options: tuple[tuple[str, object], ...]
    expands: bool


NETWORKS: dict[str, NetworkKind] = {
    "mlp": NetworkKind("mlp", (("hidden", ()), ("activation", "relu"), ("size", None)), True),
    "linear": NetworkKind("linear", (("size", None),), True),
    "bias": NetworkKind("bias", (("size", None),), True),
}

ACTIVATIONS = ("relu", "tanh", "sigmoid", "softplus")

PLANNED = ("conv", "gru", "lstm", "embedding", "fourier", "residual_block", "lipschitz", "transformer", "unet")
