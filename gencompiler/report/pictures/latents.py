"""What latent variables mean: rows and their reconstructions, means of prior draws, the latent space, and the way from
one row to another."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from gencompiler.report import style
from gencompiler.report.data import Array, Event, flat
from gencompiler.report.pictures import codes
from gencompiler.report.pictures.subject import SAMPLES, Subject
from gencompiler.report.style import Drawing

#: Images in a line, and lines of a sheet.
COLUMNS = 10
LINES = 5

#: Points along each side of a grid of the latent plane: of images, and of points, of which every fifth makes a line.
#: They are at equally distant levels of the prior's distribution function.
SIDE = 15
LINE_POINTS = 61
EVERY = 5
ENDS = (0.03, 0.97)

#: Draws of q(z | x) that are averaged into an encoded mean, and of p(z) that make its distribution function.
MEAN_DRAWS = 16
PRIOR_DRAWS = 4096

ROW_TO_ROW = "From one held-out row (left) to another (right), along the straight line"


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Rows of data, and `what` p makes of a draw of q(z | x) for each: the mean of p(x | z), or a draw."""

    event: Event
    rows: Array
    made: Array
    what: str


@dataclasses.dataclass(frozen=True)
class Means:
    """The mean of p(x | z) at draws of p(z)."""

    event: Event
    made: Array
    data: Array | None = None
    data_name: str = ""


@dataclasses.dataclass(frozen=True)
class Plane:
    """What the decoder makes of a square grid of a two-dimensional latent, `[side * side, *shape]`, first axis
    slowest."""

    event: Event
    made: Array
    names: tuple[str, str]
    what: str = "The mean of p(x | z)"


@dataclasses.dataclass(frozen=True)
class Cloud:
    """Encoded means of held-out rows in two coordinates, `[rows, 2]`, and draws of the prior in the same ones;
    `shares` of the variance where they are principal components of `size` numbers, else None."""

    points: Array
    prior: Array | None
    size: int
    names: tuple[str, str]
    shares: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True)
class Ways:
    """Lines between two points of the latent space, decoded: `[lines, steps, *shape]`, and what they are, in words."""

    event: Event
    made: Array
    words: str


# -- gathering -------------------------------------------------------------------------------------------------------


def pairs(subject: Subject) -> Pairs | None:
    """Rows beside what q and p make of them."""
    count = 2 * COLUMNS if subject.event.image is not None else 200
    found = codes.encoded(subject, count) if codes.read(subject) else None
    rows = subject.data()
    if found is None or rows is None or not len(rows):
        return None
    made = codes.decoded(subject, found, subject.context(len(rows[:count])) or {})
    return Pairs(subject.event, rows[:count], made, codes.shown(subject))


def means(subject: Subject) -> Means | None:
    """Means at draws of the prior, which samples scatter about; for pictures, and points of the plane."""
    image = subject.event.image is not None
    if not (image or subject.event.size == 2) or not codes.read(subject) or codes.decoder(subject) == "decode":
        return None
    count = 4 * COLUMNS if image else SAMPLES
    found = codes.prior(subject, count)
    if found is None:
        return None
    made = codes.decoded(subject, found, subject.context(count) or {})
    return Means(subject.event, made, subject.data(), subject.rows_name)


def plane(subject: Subject) -> Plane | None:
    """The decoder on a grid, where all it takes are two real numbers and what it makes can be shown."""
    fields = [f for f in subject.model.latents if f.name in codes.read(subject)]
    shown = subject.event.image is not None or subject.event.size == 2
    two = sum(field.size for field in fields) == 2 and not any(field.support.discrete for field in fields)
    found = codes.prior(subject, PRIOR_DRAWS) if two and shown and not subject.model.given else None
    if found is None:
        return None
    draws = np.concatenate([flat(found[f.name].cpu().numpy()) for f in fields], axis=1)
    levels = np.linspace(*ENDS, SIDE if subject.event.image is not None else LINE_POINTS)
    first, second = (np.quantile(draws[:, i], levels) for i in range(2))
    points = np.stack([each.ravel() for each in np.meshgrid(first, second, indexing="ij")], axis=-1)
    latents, place = {}, 0
    for f in fields:
        part = torch.from_numpy(points[:, place : place + f.size]).to(subject.model.device, subject.model.dtype)
        latents[f.name], place = part.reshape(-1, *f.shape), place + f.size
    numbers = [f"{f.name}[{i}]" if f.shape else f.name for f in fields for i in range(f.size)]
    return Plane(subject.event, codes.decoded(subject, latents, {}), (numbers[0], numbers[1]), codes.shown(subject))


