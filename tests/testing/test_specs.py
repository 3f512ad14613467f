"""Every shipped spec, compiled at a size that can be exhausted, has every property that is asked of its kind."""

from pathlib import Path

import pytest

from gencompiler.testing.properties import Effort, applicable
from gencompiler.testing.specs import small_model

SPECS = sorted((Path(__file__).parents[2] / "specs").rglob("*.gen"))

#: These have every property, and take longer to show it than all others together: `genc test` does.
LONG = ("residual", "spline")
TRIED = [spec for spec in SPECS if spec.stem not in LONG]

#: Compared under Triton's interpreter through the methods of their classes, which takes a process each; the kernels of
#: all specs are compared in one, by `tests.emit.test_shipped_interpreted`.
THROUGH_METHODS = ("nade", "moons", "banana", "ais", "vae", "wgan_gp", "asia", "vp_diffusion")

#: Half the usual samples: the rate of false alarms stays what it is, and power is another test's concern.
EFFORT = Effort(examples=6, cases=1, samples=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("spec", TRIED, ids=lambda s: s.stem)
def test_a_shipped_spec_has_every_property(spec: Path) -> None:
    small = small_model(spec)
    assert small is not None
    found = {}
    properties = applicable(small.kind())
    for prop in properties:
        if prop.name == "backends" and spec.stem not in THROUGH_METHODS:
            continue
        try:
            prop.check(small.kind, EFFORT)
        except AssertionError as error:
            found[prop.name] = str(error)
    assert not found, "\n".join(f"{name}: {message}" for name, message in found.items())
    assert {"same_rows", "backends"} & {p.name for p in properties}


def sizes(text: str, tmp_path: Path) -> dict[str, int] | None:
    path = tmp_path / "sized.gen"
    path.write_text(text, encoding="utf-8")
    small = small_model(path)
    return dict(small.defines) if small else None


BITS = """
model Bits(D = 100, H = 30, scale = 0.5) {{
  observed x : {support}[D]
  param b : Real[D], w : Real[H]
  p(x[i] | x[<i]) = {density}
}}
"""


@pytest.mark.parametrize(
    ("support", "density", "expected"),
    [
        ("Binary", "Bernoulli(logits = b[i] + scale * sum(w))", {"D": 8, "H": 8}),
        ("Real", "Normal(b[i], exp(sum(w) * scale))", {"D": 2, "H": 2}),
    ],
)
def test_the_size_is_the_largest_that_can_be_exhausted(
    support: str, density: str, expected: dict[str, int], tmp_path: Path
) -> None:
    assert sizes(BITS.format(support=support, density=density), tmp_path) == expected


def test_a_model_that_is_small_is_left_as_it_is(tmp_path: Path) -> None:
    text = BITS.format(support="Binary", density="Bernoulli(logits = b[i] + scale * sum(w))")
    assert sizes(text.replace("100", "6").replace("30", "2"), tmp_path) == {}


def test_finite_latent_variables_are_few_enough_to_be_summed_over(tmp_path: Path) -> None:
    text = """
model Hidden(D = 20, H = 20) {
  observed x : Binary[D]
  latent z : Binary[H]
  p(z) = Bernoulli(logits = bias())
  p(x | z) = Bernoulli(logits = linear(z))
  train maximum_likelihood
}
"""
    assert sizes(text, tmp_path) == {"D": 8, "H": 8}
    assert sizes(text.replace("latent z : Binary[H]", "latent z : Binary[2 * H]"), tmp_path) == {"D": 4, "H": 4}


def test_a_conditional_spec_is_made_small_and_one_of_mixed_supports_is_left_out(tmp_path: Path) -> None:
    text = BITS.format(support="Binary", density="Bernoulli(logits = b[i] + c * scale * sum(w))")
    assert sizes(text.replace("  param", "  given c : Real\n  param"), tmp_path) == {"D": 8, "H": 8}
    mixed = "model Mixed { observed x : Binary, y : Real  p(x) = Bernoulli(0.5)  p(y | x) = Normal(x, 1) }\n"
    assert sizes(mixed, tmp_path) is None
