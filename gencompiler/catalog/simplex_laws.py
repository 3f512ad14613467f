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
                # a share that no float holds is read as the smallest: 0 * log 0 is no number
                log_density="lgamma(sum(concentration)) - sum(lgamma(concentration))"
                " + sum((concentration - 1) * log(max(x, 1e-37)))",
                # where a small share underflows, the draw stays inside
                sample="max(softmax(log_gamma_quantile(concentration, uniform)), 1e-30)",
                mean="concentration / sum(concentration)",
                joint=True,
            ),
        ),
        pathwise=True,
    ),
)
