"""Upper bounds of norms of matrices, for weights that are scaled to a Lipschitz constant."""

from __future__ import annotations

import torch
from torch import Tensor

#: Up to this many rows or columns the singular values are computed; they are the norm itself.
EXACT = 128


def bound(matrix: Tensor) -> Tensor:
    """A number that the spectral norm of a matrix does not exceed.

    The largest singular value, or, of a large matrix, its Frobenius norm or the root of the largest row sum times the
    largest column sum of absolute values, whichever is less (Golub & Van Loan 2013, section 2.3).  Power iteration
    would approach the norm from below, and bound nothing."""
    if min(matrix.shape) <= EXACT:
        largest: Tensor = torch.linalg.matrix_norm(matrix, 2)
        return largest
    sums = matrix.abs().sum(-1).amax() * matrix.abs().sum(-2).amax()
    return torch.minimum(torch.linalg.matrix_norm(matrix), sums.clamp_min(torch.finfo(matrix.dtype).tiny).sqrt())
