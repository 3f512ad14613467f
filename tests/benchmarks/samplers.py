"""Annealed importance sampling against a loop over its equations, and HMC against BlackJAX where it is installed.

    python -m tests.benchmarks samplers

The estimates of both sides are compared first, each with its standard error.  BlackJAX runs the same number of leapfrog
steps of the same length for the same number of chains, compiled by XLA; its compilation is not timed.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import gencompiler
from tests.benchmarks.timing import compare, machine, options, say, threads

SPECS = Path(__file__).parents[2] / "specs"
#: Of specs/physics/hmc.gen.
EPS, LEAPS = 0.1, 10


# -- annealing -------------------------------------------------------------------------------------------------------


@torch.no_grad()
def annealed(weights: Tensor, b: Tensor, c: Tensor, particles: int, steps: int) -> tuple[float, float]:
    """log Z of a restricted Boltzmann machine and its standard error, as one would write it in torch."""
    x = (torch.rand(particles, len(b)) < 0.5).float()
    h = (torch.rand(particles, len(c)) < 0.5).float()
    log_weight = torch.full((particles,), (len(b) + len(c)) * math.log(2))
    for step in range(steps):
        energy = x @ b + h @ c + ((x @ weights) * h).sum(1)
        log_weight = log_weight + energy / steps
        time = (step + 1) / steps
        h = torch.bernoulli(torch.sigmoid(time * (x @ weights + c)))
        x = torch.bernoulli(torch.sigmoid(time * (h @ weights.T + b)))
    log_weight = log_weight.double()
    mean = log_weight.logsumexp(0) - math.log(particles)
    spread = ((2 * (log_weight - mean)).exp().mean() - 1).clamp(min=0) / (particles - 1)
    return float(mean), float(spread.sqrt())


def machine_of(visible: int, hidden: int) -> Any:
    """A model of specs/chains/rbm_pcd.gen with weights of a trained machine's size."""
    model = gencompiler.compile(SPECS / "chains" / "rbm_pcd.gen", D=visible, H=hidden)()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model


def check_equal(model: Any, particles: int, steps: int) -> None:
    """Raise AssertionError unless both estimates agree within 6 standard errors."""
    values = [model.value(name).detach() for name in ("W", "b", "c")]
    ours, (theirs, error) = model.ais(particles=particles, steps=steps), annealed(*values, particles, steps)
    found, own = float(ours.log_z[0]), float(ours.standard_error[0])
    say(f"log Z: ours {found:.3f} +- {own:.3f}, a loop {theirs:.3f} +- {error:.3f}")
    if abs(found - theirs) > 6 * math.hypot(error, own):
        raise AssertionError("the two estimates are not the same")


def anneal(particles: int, steps: int, rounds: int) -> None:
    """Both estimates, and the time of each."""
    model = machine_of(64, 16)
    check_equal(model, particles, steps)
    values = [model.value(name).detach() for name in ("W", "b", "c")]
    say(
        compare(
            f"annealing, {particles} particles, {steps} steps",
            lambda: model.ais(particles=particles, steps=steps),
            lambda: annealed(*values, particles, steps),
            rounds,
        )
    )


# -- HMC -------------------------------------------------------------------------------------------------------------


def blackjax_chain(chains: int, steps: int) -> Callable[[], Any]:
    """A function that runs `steps` steps of `chains` chains of BlackJAX's HMC on the banana of specs/physics/hmc.gen."""
    import blackjax
    import jax
    import jax.numpy as jnp

    def log_density(x: Any) -> Any:
        return -(0.5 * x[0] ** 2 + 2 * (x[1] - x[0] ** 2) ** 2)

    kernel = blackjax.hmc(log_density, step_size=EPS, inverse_mass_matrix=jnp.ones(2), num_integration_steps=LEAPS)

    def one(state: Any, key: Any) -> tuple[Any, Any]:
        state, _ = kernel.step(key, state)
        return state, state.position

    @jax.jit
    def run(start: Any, key: Any) -> Any:
        states = jax.vmap(kernel.init)(start)
        keys = jax.random.split(key, (chains, steps))
        return jax.vmap(lambda state, own: jax.lax.scan(one, state, own))(states, keys)[1]

    start = jax.random.normal(jax.random.PRNGKey(0), (chains, 2))
    return lambda: jax.block_until_ready(run(start, jax.random.PRNGKey(1)))


def hamiltonian(chains: int, steps: int, rounds: int) -> None:
    """The second moments of both, and the time of each."""
    if importlib.util.find_spec("blackjax") is None:
        say("BlackJAX is not installed: nothing to compare HMC with")
        return
    model = gencompiler.compile(SPECS / "physics" / "hmc.gen", eps=EPS, L=LEAPS)()
    theirs = blackjax_chain(chains, steps)
    first = torch.as_tensor(theirs().__array__().copy())
    ours = model.chain(chains, steps, burn_in=0, thin=1).draws
    for place, name in enumerate(("x[0]", "x[1]")):
        half = steps // 2
        pair = [float(each[:, half:, place].mean()) for each in (ours, first)]
        say(f"mean of {name} after half the steps: ours {pair[0]:.3f}, BlackJAX {pair[1]:.3f}")
    say(
        compare(
            f"HMC, {chains} chains, {steps} steps of {LEAPS} leaps",
            lambda: model.chain(chains, 1, burn_in=0, thin=steps),
            theirs,
            rounds,
        )
    )


def main(arguments: list[str]) -> None:
    """Run the benchmark with command-line arguments."""
    parser = options(__doc__ or "")
    parser.add_argument("--particles", type=int, default=500, help="particles of the annealing")
    parser.add_argument("--steps", type=int, default=200, help="steps of each measurement")
    parser.add_argument("--chains", type=int, nargs="+", default=[64, 1024], help="chains of HMC at once")
    chosen = parser.parse_args(arguments)
    say(machine())
    for count in chosen.threads:
        with threads(count):
            say(f"-- {count} thread{'s' * (count > 1)}")
            anneal(chosen.particles, chosen.steps, chosen.rounds)
            for chains in chosen.chains:
                hamiltonian(chains, chosen.steps, chosen.rounds)
