"""Distributions: parameters with their supports, log density, sampler, and how torch names it.

Formulas are `.gen` expressions over the event `x`, the parameters, and, in a sampler, `uniform` in (0, 1) and `normal`,
standard draws of the event's shape.  `log_NAME` is the logarithm of a parameter NAME on a simplex.  A family may have
several forms (Bernoulli by logits or by probability); the form is chosen by the names of the arguments, positional ones
taking the first form.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Form:
    """One parameterisation: `parameters` maps names to supports, in positional order.

    `requires`: formulas over the parameters and the support each must be proven in, beyond those of the parameters.
    `support_arguments`: the parameters that are the ends of the event's support, which is `support` where that is
    another than the family's.
    `vectors`: the parameters with one number for each of the events 0..K, whose probabilities are `masses`; there the
    sampler reads `cumulative`, the sums of the first 1, 2, …, K - 1 of them.
    `log_density` is per element of the event, summed over it by the compiler; `mean` serves reports and tests;
    `cdf` serves goodness-of-fit tests, where there is a closed form.
    `sorts`: an event is the order that sorts what `sample` gives for its elements."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    log_density: str
    sample: str
    mean: str | None = None
    cdf: str | None = None
    requires: tuple[tuple[str, str], ...] = ()
    support_arguments: tuple[str, ...] = ()
    support: str | None = None
    vectors: tuple[str, ...] = ()
    masses: str | None = None
    sorts: bool = False


@dataclasses.dataclass(frozen=True)
class Family:
    """`support` is the event's, "" for any; `discrete` picks counting measure; `pathwise`: the sampler is
    differentiable; `full_support`: the density is positive on the whole support for every admissible parameter; `atom`:
    the whole mass is at one point, on any support, so that there is a density for discrete events only."""

    name: str
    support: str
    forms: tuple[Form, ...]
    pathwise: bool
    full_support: bool = True
    atom: bool = False


