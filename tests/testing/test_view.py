"""Views: conditions follow row numbers, and variables of one support, or of finite ones, are one
vector."""

import copy

import pytest
import torch

from gencompiler.runtime.fields import Field, Support
from gencompiler.testing.view import PERIOD, View, has_view, joined, view
from tests.testing import mechanisms, models


def test_a_plain_model_is_its_own_view() -> None:
    model = models.Flow()
    assert view(model) is model


def test_conditions_follow_row_numbers() -> None:
    model = mechanisms.Conditional()
    seen = view(model, 3)
    assert isinstance(seen, View)
    context = seen.context(torch.tensor([0, 7, PERIOD + 7]))
    assert isinstance(context, dict)
    assert context["c"][1] == context["c"][2] != context["c"][0]
    assert context["y"].shape == (3,)
    x = torch.randn(3, 2)
    rows = torch.tensor([5, 9, 2])
    assert torch.equal(seen.log_prob(x, row=rows), model.log_prob(x, context=seen.context(rows)))
    one = view(model, 3, alike=True)
    assert isinstance(one, View)
    assert len(one.context(9)["c"].unique()) == 1  # type: ignore[index]


def test_several_variables_are_laid_side_by_side() -> None:
    model = mechanisms.Pair()
    seen = view(model)
    x = seen.sample(5, seed=1)
    u, v = model.sample(5, seed=1)
    assert torch.equal(x, torch.cat([u[:, None], v], 1))
    assert torch.equal(seen.log_prob(x), model.log_prob(u, v))
    assert seen.fields == (Field("u_v", (3,), Support("Real")),)


def test_variables_of_several_supports_have_no_view() -> None:
    fields = (Field("x", (2,), Support("Real")), Field("y", (), Support("Binary")))
    assert joined(fields) is None
    kind = type("Mixed", (mechanisms.Pair,), {"fields": fields})
    assert not has_view(kind())
    with pytest.raises(ValueError, match="not one vector"):
        view(kind())


def test_a_view_is_copied_with_its_model() -> None:
    seen = view(mechanisms.Conditional(), 1)
    copied = copy.deepcopy(seen).double()
    assert copied.dtype == torch.float64
    assert seen.dtype == torch.float32
    torch.testing.assert_close(copied.log_prob(torch.zeros(2, 2)).float(), seen.log_prob(torch.zeros(2, 2)))
