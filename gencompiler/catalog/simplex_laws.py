"""Distributions on the simplex: densities in the first K - 1 coordinates, which determine the last."""

from __future__ import annotations

from gencompiler.catalog.distribution_forms import Family, Form

SIMPLEX_LAWS = (
    # independent gamma variables over their sum: Devroye, "Non-Uniform Random Variate Generation", 1986, XI.4
    Family(
        "Dirichlet",
        "Simplex",
        (
            Form(
                "",
                (("concentration", "Positive"),),
                log_density="lgamma(sum(concentration)) - sum(lgamma(concentration))"
                " + sum((concentration - 1) * log(x))",
                # where a small share underflows, the draw stays inside
                sample="max(softmax(log_gamma_quantile(concentration, uniform)), 1e-30)",
                mean="concentration / sum(concentration)",
                joint=True,
            ),
        ),
        pathwise=True,
    ),
)
