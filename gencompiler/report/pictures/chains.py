"""What a chain does: traces, autocorrelation, and the ranks of its draws."""

from __future__ import annotations

import numpy as np

from gencompiler.report import style
from gencompiler.report.data import Array, ChainRecord
from gencompiler.report.style import Drawing

#: Coordinates and chains that are shown.
SHOWN = 4
RANK_BINS = 20


def draw(record: ChainRecord) -> list[Drawing]:
    """The pictures of a chain."""
    return [traces(record), ranks(record)] if len(record.draws) > 1 else [traces(record)]


def traces(record: ChainRecord) -> Drawing:
    """The first chains over their draws, and the mean autocorrelation over chains, one row for each dimension."""
    _, draws, dimensions = record.draws.shape
    shown = min(dimensions, SHOWN)
    shape = {"width_ratios": [2.4, 1]}
    with style.figure(style.FULL, 1.7 * shown + 0.5, shown, 2, squeeze=False, gridspec_kw=shape) as (drawing, grid):
        for i in range(shown):
            left, right = grid[i]
            for chain, colour in zip(record.draws[:SHOWN], style.SERIES, strict=False):
                left.plot(np.arange(draws), chain[:, i], color=colour, linewidth=0.7, alpha=0.75)
            left.set_ylabel(record.quantities[i].name)
            left.margins(x=0.01)
            correlation = autocorrelation(record.draws[:, :, i])
            right.axhline(0, color=style.MUTED, linewidth=0.8)
            right.vlines(np.arange(len(correlation)), 0, correlation, color=style.MODEL, linewidth=1.6)
            right.set_ylim(min(-0.12, float(correlation.min()) - 0.05), 1.05)
            if i == 0:
                left.set_title(f"{min(SHOWN, len(record.draws))} of {len(record.draws)} chains")
                right.set_title("autocorrelation")
        grid[-1][0].set_xlabel("draw")
        grid[-1][1].set_xlabel("lag")
        words = "Autocorrelation is about the mean of all chains, so that chains which disagree do not look short."
        return Drawing("traces", "traces and autocorrelation of the chains", words, drawing)


def ranks(record: ChainRecord) -> Drawing:
    """For each of the first chains, a histogram of the ranks that its draws have among those of all chains."""
    chains, draws, dimensions = record.draws.shape
    shown = min(dimensions, SHOWN)
    bins = min(RANK_BINS, draws)
    expected = draws / bins
    with style.figure(style.FULL, 2.5, 1, shown, squeeze=False, sharey=True) as (drawing, grid):
        for i, axes in enumerate(grid[0]):
            order = np.argsort(np.argsort(record.draws[:, :, i], axis=None, kind="stable"), kind="stable")
            places = order.reshape(chains, draws)
            edges = np.linspace(0, chains * draws, bins + 1)
            for chain, colour in zip(places[:SHOWN], style.SERIES, strict=False):
                heights, _ = np.histogram(chain, bins=edges)
                axes.stairs(heights / expected, edges / (chains * draws), color=colour, linewidth=1.1)
            axes.axhline(1, color=style.MUTED, linewidth=0.9, linestyle=(0, (3, 3)))
            axes.set_title(record.quantities[i].name)
            axes.set_xlabel("rank / all draws")
            axes.set_ylim(bottom=0)
        grid[0][0].set_ylabel("draws / expected")
        words = (
            "Ranks of the same chains' draws among those of all chains. Chains that explore one law have flat "
            "histograms, up to the noise of correlated draws (Vehtari et al., 2021)."
        )
        return Drawing("ranks", "histograms of ranks, chain by chain", words, drawing)


def autocorrelation(draws: Array, lags: int = 40) -> Array:
    """Autocorrelation of `draws` [chains, n] at lags 0 to `lags`, averaged over chains about their common mean."""
    count = draws.shape[1]
    centred = np.asarray(draws, dtype=np.float64) - draws.mean()
    spectrum = np.fft.rfft(centred, n=2 * count, axis=1)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), axis=1)[:, : min(lags + 1, count)].mean(axis=0) / count
    first = float(covariance[0])
    correlation: Array = covariance / first if first > 0 else np.zeros_like(covariance)
    return correlation
