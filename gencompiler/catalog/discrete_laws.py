"""Distributions of whole numbers."""

from __future__ import annotations

from gencompiler.catalog.distribution_forms import Family, Form

DISCRETE_LAWS = (
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
        "Poisson",
        "Count",
        (
            Form(
                "",
                (("rate", "Positive"),),
                log_density="x * log(rate) - rate - lgamma(x + 1)",
                sample="poisson_quantile(rate, uniform)",
                mean="rate",
            ),
            Form(
                "log_rate",
                (("log_rate", "Real"),),
                log_density="x * log_rate - exp(log_rate) - lgamma(x + 1)",
                sample="poisson_quantile(exp(log_rate), uniform)",
                mean="exp(log_rate)",
            ),
        ),
        pathwise=False,
    ),
    # failures before the first success
    Family(
        "Geometric",
        "Count",
        (
            Form(
                "",
                (("probability", "Unit"),),
                log_density="log(probability) + x * log1p(-probability)",
                sample="floor(log(uniform) / log1p(-probability))",
                mean="1 / probability - 1",
            ),
        ),
        pathwise=False,
    ),
    # failures before a number of successes, each of this probability: Poisson of a gamma variable
    Family(
        "NegativeBinomial",
        "Count",
        (
            Form(
                "",
                (("successes", "Positive"), ("probability", "Unit")),
                log_density="lgamma(x + successes) - lgamma(successes) - lgamma(x + 1) + successes * log(probability)"
                " + x * log1p(-probability)",
                sample="poisson_quantile(exp(log_gamma_quantile(successes, another)) * (1 / probability - 1), uniform)",
                mean="successes * (1 / probability - 1)",
            ),
        ),
        pathwise=False,
    ),
    # the cells between half-integers of a logistic variable, the outermost with its tails: Salimans, Karpathy, Chen &
    # Kingma, PixelCNN++, 2017, eq. 2; with u, l the ends of a cell in units of the scale,
    # sigmoid(u) - sigmoid(l) = (1 - exp(l - u)) sigmoid(u) sigmoid(-l)
    Family(
        "DiscretizedLogistic",
        "Integer",
        (
            Form(
                "",
                (("mean", "Real"), ("scale", "Positive"), ("lower", "Real"), ("upper", "Real")),
                log_density="indicator(x > lower) * indicator(x < upper - 1) * log(-expm1(-1 / scale))"
                " - indicator(x < upper - 1) * softplus((mean - x - 0.5) / scale)"
                " - indicator(x > lower) * softplus((x - mean - 0.5) / scale)",
                sample="min(max(floor(mean + scale * logit(uniform) + 0.5), lower), upper - 1)",
                requires=(("upper - lower - 1", "Positive"),),
                support_arguments=("lower", "upper"),
                support="Integer",
            ),
        ),
        pathwise=False,
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
)
