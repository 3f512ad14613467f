"""From `ReportData` to one HTML text without references to anything outside it."""

from __future__ import annotations

import math
from importlib import resources

from markupsafe import Markup, escape

from gencompiler.catalog.supports import SUPPORTS
from gencompiler.diagnostics.wording import counted
from gencompiler.report import highlight, pictures, style
from gencompiler.report.data import ReportData, TrainingRecord
from gencompiler.report.pictures import chains, losses, samples
from gencompiler.report.style import Drawing

#: Each section's anchor and name, and the fields of the data that it shows beside its pictures.
SECTIONS = (
    ("samples", "Samples", "comparison"),
    ("latents", "Latent space", ""),
    ("diffusion", "Diffusion", ""),
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
    figures = drawings(data)
    shown = [
        (anchor, name) for anchor, name, field in SECTIONS if anchor in figures or (field and getattr(data, field))
    ]
    return template.render(
        data=data,
        css=Markup(folder.joinpath("page.css").read_text(encoding="utf-8")),
        headline=headline(data),
        sections=shown,
        figures={section: [(Markup(style.svg(d)), d.caption) for d in each] for section, each in figures.items()},
        leads=_leads(data),
        spec_lines=highlight.lines(data.spec, frozenset(SUPPORTS)),
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
        rows.append(("training", duration(data.training.seconds), counted(data.training.steps, "step")))
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
    return f"Of {counted(len(statuses), 'obligation')}: {', '.join(counts)}. What is assumed rests on the spec's word."


def drawings(data: ReportData) -> dict[str, list[Drawing]]:
    """The pictures of each section that has some."""
    found = {section: pictures.draw(data.pictures, section) for section in pictures.SECTIONS}
    if data.comparison is not None:
        found["samples"] = [*samples.draw(data.comparison), *found["samples"]]
    if data.training is not None:
        found["training"] = losses.draw(data.training)
    if data.chains is not None:
        found["chains"] = chains.draw(data.chains)
    return {section: each for section, each in found.items() if each}


def _leads(data: ReportData) -> dict[str, str]:
    """What a section begins with, where it needs words."""
    leads = {}
    if data.comparison is not None:
        rows, drawn = data.comparison.data, counted(len(data.comparison.samples), "draw")
        leads["samples"] = f"{drawn} of {data.comparison.event.name} from the model"
        leads["samples"] += "." if rows is None else f", beside {counted(len(rows), 'row')} of held-out data."
    if data.training is not None:
        leads["training"] = _training_lead(data.training)
    if data.chains is not None:
        chain_count, draws, _ = data.chains.draws.shape
        acceptance = data.chains.acceptance
        leads["chains"] = f"{data.chains.method}: {counted(chain_count, 'chain')} of {counted(draws, 'draw')} each"
        leads["chains"] += "." if acceptance is None else f", acceptance {acceptance:.3f}."
    return leads


def _training_lead(record: TrainingRecord) -> str:
    lead = f"{record.objective}, {record.steps:,} optimizer steps in {duration(record.seconds)}."
    if record.kept is not None:
        lead += f" The parameters of {record.position} {record.kept:g}, the best in validation, were kept (dashed)."
    return lead
