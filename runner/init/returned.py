"""What an initialisation returns, a user's own among them, looked at where it comes in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from runner.arrays import Array, is_whole
from runner.data.returned import numbers
from runner.errors import ConfigError, choices, shortened
from runner.network import Network


def drawn_of(value: object, network: Network, whose: str) -> dict[str, Array]:
    """The arrays that the class ``whose`` returns: float64, or of whole numbers for a buffer that holds such.

    Raises:
        ConfigError: A parameter is missing, a name is not the network's, or an array does not fit; its key is empty.
    """
    buffers = network.buffers
    shapes = network.shapes
    if not isinstance(value, Mapping):
        raise ConfigError("", f"{shortened(value)} from {whose}", "an array for each parameter, under its name")
    missing = next((name for name in shapes if name not in value), None)
    if missing is not None:
        raise ConfigError("", f"no {missing} from {whose}", f"an array of shape {shapes[missing]} under that name")
    known = shapes | {name: buffer.shape for name, buffer in buffers.items()}
    made = {}
    for name, given in value.items():
        if name not in known:
            raise ConfigError("", f"an array {name} from {whose}", f"the network's own, {choices(known, name)}")
        array = numbers(given, f"{name} from {whose}")
        if array.shape != known[name]:
            raise ConfigError("", f"{name} of shape {array.shape} from {whose}", f"shape {known[name]}")
        wants_whole = name in buffers and is_whole(buffers[name])
        if wants_whole and not is_whole(array):
            raise ConfigError("", f"{name} from {whose}, numbers of {array.dtype}", "whole numbers")
        made[name] = array if wants_whole else array.astype(np.float64, copy=False)
    return made
