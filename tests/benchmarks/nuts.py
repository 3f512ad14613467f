"""The no-U-turn sampler of specs/physics/nuts.gen against BlackJAX's, each after a warm-up of its own: moments and ESS.

    python -m tests.benchmarks nuts --threads 1 --rounds 3

Both adapt a step size, for the same share of acceptance, and a scale for each dimension, then draw.  Moments are printed
with their standard errors beside the exact ones, and a difference of six refuses the comparison.  What is compared is
the smallest bulk ESS of a coordinate or its square (Vehtari et al. 2021), by second of drawing: our own code for both.
BlackJAX's compilation and both warm-ups are not timed.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gencompiler
from gencompiler.runtime import chains as summaries
from tests.benchmarks.timing import compare, machine, options, say, threads

SPEC = Path(__file__).parents[2] / "specs" / "physics" / "nuts.gen"
#: As the spec has them.
WARM_UP, ACCEPTANCE = 500, 0.8
#: E x and E x^2: x[0] ~ Normal(0, 10), x[1] ~ Normal(0, 1), and x[2] ~ Normal(x[1]^2 / 4, 1/4).
FIRST, SECOND = (0.0, 0.0, 0.25), (100.0, 1.0, 3 / 16 + 1 / 16)


def blackjax_sampler(count: int, draws: int) -> Callable[[int], Any]:
    """A function of a seed that draws `[count, draws, 3]`, after a warm-up of each chain that is run here."""
    import blackjax
    import jax
    import jax.numpy as jnp

    def log_density(x: Any) -> Any:
        return -(x[0] ** 2 / 200 + 0.5 * x[1] ** 2 + 8 * (x[2] - x[1] ** 2 / 4) ** 2)

    adapting = blackjax.window_adaptation(
        blackjax.nuts, log_density, target_acceptance_rate=ACCEPTANCE, is_mass_matrix_diagonal=True
    )

    def warm(key: Any, start: Any) -> Any:
        (state, found), _ = adapting.run(key, start, num_steps=WARM_UP)
        return state, found["step_size"], found["inverse_mass_matrix"]

    start = jax.random.normal(jax.random.PRNGKey(0), (count, 3))
    warmed = jax.jit(jax.vmap(warm))(jax.random.split(jax.random.PRNGKey(1), count), start)
    build = blackjax.nuts.build_kernel()

    def one(key: Any, state: Any, size: Any, scale: Any) -> Any:
        def step(current: Any, own: Any) -> Any:
            following, _ = build(own, current, log_density, size, scale, max_num_doublings=8)
            return following, following.position

        return jax.lax.scan(step, state, jax.random.split(key, draws))[1]

    run = jax.jit(jax.vmap(one))
    return lambda seed: jnp.asarray(
        jax.block_until_ready(run(jax.random.split(jax.random.PRNGKey(seed), count), *warmed))
    )


def smallest_ess(draws: np.ndarray[Any, Any]) -> float:
    """Over coordinates and their squares, of `[chains, draws, 3]`."""
    return min(summaries.bulk_ess(each[..., k]) for each in (draws, draws**2) for k in range(draws.shape[-1]))


def check_moments(name: str, draws: np.ndarray[Any, Any]) -> None:
    """Print means and mean squares; raise AssertionError where one is six standard errors from the exact value."""
    words = []
    for power, exact in ((1, FIRST), (2, SECOND)):
        for place, value in enumerate(exact):
            each = draws[..., place] ** power
            error = float(each.std()) / math.sqrt(summaries.effective_sample_size(each))
            found = float(each.mean())
            words.append(f"{found:.3f} ± {error:.3f} ({value:g})")
            if abs(found - value) > 6 * error:
                raise AssertionError(f"{name}: E x[{place}]^{power} is {found}, exactly {value}")
    say(f"{name}: E x and E x², exact in brackets: {', '.join(words)}")


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--chains", type=int, default=64, help="chains of each")
    parser.add_argument("--draws", type=int, default=500, help="draws of each chain")
    chosen = parser.parse_args(arguments)
    say(machine())
    if importlib.util.find_spec("blackjax") is None:
        say("BlackJAX is not installed: nothing to compare with")
        return
    for count in chosen.threads:
        with threads(count):
            say(f"-- {count} thread{'s' * (count > 1)}, {chosen.chains} chains of {chosen.draws} draws")
            against_blackjax(chosen.chains, chosen.draws, chosen.rounds)


def against_blackjax(count: int, draws: int, rounds: int) -> None:
    """Moments of both, then the time of as many draws, then ESS by second."""
    model: Any = gencompiler.compile(SPEC)()
    theirs = blackjax_sampler(count, draws)

    def chain(length: int) -> np.ndarray[Any, Any]:
        found = model.chain(count, length, burn_in=WARM_UP, thin=1, seed=1).draws
        assert isinstance(found, torch.Tensor)
        return found.double().numpy()

    own, other = chain(draws), np.asarray(theirs(2), dtype=np.float64)
    check_moments("ours", own)
    check_moments("BlackJAX", other)
    found = compare("NUTS, with our warm-up", lambda: chain(draws), lambda: theirs(3), rounds, against="BlackJAX")
    warm = compare("our warm-up and one draw", lambda: chain(1), lambda: theirs(3), rounds, against="BlackJAX")
    say(found)
    ours = found.ours - warm.ours * (draws - 1) / draws if warm.ours < found.ours else found.ours
    sizes = smallest_ess(own), smallest_ess(other)
    rates = sizes[0] / ours, sizes[1] / found.peer
    say(f"smallest ESS: ours {sizes[0]:.0f}, BlackJAX {sizes[1]:.0f} of {count * draws} draws")
    say(f"by second of drawing: ours {rates[0]:.0f}, BlackJAX {rates[1]:.0f}: {rates[0] / rates[1]:.2f} times as many")
