"""NumPy arrays as torch tensors and back, bit by bit; bfloat16, which torch hands over in no other way, as int16."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from runner.arrays import BFLOAT16, Array


def to_numpy(tensor: torch.Tensor) -> Array:
    """An array over the memory of a tensor on the CPU, of its shape and dtype."""
    if tensor.dtype == torch.bfloat16:
        return tensor.detach().view(torch.int16).numpy().view(BFLOAT16)
    return tensor.detach().numpy()


def to_torch(array: Array, dtype: torch.dtype | None = None) -> torch.Tensor:
    """A new tensor with the array's values, of its shape and of ``dtype`` (None: of the array's own)."""
    if array.dtype == BFLOAT16:
        own = torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
        return own if dtype is None else own.to(dtype)
    return torch.tensor(array, dtype=dtype)


def owner_of(module: torch.nn.Module, full: str) -> torch.nn.Module:
    """The submodule that has the attribute of a dotted name."""
    return module.get_submodule(full.rpartition(".")[0])


def torch_dtype(dtype: np.dtype[Any]) -> torch.dtype:
    """Torch's name of it."""
    found: torch.dtype = getattr(torch, dtype.name)
    return found
