"""How figures look, and how they become parts of a page.

Figures are drawn with the colours of the light page.  In the page every such colour is a CSS variable, so that a figure
follows the reader's light or dark setting, and its text uses the page's font.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gencompiler.report.data import Array, Event

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Inches across a full-width figure: with it, text comes out at the size of the page's small print.
FULL = 9.4

INK = "#1c2024"
MUTED = "#6b7280"
RULE = "#dcdad4"
MODEL = "#1f5f8b"
DATA = "#b3631c"
THIRD = "#4c7a4a"
FOURTH = "#7b4b94"
SERIES = (MODEL, DATA, THIRD, FOURTH)

#: The page's variable for each colour a figure may use.
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    MODEL: "--model",
    DATA: "--data",
    THIRD: "--third",
    FOURTH: "--fourth",
}

_RC: dict[str, Any] = {
    "font.size": 9.5,
    "font.family": "sans-serif",
    "svg.fonttype": "none",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": RULE,
    "axes.titlecolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
}


@dataclasses.dataclass(frozen=True)
class Drawing:
    """A matplotlib figure of a report: `name` is unique on its page, `title` says what is seen to those who do not see
    it, `caption` what it means and how it was computed."""

    name: str
    title: str
    caption: str
    figure: Figure


@contextlib.contextmanager
def figure(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> Iterator[tuple[Any, Any]]:
    """A matplotlib figure of `width` × `height` inches in the report's style, and its axes.  Matplotlib's own registry
    of open figures does not know it, so it need not be closed."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_RC):
        drawing = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(drawing)
        axes = drawing.subplots(rows, columns, **options)
        yield drawing, axes


def svg(drawing: Drawing) -> str:
    """`drawing` as inline SVG; its name keeps its identifiers apart from those of other figures of the page."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({**_RC, "svg.hashsalt": drawing.name}):
        drawing.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return inline(buffer.getvalue(), drawing.name, drawing.title)


def png(drawing: Drawing, dots_per_inch: int = 100) -> bytes:
    """`drawing` as a PNG on white."""
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context(_RC):
        drawing.figure.savefig(buffer, format="png", dpi=dots_per_inch, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def inline(text: str, name: str, description: str) -> str:
    """A standalone SVG document as an element of a page: no prologue, colours by variable, only the needed ids."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    for colour, variable in VARIABLES.items():
        text = re.sub(re.escape(colour), f"var({variable})", text, flags=re.IGNORECASE)
    text = re.sub(r"font: ?([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;\"]*;?", "", text)
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r"href=\"#([^\"]+)\"", text))

    def keep(match: re.Match[str]) -> str:
        return f' id="{name}-{match[1]}"' if match[1] in used else ""

    text = re.sub(r"\sid=\"([^\"]+)\"", keep, text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r"href=\"#([^\"]+)\"", rf'href="#{name}-\1"', text)
    text = re.sub(r"(<svg[^>]*?) width=\"[^\"]*\"", _maximum_width, text, count=1)
    text = re.sub(r"(<svg[^>]*?) height=\"[^\"]*\"", r"\1", text, count=1)
    label = description.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1).strip()


def _maximum_width(match: re.Match[str]) -> str:
    """How wide the page shows a figure at most: 72 points of it as 100 pixels, in rem."""
    points = re.search(r"width=\"([\d.]+)", match[0])
    return match[1] + (f' style="max-width:{float(points[1]) / 72 * 100 / 16:.2f}rem"' if points else "")


def sheet(images: Array, columns: int) -> Array:
    """`images` [n, height, width] side by side, row by row, on one array; NaN between and after them."""
    count, height, width = images.shape
    rows = -(-count // columns)
    gap = max(1, width // 8)
    placed = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for number, picture in enumerate(images):
        top, left = (number // columns) * (height + gap), (number % columns) * (width + gap)
        placed[top : top + height, left : left + width] = picture
    return placed


def show_sheet(axes: Any, images: Array, limits: tuple[float, float], columns: int, title: str = "") -> None:
    """Draw `sheet(images, columns)`: the lower limit is paper, the upper is ink; pixels stay sharp at any zoom."""
    placed = sheet(images, columns)
    lower, upper = limits
    axes.imshow(
        np.ma.masked_invalid(placed), cmap="gray_r", vmin=lower, vmax=max(upper, lower + 1e-12), interpolation="none"
    )
    axes.set_axis_off()
    axes.set_title(title)


def limits(event: Event, *rows: Array) -> tuple[float, float]:
    """The values that are paper and ink: the ends of the support, or those that hold 98 % of the last of `rows`."""
    lower, upper = event.lower, event.upper
    if not (np.isfinite(lower) and np.isfinite(upper)):
        return float(np.quantile(rows[-1], 0.01)), float(np.quantile(rows[-1], 0.99))
    return lower, upper
