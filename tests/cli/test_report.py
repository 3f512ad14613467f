"""The report's page: self-contained, complete, safe against what a spec contains, right in its numbers."""

from __future__ import annotations

import dataclasses
import html.parser
import re
from importlib import resources
from typing import ClassVar

import numpy as np
import pytest

from gencompiler.report import highlight, style
from gencompiler.report.data import (
    CapabilityRow,
    ChainQuantity,
    ChainRecord,
    Comparison,
    Curve,
    DensityGrid,
    Event,
    FileLink,
    Measurement,
    ReportData,
    TrainingRecord,
    VerdictRow,
)
from gencompiler.report.page import drawings, duration, quantity, render, uncertainty
from gencompiler.report.pictures import chains, losses, samples

SPEC = '"""A spec."""\nmodel M(D = 2) {\n  observed x : Real[D]  # data\n  p(x) = Normal(0, 1)\n}\n'
RNG = np.random.default_rng(0)
PLAIN = ReportData(
    title="M",
    doc="A spec.",
    spec=SPEC,
    spec_path="m.gen",
    spec_hash="0123456789abcdef" * 4,
    compiler="0.1.0",
    date="today",
)


def full() -> ReportData:
    """A report with everything in it."""
    axis = np.linspace(-3, 3, 40)
    grid = DensityGrid((axis, axis), np.exp(-0.5 * (axis[:, None] ** 2 + axis[None] ** 2)), "density")
    draws = RNG.normal(size=(5, 60, 2))
    return dataclasses.replace(
        PLAIN,
        facts=(("parameters", "12"),),
        verdicts=(
            VerdictRow("proved", "normalized", "p(x)", "scale 1 > 0", "rule", "4"),
            VerdictRow("assumed", "stationary", "T", "on trust", "", "2"),
        ),
        capabilities=(CapabilityRow("log_prob", "exact, 1 pass", "known in closed form"),),
        training=TrainingRecord(
            "maximum_likelihood",
            "step",
            "nats",
            (
                Curve("train", np.arange(20), RNG.normal(size=20)),
                Curve("validation", np.arange(20), RNG.normal(size=20)),
            ),
            83.0,
            2000,
        ),
        comparison=Comparison(
            Event("x", (2,), "Real"), RNG.normal(size=(300, 2)), RNG.normal(size=(200, 2)), "held-out rows", grid
        ),
        chains=ChainRecord(
            "chain T", draws, (ChainQuantity("x[0]", 0.0123, 1.0, 0.1, 512.4, 400.1, 1.0021),) * 2, 0.613
        ),
        measurements=(Measurement("log p(x)", -2.83451, 0.0123, "nats", "exact"),),
        timings=(("parse", 0.0042),),
        commands=("genc run m.gen",),
        environment=(("python", "3.11"),),
        files=(FileLink("metrics.csv", "numbers"),),
    )


