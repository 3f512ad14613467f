"""From `ReportData` to one HTML text without references to anything outside it."""

from __future__ import annotations

import math
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.report import figures, highlight
from gencompiler.report.data import Comparison, ReportData

SECTIONS = (
    ("samples", "Samples", "comparison"),
    ("evaluation", "Evaluation", "measurements"),
    ("training", "Training", "training"),
    ("chains", "Chains", "chains"),
    ("verdicts", "What was checked", "verdicts"),
    ("capabilities", "What it can do", "capabilities"),
    ("spec", "The spec", "spec"),
    ("reproduce", "Reproduce", "spec"),
)


def render(data: ReportData) -> str:
    """The page; every text of `data` is escaped."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["quantity"] = quantity
    environment.filters["uncertainty"] = uncertainty
    environment.filters["words"] = words
    folder = resources.files(__package__)
    template = environment.from_string(folder.joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(
        data=data,
        css=Markup(folder.joinpath("page.css").read_text(encoding="utf-8")),
        headline=headline(data),
        sections=[(anchor, name) for anchor, name, field in SECTIONS if getattr(data, field)],
        spec_lines=highlight.lines(data.spec, frozenset(SUPPORTS)),
        **_samples(data.comparison),
        **_training(data),
        **_chains(data),
        verdict_lead=verdict_lead(data),
    )


def quantity(value: float, standard_error: float | None = None) -> str:
    """`value` to the digits that its standard error (or five significant ones) supports."""
    if not math.isfinite(value):
        return str(value)
    if standard_error is not None and standard_error > 0 and math.isfinite(standard_error):
        places = max(0, 1 - math.floor(math.log10(standard_error)))
        return f"{value:.{min(places, 10)}f}"
    return f"{value:.5g}"


def uncertainty(standard_error: float | None) -> str:
    """`± 0.012`: two significant digits; nothing where there is no standard error."""
    return "" if standard_error is None else f"± {float(f'{standard_error:.2g}'):g}"


def words(text: str) -> Markup:
    """`text` with what stands between backticks as code."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return escape(text)
    marked = (escape(p) if i % 2 == 0 else Markup("<code>{}</code>").format(p) for i, p in enumerate(pieces))
    return Markup("").join(marked)


def headline(data: ReportData) -> list[tuple[str, str, str]]:
    """(label, value, detail) of the numbers at the top: measurements first, then what was checked, then facts."""
    rows = []
    for m in data.measurements[: 3 if data.chains else 2]:
        detail = f"{uncertainty(m.standard_error)} {m.unit}".strip()
        rows.append((m.name, quantity(m.value, m.standard_error), detail))
    if data.verdicts:
        proved = sum(v.status == "proved" for v in data.verdicts)
        rows.append(("obligations proved", f"{proved} of {len(data.verdicts)}", ""))
    if data.training is not None:
        rows.append(("training", duration(data.training.seconds), f"{data.training.steps:,} steps"))
    rows.extend((label, value, "") for label, value in data.facts)
    return rows


def duration(seconds: float) -> str:
    """`4.2 s`, `3 min 20 s`, `2 h 5 min`"""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def verdict_lead(data: ReportData) -> str:
    """One sentence on what the table of verdicts says."""
    statuses = [v.status for v in data.verdicts]
    if all(status == "proved" for status in statuses):
        return (
            "Every obligation was proved, for all inputs and all admissible parameters, before a line of code was "
            "written. `genc recheck` replays the proofs."
        )
    counts = [f"{statuses.count(s)} {s}" for s in ("proved", "assumed", "unknown", "refuted") if s in statuses]
    return f"Of {len(statuses)} obligations: {', '.join(counts)}. What is assumed rests on the spec's word."


def _samples(comparison: Comparison | None) -> dict[str, Any]:
    if comparison is None:
        return {"sheets": [], "sample_figures": [], "samples_lead": ""}
    event, has_data = comparison.event, comparison.data is not None
    count = len(comparison.samples)
    lead = f"{count:,} draws of {event.name} from the model"
    lead += f", beside {len(comparison.data):,} rows of held-out data." if comparison.data is not None else "."
    drawings: list[tuple[Markup, str]] = []
    if event.image is None and event.size == 2 and not event.discrete:
        what = "Contours hold 10, 30, 50, 70, 90 and 99 % of the mass." if comparison.density is not None else ""
        drawings.append((Markup(figures.scatter(comparison)), what))
    elif event.image is None:
        drawings.append((Markup(figures.histograms(comparison)), _histogram_caption(comparison)))
    if has_data and event.size > figures.SHOWN_DIMENSIONS:
        caption = "Each point is one dimension; on the line, samples and data agree."
        drawings.append((Markup(figures.moments(comparison)), caption))
    sheets = figures.sheets(comparison) if event.image is not None else []
    return {"sheets": sheets, "sample_figures": drawings, "samples_lead": lead}


def _histogram_caption(comparison: Comparison) -> str:
    size = comparison.event.size
    if size <= figures.SHOWN_DIMENSIONS:
        return ""
    return f"The first {figures.SHOWN_DIMENSIONS} of {size} dimensions."


def _training(data: ReportData) -> dict[str, Any]:
    record = data.training
    if record is None:
        return {"losses": "", "training_lead": ""}
    drawing = Markup(figures.losses(record)) if record.curves else ""
    lead = f"{record.objective}, {record.steps:,} optimizer steps in {duration(record.seconds)}."
    if record.kept is not None:
        lead += f" The parameters of {record.position} {record.kept:g}, the best in validation, were kept (dashed)."
    return {"losses": drawing, "training_lead": lead}


def _chains(data: ReportData) -> dict[str, Any]:
    record = data.chains
    if record is None:
        return {"traces": "", "chains_lead": ""}
    chains, draws, _ = record.draws.shape
    lead = f"{record.method}: {chains:,} chains of {draws:,} draws each"
    lead += f", acceptance {record.acceptance:.3f}." if record.acceptance is not None else "."
    return {"traces": Markup(figures.traces(record)), "chains_lead": lead}
