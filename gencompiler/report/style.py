"""How figures look, and how they become parts of a page.

Figures are drawn with the colours of the light page.  In the page every such colour is a CSS variable, so that a figure
follows the reader's light or dark setting, and its text uses the page's font.
"""

from __future__ import annotations

import base64
import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from gencompiler.report.data import Array

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


@contextlib.contextmanager
def figure(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> Iterator[tuple[Any, Any]]:
    """A matplotlib figure of `width` × `height` inches in the report's style, and its axes; closed on leaving."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_RC):
        drawing = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(drawing)
        axes = drawing.subplots(rows, columns, **options)
        yield drawing, axes


def svg(drawing: Any, name: str, description: str) -> str:
    """`drawing` as inline SVG; `name` keeps its identifiers apart from those of other figures of the page."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({**_RC, "svg.hashsalt": name}):
        drawing.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return inline(buffer.getvalue(), name, description)


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


def image_sheet(images: Array, lower: float, upper: float, columns: int) -> str:
    """`images` [n, height, width] side by side on one sheet, as a PNG data URI; `upper` is ink, `lower` is paper.

    Each pixel becomes a square of whole screen pixels, so that the sheet stays sharp at any zoom."""
    import matplotlib.image

    count, height, width = images.shape
    rows = -(-count // columns)
    gap = max(1, width // 8)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for number, picture in enumerate(images):
        top, left = (number // columns) * (height + gap), (number % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = np.clip((picture - lower) / max(upper - lower, 1e-12), 0, 1)
    paper = np.isnan(sheet)
    grey = np.where(paper, 255, np.round(255 * (1 - np.nan_to_num(sheet)))).astype(np.uint8)
    pixels = np.stack([grey, grey, grey, np.where(paper, 0, 255).astype(np.uint8)], axis=-1)
    scale = max(1, 400 // pixels.shape[1])
    buffer = io.BytesIO()
    matplotlib.image.imsave(buffer, pixels.repeat(scale, axis=0).repeat(scale, axis=1), format="png")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
