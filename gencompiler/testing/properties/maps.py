"""The properties of maps between latent variables and data: formulas, and flows of ODEs."""

from __future__ import annotations

import torch
from torch import Tensor

from gencompiler.runtime.fields import Field, Support
from gencompiler.testing import strategies, subject
from gencompiler.testing.properties import bijection, looking
from gencompiler.testing.properties.looking import Effort, Make
from gencompiler.testing.subject import Subject
from gencompiler.testing.view import Setting, view


def base(model: Subject) -> Field:
    """The latent variable; only maps of the circle arrive at one."""
    own = subject.observed(model)
    return Field("z", own.shape, own.support if own.support.name == "Angle" else Support("Real"))


def closed_form(model: Subject) -> bool:
    """Whether the maps between latent variables and data are formulas, which an ODE's are not."""
    return subject.offers(model, "forward", "inverse") and model.capabilities.get("log_prob") != "estimate"


def round_trip(make: Make, effort: Effort) -> None:
    def check(setting: Setting, z: Tensor) -> None:
        bijection.check_round_trip(setting.of(make, alike=True), z)

    rows = strategies.rows(base(view(make())), 17, torch.float64)
    looking.search(check, effort, setting=looking.drawn_settings(), z=rows)


def continuous_flow(make: Make, effort: Effort) -> None:
    """With the initial parameters, whose field is tame: those of a wild one are beyond the steps of the spec."""

    def check(z: Tensor) -> None:
        bijection.check_flow(view(make()), z)

    rows = strategies.rows(base(view(make())), 5, torch.float64, ("interior",))
    looking.search(check, effort, z=rows)


def log_det(make: Make, effort: Effort) -> None:
    def check(setting: Setting, z: Tensor) -> None:
        bijection.check_log_det(setting.of(make, alike=True), z)

    rows = strategies.rows(base(view(make())), 3, torch.float64, ("interior", "edges"))
    looking.search(check, effort, setting=looking.drawn_settings(), z=rows)
