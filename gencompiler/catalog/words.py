"""The other words of the language: structure, calculus, chains, and what requests and options may say.

A `PLANNED` word is understood as a name and answered with "not supported yet"; a `CONTEXTUAL` one means something in
one place, and elsewhere the message says which.
"""

from __future__ import annotations

from gencompiler.catalog import solvers

#: Words with a meaning of their own in expressions.
STRUCTURE = ("split", "join", "reverse", "zeros", "ones", "grad", "size", "cumsum", "bin", "grid", "scatter")

#: Functions of matrices.
MATRICES = ("transpose", "inverse", "expm")

#: What a network may be wrapped in.
WRAPPERS = ("lipschitz",)

#: Words that make a step of a transition.
KERNELS = ("metropolis", "accept", "orbit")

#: Stages of a pipeline that are neither a function nor a definition.
STAGES = ("reverse", "quantize", "repeat", "ode", "flow", "squeeze", "unsqueeze")

#: Words that mean something in one place only, and which that is.
_SDE = "`dt` and `dW` belong to the equations of an sde: `sde f(x | t : Positive) { dx = -x * dt + dW }`"
_KERNEL = "the derived kernel of an sde is written `{0}(name, t)`"
CONTEXTUAL: dict[str, str] = {
    **dict.fromkeys(("dt", "dW", "dW1", "dW2"), _SDE),
    **{word: _KERNEL.format(word) for word in ("signal", "noise", "gain")},
    "time": "times are drawn in an objective: `E[t ~ Uniform(time(p))] …`, for an sde",
    "data": "what is observed is drawn in an objective: `E[x ~ data] log p(x)`",
    "energy": "a model that is written with `∝` has an energy: `energy(p)(x)`",
    "persistent": "stored chains are drawn from in an objective: `E[y ~ persistent(T, chains = 100)] …`",
    "mixture": "of transitions: `mixture([0.3, 0.7], a, b)`; of distributions: `Mixture(weights = w, for k: …)`",
    "stop": "write `stop(e)` for a value through which no gradient flows",
    "onehot": "write `embedding(c)` for a learned vector of each class",
    "window": "`window(x[<i], …)` is a network on a causal view",
    "inverse": "write `inverse(p)` in an equation, or `inverse(F)` in a pipeline",
    "softmax": "apply it: `softmax(v)`",
    "exact": "write `evaluate exact`, or `divergence = exact` of an ode",
    "divergence": "it is an option: `ode(f, divergence = hutchinson)`",
}

#: Understood, and not compiled yet.
PLANNED = (
    "swap",
    "det",
    "trace",
    "outer",
    "diagonal",
    "argmax",
    "argsort",
    "sort",
    "clamp",
    "round",
    "true",
    "false",
    "leapfrog",
)

#: Arguments of a stage whose values are words with options of their own.
WORD_ARGUMENTS = ("solver", "divergence")

#: Predicates of `claim` and `assume`, by whether they compile today.
PREDICATES = {
    "stationary": True,
    "reversible": True,
    "invertible": True,
    "positive": True,
    "normalized": True,
    "cdf": True,
    "ergodic": True,
    "faithful": True,
    "minimal": True,
    "reverse": True,
    "marginals": False,
}

#: What `train … with { … }` understands: option -> ("number" | "word" | "call" | "any").
OPTIONS = {
    "optimizer": "call",
    "schedule": "call",
    "clip": "number",
    "ema": "number",
    "precision": "word",
    "epochs": "number",
    "steps": "number",
    "batch": "number",
    "validation": "number",
    "patience": "number",
    "seed": "number",
    "data": "word",
    "lr": "number",
    "accumulate": "number",
    "log": "word",
    "solver": "ode",
    "divergence": "ode",
}
#: Options that take whole numbers, and the least of each; and those that take a part of a whole.
WHOLE_OPTIONS = {"epochs": 1, "steps": 1, "batch": 1, "accumulate": 1, "patience": 1, "seed": 0}
FRACTION_OPTIONS = ("validation", "ema")
OPTIONS_PLANNED: tuple[str, ...] = ()

OPTIMIZERS = {
    "adam": ("lr", "betas", "eps", "weight_decay"),
    "adamw": ("lr", "betas", "eps", "weight_decay"),
    "adamax": ("lr", "betas", "eps", "weight_decay"),
    "sgd": ("lr", "momentum", "nesterov", "weight_decay"),
    "rmsprop": ("lr", "alpha", "momentum", "weight_decay"),
    "lbfgs": ("lr", "max_iter", "history_size"),
}
SCHEDULES = {
    "constant": (),
    "cosine": ("warmup", "final"),
    "step": ("every", "factor"),
    "linear": ("warmup", "final"),
}

#: Methods of `sample` and `evaluate`: name -> its numeric arguments.
SAMPLERS = {"ancestral": (), "chain": ("burn_in", "thin", "warmup")}
#: What sets a condition of a chain's transition during its warm-up: word -> its numbers with their defaults.
TUNING = {"acceptance": {"rate": 0.8, "start": 0.1}, "deviation": {"start": 1.0}}
EVALUATORS = {
    "exact": (),
    "bits_per_dim": (),
    "bound": (),
    "importance": ("K",),
    "csl": ("samples",),
    "energy_distance": (),
    "modes": (),
}
#: Arguments of methods that are understood and not supported yet, and those that are whole numbers, at least 1.
ARGUMENTS_PLANNED = {"bound": ("terms",)}
WHOLE_ARGUMENTS = ("K", "particles", "steps", "samples")
#: Evaluations of log p(x) itself; the others average over draws.
DENSITY_EVALUATORS = ("exact", "bits_per_dim")
#: Methods of an SDE with its score: name -> verb -> options.
SDE_METHODS: dict[str, dict[str, tuple[str, ...]]] = {
    "reverse_sde": {"sample": ("steps", "cutoff", "solver", "corrector")},
    "probability_flow": {
        "sample": ("steps", "cutoff", "solver", "corrector"),
        "evaluate": ("steps", "cutoff", "solver", "divergence"),
    },
}
#: Options of the stage `flow(score, sde)`, besides how it is solved.
FLOW = ("cutoff", "rho")
#: Options of `evaluate fokker_planck(sde, …)`: the law that the state starts from, cells of each axis, steps.
FOKKER_PLANCK = ("start", "grid", "steps")
#: The kind of equation that each of them solves; `catalog.solvers` has the solvers of each.
SDE_EQUATIONS = {"reverse_sde": "sde", "probability_flow": "ode"}
#: What the other options with a word may say, and what each word takes.
SDE_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "divergence": {"exact": (), "hutchinson": ()},
    "corrector": {"none": (), "langevin": solvers.LANGEVIN},
}
#: Methods along an annealing path, `evaluate ais(path, T, …)`: annealed importance sampling, its bounds in both
#: directions, and tempering with resampling.
ANNEALED = {
    "ais": ("particles", "steps"),
    "bdmc": ("particles", "steps", "on"),
    "smc": ("particles", "steps", "resample"),
}
