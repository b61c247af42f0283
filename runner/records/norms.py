"""How large each layer's gradients are, over the steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from runner.arrays import Array
from runner.records.mapped import release
from runner.records.reading import RecordedRun

READ = 2**26
"""Bytes of gradients that are read at most: of a large network some steps have to do."""


def parameters_by_layer(run: RecordedRun) -> dict[str, list[str]]:
    """Layers in the network's order, and the keys of their gradients."""
    found: dict[str, list[str]] = {}
    for name in run.tensors:
        key = f"{run.reference}/{name}"
        if run.gradients is not None and key in run.gradients:
            found.setdefault(name.rpartition(".")[0] or name, []).append(key)
    return found


def layer_norms(gradients: Mapping[str, Array], layers: Mapping[str, Sequence[str]]) -> tuple[Array, dict[str, Array]]:
    """Places of the steps that are read, all where that is not too much, and each layer's norms at them (places,).

    ``gradients`` are (steps, *shape) by their keys, ``layers`` the keys that each layer has.
    """
    keys = [key for mine in layers.values() for key in mine]
    steps = len(gradients[keys[0]])
    room = int(READ // max(1, sum(gradients[key][:1].nbytes for key in keys)))
    at = np.unique(np.linspace(0, steps - 1, min(steps, max(2, room))).round().astype(np.intp))
    with np.errstate(all="ignore"):
        norms = {name: _norms([gradients[key] for key in mine], at) for name, mine in layers.items()}
    return at, norms


def _norms(gradients: Sequence[Array], at: Array, chunk: int = 256) -> Array:
    """The norms (len(at),) of several gradients as one vector."""
    norms = np.zeros(len(at))
    for gradient in gradients:
        for begin in range(0, len(at), chunk):
            part = slice(begin, begin + chunk)
            rows = gradient[at[part]].astype(np.float64).reshape(len(at[part]), -1)
            norms[part] = np.hypot(norms[part], np.linalg.norm(rows, axis=1))
            release(gradient)
    return norms
