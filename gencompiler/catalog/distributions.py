"""Distributions: every family of the catalogue, by its name."""

from __future__ import annotations

from gencompiler.catalog.discrete_laws import DISCRETE_LAWS
from gencompiler.catalog.distribution_forms import Family, Form
from gencompiler.catalog.positive_laws import POSITIVE_LAWS
from gencompiler.catalog.real_laws import REAL_LAWS
from gencompiler.catalog.simplex_laws import SIMPLEX_LAWS

_OTHERS = (
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

DISTRIBUTIONS: dict[str, Family] = {
    d.name: d for d in (*REAL_LAWS, *POSITIVE_LAWS, *DISCRETE_LAWS, *SIMPLEX_LAWS, *_OTHERS)
}

#: Laws that are made of other distributions: they have forms of their own in the Model IR, and no row above.
COMPOSED = ("Mixture",)

#: Known to the language, not yet to the compiler: a spec that uses one is told so.
PLANNED: tuple[str, ...] = ()

__all__ = ["COMPOSED", "DISTRIBUTIONS", "PLANNED", "Family", "Form"]
