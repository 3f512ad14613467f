"""The draw sites of transitions, which number their random streams."""

from __future__ import annotations

from collections.abc import Iterator

from gencompiler.model import nodes as model

#: Steps that are made of transitions.
COMPOSED = (model.Use, model.Series, model.Iterate, model.Mix)

#: What a walk along an orbit draws: which way its window grows, which state is proposed, whether it is taken.
WALK = ("way", "pick", "accept")


def sites(model_: model.Model, move: model.Transition, prefix: str = "") -> Iterator[str]:
    """The draw sites of a transition; each use of another one has sites of its own."""
    prefix = prefix or f"{move.name}."
    drawn: dict[str, int] = {}
    for number, step in enumerate(move.steps):
        if isinstance(step, model.Draw):
            drawn[step.name] = drawn.get(step.name, 0) + 1
            yield site(prefix, step.name, drawn[step.name])
        elif isinstance(step, model.Orbit):
            yield from (f"{prefix}{each}" for each in WALK)
        else:
            yield from _inner_sites(model_, step, f"{prefix}{number}.")
    if all(not isinstance(s, (*COMPOSED, model.Orbit)) for s in move.steps):
        yield f"{prefix}accept"


def site(prefix: str, name: str, count: int) -> str:
    return f"{prefix}{name}" if count == 1 else f"{prefix}{name}.{count}"


def _inner_sites(model_: model.Model, step: model.Step, prefix: str) -> Iterator[str]:
    match step:
        case model.Use(transition=name):
            yield from sites(model_, next(t for t in model_.transitions if t.name == name), prefix)
        case model.Series(steps=steps):
            for number, part in enumerate(steps):
                yield from _inner_sites(model_, part, f"{prefix}{number}.")
        case model.Iterate(step=part):
            yield from _inner_sites(model_, part, prefix)
        case model.Mix(branches=branches):
            yield f"{prefix}pick"
            for number, part in enumerate(branches):
                yield from _inner_sites(model_, part, f"{prefix}{number}.")
