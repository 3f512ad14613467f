"""Elementwise functions: how each back end spells it, its derivative, inverse, range and monotonicity.

Formulas are `.gen` expressions over the arguments `a`, `b` (and `y`, the value, in an inverse).  Intervals are texts:
`(0, inf)` is open, `[0, inf)` closed at 0, `[0, 1]` closed.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Function:
    """One elementwise function.

    `derivatives`: one formula for each argument, or () where it has none that training could use (comparisons, floor).
    `value_derivative`: the derivative of a function of one argument as a formula in its value `y`, where that spares
    keeping the argument.
    `inverse`: a formula in `y` for a monotone function of one argument.
    `log_abs_derivative`: log|f'(a)| in a form that neither overflows nor cancels.
    `monotone`: "increasing" or "decreasing", strictly, on the whole domain.
    `log_abs`: log|f(a)| where it has a better form than the logarithm of the value.
    `domain`, `range`: intervals of a unary function; a monotone one reaches the ends of `range` at those of `domain`.
    `exact`: an argument at which the value is known exactly, and that value, as `argument: value`.
    `kind`: of the result: "real", "integer", "boolean", or "same" as the arguments.
    `operator`: the infix or prefix spelling in a spec, for printing; `torch`, `triton`: format strings over arguments,
    the latter empty where no kernel computes it.
    """

    name: str
    arity: int
    torch: str
    triton: str
    derivatives: tuple[str, ...] = ()
    value_derivative: str | None = None
    inverse: str | None = None
    log_abs_derivative: str | None = None
    log_abs: str | None = None
    exact: str | None = None
    monotone: str | None = None
    domain: str = "(-inf, inf)"
    range: str = "(-inf, inf)"
    kind: str = "real"
    operator: str | None = None

    @property
    def is_flat(self) -> bool:
        """Whether its derivatives are zero wherever it has any; a function that has no formulas for derivatives, and is
        not flat, is one that torch alone differentiates."""
        formulas = self.derivatives or ((self.value_derivative,) if self.value_derivative else ())
        if formulas:
            return all(formula == "0" for formula in formulas)
        return self.kind == "boolean" or self.name in _FLAT

    @property
    def in_c(self) -> bool:
        """Whether `runtime/lanes.h` computes it, or C has it as an operator."""
        return self.name not in _NOT_IN_C


#: Constant between jumps; a count that a sampler makes of a uniform number; and what stops gradients.
_FLAT = frozenset(["quotient", "indicator", "sign", "floor", "poisson_quantile", "stop"])

#: Functions that have tables or loops of their own in torch.
_NOT_IN_C = frozenset(
    [
        "bessel_i0",
        "log_bessel_i0",
        "bessel_ratio",
        "log_gamma_quantile",
        "von_mises_quantile",
        "poisson_quantile",
    ]
)


def _unary(name: str, torch: str, triton: str, derivative: str = "", **facts: str) -> Function:
    return Function(name, 1, torch, triton, (derivative,) if derivative else (), **facts)


def _compare(name: str, operator: str) -> Function:
    spelled = f"({{0}} {operator} {{1}})"
    return Function(name, 2, spelled, spelled, kind="boolean", operator=operator)


# The names without a prefix in the Triton column are device functions of `gencompiler.runtime.kernels`.
_ALL = (
    # arithmetic; printers parenthesise by precedence from `operator`, the formats are the fallback
    Function("add", 2, "({0} + {1})", "({0} + {1})", ("1", "1"), kind="same", operator="+"),
    Function("subtract", 2, "({0} - {1})", "({0} - {1})", ("1", "-1"), kind="same", operator="-"),
    Function("multiply", 2, "({0} * {1})", "({0} * {1})", ("b", "a"), kind="same", operator="*"),
    Function("divide", 2, "({0} / {1})", "({0} / {1})", ("1 / b", "-a / b^2"), operator="/"),
    # of whole numbers: a = b * quotient(a, b) + remainder(a, b), the remainder with the sign of b
    Function("quotient", 2, "({0} // {1})", "({0} // {1})", kind="same", operator="//"),
    Function("remainder", 2, "({0} % {1})", "({0} % {1})", kind="same", operator="%"),
    Function("power", 2, "({0} ** {1})", "power({0}, {1})", ("b * a^(b - 1)", "a^b * log(a)"), operator="^"),
    Function(
        "negate",
        1,
        "(-{0})",
        "(-{0})",
        ("-1",),
        inverse="-y",
        log_abs_derivative="0",
        exact="0: 0",
        monotone="decreasing",
        kind="same",
        operator="-",
    ),
    Function(
        "min",
        2,
        "torch.minimum({0}, {1})",
        "minimum({0}, {1})",
        ("indicator(a <= b)", "indicator(b < a)"),
        kind="same",
    ),
    Function(
        "max",
        2,
        "torch.maximum({0}, {1})",
        "maximum({0}, {1})",
        ("indicator(a >= b)", "indicator(b > a)"),
        kind="same",
    ),
    # comparison and logic
    _compare("less", "<"),
    _compare("less_equal", "<="),
    _compare("greater", ">"),
    _compare("greater_equal", ">="),
    _compare("equal", "=="),
    _compare("not_equal", "!="),
    Function("and", 2, "({0} & {1})", "({0} & {1})", kind="boolean", operator="and"),
    Function("or", 2, "({0} | {1})", "({0} | {1})", kind="boolean", operator="or"),
    Function("not", 1, "(~{0})", "({0} == 0)", kind="boolean", operator="not"),
    _unary("indicator", "({0}).to(dtype)", "({0}).to(tl.float32)"),
    # exponentials
    _unary(
        "exp",
        "torch.exp({0})",
        "tl.exp({0})",
        "exp(a)",
        inverse="log(y)",
        log_abs_derivative="a",
        log_abs="a",
        exact="0: 1",
        monotone="increasing",
        range="(0, inf)",
    ),
    _unary(
        "log",
        "torch.log({0})",
        "tl.log({0})",
        "1 / a",
        inverse="exp(y)",
        log_abs_derivative="-log(a)",
        exact="1: 0",
        monotone="increasing",
        domain="(0, inf)",
    ),
    _unary(
        "expm1",
        "torch.expm1({0})",
        "expm1({0})",
        "exp(a)",
        inverse="log1p(y)",
        log_abs_derivative="a",
        exact="0: 0",
        monotone="increasing",
        range="(-1, inf)",
    ),
    _unary(
        "log1p",
        "torch.log1p({0})",
        "log1p({0})",
        "1 / (1 + a)",
        inverse="expm1(y)",
        log_abs_derivative="-log1p(a)",
        exact="0: 0",
        monotone="increasing",
        domain="(-1, inf)",
    ),
    _unary(
        "sqrt",
        "torch.sqrt({0})",
        "tl.sqrt({0})",
        "0.5 / sqrt(a)",
        inverse="y^2",
        log_abs_derivative="-0.5 * log(4 * a)",
        log_abs="0.5 * log(a)",
        exact="1: 1",
        monotone="increasing",
        domain="[0, inf)",
        range="[0, inf)",
    ),
    # sigmoids
    _unary(
        "sigmoid",
        "torch.sigmoid({0})",
        "tl.sigmoid({0})",
        "sigmoid(a) * sigmoid(-a)",
        inverse="logit(y)",
        log_abs_derivative="-softplus(a) - softplus(-a)",
        log_abs="-softplus(-a)",
        exact="0: 1/2",
        monotone="increasing",
        range="(0, 1)",
    ),
    _unary(
        "logit",
        "torch.logit({0})",
        "logit({0})",
        "1 / (a * (1 - a))",
        inverse="sigmoid(y)",
        log_abs_derivative="-log(a) - log1p(-a)",
        exact="1/2: 0",
        monotone="increasing",
        domain="(0, 1)",
    ),
    _unary(
        "softplus",
        "F.softplus({0}, threshold=80)",
        "softplus({0})",
        "sigmoid(a)",
        inverse="y + log(-expm1(-y))",
        log_abs_derivative="-softplus(-a)",
        monotone="increasing",
        range="(0, inf)",
    ),
    _unary(
        "tanh",
        "torch.tanh({0})",
        "tanh({0})",
        "1 - tanh(a)^2",
        inverse="0.5 * (log1p(y) - log1p(-y))",
        log_abs_derivative="2 * (log(2) - a - softplus(-2 * a))",
        exact="0: 0",
        monotone="increasing",
        range="(-1, 1)",
    ),
    _unary(
        "atan",
        "torch.atan({0})",
        "atan({0})",
        "1 / (1 + a^2)",
        inverse="tan(y)",
        log_abs_derivative="-log1p(a^2)",
        exact="0: 0",
        monotone="increasing",
        range="(-pi / 2, pi / 2)",
    ),
    _unary(
        "erf",
        "torch.erf({0})",
        "tl.erf({0})",
        "2 / sqrt(pi) * exp(-a^2)",
        log_abs_derivative="log(2 / sqrt(pi)) - a^2",
        exact="0: 0",
        monotone="increasing",
        range="(-1, 1)",
    ),
    # the gamma function; log Γ has its least value, above -1/8, near 1.4616
    _unary(
        "lgamma",
        "torch.lgamma({0})",
        "lgamma({0})",
        "digamma(a)",
        exact="1: 0",
        domain="(0, inf)",
        range="[-0.125, inf)",
    ),
    _unary("digamma", "torch.digamma({0})", "digamma({0})", monotone="increasing", domain="(0, inf)"),
    # the inverses of y exp(y) and of y + log(y)
    _unary(
        "lambert_w",
        "special.lambert_w({0})",
        "lambert_w({0})",
        "exp(-lambert_w(a)) / (1 + lambert_w(a))",
        inverse="y * exp(y)",
        log_abs_derivative="-lambert_w(a) - log1p(lambert_w(a))",
        exact="0: 0",
        monotone="increasing",
        domain="[-1/e, inf)",
        range="[-1, inf)",
    ),
    _unary(
        "wright_omega",
        "special.wright_omega({0})",
        "wright_omega({0})",
        "wright_omega(a) / (1 + wright_omega(a))",
        inverse="y + log(y)",
        log_abs_derivative="log(wright_omega(max(a, 1))) + min(a, 1) - wright_omega(min(a, 1))"
        " - log1p(wright_omega(a))",
        exact="1: 1",
        monotone="increasing",
        range="(0, inf)",
    ),
    # the modified Bessel function of order 0, its logarithm, and I1 / I0, the slope of that
    _unary(
        "bessel_i0",
        "torch.special.i0({0})",
        "",
        "bessel_i0(a) * bessel_ratio(a)",
        log_abs="log_bessel_i0(a)",
        exact="0: 1",
        range="[1, inf)",
    ),
    _unary(
        "log_bessel_i0",
        "special.log_bessel_i0({0})",
        "",
        "bessel_ratio(a)",
        exact="0: 0",
        range="[0, inf)",
    ),
    _unary(
        "bessel_ratio",
        "special.bessel_ratio({0})",
        "",
        exact="0: 0",
        monotone="increasing",
        range="(-1, 1)",
    ),
    # what samplers make of a uniform number b; torch has gradients of the first two
    Function("log_gamma_quantile", 2, "quantiles.log_gamma_quantile({0}, {1})", ""),
    Function("von_mises_quantile", 2, "quantiles.von_mises_quantile({0}, {1})", ""),
    Function("poisson_quantile", 2, "quantiles.poisson_quantile({0}, {1})", ""),
    # hyperbolic
    _unary(
        "sinh",
        "torch.sinh({0})",
        "sinh({0})",
        "cosh(a)",
        inverse="asinh(y)",
        log_abs_derivative="abs(a) + log1p(exp(-2 * abs(a))) - log(2)",
        exact="0: 0",
        monotone="increasing",
    ),
    _unary(
        "asinh",
        "special.asinh({0})",
        "asinh({0})",
        "1 / sqrt(1 + a^2)",
        inverse="sinh(y)",
        log_abs_derivative="-0.5 * log1p(a^2)",
        exact="0: 0",
        monotone="increasing",
    ),
    _unary(
        "cosh",
        "torch.cosh({0})",
        "cosh({0})",
        "sinh(a)",
        log_abs="abs(a) + log1p(exp(-2 * abs(a))) - log(2)",
        exact="0: 1",
        range="[1, inf)",
    ),
    # trigonometric
    _unary("sin", "torch.sin({0})", "tl.sin({0})", "cos(a)", range="[-1, 1]"),
    _unary("cos", "torch.cos({0})", "tl.cos({0})", "-sin(a)", range="[-1, 1]"),
    _unary(
        "tan",
        "torch.tan({0})",
        "tan({0})",
        "1 + tan(a)^2",
        inverse="atan(y)",
        log_abs_derivative="log1p(tan(a)^2)",
        exact="0: 0",
        monotone="increasing",
        domain="(-pi / 2, pi / 2)",
    ),
    # piecewise
    _unary("abs", "torch.abs({0})", "tl.abs({0})", "sign(a)", range="[0, inf)", kind="same"),
    _unary("sign", "torch.sign({0})", "sign({0})", range="[-1, 1]", kind="same"),
    _unary(
        "relu",
        "torch.relu({0})",
        "maximum({0}, 0.0)",
        "indicator(a > 0)",
        value_derivative="indicator(y > 0)",
        range="[0, inf)",
    ),
    _unary("floor", "torch.floor({0})", "tl.floor({0})"),
    # the identity, which training takes for a constant; no formula has a derivative through it
    _unary("stop", "({0}).detach()", "({0})", kind="same"),
)

FUNCTIONS: dict[str, Function] = {f.name: f for f in _ALL}

#: Functions that are constant between their jumps.
STEPS = ("sign", "floor", "indicator")

#: Words of the language that stand for reductions over all axes of one tensor.
REDUCTIONS = ("sum", "prod", "mean", "min", "max", "norm", "logsumexp", "logmeanexp")

#: Named real numbers.
CONSTANTS = ("pi", "e", "inf")
