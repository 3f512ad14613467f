"""Latent variables in and out: draws of q(z | x) for rows, and what p(x | z) makes of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gencompiler.report.data import Array
from gencompiler.report.pictures.subject import Subject

#: What a decoder without a mean gives, in words.
DRAW = "A draw of p(x | z)"


def decoder(subject: Subject) -> str | None:
    """The method that shows a latent value: the mean of p(x | z) where it has one, else a draw."""
    return next((name for name in ("decode_mean", "decode") if subject.has(name)), None)


def shown(subject: Subject) -> str:
    """What `decoded` gives, in words."""
    if decoder(subject) == "decode_mean":
        return "The mean of p(x | z)"
    return DRAW if _draws(subject) else "The value of x"


def _draws(subject: Subject) -> bool:
    """Whether the decoder draws, and so takes a seed."""
    return "seed" in inspect.signature(getattr(subject.model, decoder(subject) or "")).parameters


def read(subject: Subject) -> tuple[str, ...]:
    """The latent variables that the decoder takes, in its order."""
    name = decoder(subject)
    if name is None:
        return ()
    known = {field.name for field in subject.model.latents}
    kinds = inspect.signature(getattr(subject.model, name)).parameters.values()
    names = [each.name for each in kinds if each.kind is each.POSITIONAL_OR_KEYWORD]
    # an argument whose name is taken has underscores after it
    found = [n if n in known else n.rstrip("_") for n in names]
    return tuple(found) if set(found) <= known else ()


@torch.no_grad()
def decoded(subject: Subject, latents: Mapping[str, Tensor], context: Mapping[str, Any]) -> Array:
    """What the decoder makes of latent values, `[rows, *shape]` of the first observed variable."""
    name = decoder(subject)
    assert name is not None
    keys = {"seed": subject.seed} if _draws(subject) else {}
    made = getattr(subject.model, name)(*(latents[n] for n in read(subject)), **context, **keys)
    return _first(made).double().cpu().numpy()


@torch.no_grad()
def encoded(subject: Subject, count: int, draws: int = 1) -> dict[str, Tensor] | None:
    """The mean of `draws` draws of q(z | x) for each of the first held-out rows, by name; None where there is no q or
    no data."""
    fields = subject.model.latents
    if not subject.has("encode") or subject.rows is None:
        return None
    values, context = subject.observed(count), subject.context(len(subject.observed(count)[0])) or {}
    encode: Any = subject.model.encode
    found = [encode(*values, **context, seed=subject.seed, step=step) for step in range(draws)]
    each = [_all(drawn) for drawn in found]
    if len(each[0]) != len(fields):
        return None
    return {f.name: torch.stack([d[i].double() for d in each]).mean(0) for i, f in enumerate(fields)}


@torch.no_grad()
def prior(subject: Subject, count: int) -> dict[str, Tensor] | None:
    """Draws of the latent variables from p, by name; None where p states no law that can be drawn from."""
    model, context = subject.model, subject.context(count)
    if not subject.has("prior") or context is None:
        return None
    given = [subject.model.computed(f, context["context"][f.name]) for f in model.given] if context else []
    rows = torch.arange(count, device=model.device)
    drawn = model.run("prior", given, rows, seed=subject.seed)
    return dict(zip((field.name for field in model.latents), drawn, strict=True))


def _all(values: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [values] if isinstance(values, Tensor) else list(values)


def _first(values: Tensor | Sequence[Tensor]) -> Tensor:
    return _all(values)[0]
