"""A published table: loss, prediction and gradients of one step, rounded as they were printed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from runner.arrays import Array
from runner.errors import ConfigError
from runner.init.file import MALFORMED
from runner.network import Network
from runner.paths import regular, resolve_path


@dataclass(frozen=True)
class Published:
    """What was printed; gradients (out, in) and (out,) under the parameters' names."""

    loss: float
    prediction: float
    gradients: Mapping[str, Array]


def read_published(key: str, path: str, network: Network) -> Published:
    """Reads a .json file with ``loss``, ``prediction`` and ``gradients``.

    Raises:
        ConfigError: The file is missing, malformed, or is about another network.
    """
    try:
        found = json.loads(regular(resolve_path(path)).read_text(encoding="utf-8"))
        gradients = {name: np.array(found["gradients"][name], dtype=np.float64) for name in network.parameters}
        published = Published(float(found["loss"]), float(found["prediction"]), gradients)
    except OSError as error:
        raise ConfigError(key, f"{path} ({error.strerror or error})", "a file that can be read") from error
    except (*MALFORMED, KeyError) as error:
        allowed = "a .json file with loss, prediction and gradients, one for each of the network's parameters"
        raise ConfigError(key, f"{path} ({type(error).__name__}: {error})", allowed) from error
    for name, p in network.parameters.items():
        if gradients[name].shape != p.shape:
            raise ConfigError(key, f"{path} with {name} of shape {gradients[name].shape}", f"shape {p.shape}")
    return published
