"""NumPy arrays as torch tensors and back, bit by bit; bfloat16, which torch hands over in no other way, as int16."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from runner.arrays import BFLOAT16, Array


def to_numpy(tensor: torch.Tensor) -> Array:
    """An array of a tensor's shape and dtype: over its memory where it is on the CPU, else a copy of it."""
    here = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        return here.view(torch.int16).numpy().view(BFLOAT16)
    return here.numpy()


def to_torch(array: Array, dtype: torch.dtype | None = None, device: torch.device | str = "cpu") -> torch.Tensor:
    """A new tensor on ``device`` with the array's values, of its shape and of ``dtype`` (None: of the array's own)."""
    if array.dtype == BFLOAT16:
        own = torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
        return own.to(device) if dtype is None else own.to(device, dtype)
    return torch.tensor(array, dtype=dtype, device=device)


class Held:
    """Tensors that live as long as a backend, on any device, as arrays under their names.

    The arrays lie over the tensors' own memory or, of tensors on another device than the CPU, over a copy of it that
    is made anew whenever they are asked for.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        here = {name: tensor.detach() for name, tensor in tensors.items()}
        self._away: list[tuple[torch.Tensor, torch.Tensor]] = []
        for name, tensor in here.items():
            if tensor.device.type != "cpu":
                here[name] = torch.empty_like(tensor, device="cpu")
                self._away.append((tensor, here[name]))
        self._arrays = {name: to_numpy(tensor) for name, tensor in here.items()}

    def arrays(self) -> Mapping[str, Array]:
        """What the tensors hold now; the arrays are the same ones each time."""
        for away, copy in self._away:
            copy.copy_(away)
        return self._arrays

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Copies the arrays of these names into the tensors, converted to their dtypes."""
        for name, mine in self._arrays.items():
            mine[...] = arrays[name]
        for away, copy in self._away:
            away.copy_(copy)


def owner_of(module: torch.nn.Module, full: str) -> torch.nn.Module:
    """The submodule that has the attribute of a dotted name."""
    return module.get_submodule(full.rpartition(".")[0])


def torch_dtype(dtype: np.dtype[Any]) -> torch.dtype:
    """Torch's name of it."""
    found: torch.dtype = getattr(torch, dtype.name)
    return found