_ALL = (
    Family(
        "Normal",
        "Real",
        (
            Form(
                "",
                (("mean", "Real"), ("scale", "Positive")),
                log_density="-0.5 * ((x - mean) / scale)^2 - log(scale) - 0.5 * log(2 * pi)",
                sample="mean + scale * normal",
                mean="mean",
                cdf="0.5 * (1 + erf((x - mean) / (scale * sqrt(2))))",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Logistic",
        "Real",
        (
            Form(
                "",
                (("mean", "Real"), ("scale", "Positive")),
                log_density="-softplus((x - mean) / scale) - softplus(-(x - mean) / scale) - log(scale)",
                sample="mean + scale * logit(uniform)",
                mean="mean",
                cdf="sigmoid((x - mean) / scale)",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Laplace",
        "Real",
        (
            Form(
                "",
                (("mean", "Real"), ("scale", "Positive")),
                log_density="-abs(x - mean) / scale - log(2 * scale)",
                sample="mean + scale * (if uniform < 0.5 then log(2 * uniform) else -log(2 * (1 - uniform)))",
                mean="mean",
                cdf="if x < mean then 0.5 * exp((x - mean) / scale) else 1 - 0.5 * exp(-(x - mean) / scale)",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Gumbel",
        "Real",
        (
            Form(
                "",
                (("location", "Real"), ("scale", "Positive")),
                log_density="-(x - location) / scale - exp(-(x - location) / scale) - log(scale)",
                sample="location - scale * log(-log(uniform))",
                mean="location + 0.5772156649015329 * scale",
                cdf="exp(-exp(-(x - location) / scale))",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Cauchy",
        "Real",
        (
            Form(
                "",
                (("location", "Real"), ("scale", "Positive")),
                log_density="-log1p(((x - location) / scale)^2) - log(pi * scale)",
                sample="location + scale * tan(pi * (uniform - 0.5))",
                cdf="0.5 + atan((x - location) / scale) / pi",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Exponential",
        "Positive",
        (
            Form(
                "",
                (("rate", "Positive"),),
                log_density="log(rate) - rate * x",
                sample="-log(uniform) / rate",
                mean="1 / rate",
                cdf="-expm1(-rate * x)",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Weibull",
        "Positive",
        (
            Form(
                "",
                (("shape", "Positive"), ("scale", "Positive")),
                log_density="log(shape / scale) + (shape - 1) * log(x / scale) - (x / scale)^shape",
                sample="scale * (-log(uniform))^(1 / shape)",
                cdf="-expm1(-(x / scale)^shape)",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "LogNormal",
        "Positive",
        (
            Form(
                "",
                (("mean", "Real"), ("scale", "Positive")),  # of the logarithm
                log_density="-0.5 * ((log(x) - mean) / scale)^2 - log(x) - log(scale) - 0.5 * log(2 * pi)",
                sample="exp(mean + scale * normal)",
                mean="exp(mean + 0.5 * scale^2)",
                cdf="0.5 * (1 + erf((log(x) - mean) / (scale * sqrt(2))))",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Rayleigh",
        "Positive",
        (
            Form(
                "",
                (("scale", "Positive"),),
                log_density="log(x) - 2 * log(scale) - 0.5 * (x / scale)^2",
                sample="scale * sqrt(-2 * log(uniform))",
                mean="scale * sqrt(pi / 2)",
                cdf="-expm1(-0.5 * (x / scale)^2)",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "HalfNormal",
        "Positive",
        (
            Form(
                "",
                (("scale", "Positive"),),
                log_density="0.5 * log(2 / pi) - log(scale) - 0.5 * (x / scale)^2",
                sample="scale * abs(normal)",
                mean="scale * sqrt(2 / pi)",
                cdf="erf(x / (scale * sqrt(2)))",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Kumaraswamy",
        "Unit",
        (
            Form(
                "",
                (("a", "Positive"), ("b", "Positive")),
                log_density="log(a) + log(b) + (a - 1) * log(x) + (b - 1) * log1p(-x^a)",
                # where a power rounds to an end of (0, 1), the draw stays inside
                sample="min(max((1 - uniform^(1 / b))^(1 / a), 1e-7), 1 - 1e-7)",
                cdf="1 - (1 - x^a)^b",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Bernoulli",
        "Binary",
        (
            Form(
                "probability",
                (("probability", "Unit"),),
                log_density="if x == 1 then log(probability) else log1p(-probability)",
                sample="indicator(uniform < probability)",
                mean="probability",
            ),
            Form(
                "logits",
                (("logits", "Real"),),
                log_density="x * logits - softplus(logits)",
                sample="indicator(uniform < sigmoid(logits))",
                mean="sigmoid(logits)",
            ),
        ),
        pathwise=False,
    ),
    # each element is kept, or with probability `rate` replaced by a fair coin
    Family(
        "SaltAndPepper",
        "Binary",
        (
            Form(
                "",
                (("value", "Binary"), ("rate", "Unit")),
                log_density="log(if x == value then 1 - rate / 2 else rate / 2)",
                sample="indicator(uniform < (1 - rate) * value + rate / 2)",
                mean="(1 - rate) * value + rate / 2",
            ),
        ),
        pathwise=False,
    ),
    Family(
        "LogitNormal",
        "Unit",
        (
            Form(
                "",
                (("mean", "Real"), ("scale", "Positive")),
                log_density="-0.5 * ((logit(x) - mean) / scale)^2 - log(scale * sqrt(2 * pi)) - log(x) - log1p(-x)",
                # where sigmoid rounds to an end of (0, 1), the draw stays inside
                sample="min(max(sigmoid(mean + scale * normal), 1e-7), 1 - 1e-7)",
                cdf="0.5 * (1 + erf((logit(x) - mean) / (scale * sqrt(2))))",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Uniform",
        "Interval",
        (
            Form(
                "",
                (("lower", "Real"), ("upper", "Real")),
                log_density="-log(upper - lower)",
                sample="lower + (upper - lower) * uniform",
                mean="0.5 * (lower + upper)",
                cdf="(x - lower) / (upper - lower)",
                requires=(("upper - lower", "Positive"),),
                support_arguments=("lower", "upper"),
            ),
            # over the integers lower..upper: `Uniform()` of a finite variable
            Form(
                "integers",
                (("lower", "Real"), ("upper", "Real")),
                log_density="-log(upper - lower)",
                sample="min(lower + floor((upper - lower) * uniform), upper - 1)",
                mean="0.5 * (lower + upper - 1)",
                requires=(("upper - lower", "Positive"),),
                support_arguments=("lower", "upper"),
                support="Integer",
            ),
            # over the orders of `size` things, `Uniform()` of a permutation: log size!, a share for each element
            Form(
                "orders",
                (("size", "Positive"),),
                log_density="-lgamma(size + 1) / size",
                sample="uniform",
                support_arguments=("size",),
                support="Permutation",
                sorts=True,
            ),
        ),
        pathwise=True,
    ),
    Family(
        "Categorical",
        "Integer",
        (
            Form(
                "probabilities",
                (("probabilities", "Simplex"),),
                log_density="log_probabilities[x]",
                sample="sum(indicator(cumulative <= uniform))",
                vectors=("probabilities",),
                masses="probabilities",
            ),
            Form(
                "logits",
                (("logits", "Real"),),
                log_density="logits[x] - logsumexp(logits)",
                sample="sum(indicator(cumulative <= uniform))",
                vectors=("logits",),
                masses="exp(logits - logsumexp(logits))",
            ),
        ),
        pathwise=False,
    ),
    # all at one value: a deterministic encoder, a variable that others determine
    Family(
        "Delta",
        "",
        (
            Form(
                "",
                (("value", "Real"),),
                log_density="if x == value then 0 else -inf",
                sample="value",
                mean="value",
            ),
        ),
        pathwise=True,
        full_support=False,
        atom=True,
    ),
)

DISTRIBUTIONS: dict[str, Family] = {d.name: d for d in _ALL}

#: Laws that are made of other distributions: they have forms of their own in the Model IR, and no row above.
COMPOSED = ("Mixture",)

#: Known to the language, not yet to the compiler: a spec that uses one is told so.
PLANNED = (
    "Dirichlet",
    "Poisson",
    "Beta",
    "Gamma",
    "StudentT",
    "VonMises",
)
