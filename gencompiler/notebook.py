"""What a notebook shows: verdicts and diagnostics as HTML, and the figures of a model.

Everything that comes from a spec is escaped.  Colours are fixed, on a background of their own, so that they are read in
light and dark notebooks alike.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gencompiler.diagnostics.wording import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gencompiler.api import CheckResult
    from gencompiler.checks.capability import Ability
    from gencompiler.report.style import Drawing

_STYLE = (
    "background:#fbfaf7;color:#1c2024;border:1px solid #dcdad4;border-radius:6px;padding:.8em 1em;"
    "font:14px/1.5 system-ui,sans-serif;overflow-x:auto"
)
_CELL = "text-align:left;vertical-align:top;padding:.2em 1em .2em 0;color:#1c2024;background:none"
_QUIET = "color:#5b626d"

#: The mark and colour of each status; the mark says the same to those who do not see the colour.
_STATUS = {
    "proved": ("✓", "#2f6f4f"),
    "assumed": ("∗", "#8a5f0b"),
    "unknown": ("?", "#6d5a9c"),
    "refuted": ("✗", "#a63a32"),
}


def check_html(result: CheckResult) -> str:
    """The verdicts, the capabilities and the diagnostics of a check."""
    counts = [f"{sum(v.status == s for v in result.verdicts)} {s}" for s in _STATUS]
    found = ", ".join(c for c in counts if not c.startswith("0 "))
    mark, colour = _STATUS["proved" if result.ok else "refuted"]
    head = f"{found or 'nothing to prove'}; {counted(len(result.diagnostics), 'diagnostic')}"
    parts = [f'<div style="font-weight:600;color:{colour}">{mark} {html.escape(head)}</div>']
    if result.verdicts:
        rows = [(_status(v.status), _code(v.obligation.id), _code(v.subject), _words(v.words)) for v in result.verdicts]
        parts.append(_table(("verdict", "obligation", "of", "why"), rows))
    if result.capabilities is not None:
        parts.append(_table(("capability", "kind", "why"), [_ability(*row) for row in result.capabilities.rows()]))
    if result.diagnostics:
        lines = html.escape(result.render())
        mono = f"font:13px/1.45 ui-monospace,Menlo,Consolas,monospace;margin:.6em 0 0;background:none;{_CELL}"
        parts.append(f'<pre style="{mono};white-space:pre">{lines}</pre>')
    return f'<div style="{_STYLE}">{"".join(parts)}</div>'


def _ability(name: str, ability: Ability) -> tuple[str, ...]:
    passes = f", {counted(ability.passes, 'pass')}" if ability.passes > 0 and ability.kind != "none" else ""
    return _code(name), html.escape(ability.kind + passes), _words(ability.reason)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table of cells that are HTML already."""
    top = "".join(f'<th style="{_CELL};{_QUIET}">{html.escape(head)}</th>' for head in heads)
    body = "".join("<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in row) + "</tr>" for row in rows)
    frame = "border-collapse:collapse;margin:.6em 0 0;font-size:13px"
    return f'<table style="{frame}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def _status(status: str) -> str:
    mark, colour = _STATUS[status]
    return f'<span style="color:{colour};font-weight:600;white-space:nowrap">{mark} {html.escape(status)}</span>'


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"


def _words(text: str) -> str:
    """`text` with what stands between backticks as code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return html.escape(text)
    return "".join(_code(piece) if i % 2 else html.escape(piece) for i, piece in enumerate(pieces))


class Figures(Mapping[str, "Figure"]):
    """The figures of a model by name, as matplotlib figures; a notebook shows them all, with their captions."""

    def __init__(self, drawings: list[Drawing]) -> None:
        self.drawings = {drawing.name: drawing for drawing in drawings}

    def __getitem__(self, name: str) -> Figure:
        return self.drawings[name].figure

    def __iter__(self) -> Iterator[str]:
        return iter(self.drawings)

    def __len__(self) -> int:
        return len(self.drawings)

    def __repr__(self) -> str:
        return f"Figures({', '.join(self.drawings)})"

    def _repr_html_(self) -> str:
        from gencompiler.report.style import png

        parts = []
        for drawing in self.drawings.values():
            source = base64.b64encode(png(drawing)).decode("ascii")
            title, caption = html.escape(drawing.title), html.escape(drawing.caption)
            image = f'<img alt="{title}" style="max-width:100%" src="data:image/png;base64,{source}">'
            parts.append(f'<figure style="margin:0 0 1em">{image}<figcaption>{caption}</figcaption></figure>')
        return f'<div style="{_STYLE}">{"".join(parts)}</div>'


def figures(model: Any, data: Any = None, *, seed: int = 0) -> Figures:
    """What the report shows of `model`, as matplotlib figures by name ("scatter", "reconstructions", "traces", …).

    Which there are depends on what the model has: samples, latent variables, a flow, a chain, a diffusion, a finite
    condition.  `data` is a data set's name, an array, or arrays by variable, as for `fit`; its held-out rows stand
    beside the samples.  By default it is the data that the spec's `train` line names."""
    from gencompiler.report.collect import figures_of

    return Figures(figures_of(model, data, seed))
