"""Distributions on the real line."""

from __future__ import annotations

from gencompiler.catalog.distribution_forms import Family, Form

REAL_LAWS = (
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
    # a normal variable over the root of an independent gamma variable of mean 1
    Family(
        "StudentT",
        "Real",
        (
            Form(
                "",
                (("freedom", "Positive"), ("mean", "Real"), ("scale", "Positive")),
                log_density="lgamma((freedom + 1) / 2) - lgamma(freedom / 2) - 0.5 * log(pi * freedom) - log(scale)"
                " - (freedom + 1) / 2 * log1p(((x - mean) / scale)^2 / freedom)",
                sample="mean + scale * normal"
                " * exp(0.5 * (log(freedom / 2) - log_gamma_quantile(freedom / 2, another)))",
            ),
        ),
        pathwise=True,
    ),
)