class Page(html.parser.HTMLParser):
    """Collects the tags, ids, links and text of a page, and checks that elements nest."""

    VOID: ClassVar[set[str]] = {"meta", "img", "br", "hr", "input", "link"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.stack: list[str] = []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack and self.stack[-1] == tag, f"</{tag}> closes {self.stack[-1:]}"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def values(self, attribute: str) -> list[str]:
        return [value for _, attrs in self.tags for name, value in attrs.items() if name == attribute and value]


def test_page_is_self_contained() -> None:
    page = Page(render(full()))
    outside = [u for u in page.values("src") if not u.startswith("data:")]
    assert outside == []
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object"} == set()
    links = [u for u in page.values("href") if not u.startswith("#")]
    assert links == ["metrics.csv"]
    assert "url(http" not in render(full())


def test_every_reference_inside_the_page_has_its_target() -> None:
    text = render(full())
    page = Page(text)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    wanted = {u[1:] for u in page.values("href") + page.values("xlink:href") if u.startswith("#")}
    wanted |= set(re.findall(r"url\(#([^)]+)\)", text))
    assert wanted - set(ids) == set()


def test_page_shows_every_part() -> None:
    text = " ".join(Page(render(full())).words)
    for part in (
        "A spec.",
        "proved",
        "assumed",
        "normalized",
        "exact, 1 pass",
        "maximum_likelihood",
        "1 min 23 s",
        "held-out rows",
        "0.613",
        "1.0021",
        "512",
        "-2.835",
        "± 0.012",
        "genc run m.gen",
        "metrics.csv",
        "1 of 2",
        "0123456789ab",
    ):
        assert part in text, part


def test_parts_without_data_are_left_out() -> None:
    page = Page(render(PLAIN))
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert sections == ["spec", "reproduce"]


@pytest.mark.parametrize("field", ["title", "doc", "spec", "spec_path", "compiler", "date", "spec_hash"])
def test_texts_of_a_spec_cannot_become_markup(field: str) -> None:
    attack = '</pre><script>alert(1)</script><img src=x onerror="alert(1)">'
    page = Page(render(dataclasses.replace(PLAIN, **{field: attack})))
    assert [tag for tag, _ in page.tags if tag in ("script", "img")] == []


def test_names_in_figures_cannot_become_markup() -> None:
    event = Event("<script>alert(1)</script>", (1,), "Real")
    page = Page(render(dataclasses.replace(PLAIN, comparison=Comparison(event, RNG.normal(size=(20, 1))))))
    assert "script" not in [tag for tag, _ in page.tags]


def test_figures_follow_the_page_in_colour_and_font() -> None:
    record = full().training
    assert record is not None
    drawing = style.svg(losses.losses(record))
    for colour in style.VARIABLES:
        assert colour not in drawing.lower()
    assert "var(--model)" in drawing
    assert "font-family" not in drawing
    assert "DejaVu" not in drawing


def test_figures_are_the_same_every_time() -> None:
    data = full()
    assert data.comparison is not None
    first, second = (style.svg(samples.scatter(data.comparison)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("event", "shape"),
    [
        (Event("x", (64,), "Integer(0..17)", True, 0, 16), (8, 8)),
        (Event("x", (784,), "Binary", True, 0, 1), (28, 28)),
        (Event("x", (64,), "Real"), (8, 8)),
        (Event("x", (12, 20), "Real"), (12, 20)),
        (Event("x", (1, 5, 6), "Unit", False, 0, 1), (5, 6)),
        (Event("x", (16,), "Real"), None),
        (Event("x", (9,), "Binary", True, 0, 1), None),
        (Event("x", (63,), "Binary", True, 0, 1), None),
        (Event("x", (), "Real"), None),
    ],
)
def test_which_events_are_images(event: Event, shape: tuple[int, int] | None) -> None:
    assert event.image == shape


def test_a_sheet_places_pixels() -> None:
    images = np.zeros((3, 8, 8))
    images[2, 0, 0] = 16  # third image, top left: second row of the sheet when there are two columns
    placed = style.sheet(images, 2)
    assert placed.shape == (17, 17)
    assert placed[9, 0] == 16
    assert np.isnan(placed[8, 0])  # the gap
    assert np.isnan(placed[9:, 9:]).all()  # nothing where a fourth image would be
    assert (placed == 16).sum() == 1


def test_a_sheet_is_drawn_with_sharp_pixels_inside_the_page() -> None:
    event = Event("x", (16,), "Binary", True, 0, 1)
    rows = RNG.integers(0, 2, (40, 16))
    text = render(dataclasses.replace(PLAIN, comparison=Comparison(event, rows, rows[:20], "rows")))
    images = [attrs for tag, attrs in Page(text).tags if tag == "image"]
    assert len(images) == 2
    assert all((attrs["xlink:href"] or "").startswith("data:image/png;base64,") for attrs in images)
    assert "image-rendering: pixelated" in text


def test_ranks_of_chains_of_one_law_are_flat() -> None:
    record = full().chains
    assert record is not None
    axes = chains.ranks(dataclasses.replace(record, draws=RNG.normal(size=(5, 4000, 2)))).figure.axes[0]
    heights = np.concatenate([patch.get_data().values for patch in axes.patches])
    assert abs(heights - 1).max() < 0.3
    apart = RNG.normal(size=(5, 4000, 2)) + 10 * np.arange(5)[:, None, None]
    axes = chains.ranks(dataclasses.replace(record, draws=apart)).figure.axes[0]
    assert axes.patches[0].get_data().values.max() > 4


def test_sections_without_pictures_are_not_named() -> None:
    assert list(drawings(PLAIN)) == []
    assert set(drawings(full())) == {"samples", "training", "chains"}


def test_autocorrelation_of_an_autoregressive_chain() -> None:
    phi, draws = 0.8, np.empty((200, 2000))
    noise = RNG.normal(size=draws.shape)
    draws[:, 0] = noise[:, 0] / np.sqrt(1 - phi**2)
    for t in range(1, draws.shape[1]):
        draws[:, t] = phi * draws[:, t - 1] + noise[:, t]
    found = chains.autocorrelation(draws)
    np.testing.assert_allclose(found[:20], phi ** np.arange(20), atol=0.02)


def test_autocorrelation_of_chains_that_disagree_does_not_vanish() -> None:
    draws = RNG.normal(size=(2, 500)) + np.array([[-5.0], [5.0]])
    assert chains.autocorrelation(draws)[20] > 0.8


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (1.93423, 0.0123, "1.934"),
        (-85.8123, 0.54, "-85.81"),
        (123456.0, 220.0, "123456"),
        (0.5, None, "0.5"),
        (1234567.0, None, "1.2346e+06"),
        (float("nan"), 0.1, "nan"),
        (3.0, 0.0, "3"),
    ],
)
def test_numbers_show_the_digits_that_are_known(value: float, error: float | None, text: str) -> None:
    assert quantity(value, error) == text


def test_uncertainty_has_two_digits() -> None:
    assert uncertainty(0.012345) == "± 0.012"
    assert uncertainty(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(4.21, "4.2 s"), (200, "3 min 20 s"), (59.99, "60.0 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_highlighting_keeps_the_text_and_knows_the_keywords() -> None:
    lines = highlight.lines(SPEC, frozenset({"Real"}))
    assert "\n".join(re.sub("<[^>]*>", "", line) for line in lines) == _escaped(SPEC)
    assert '<span class="k">observed</span>' in lines[2]
    assert '<span class="t">Real</span>' in lines[2]
    assert '<span class="c"># data</span>' in lines[2]
    grammar = resources.files("gencompiler.syntax").joinpath("grammar.lark").read_text(encoding="utf-8")
    reserved = set(re.findall(r'^[A-Z]+: "([a-z]+)"$', grammar, re.MULTILINE)) | {"in"}
    assert reserved == highlight.KEYWORDS


def test_highlighting_of_a_docstring_over_several_lines_closes_its_marks_on_each() -> None:
    lines = highlight.lines('"""one\n\nthree"""\nmodel', frozenset())
    assert len(lines) == 4
    for line in lines:
        assert line.count("<span") == line.count("</span>")


def _escaped(text: str) -> str:
    from markupsafe import escape

    return str(escape(text.rstrip("\n")))
