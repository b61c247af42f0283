"""What the updates have in common: the gradient that they go by, and what they carry from step to step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from runner.arrays import Array
from runner.optimizers.arithmetic import Arithmetic, Rate


class Descent:
    """p and g (*replicas, parameters): the parameters, and what their vector of gradients holds, which stays as it is.

    g <- -g if maximize;  g <- g + weight_decay p, or p <- (1 - lr weight_decay) p where that is decoupled.
    """

    def __init__(
        self, parameters: Array, gradients: Array, weight_decay: float, maximize: bool, decoupled: bool = False
    ) -> None:
        self.parameters, self.gradients = parameters, gradients
        self.weight_decay, self.maximize, self.decoupled = weight_decay, maximize, decoupled
        self.arithmetic = Arithmetic(parameters)
        self.g = np.empty_like(parameters) if maximize or (weight_decay and not decoupled) else gradients

    def gradient(self, lr: Rate) -> Array:
        """g, after the decay of weights."""
        g = np.negative(self.gradients, out=self.g) if self.maximize else self.gradients
        if not self.weight_decay:
            return g
        if self.decoupled:
            self.arithmetic.scale(self.parameters, 1 - lr * self.weight_decay)
            return g
        return self.arithmetic.add_scaled(g, self.parameters, self.weight_decay, out=self.g)


class Counted(Descent):
    """With a count of its steps and, under torch's names, vectors that begin at 0.

    Torch makes all of it at the first step: before that there is no state.
    """

    def __init__(
        self,
        parameters: Array,
        gradients: Array,
        names: Sequence[str],
        weight_decay: float,
        maximize: bool,
        decoupled: bool = False,
    ) -> None:
        super().__init__(parameters, gradients, weight_decay, maximize, decoupled)
        self.step = np.zeros(())
        self.carried = {"step": self.step} | {name: np.zeros_like(parameters) for name in names}

    def count(self) -> float:
        """The number of the step that begins, from 1."""
        self.step += 1
        return float(self.step)

    def state(self) -> dict[str, Array]:
        return dict(self.carried) if self.step else {}

    def load(self, state: Mapping[str, Array]) -> None:
        for array in self.carried.values():
            array[...] = 0
        for name, value in state.items():
            self.carried[name][...] = value
