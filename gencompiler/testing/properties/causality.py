"""Autoregressive models: the conditional of an element does not see that element's successors."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def check_causality(conditionals: Callable[[Tensor], Tensor], x: Tensor, other: Tensor) -> None:
    """Replacing element j of `x` changes no log p(x[i] | x[<i]) with i < j.

    `conditionals` maps rows `[n, d]` to their conditional log-probabilities `[n, d]`, in order.  The replacements come
    from `other` `[n, d]`, one element at a time; the comparison is bit for bit, so it sees any dependence that shows
    in the result.
    """
    with torch.no_grad():
        base = conditionals(x)
        for j in range(x.shape[1]):
            changed = x.clone()
            changed[:, j] = other[:, j]
            before = conditionals(changed)[:, :j]
            if not torch.equal(before, base[:, :j]):
                i = int((before != base[:, :j]).any(0).nonzero()[0])
                raise AssertionError(f"the conditional of element {i} depends on element {j}, which comes after it")
