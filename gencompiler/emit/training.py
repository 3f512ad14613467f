"""`train.py` of a generated package: the explicit loop, filled with the phases of the default `train` line."""

from __future__ import annotations

import dataclasses

from gencompiler.emit.code import Code, Sequence, Text, call
from gencompiler.emit.lines import statement
from gencompiler.emit.literals import string, visible
from gencompiler.emit.names import Names, identifier
from gencompiler.emit.templating import render
from gencompiler.model.nodes import LogDensity, Model, Option, Real, Training

#: Options whose value is a whole number.
_WHOLE = frozenset({"epochs", "steps", "batch", "accumulate", "patience", "seed", "max_iter", "history_size", "warmup"})
#: Options that say yes or no.
_FLAGS = frozenset({"nesterov"})
#: Data sets and words are strings; these are calls with options of their own.
_CALLS = ("optimizer", "schedule")
#: Weights of a plain optimizer where the spec names none.
_DEFAULT_RATE = 1e-3


@dataclasses.dataclass(frozen=True)
class PhaseProgram:
    """One phase of the default `train` line: the program (a key of the class's programs) whose scalar output is the
    phase's value of each row, whether it is maximised, and the paths of the parameters it updates (() means all)."""

    label: str
    program: str
    maximize: bool
    update: tuple[str, ...] = ()


def phases_of(model: Model) -> tuple[PhaseProgram, ...]:
    """The phases of the model's first `train` line; () without one.

    A phase whose value is the log-density of the observed variables uses the program `log_prob`, any other the program
    `objective_LABEL`."""
    if not model.trainings:
        return ()
    found = []
    for phase in model.trainings[0].objective.phases:
        exact = isinstance(phase.value, LogDensity) and not phase.value.targets
        program = "log_prob" if exact else f"objective_{phase.label}"
        found.append(PhaseProgram(phase.label, program, phase.maximize))
    return tuple(found)


def phase_code(phase: PhaseProgram) -> Code:
    """`Phase("phase_1", "log_prob")`, an entry of the class's `phases`."""
    keywords: dict[str, Code | str] = {} if phase.maximize else {"maximize": "False"}
    if phase.update:
        keywords["update"] = _strings(phase.update)
    return call("Phase", string(phase.label), string(phase.program), **keywords)


def emit_training(model: Model, class_name: str, phases: tuple[PhaseProgram, ...], header: str) -> str:
    """The text of `train.py`."""
    training = model.trainings[0]
    names = Names(
        ("fit", "SETTINGS", "run", "model", "settings", "dataset", "average", "schedule", "batch", "loss", "rate")
    )
    observed = ", ".join(v.name for v in model.variables if v.role == "observed")
    described = []
    for phase in phases:
        optimizer = names.fresh("optimizer" if len(phases) == 1 else f"{identifier(phase.label)}_optimizer")
        value = f"log p({observed})" if phase.program == "log_prob" else phase.label
        direction = "maximizes" if phase.maximize else "minimizes"
        described.append(
            {
                "label": string(phase.label),
                "optimizer": optimizer,
                "construction": "\n".join(_optimizer_lines(optimizer, phase.update)),
                "function": names.fresh(f"{identifier(phase.label)}_step"),
                "documentation": f"One optimizer step that {direction} the mean of {visible(value)} over the batch.",
            }
        )
    pairs = ", ".join(f"{p['label']}: {p['optimizer']}" for p in described)
    return render(
        "train.py.jinja",
        header=header,
        class_name=class_name,
        settings="\n".join(settings_lines(training)),
        phases=described,
        optimizers=f"{{{pairs}}}",
        validated=described[0]["label"],
    )


def _strings(texts: tuple[str, ...]) -> Code:
    return Sequence(tuple(Text(string(text)) for text in texts))


def _optimizer_lines(name: str, update: tuple[str, ...]) -> list[str]:
    parameters = call("training.group", "model", _strings(update)) if update else call("model.parameters")
    options = Text("**settings.optimizer_options")
    return statement(f"{name} = ", call("optimizers.optimizer", "settings.optimizer", parameters, options), 4)


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
