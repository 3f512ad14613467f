"""Names that no value of a C function may have."""

_OF_C = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
exp log expm1 log1p sqrt tanh atan erf floor sinh asinh cosh sin cos tan fabs fmin fmax pow powf fmodf y0 y1 yn j0 j1 jn
gamma signgam main
"""

_OF_FUNCTIONS = (
    "lane at by particle block group row first count begin end seed step shared row_numbers numbers pointers"
)

_OF_LANES = """
LANES WIDTH ALIGNED INLINE FMA FMA_DOUBLE NAN INFINITY choose choose_bool choose_number minimum maximum square relu
absolute root whole sign whole_power power exponential scaled_exponential logarithm log_1_plus exponential_minus_1
sigmoid softplus logit hyperbolic_tangent hyperbolic_sine hyperbolic_cosine inverse_sinh sine cosine tangent
inverse_tangent error_function log_gamma digamma wright_omega lambert_w words unit uniform normal load load_whole
load_section store store_whole add_sums add_products EVEN ODD LOW HIGH chunk_at chunk_to transpose dot chunk reduced
reduce turned turn floor_quotient floor_remainder whole_quotient whole_remainder
"""

#: Words of C, what every function has, and what `runtime/lanes.h` has.
TAKEN = tuple(word for text in (_OF_C, _OF_FUNCTIONS, _OF_LANES) for word in text.split())
