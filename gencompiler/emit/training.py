"""`train.py` of a generated package: the explicit loop, filled with the phases of the default `train` line."""

from __future__ import annotations

import dataclasses

from gencompiler.emit.code import Code, Sequence, Text, call
from gencompiler.emit.fields import field_code
from gencompiler.emit.lines import statement
from gencompiler.emit.literals import string, visible
from gencompiler.emit.names import Names, identifier
from gencompiler.emit.parameter_lists import strings
from gencompiler.emit.templating import render
from gencompiler.model.nodes import Drawn, JointSource, Model, Option, Real, Training, Variable
from gencompiler.node import Node, walk
from gencompiler.rows import stored
from gencompiler.rows.chains import state_of
from gencompiler.rows.objectives import is_log_prob

#: Options whose value is a whole number.
_WHOLE = frozenset({"epochs", "steps", "batch", "accumulate", "patience", "seed", "max_iter", "history_size", "warmup"})
#: Options that say yes or no.
_FLAGS = frozenset({"nesterov"})
#: Data sets and words are strings; these are calls with options of their own.
_CALLS = ("optimizer", "schedule")
#: What the loop calls its own.
_TAKEN = (
    *("fit", "SETTINGS", "run", "model", "settings", "dataset", "average", "schedule", "batch", "batches", "repeat"),
    *("loss", "rate", "data", "distributed", "optimizers", "training"),
)
#: Weights of a plain optimizer where the spec names none.
_DEFAULT_RATE = 1e-3


@dataclasses.dataclass(frozen=True)
class PhaseProgram:
    """One phase of the default `train` line: the program (a key of the class's programs) whose scalar output is the
    phase's value of each row, whether it is maximised, the paths of the parameters it updates (() means all), and how
    many optimizer steps it takes in a row, and the ends between which each of them is kept.

    `surrogate`: gradients are stopped in it, so that a better value is not a better model."""

    label: str
    program: str
    maximize: bool
    update: tuple[str, ...] = ()
    repeats: int = 1
    surrogate: bool = False
    chains: int = 0
    stored: tuple[Variable, ...] = ()
    within: tuple[Real, Real] | None = None


def phases_of(model: Model) -> tuple[PhaseProgram, ...]:
    """The phases of the model's first `train` line; () without one.

    A phase whose value is the log-density of the observed variables uses the program `log_prob`, any other the program
    `objective_LABEL`."""
    if not model.trainings:
        return ()
    every = {parameter.path for parameter in model.parameters} | {external.name for external in model.externals}
    found = []
    for phase in model.trainings[0].objective.phases:
        program = "log_prob" if is_log_prob(phase.value) else f"objective_{phase.label}"
        update = () if every <= set(phase.parameters) else phase.parameters
        stopped = any(_is_stop(each) for each in walk(phase.value))
        drawn = stored.kept(phase)
        chains, moving = _stored(model, drawn) if drawn is not None else (0, ())
        taken = (phase.repeats, stopped, chains, moving, phase.within)
        found.append(PhaseProgram(phase.label, program, phase.maximize, update, *taken))
    return tuple(found)


def _stored(model: Model, drawn: Drawn) -> tuple[int, tuple[Variable, ...]]:
    """How many chains a phase keeps, and of which variables."""
    assert isinstance(drawn.source, JointSource)
    move = next(t for t in model.transitions if t.name == drawn.source.joint)
    names = {i.name for i in state_of(move)}
    return drawn.source.chains, tuple(v for v in model.variables if v.name in names)


def _is_stop(each: Node) -> bool:
    return bool(getattr(each, "stopped", False)) or getattr(each, "function", "") == "stop"


def phase_code(phase: PhaseProgram) -> Code:
    """`Phase("phase_1", "log_prob")`, an entry of the class's `phases`."""
    keywords: dict[str, Code | str] = {} if phase.maximize else {"maximize": "False"}
    if phase.update:
        keywords["update"] = strings(phase.update)
    if phase.repeats > 1:
        keywords["repeats"] = str(phase.repeats)
    if phase.chains:
        keywords["chains"] = str(phase.chains)
        keywords["stored"] = Sequence(tuple(field_code(v) for v in phase.stored))
    if phase.within is not None:
        keywords["within"] = f"({', '.join(repr(float(end)) for end in phase.within)})"
    return call("Phase", string(phase.label), string(phase.program), **keywords)


@dataclasses.dataclass(frozen=True)
class _Turn:
    """A phase's part of a round: what its optimizer and its function are called; `first` counts the optimizer steps of
    the round before it, `total` those of the round, `batches` the batches of the round."""

    phase: PhaseProgram
    optimizer: str
    function: str
    first: int
    total: int
    batches: int


def _turns(phases: tuple[PhaseProgram, ...]) -> list[_Turn]:
    names = Names(_TAKEN)
    repeats = [phase.repeats for phase in phases]
    found = []
    for place, phase in enumerate(phases):
        optimizer = names.fresh("optimizer" if len(phases) == 1 else f"{identifier(phase.label)}_optimizer")
        function = names.fresh(f"{identifier(phase.label)}_step")
        found.append(_Turn(phase, optimizer, function, sum(repeats[:place]), sum(repeats), max(repeats)))
    return found


