"""What a notebook shows is well formed, complete, and safe against what a spec contains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import gencompiler
from gencompiler import api
from tests.cli.test_report import Page

Kinds = Callable[[str], type[Any]]
FLOW = """
bijection Scale(u : Real | s : Positive) -> Real = s * u
model M(D = 2) {
  observed x : Real[D]
  latent   z : Real[D]
  p(z) = Normal(0, 1)
  x = z |> Scale
  train maximum_likelihood
}
"""


def test_a_result_shows_verdicts_and_capabilities() -> None:
    text = api.check(FLOW)._repr_html_()
    words = " ".join(Page(text).words)
    for part in ("proved", "invertible", "Scale", "log_prob", "exact, 1 pass", "change of variables", "0 diagnostics"):
        assert part in words, part
    assert "<code>Scale</code>" in text


def test_a_result_shows_diagnostics_with_the_lines_of_the_spec() -> None:
    text = api.check(FLOW.replace("s : Positive", "s : Real"))._repr_html_()
    words = "".join(Page(text).words)
    assert "error[G402]" in words
    assert "bijection Scale(u : Real | s : Real) -> Real = s * u" in words
    assert "^^^^^" in words
    assert "1 diagnostic" in words


@pytest.mark.parametrize(
    "text",
    [
        FLOW.replace("latent   z", 'latent   z # <script>alert("1")</script>\n').replace("D]", "E]", 1),
        FLOW.replace("train maximum_likelihood", "assume integrable(p) because \"<script>alert('1')</script>\""),
        "<script>alert(1)</script>\n",
    ],
)
def test_texts_of_a_spec_cannot_become_markup(text: str) -> None:
    result = api.check(text)
    assert "script" not in {tag for tag, _ in Page(result._repr_html_()).tags}


def test_a_file_named_like_markup_stays_text(tmp_path: Path) -> None:
    spec = tmp_path / "<script>alert(1)<" / "script>.gen"
    spec.parent.mkdir()
    spec.write_text(FLOW.replace("D]", "E]", 1), encoding="utf-8")
    result = api.check(spec)
    assert not result.ok
    text = result._repr_html_()
    assert "script" not in {tag for tag, _ in Page(text).tags}
    assert "&lt;script&gt;alert(1)&lt;" in text


def test_a_model_shows_a_summary(kinds: Kinds) -> None:
    text = kinds("vae")()._repr_html_()
    words = " ".join(Page(text).words)
    for part in ("Vae", "x : Binary[16], observed", "z : Real[2], latent", "bound", "decode_mean", "parameters", "cpu"):
        assert part in words, part


def test_a_summary_escapes_the_docstring(kinds: Kinds, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = kinds("flow")
    monkeypatch.setattr(kind, "__doc__", "<script>alert(1)</script>")
    monkeypatch.setattr(kind, "spec", "<img src=x onerror=alert(1)>.gen")
    assert {tag for tag, _ in Page(kind()._repr_html_()).tags} & {"script", "img"} == set()


def test_figures_are_matplotlib_figures_by_name(kinds: Kinds) -> None:
    rows = np.random.default_rng(0).integers(0, 2, (200, 16)).astype(np.uint8)
    found = gencompiler.figures(kinds("vae")(), rows)
    assert list(found) == ["sheets", "moments", "means", "reconstructions", "manifold", "codes", "interpolation"]
    assert all(isinstance(figure, Figure) for figure in found.values())
    assert repr(found).startswith("Figures(sheets, moments")
    page = Page(found._repr_html_())
    assert len([tag for tag, _ in page.tags if tag == "img"]) == len(found)
    assert all(source.startswith("data:image/png;base64,") for source in page.values("src"))


def test_figures_without_data_are_of_the_model_alone(kinds: Kinds) -> None:
    assert list(gencompiler.figures(kinds("flow")())) == ["scatter"]


def test_figures_have_titles_that_are_escaped() -> None:
    from gencompiler.notebook import Figures
    from gencompiler.report.style import Drawing, figure

    with figure(2, 2) as (drawing, _):
        found = Figures([Drawing("a", '"><script>', "<script>", drawing)])
    assert "script" not in {tag for tag, _ in Page(found._repr_html_()).tags}
