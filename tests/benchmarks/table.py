"""All benchmarks that have a peer, as a table in Markdown and a picture.

    python -m tests.benchmarks table                          measure with one and with two threads, print the table
    python -m tests.benchmarks table --picture FILE.svg       and draw it

Each line is a median of ratios of interleaved rounds, the peer's time over ours, with its quartiles.  What scatters too
much to be relied on is marked; so is what misses the goal that the project has set itself.
"""

from __future__ import annotations

import importlib
import math
from html import escape
from pathlib import Path

from tests.benchmarks.timing import MEASURED, Comparison, options, say

#: Benchmarks with their own options, in the order of the table.
RUNS: dict[str, list[str]] = {
    "flows": [],
    "nade": ["--rows", "128"],
    "made": [],
    "latent": [],
    "diffusion": ["--rows", "64", "512"],
    "chain": [],
}

#: Sizes of the picture: a line, the place of the words, the width of a factor of two.
LINE, WORDS, OCTAVE = 16, 400, 60


def table(found: list[Comparison]) -> str:
    """A row for each comparison, those of all thread counts side by side."""
    counts = sorted({each.threads for each in found})
    heads = [f"{n} thread{'s' * (n > 1)}" for n in counts]
    lines = ["| what | peer | " + " | ".join(heads) + " | goal |", "|---|---|" + "---|" * (len(counts) + 1)]
    for label, against in dict.fromkeys((each.label, each.against) for each in found):
        own = {each.threads: each for each in found if (each.label, each.against) == (label, against)}
        goal = next(iter(own.values())).goal
        cells = " | ".join(_cell(own[n]) if n in own else "" for n in counts)
        lines.append(f"| {label} | {against} | {cells} | {f'{goal:g}' if goal else ''} |")
    return "\n".join(lines)


def _cell(found: Comparison) -> str:
    text = f"{found.ratio:.2f} ({found.low:.2f} to {found.high:.2f})"
    return text if found.is_stable else f"{text}, unstable"


def picture(found: list[Comparison]) -> str:
    """Bars from 1, to the right where ours is faster, on a scale of factors of two; a tick at each goal."""
    found = [each for each in found if each.threads == min(each.threads for each in found)]
    low = math.floor(min(0.0, *(math.log2(each.ratio) for each in found)))
    high = math.ceil(max(math.log2(max(each.ratio, each.goal or 1.0)) for each in found))
    zero, height = WORDS - low * OCTAVE, LINE * (len(found) + 2)
    width = zero + high * OCTAVE + 20
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        'font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for power in range(low, high + 1):
        x = zero + power * OCTAVE
        lines.append(f'<line x1="{x}" y1="{LINE}" x2="{x}" y2="{height}" stroke="#{"888" if power == 0 else "ddd"}"/>')
        lines.append(f'<text x="{x}" y="{LINE - 4}" text-anchor="middle">{2.0**power:g}</text>')
    for number, each in enumerate(found):
        y, end = LINE * (number + 1) + 3, zero + math.log2(each.ratio) * OCTAVE
        colour = "#3a7" if each.ratio >= max(1.0, each.goal) else "#ca5" if each.ratio >= 1 else "#c55"
        words = escape(f"{each.label} ({each.against})")
        lines.append(f'<text x="{WORDS - 8}" y="{y + 9}" text-anchor="end">{words}</text>')
        left, wide = min(zero, end), abs(end - zero)
        lines.append(f'<rect x="{left:.1f}" y="{y}" width="{wide:.1f}" height="{LINE - 5}" fill="{colour}"/>')
        if each.goal:
            goal = zero + math.log2(each.goal) * OCTAVE
            lines.append(f'<line x1="{goal:.1f}" y1="{y - 1}" x2="{goal:.1f}" y2="{y + LINE - 4}" stroke="black"/>')
    return "\n".join([*lines, "</svg>", ""])


def main(arguments: list[str]) -> None:
    """Run the benchmarks with command-line arguments, and print their table."""
    parser = options(__doc__ or "")
    parser.add_argument("--only", nargs="+", default=list(RUNS), choices=list(RUNS), help="benchmarks to run")
    parser.add_argument("--picture", type=Path, help="an SVG file to write")
    chosen = parser.parse_args(arguments)
    common = ["--rounds", str(chosen.rounds), "--threads", *map(str, chosen.threads)]
    for name in chosen.only:
        module = importlib.import_module(f"tests.benchmarks.{name}")
        try:
            module.main([*RUNS[name], *common])
        finally:
            say(table(MEASURED) if MEASURED else "nothing measured")
    if chosen.picture:
        chosen.picture.write_text(picture(MEASURED), encoding="utf-8")
