"""Distributions on the positive numbers, on the unit interval and on the circle."""

from __future__ import annotations

from gencompiler.catalog.distribution_forms import Family, Form

POSITIVE_LAWS = (
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
        "HalfCauchy",
        "Positive",
        (
            Form(
                "",
                (("scale", "Positive"),),
                log_density="log(2 / pi) - log(scale) - log1p((x / scale)^2)",
                sample="scale * tan(0.5 * pi * uniform)",
                cdf="2 / pi * atan(x / scale)",
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
    # draws are quantiles (`runtime.quantiles`), whose gradients are implicit
    Family(
        "Gamma",
        "Positive",
        (
            Form(
                "",
                (("shape", "Positive"), ("rate", "Positive")),
                log_density="shape * log(rate) - lgamma(shape) + (shape - 1) * log(x) - rate * x",
                # where a power of a small number underflows, the draw stays inside
                sample="max(exp(log_gamma_quantile(shape, uniform)) / rate, 1e-30)",
                mean="shape / rate",
            ),
        ),
        pathwise=True,
    ),
    Family(
        "InverseGamma",
        "Positive",
        (
            Form(
                "",
                (("shape", "Positive"), ("scale", "Positive")),
                log_density="shape * log(scale) - lgamma(shape) - (shape + 1) * log(x) - scale / x",
                sample="min(scale * exp(-log_gamma_quantile(shape, uniform)), 1e30)",
            ),
        ),
        pathwise=True,
    ),
    # X / (X + Y) of two gamma variables
    Family(
        "Beta",
        "Unit",
        (
            Form(
                "",
                (("a", "Positive"), ("b", "Positive")),
                log_density="lgamma(a + b) - lgamma(a) - lgamma(b) + (a - 1) * log(x) + (b - 1) * log1p(-x)",
                # where sigmoid rounds to an end of (0, 1), the draw stays inside
                sample="min(max(sigmoid(log_gamma_quantile(a, uniform) - log_gamma_quantile(b, another)), 1e-7),"
                " 1 - 1e-7)",
                mean="a / (a + b)",
            ),
        ),
        pathwise=True,
    ),
    # Pareto's law beyond its scale, moved to 0
    Family(
        "Lomax",
        "Positive",
        (
            Form(
                "",
                (("shape", "Positive"), ("scale", "Positive")),
                log_density="log(shape / scale) - (shape + 1) * log1p(x / scale)",
                sample="scale * expm1(-log(uniform) / shape)",
                cdf="-expm1(-shape * log1p(x / scale))",
            ),
        ),
        pathwise=True,
    ),
    # of angles: von Mises, 1918; a draw is turned by the mean, and back to the circle
    Family(
        "VonMises",
        "Angle",
        (
            Form(
                "",
                (("mean", "Real"), ("concentration", "Positive")),
                log_density="concentration * cos(x - mean) - log_bessel_i0(concentration) - log(2 * pi)",
                sample="min(max(mean + von_mises_quantile(concentration, uniform) - 2 * pi * floor((mean"
                " + von_mises_quantile(concentration, uniform)) / (2 * pi) + 0.5), -3.141592), 3.141592)",
            ),
        ),
        pathwise=True,
    ),
)