def cloud(subject: Subject) -> Cloud | None:
    """Encoded means of held-out rows: the latent plane itself, or the first two principal components."""
    found = codes.encoded(subject, SAMPLES, MEAN_DRAWS)
    if found is None:
        return None
    points = np.concatenate([flat(each.cpu().numpy()) for each in found.values()], axis=1)
    drawn = codes.prior(subject, SAMPLES)
    prior = None if drawn is None else np.concatenate([flat(drawn[n].cpu().numpy()) for n in found], axis=1)
    size = points.shape[1]
    names = [f"{f.name}[{i}]" if f.shape else f.name for f in subject.model.latents for i in range(f.size)]
    if size == 2:
        return Cloud(points, prior, size, (names[0], names[1]))
    if size < 2 or len(points) < 3:
        return None
    centre = points.mean(0)
    _, lengths, axes = np.linalg.svd(points - centre, full_matrices=False)
    # a component's sign is no fact about the data: its largest entry is made positive
    axes = axes[:2] * np.sign(axes[[0, 1], np.abs(axes[:2]).argmax(1)])[:, None]
    shares = lengths[:2] ** 2 / max(float((lengths**2).sum()), 1e-300)
    shadow = None if prior is None else (prior - centre) @ axes.T
    labels = ("first component", "second component")
    return Cloud((points - centre) @ axes.T, shadow, size, labels, (float(shares[0]), float(shares[1])))


def ways(subject: Subject) -> Ways | None:
    """Straight lines in the latent space, decoded: between encoded means of held-out rows, or else draws of p(z)."""
    fields = subject.model.latents
    if subject.event.image is None or subject.model.given or any(field.support.discrete for field in fields):
        return None
    if not codes.read(subject) or codes.shown(subject) == codes.DRAW:
        return None
    found = codes.encoded(subject, 2 * LINES, MEAN_DRAWS)
    words = f"{ROW_TO_ROW} between their codes: the mean of {MEAN_DRAWS} draws of q(z | x) for each."
    if found is None:
        found = codes.prior(subject, 2 * LINES)
        words = "From one draw of p(z) (left) to another (right), along the straight line between them."
    if found is None or len(next(iter(found.values()))) < 2 * LINES:
        return None
    latents = {name: line(each.double(), subject.model.dtype) for name, each in found.items()}
    made = codes.decoded(subject, latents, {}).reshape(LINES, COLUMNS, *subject.event.shape)
    return Ways(subject.event, made, words)


