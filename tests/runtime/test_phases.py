"""Objectives of several phases: groups, optimizers, repeats, draws, and what is kept."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from gencompiler.runtime import data, optimizers, runs, training
from gencompiler.runtime.errors import RunError
from gencompiler.runtime.fields import Field, Support
from gencompiler.runtime.modules import Model, Phase, RowFunction
from tests.runtime import games

ROWS = 3.0 + np.random.default_rng(0).standard_normal((60, 2))

#: Of 60 rows 6 are held out to test and 6 to validate: 48 train, in 3 batches of 16.
BATCHES = 3


class Killed(BaseException):
    """Stands for SIGKILL inside one process."""


@pytest.fixture(scope="module")
def plays(tmp_path_factory: pytest.TempPathFactory) -> dict[int, ModuleType]:
    """The packages by the number of times that the critic repeats."""
    folder = tmp_path_factory.mktemp("games")
    return {n: runs.import_package(games.write(folder, f"game_{n}", n)) for n in (1, 2, 5)}


def fit(plays: dict[int, ModuleType], repeats: int, **options: Any) -> Model:
    model: Model = plays[repeats].Game(seed=1)
    return model.fit(ROWS, **options)


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, list[int]]]:
    """The phase, evaluation and rows of each training loss from now on."""
    seen: list[tuple[str, int, list[int]]] = []
    original: Callable[..., torch.Tensor] = Model.loss

    def loss(model: Model, batch: data.Batch, *, step: int, phase: str, **keys: Any) -> torch.Tensor:
        seen.append((phase, step, sorted(batch.row.tolist())))
        return original(model, batch, step=step, phase=phase, **keys)

    monkeypatch.setattr(Model, "loss", loss)
    return seen


# -- groups ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("phase", "moved"), [("critic", "C.w"), ("generator", "shift")])
def test_a_phase_differentiates_its_own_parameters_only(plays: dict[int, ModuleType], phase: str, moved: str) -> None:
    model = plays[1].Game()
    model.loss(torch.from_numpy(ROWS), phase=phase).backward()
    assert {name for name, p in model.named_parameters() if p.grad is not None} == {moved}


def test_without_a_group_every_parameter_is_differentiated(plays: dict[int, ModuleType]) -> None:
    """The error that the test above would find: a phase whose group is not kept to."""

    class Loose(plays[1].Game):  # type: ignore[name-defined, misc]
        phases = tuple(type(phase)(phase.label, phase.program, phase.maximize) for phase in plays[1].Game.phases)

    model = Loose()
    model.loss(torch.from_numpy(ROWS), phase="critic").backward()
    assert all(p.grad is not None for p in model.parameters())


def test_the_group_of_a_phase(plays: dict[int, ModuleType]) -> None:
    model = plays[1].Game()
    assert training.group(model, "critic") == [model.raw("C.w")]
    assert training.group(model, "generator") == [model.raw("shift")]


def test_minimised_rows_off_the_support_count_as_the_worst(plays: dict[int, ModuleType]) -> None:
    model = plays[1].Game()
    x = torch.tensor([[torch.inf, 0.0]])
    assert float(model.loss(x, phase="generator").detach()) == torch.inf
    assert float(model.loss(x, phase="critic").detach()) == torch.inf


# -- the loop --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("repeats", [1, 2, 5])
def test_the_loop_does_what_the_phases_say(plays: dict[int, ModuleType], repeats: int) -> None:
    """The same run with everything by hand: the same bits."""
    by_loop = fit(plays, repeats, steps=2, validation=0.0)
    model = plays[repeats].Game(seed=1)
    rows = data.load(ROWS, model.fields, 0.0).train
    order = data.shuffled(len(rows), 0, 0, training.ORDER_STREAM)
    places = torch.split(order, 16)
    critic = torch.optim.Adam([model.raw("C.w")], lr=0.05)
    generator = torch.optim.Adam([model.raw("shift")], lr=0.05)
    taken = 0
    for number in range(2):
        epoch, number_in_epoch = divmod(number, -(-len(places) // repeats))
        if number_in_epoch == 0:
            places = torch.split(data.shuffled(len(rows), 0, epoch, training.ORDER_STREAM), 16)
        batches = [rows.take(places[(number_in_epoch * repeats + k) % len(places)]) for k in range(repeats)]
        for batch in batches:
            model.zero_grad()
            model.loss(batch, step=taken, phase="critic").backward()
            critic.step()
            taken += 1
        model.zero_grad()
        model.loss(batches[0], step=taken, phase="generator").backward()
        generator.step()
        taken += 1
    assert all(torch.equal(a, b) for a, b in zip(by_loop.parameters(), model.parameters(), strict=True))


@pytest.mark.parametrize("repeats", [1, 2, 5])
def test_every_evaluation_draws_afresh(
    plays: dict[int, ModuleType], monkeypatch: pytest.MonkeyPatch, repeats: int
) -> None:
    seen = recorded(monkeypatch)
    fit(plays, repeats, epochs=2)
    assert [step for _, step, _ in seen] == list(range(len(seen)))
    one_round = ["critic"] * repeats + ["generator"]
    rounds = 2 * -(-BATCHES // repeats)
    assert [phase for phase, _, _ in seen] == one_round * rounds


def test_repeats_take_fresh_batches(plays: dict[int, ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = recorded(monkeypatch)
    fit(plays, 2, epochs=1)
    first, second, third, fourth = (rows for phase, _, rows in seen if phase == "critic")
    assert not set(first) & set(second)
    assert not set(second) & set(third)
    assert fourth == first  # three batches make two rounds of two


def test_parts_are_not_repeats(plays: dict[int, ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    """Accumulated parts of one batch share an evaluation; each row has its own draws anyway."""
    whole = fit(plays, 2, steps=3, validation=0.0)
    seen = recorded(monkeypatch)
    parts = fit(plays, 2, steps=3, validation=0.0, accumulate=4)
    assert [len(rows) for _, _, rows in seen[:4]] == [4, 4, 4, 4]
    assert {step for _, step, _ in seen[:4]} == {0}
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("repeats", [1, 2])
@pytest.mark.parametrize("where", ["before", "after"])
def test_killed_and_resumed_ends_with_the_same_bits(
    plays: dict[int, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repeats: int, where: str
) -> None:
    whole = fit(plays, repeats, out=tmp_path / "whole", ema=0.9)
    files = (runs.CHECKPOINT, runs.WEIGHTS, runs.METRICS)
    expected = [(tmp_path / "whole" / name).read_bytes() for name in files]
    original = training.Run._after_step
    for steps in range(1, whole_steps(repeats)):
        out = tmp_path / str(steps)
        with monkeypatch.context() as patched:
            patched.setattr(training.Run, "_after_step", killing(original, steps, where))
            with pytest.raises(Killed):
                fit(plays, repeats, out=out, ema=0.9, save_seconds=0 if steps % 2 else 1e9)
        again = fit(plays, repeats, out=out, ema=0.9, resume=True)
        assert [(out / name).read_bytes() for name in files] == expected, f"killed at step {steps}"
        assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))


def whole_steps(repeats: int) -> int:
    return 3 * -(-BATCHES // repeats) + 1


def killing(original: Callable[..., None], steps: int, where: str) -> Callable[..., None]:
    """`_after_step` that dies at the `steps`-th, before or after it may be saved."""
    count = itertools.count(1)

    def after(run: training.Run, rows: int) -> None:
        number = next(count)
        if number == steps and where == "before":
            raise Killed
        original(run, rows)
        if number == steps:
            raise Killed

    return after


# -- what is kept ----------------------------------------------------------------------------------------------------


def metrics(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / runs.METRICS).read_text())))


def test_opposed_phases_keep_the_last_parameters(plays: dict[int, ModuleType], tmp_path: Path) -> None:
    fit(plays, 1, out=tmp_path, epochs=4)
    lines = metrics(tmp_path)
    assert [line["validation"] for line in lines] == [""] * 4
    assert all(line["loss_critic"] and line["loss_generator"] for line in lines)
    last, shorter = fit(plays, 1, epochs=4), fit(plays, 1, epochs=3)
    loaded = runs.load_run(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), last.parameters(), strict=True))
    assert not torch.equal(last.raw("shift"), shorter.raw("shift"))


def test_an_average_is_kept_instead(plays: dict[int, ModuleType]) -> None:
    averaged, last = fit(plays, 1, ema=0.99), fit(plays, 1)
    near, far = (float(model.raw("shift").detach().abs().max()) for model in (averaged, last))
    assert near < far


def test_a_patience_with_nothing_to_stop_by_is_refused(plays: dict[int, ModuleType]) -> None:
    with pytest.raises(RunError, match="the objective has no value to stop by"):
        fit(plays, 1, patience=2)


def test_losses_are_means_over_the_rows_that_each_phase_took(plays: dict[int, ModuleType], tmp_path: Path) -> None:
    """With a learning rate of zero the generator's loss is that of its start, whatever the critic's repeats."""
    options = {"optimizer_options": {"lr": 0.0}, "epochs": 1, "validation": 0.0}
    fit(plays, 5, out=tmp_path, **options)
    line = metrics(tmp_path)[0]
    assert float(line["loss_generator"]) == pytest.approx(1.0, abs=0.2)  # 1 - w . e
    assert float(line["loss_critic"]) == pytest.approx(-(0.25 * ROWS.sum(1).mean() - 0.0625), abs=0.2)


def test_the_game_is_won(plays: dict[int, ModuleType]) -> None:
    model = fit(plays, 5, epochs=200, optimizer_options={"lr": 0.02}, validation=0.0)
    drawn = model.sample(2000, seed=1)  # type: ignore[operator]
    assert torch.allclose(drawn.mean(0), torch.from_numpy(ROWS).float().mean(0), atol=0.35)


def test_each_optimizer_has_its_options(plays: dict[int, ModuleType]) -> None:
    made: list[torch.optim.Optimizer] = []
    original = optimizers.optimizer
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(optimizers, "optimizer", lambda *a, **k: made.append(original(*a, **k)) or made[-1])
        fit(plays, 1, optimizer="sgd", optimizer_options={"lr": 0.01, "momentum": 0.5}, steps=1)
    assert [each.param_groups[0]["momentum"] for each in made] == [0.5, 0.5]
    assert [len(each.param_groups[0]["params"]) for each in made] == [1, 1]


def test_a_network_of_the_users_belongs_to_a_group() -> None:
    def critic_rows(x: torch.Tensor, shift: torch.Tensor, net: Callable[..., torch.Tensor]) -> torch.Tensor:
        return net(x - shift).squeeze(-1)

    class Own(Model):
        fields = (Field("x", (2,), Support("Real")),)
        programs = {"objective": RowFunction(critic_rows, parameters=("shift",), modules=("net",))}  # noqa: RUF012
        phases = (Phase("critic", "objective", True, ("net",)), Phase("generator", "objective", False, ("shift",)))

        def __init__(self) -> None:
            super().__init__()
            self.declare("shift", (2,), origin="own.gen:1")
            self.attach("net", torch.nn.Linear(2, 1), (1,))

    for phase, moved in (("critic", {"net.weight", "net.bias"}), ("generator", {"shift"})):
        model = Own()
        names = {id(p): name for name, p in model.named_parameters()}
        assert {names[id(p)] for p in training.group(model, phase)} == moved
        model.loss(torch.from_numpy(ROWS).float(), phase=phase).backward()
        assert {name for name, p in model.named_parameters() if p.grad is not None} == moved
