"""The four networks that are timed: sizes, batch, and how many steps a round has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.backends.base import Problem, State
from runner.data.base import Stream, generator
from runner.init.torch_default import TorchDefault
from runner.layers.base import Layer
from runner.layers.linear import Linear
from runner.layers.sigmoid import Sigmoid
from runner.losses.sse import SumOfSquaredErrors
from runner.network import build_network
from runner.optimizers.sgd import PLAIN


@dataclass(frozen=True)
class Net:
    """A fully connected network with sigmoids between its layers; ``sizes`` from input to output."""

    sizes: tuple[int, ...]
    batch: int
    steps: int
    lr: float = 1e-6

    @property
    def name(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch}"

    def problem(self) -> Problem:
        """The problem that all peers compute."""
        layers: list[Layer] = []
        for width in self.sizes[1:]:
            layers += [Linear(name=None, out=width, bias=True), Sigmoid(name=None)]
        network = build_network([(f"layers.{i}", layer) for i, layer in enumerate(layers[:-1])], self.sizes[:1])
        return Problem(network, SumOfSquaredErrors(), PLAIN, self.lr)

    def data(self, problem: Problem, dtype: type[np.floating]) -> tuple[State, Array, Array]:
        """Initial parameters, x (batch, in) and y (batch, out)."""
        rng = generator(1, Stream.DATA)
        x, y = rng.random((self.batch, self.sizes[0])), rng.random((self.batch, self.sizes[-1]))
        drawn = TorchDefault().draw(problem.network, 1)
        return State({name: v.astype(dtype) for name, v in drawn.items()}), x.astype(dtype), y.astype(dtype)


NETS = (
    Net((2, 10, 10, 1), 1, 2000),
    Net((2, 10, 10, 1), 100, 1500),
    Net((64, 256, 256, 10), 128, 300),
    Net((784, 1024, 1024, 10), 256, 12),
)