def emit_training(model: Model, class_name: str, phases: tuple[PhaseProgram, ...], header: str) -> str:
    """The text of `train.py`."""
    turns = _turns(phases)
    observed = ", ".join(v.name for v in model.variables if v.role == "observed")
    described = [
        {
            "label": string(turn.phase.label),
            "construction": "\n".join(_optimizer_lines(turn)),
            "turn": "\n".join(_turn_lines(turn)),
            "function": turn.function,
            "documentation": _step_documentation(turn, observed),
            "stored": turn.phase.chains > 0,
            "within": turn.phase.within is not None,
        }
        for turn in turns
    ]
    return render(
        "train.py.jinja",
        header=header,
        class_name=class_name,
        settings="\n".join(settings_lines(model.trainings[0])),
        phases=described,
        run="\n".join(_run_lines(turns)),
        repeated=turns[0].batches > 1,
        stored=any(turn.phase.chains for turn in turns),
        validated=described[0]["label"] if len(phases) == 1 and not phases[0].surrogate else None,
    )


def _step_documentation(turn: _Turn, observed: str) -> str:
    value = f"log p({observed})" if turn.phase.program == "log_prob" else f"`{turn.phase.program}`"
    direction = "maximizes" if turn.phase.maximize else "minimizes"
    keyed = "; `step` keys its draws" if turn.total > 1 else ""
    return f"One optimizer step that {direction} the mean of {visible(value)} over the batch{keyed}."


def _run_lines(turns: list[_Turn]) -> list[str]:
    """`run = training.Run(model, dataset, settings, {"phase_1": optimizer}, average)`"""
    pairs = Sequence(tuple(Text(f"{string(turn.phase.label)}: {turn.optimizer}") for turn in turns), "{}")
    repeats: dict[str, Code | str] = {"repeats": str(turns[0].batches)} if turns[0].batches > 1 else {}
    made = call("training.Run", "model", "dataset", "settings", pairs, "average", **repeats)
    return statement("run = ", made, 4)


def _turn_lines(turn: _Turn) -> list[str]:
    """Sets the phase's rate, takes its step or steps, and counts their loss."""
    lines = statement("", call("optimizers.set_rate", turn.optimizer, "rate"), 16)
    batch, indent = "batch" if turn.batches == 1 else "batches[0]", 16
    evaluation = [f"{turn.total} * run.step" if turn.total > 1 else "run.step"]
    evaluation += [str(turn.first)] if turn.first else []
    if turn.phase.repeats > 1:
        every = "batches" if turn.phase.repeats == turn.batches else f"batches[:{turn.phase.repeats}]"
        lines.append(f"{' ' * indent}for repeat, batch in enumerate({every}):")
        batch, indent, evaluation = "batch", indent + 4, [*evaluation, "repeat"]
    step = call(turn.function, "model", batch, turn.optimizer, "settings", " + ".join(evaluation))
    counted = call("run.add_loss", string(turn.phase.label), "loss", f"{batch}.whole")
    return [*lines, *statement("loss = ", step, indent), *statement("", counted, indent)]


def _optimizer_lines(turn: _Turn) -> list[str]:
    group = call("training.group", "model", string(turn.phase.label))
    parameters = group if turn.phase.update else call("model.parameters")
    options = Text("**settings.optimizer_options")
    made = call("optimizers.optimizer", "settings.optimizer", parameters, options)
    return statement(f"{turn.optimizer} = ", made, 4)


def settings_lines(training: Training) -> list[str]:
    """`SETTINGS = training.Settings(data="digits", epochs=50, …)`"""
    options = {option.name: option for option in training.options}
    keywords: dict[str, Code | str] = {}
    rate = options.pop("lr", None)
    for name, option in options.items():
        if name in _CALLS:
            keywords[name] = string(str(option.value))
            inner = {o.name: _value(o) for o in option.options}
            if name == "optimizer" and "lr" not in inner and rate is not None:
                inner["lr"] = _value(rate)
            if inner:
                keywords[f"{name}_options"] = _dictionary(inner)
        else:
            keywords[name] = _value(option)
    if "optimizer" not in options:
        keywords["optimizer"] = string("adam")
        keywords["optimizer_options"] = _dictionary({"lr": _value(rate) if rate is not None else repr(_DEFAULT_RATE)})
    return statement("SETTINGS = ", call("training.Settings", **keywords), 0)


def _dictionary(values: dict[str, str]) -> str:
    return "{" + ", ".join(f"{string(name)}: {value}" for name, value in values.items()) + "}"


def _value(option: Option) -> str:
    """A word as a string, a number as a literal, a tuple of numbers."""
    if option.value == "tuple":
        items = ", ".join(_value(each) for each in option.options)
        return f"({items},)" if len(option.options) == 1 else f"({items})"
    if isinstance(option.value, str):
        return string(option.value)
    return _number(option.name, option.value)


def _number(name: str, value: Real) -> str:
    if name in _FLAGS:
        return str(bool(value))
    if name in _WHOLE and value == int(value):
        return repr(int(value))
    return repr(float(value))
