"""Predictions alone, by the project's own layers in evaluation mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from runner.arrays import Array, in_dtype, is_whole
from runner.backends.blocks import joined_views, may_join
from runner.backends.scratch import Held
from runner.layers.base import Pass
from runner.layers.narrow import pass_of
from runner.network import Network

AT_ONCE = 500
"""Samples that are computed at once in evaluation mode."""


class Predictor:
    """A network with its parameters and running averages, ``arrays`` by full names, in ``dtype``.

    Samples are taken ``at_once`` and with ``threads`` of BLAS: numbers that are computed in batches of another size
    may differ by rounding.
    """

    def __init__(
        self, network: Network, arrays: Mapping[str, Array], dtype: np.dtype[Any], at_once: int, threads: int
    ) -> None:
        self._network, self._dtype, self._at_once, self._threads = network, dtype, at_once, threads
        self._parameters = self._arranged({name: in_dtype(arrays[name], dtype) for name in network.parameters})
        self._unused = {name: np.empty_like(value) for name, value in self._parameters.items()}
        self._buffers = {name: in_dtype(arrays[name], dtype) for name in network.buffers}

    def __call__(self, x: Array) -> Array:
        """Predictions (samples, *out) for samples (samples, *sample), numbers of any dtype, or tokens.

        Raises:
            ValueError: The samples have another shape, or are no tokens of the vocabulary where it takes tokens.
        """
        network = self._network
        if x.shape[1:] != network.input_shape or not len(x):
            wanted = ", ".join(["samples", *map(str, network.input_shape)])
            raise ValueError(f"an input of shape {x.shape}; this network takes ({wanted})")
        if network.takes_indices:
            if not is_whole(x):
                raise ValueError(f"an input of {x.dtype}; this network takes tokens, whole numbers")
            network.places[0].layer.check_input(x)
        made = np.empty((len(x), *network.output_shape), self._dtype)
        with threadpool_limits(limits=self._threads), np.errstate(all="ignore"):
            for start in range(0, len(x), self._at_once):
                rows = slice(start, start + self._at_once)
                part = x[rows] if network.takes_indices else x[rows].astype(self._dtype)
                made[rows] = self._forward(np.ascontiguousarray(part))
        return made

    def _arranged(self, parameters: Mapping[str, Array]) -> dict[str, Array]:
        """The parameters as the scratch backend has them, whose bits are to come out."""
        if not may_join(self._dtype):
            return dict(parameters)
        flat = np.empty(sum(value.size for value in parameters.values()), self._dtype)
        parts, blocks = joined_views(flat, self._network)
        for name, part in parts.items():
            part[...] = parameters[name]
        return parts | blocks

    def _forward(self, x: Array) -> Array:
        def empty(shape: tuple[int, ...]) -> Array:
            return np.empty(shape, self._dtype)

        held = Held(self._parameters, self._unused, self._buffers)
        for i, place in enumerate(self._network.places):
            buffers = held.of(place, (len(x),), empty, input_gradient=i > 0, training=False)
            layer: Pass = pass_of(place.layer, buffers)
            x = layer.forward(x)
        return x
