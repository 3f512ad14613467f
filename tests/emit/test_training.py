"""`train.py`: the loop for one phase, for two, for repeats; what phases are made of the model's own."""

from __future__ import annotations

import ast
import re

import pytest

from gencompiler import pipeline
from gencompiler.diagnostics.span import SourceText
from gencompiler.emit.code import flat
from gencompiler.emit.training import PhaseProgram, emit_training, phase_code, phases_of
from gencompiler.model.nodes import Model

NADE = """
model Tiny(D = 6, H = 5) {
  observed x : Binary[D]
  param W : Real[H, D], V : Real[D, H], b : Real[D], c : Real[H]
  p(x[i] | x[<i]) = Bernoulli(logits = b[i] + V[i] @ sigmoid(c + W[:, <i] @ x[<i]))
  train maximum_likelihood with { optimizer = adam(lr = 1e-2)  epochs = 4  batch = 16 }
}
"""

VAE = """
model Small(D = 4, Z = 2) {
  observed x : Binary[D]
  latent   z : Real[Z]
  p(z) = Normal(0, 1)
  p(x | z) = Bernoulli(logits = mlp(z, hidden = [3]))
  q(z | x) = Normal(m, exp(s)) where { m, s = mlp(x, hidden = [3], size = Z) }
  train OBJECTIVE
}
"""


def resolved(text: str) -> Model:
    return pipeline.run(SourceText("tiny.gen", text), until="resolve").model


def loop(*phases: PhaseProgram) -> str:
    """The body of the loop over epochs."""
    text = emit_training(resolved(NADE), "Tiny", phases, "Trains Tiny.")
    ast.parse(text)
    assert all(len(line) <= 120 for line in text.splitlines())
    return text[text.index("        for _ in run.epochs():") : text.index("    return model")]


CRITIC = PhaseProgram("critic", "objective_critic", True, ("C.w",))
GENERATOR = PhaseProgram("generator", "objective_generator", False, ("G.w",))


def test_one_phase() -> None:
    assert loop(PhaseProgram("phase_1", "log_prob", True)) == (
        """        for _ in run.epochs():
            for batch in run.batches():
                rate = schedule(run.step, run.total)
                optimizers.set_rate(optimizer, rate)
                loss = phase_1_step(model, batch, optimizer, settings, run.step)
                run.add_loss("phase_1", loss, batch.whole)
                average.update()
            with average.applied():
                run.end_epoch(training.mean_loss(model, dataset.valid, "phase_1", settings))
"""
    )


def test_two_phases_have_optimizers_and_evaluations_of_their_own() -> None:
    assert loop(CRITIC, GENERATOR) == (
        """        for _ in run.epochs():
            for batch in run.batches():
                rate = schedule(run.step, run.total)
                optimizers.set_rate(critic_optimizer, rate)
                loss = critic_step(model, batch, critic_optimizer, settings, 2 * run.step)
                run.add_loss("critic", loss, batch.whole)
                optimizers.set_rate(generator_optimizer, rate)
                loss = generator_step(model, batch, generator_optimizer, settings, 2 * run.step + 1)
                run.add_loss("generator", loss, batch.whole)
                average.update()
            run.end_epoch(None)  # no value that parameters could be chosen by
"""
    )


def test_repeats_take_a_batch_each() -> None:
    repeated = PhaseProgram("critic", "objective_critic", True, ("C.w",), 5)
    assert loop(repeated, GENERATOR) == (
        """        for _ in run.epochs():
            for batches in run.rounds():
                rate = schedule(run.step, run.total)
                optimizers.set_rate(critic_optimizer, rate)
                for repeat, batch in enumerate(batches):
                    loss = critic_step(model, batch, critic_optimizer, settings, 6 * run.step + repeat)
                    run.add_loss("critic", loss, batch.whole)
                optimizers.set_rate(generator_optimizer, rate)
                loss = generator_step(model, batches[0], generator_optimizer, settings, 6 * run.step + 5)
                run.add_loss("generator", loss, batches[0].whole)
                average.update()
            run.end_epoch(None)  # no value that parameters could be chosen by
"""
    )


@pytest.mark.parametrize("repeats", [(1,), (3,), (1, 1), (2, 1), (1, 2), (2, 3, 1), (4, 4)])
def test_no_two_steps_of_a_run_share_an_evaluation(repeats: tuple[int, ...]) -> None:
    phases = [PhaseProgram(f"f{i}", "log_prob", True, (), count) for i, count in enumerate(repeats)]
    text = loop(*phases)
    formulas = re.findall(r"loss = (f\d+)_step\(.*, settings, (.*)\)$", text, re.MULTILINE)
    seen = []
    for step in range(4):
        for name, formula in formulas:
            count = repeats[int(name[1:])]
            for repeat in range(count if "repeat" in formula else 1):
                value = formula.replace("run.step", str(step)).replace("repeat", str(repeat))
                seen.append(eval(value, {}))
    assert seen == list(range(4 * sum(repeats)))


def test_a_surrogate_is_no_validation() -> None:
    text = loop(PhaseProgram("phase_1", "objective_phase_1", True, (), 1, surrogate=True))
    assert "run.end_epoch(None)" in text


def test_long_names_are_broken() -> None:
    long = PhaseProgram("a_rather_long_name_for_one_of_phases", "log_prob", True, ("w",), 2)
    loop(long, PhaseProgram("another_long_name_for_one_of_phases", "log_prob", True, ("v",)))


def test_phases_in_the_class() -> None:
    assert flat(phase_code(PhaseProgram("phase_1", "log_prob", True))) == 'Phase("phase_1", "log_prob")'
    repeated = PhaseProgram("critic", "objective_critic", False, ("C.w",), 5)
    assert flat(phase_code(repeated)) == (
        'Phase("critic", "objective_critic", maximize=False, update=("C.w",), repeats=5)'
    )


# -- of a model ------------------------------------------------------------------------------------------------------


def test_maximum_likelihood_updates_everything() -> None:
    assert phases_of(resolved(NADE)) == (PhaseProgram("phase_1", "log_prob", True),)


def test_a_phase_that_reaches_everything_names_nothing() -> None:
    (phase,) = phases_of(resolved(VAE.replace("OBJECTIVE", "elbo")))
    assert phase == PhaseProgram("phase_1", "objective_phase_1", True)


def test_groups_of_two_phases() -> None:
    wake, sleep = phases_of(resolved(VAE.replace("OBJECTIVE", "wake_sleep")))
    model = resolved(VAE.replace("OBJECTIVE", "wake_sleep"))
    assert (wake.label, sleep.label) == ("wake", "sleep")
    assert wake.update
    assert not set(wake.update) & set(sleep.update)
    assert {*wake.update, *sleep.update} == {parameter.path for parameter in model.parameters}


def test_stopped_gradients_make_a_surrogate() -> None:
    (phase,) = phases_of(resolved(VAE.replace("OBJECTIVE", "score_function(K = 3)")))
    assert phase.surrogate