def line(ends: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """COLUMNS points on the line from each of the first LINES rows of `ends` to the row LINES further on, `[LINES *
    COLUMNS, *shape]`."""
    share = torch.linspace(0, 1, COLUMNS, dtype=torch.float64, device=ends.device)
    share = share.reshape(1, COLUMNS, *[1] * (ends.dim() - 1))
    first, last = ends[:LINES, None], ends[LINES : 2 * LINES, None]
    return ((1 - share) * first + share * last).reshape(-1, *ends.shape[1:]).to(dtype)


# -- drawing ---------------------------------------------------------------------------------------------------------


def draw_pairs(found: Pairs) -> list[Drawing]:
    """Rows above their reconstructions, or one against the other."""
    words = f"For each held-out row x: a draw z of q(z | x), then {found.what[0].lower()}{found.what[1:]}."
    event, rows, made = found.event, flat(found.rows), flat(found.made)
    if event.image is None:
        return [_against(event, rows, made, words)]
    limits = style.limits(event, rows)
    count = min(len(rows), 2 * COLUMNS)
    images = np.stack([rows[:count], made[:count]]).reshape(2, count, *event.image)
    height, width = event.image
    with style.figure(style.FULL, style.FULL / 20 * 2.2 * height / width + 0.7, 2, 1) as (drawing, grid):
        for axes, part, title in zip(grid, images, ("held-out rows", "reconstructions"), strict=True):
            style.show_sheet(axes, part, limits, 2 * COLUMNS, title)
        return [Drawing("reconstructions", "held-out rows and their reconstructions", words, drawing)]


def _against(event: Event, rows: Array, made: Array, words: str) -> Drawing:
    count = min(event.size, 4)
    with style.figure(style.FULL, 2.6, 1, count, squeeze=False) as (drawing, grid):
        for i, axes in enumerate(grid[0]):
            low, high = float(min(rows[:, i].min(), made[:, i].min())), float(max(rows[:, i].max(), made[:, i].max()))
            axes.plot([low, high], [low, high], color=style.MUTED, linewidth=0.8)
            axes.plot(rows[:, i], made[:, i], ".", color=style.MODEL, markersize=3, alpha=0.6, markeredgewidth=0)
            axes.set_title(f"{event.name}[{i}]" if event.shape else event.name)
            axes.set_xlabel("held-out row")
        grid[0][0].set_ylabel("reconstruction")
        more = f" The first {count} of {event.size} dimensions." if event.size > count else ""
        return Drawing("reconstructions", "held-out rows against their reconstructions", words + more, drawing)


def draw_means(found: Means) -> list[Drawing]:
    """Means of prior draws: a sheet, or points beside the data."""
    event, made = found.event, flat(found.made)
    words = "The mean of p(x | z) at draws z of p(z)"
    if event.image is None:
        return [_points(event, made, found, f"{words}; samples scatter about these points.")]
    height, width = event.image
    columns = 2 * COLUMNS
    lines = -(-len(made) // columns)
    with style.figure(style.FULL, style.FULL / columns * lines * 1.15 * height / width + 0.4) as (drawing, axes):
        limits = style.limits(event, made)
        style.show_sheet(axes, made.reshape(-1, *event.image), limits, columns, "means of prior draws")
        return [Drawing("means", "means of prior draws", f"{words}; a sample adds the noise of p(x | z).", drawing)]


def _points(event: Event, made: Array, found: Means, words: str) -> Drawing:
    with style.figure(4.8, 4.3) as (drawing, axes):
        if found.data is not None:
            rows = flat(found.data)
            axes.plot(*rows.T, ".", color=style.DATA, markersize=2.4, alpha=0.35, markeredgewidth=0, label="data")
        axes.plot(*made.T, ".", color=style.MODEL, markersize=2.6, alpha=0.7, markeredgewidth=0, label="means")
        axes.set_xlabel(f"{event.name}[0]")
        axes.set_ylabel(f"{event.name}[1]")
        axes.legend(loc="upper right", markerscale=3)
        return Drawing("means", "means of prior draws, beside data", words, drawing)


def draw_plane(found: Plane) -> list[Drawing]:
    """The latent plane: an image at each point of a grid, or the grid carried into the plane of the data."""
    event, (down, across) = found.event, found.names
    tail = f"of their prior from {ENDS[0]} to {ENDS[1]}, estimated from {PRIOR_DRAWS:,} draws."
    if event.image is None:
        return [_grid(found, f"{found.what} where {down} and {across} run through the quantiles {tail}")]
    with style.figure(6.2, 6.2 * event.image[0] / event.image[1]) as (drawing, axes):
        made = flat(found.made)
        style.show_sheet(axes, made.reshape(-1, *event.image), style.limits(event, made), SIDE)
        words = f"{found.what} where {down} (down) and {across} (across) run through the quantiles {tail}"
        return [Drawing("manifold", "the latent plane, decoded", words, drawing)]


def _grid(found: Plane, words: str) -> Drawing:
    points = flat(found.made).reshape(LINE_POINTS, LINE_POINTS, 2)
    with style.figure(5.6, 4.8) as (drawing, axes):
        for place in range(0, LINE_POINTS, EVERY):
            along, up = (name if place == 0 else None for name in reversed(found.names))
            axes.plot(*points[place].T, color=style.MODEL, linewidth=0.9, label=along)
            axes.plot(*points[:, place].T, color=style.DATA, linewidth=0.9, linestyle=(0, (3, 1.5)), label=up)
        axes.set_xlabel(f"{found.event.name}[0]")
        axes.set_ylabel(f"{found.event.name}[1]")
        drawing.legend(title="along a line runs", loc="outside right upper")
        return Drawing("manifold", "the grid of the latent plane, decoded", words, drawing)


def draw_cloud(found: Cloud) -> list[Drawing]:
    """Encoded means in two coordinates, over draws of the prior."""
    words = f"Each point is the mean of {MEAN_DRAWS} draws of q(z | x) for one held-out row."
    labels = list(found.names)
    if found.shares is not None:
        labels = [f"{n}, {100 * s:.0f} % of the variance" for n, s in zip(found.names, found.shares, strict=True)]
        words += f" Principal components of the {found.size} latent numbers."
    if found.prior is not None:
        words += " Where encoded rows leave parts of the prior empty, samples come from codes that training never saw."
    with style.figure(5.4, 4.6) as (drawing, axes):
        if found.prior is not None:
            shown = found.prior
            axes.plot(*shown.T, ".", color=style.MUTED, markersize=2.4, alpha=0.35, markeredgewidth=0, label="prior")
        axes.plot(
            *found.points.T, ".", color=style.MODEL, markersize=3, alpha=0.7, markeredgewidth=0, label="encoded rows"
        )
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        axes.legend(loc="upper right", markerscale=3)
        return [Drawing("codes", "encoded rows in the latent space", words, drawing)]


def draw_ways(found: Ways) -> list[Drawing]:
    """One line of images for each pair of rows."""
    event = found.event
    assert event.image is not None
    made = flat(found.made.reshape(-1, *event.shape)).reshape(-1, *event.image)
    height, width = event.image
    lines, steps = found.made.shape[:2]
    with style.figure(6.2, 6.2 * lines / steps * height / width + 0.3) as (drawing, axes):
        style.show_sheet(axes, made, style.limits(event, flat(made)), steps)
        return [Drawing("interpolation", "lines through the latent space, decoded", found.words, drawing)]
