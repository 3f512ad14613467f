"""Networks: kinds, their options, and the activations, as formulas.

Every kind is made of affine layers, so its expansion is a table: hidden layers `activation(weight @ a + bias)`, then
one affine layer for each output.  Kinds in `PLANNED` are known to the language and not yet to the compiler.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from gencompiler.catalog import stacks
from gencompiler.catalog.stacks import Layer, Settings


@dataclasses.dataclass(frozen=True)
class NetworkKind:
    """`options` a call may give, with defaults; `weight`, `bias`: whether its affine layers have them; `one_hot`: its
    one input is a value of a finite support, read as a one-hot vector.

    A recurrent kind reads a causal view place by place.  `gates`: how many affine functions it has of the input, `i0`,
    `i1`, …, and of its result, `h0`, `h1`, …; `states`: what it carries, each with a formula of its next value in terms
    of these, of the states, and of the next values of those before it, as `c_next`.  Its result is `h`.

    `image`: its inputs are images, and it sees of them what lies around each place.

    A stack of convolutions reads a causal view of a grid of so many `axes` (0: as many as the view has, one or two);
    `stack` gives its layers for the numbers that are its options."""

    name: str
    options: tuple[tuple[str, object], ...]
    weight: bool = True
    bias: bool = True
    one_hot: bool = False
    image: bool = False
    axes: int = 0
    stack: Callable[[Settings], tuple[Layer, ...]] | None = None
    gates: int = 0
    states: tuple[tuple[str, str], ...] = ()


#: Options of stacks over images: the width of every layer, blocks, the side of a box, and that of the first one.
_IMAGE: tuple[tuple[str, object], ...] = (("hidden", None), ("layers", 5), ("kernel", 3), ("first", 7), ("size", None))

#: Of `conv`: `dilation` and `context` are those of convolutions on a causal view.
_CONV: tuple[tuple[str, object], ...] = (
    *(("hidden", ()), ("kernel", 3), ("activation", "relu"), ("size", None)),
    *(("zero", False), ("dilation", 1), ("context", None)),
)

NETWORKS: dict[str, NetworkKind] = {
    "mlp": NetworkKind("mlp", (("hidden", ()), ("activation", "relu"), ("size", None))),
    "conv": NetworkKind("conv", _CONV, image=True),
    "linear": NetworkKind("linear", (("size", None),)),
    "bias": NetworkKind("bias", (("size", None),), weight=False),
    "embedding": NetworkKind("embedding", (("size", None),), bias=False, one_hot=True),
    # Cho et al. 2014, in the form in which the reset gate acts on the product, as in torch.nn.GRU: gates r, z, n
    "gru": NetworkKind(
        "gru",
        (("hidden", None),),
        gates=3,
        states=(("h", "tanh(i2 + sigmoid(i0 + h0) * h2) * sigmoid(-i1 - h1) + sigmoid(i1 + h1) * h"),),
    ),
    # Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000: gates i, f, g, o
    "lstm": NetworkKind(
        "lstm",
        (("hidden", None),),
        gates=4,
        states=(
            ("c", "sigmoid(i1 + h1) * c + sigmoid(i0 + h0) * tanh(i2 + h2)"),
            ("h", "sigmoid(i3 + h3) * tanh(c_next)"),
        ),
    ),
    # Elman 1990
    "rnn": NetworkKind("rnn", (("hidden", None),), gates=1, states=(("h", "tanh(i0 + h0)"),)),
    "wavenet": NetworkKind(
        "wavenet",
        (("hidden", None), ("layers", 10), ("kernel", 2), ("cycle", 10), ("size", None)),
        axes=1,
        stack=stacks.wavenet,
    ),
    "pixelcnn": NetworkKind("pixelcnn", _IMAGE, axes=2, stack=stacks.pixelcnn),
    "window": NetworkKind("window", (("radius", None),), weight=False, bias=False, stack=stacks.window),
    "masked": NetworkKind("masked", _IMAGE, axes=2, stack=stacks.masked),
}

#: The kind of a stack that a spec writes out, convolution by convolution: no word of the language.
WRITTEN = "stack of convolutions"
NETWORKS[WRITTEN] = NetworkKind(WRITTEN, ())

#: The least that the options of stacks can be.
LEAST = {"layers": 1, "kernel": 1, "cycle": 1, "first": 3, "radius": 1}

#: Activations: formulas over the argument `a`.
#: gelu: Hendrycks & Gimpel 2016; silu: Elfwing, Uchibe & Doya 2018; elu: Clevert, Unterthiner & Hochreiter 2016.
ACTIVATIONS = {
    "relu": "relu(a)",
    "tanh": "tanh(a)",
    "sigmoid": "sigmoid(a)",
    "softplus": "softplus(a)",
    "silu": "a * sigmoid(a)",
    "gelu": "0.5 * a * (1 + erf(a / sqrt(2)))",
    "leaky_relu": "max(a, 0.01 * a)",
    "elu": "relu(a) + expm1(min(a, 0))",
}

#: The largest slope of each activation, in any case no less: |f(a) - f(b)| <= slope |a - b|.
SLOPES = {"relu": "1", "tanh": "1", "sigmoid": "1/4", "softplus": "1", "silu": "1.1", "gelu": "1.13"}
SLOPES |= {"leaky_relu": "1", "elu": "1"}

#: An embedding whose size nothing states has one number for each value, up to this many.
EMBEDDING_SIZE = 16

#: `fourier(t)`: n = size / 2 frequencies from 1 to `FOURIER_TOP` radians per unit of t, in geometric progression:
#: sin(w_k t) for each, then cos(w_k t).  Tancik et al. 2020; the spacing is that of Vaswani et al. 2017, section 3.5.
FOURIER_SIZE = 64
FOURIER_TOP = 100

#: Fixed features, with the options of their calls: `onehot(y)` is 1 at the place of y among its values, else 0.
FEATURES: dict[str, tuple[tuple[str, object], ...]] = {"fourier": (("size", FOURIER_SIZE),), "onehot": ()}

PLANNED = ("residual_block", "transformer", "unet")
