"""Views of a flat vector of parameters in which a layer's weight and bias lie side by side."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from runner.arrays import Array, is_narrow
from runner.backends.base import views
from runner.network import Network

BLOCK = "block"


def may_join(dtype: np.dtype[Any]) -> bool:
    """Whether weights and biases lie side by side in ``dtype``: the pass over 16 bits adds the bias by itself."""
    return not is_narrow(dtype)


def joined_views(flat: Array, network: Network) -> tuple[dict[str, Array], dict[str, Array]]:
    """As ``views``, (*replicas, parameters) -> every parameter under its full name; and the blocks, by theirs.

    The weight and the bias of a layer that can take them joined are views of one block (*replicas, out, in + 1); those
    of all other layers, and of layers within layers, lie one after the other.
    """
    parts: dict[str, Array] = {}
    blocks: dict[str, Array] = {}
    at, replicas = 0, flat.shape[:-1]
    for place in network.places:
        shapes = {place.full(local): parameter.shape for local, parameter in place.parameters.items()}
        end = at + sum(map(prod, shapes.values()))
        mine = flat[..., at:end]
        if place.layer.joined:
            weight, bias = shapes
            block = blocks[place.full(BLOCK)] = mine.reshape(*replicas, *shapes[bias], -1)
            parts |= {weight: block[..., :-1], bias: block[..., -1]}
        else:
            parts |= views(mine, shapes)
        at = end
    return parts, blocks
