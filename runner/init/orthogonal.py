"""Random orthogonal matrices (torch.nn.init.orthogonal_; Saxe, McClelland, Ganguli 2014; Mezzadri 2007)."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from threadpoolctl import threadpool_limits

from runner.arrays import Array, Shape
from runner.init.weights import Weights, check_gain
from runner.network import Network


@dataclass(frozen=True, kw_only=True)
class Orthogonal(Weights):
    """W (rows, the product of the other axes), gain times a matrix with orthonormal rows, or columns if it is tall.

    Q of Q R = a standard normal matrix, each column of it times the sign of R's diagonal there: without that, Q would
    not be uniform over all orthogonal matrices.
    """

    gain: float

    def check(self) -> None:
        check_gain(self.gain)

    def draw(self, network: Network, seed: int) -> dict[str, Array]:
        with threadpool_limits(limits=1):  # LAPACK's Q has other bits with another number of threads
            return super().draw(network, seed)

    def law(self, shape: Shape, rng: np.random.Generator) -> Array:
        rows, columns = shape[0], prod(shape[1:])
        z = rng.standard_normal((rows, columns))
        q, r = np.linalg.qr(z.T if rows < columns else z)
        q *= np.sign(np.diagonal(r))
        return self.gain * (q.T if rows < columns else q).reshape(shape)
