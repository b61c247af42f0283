"""A state_dict in a file of PyTorch's own; imported only where a file of that kind is read, since it needs torch."""

from __future__ import annotations

import pickle  # nosec B403  # for the error that torch raises
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch

from runner.arrays import Array
from runner.backends.tensors import to_numpy
from runner.errors import shortened


def read_state_dict(path: Path) -> dict[str, Array]:
    """Every tensor of the file under its name, in its own dtype.

    The file is read by torch.load with weights_only=True: nothing in it is run.

    Raises:
        OSError: It cannot be read.
        ValueError: It is malformed, or holds anything but tensors under names.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except pickle.UnpicklingError as error:
        words = "no file by torch.save, or one of more than tensors, as a whole module"
        raise ValueError(f"{words}: torch.load with weights_only=True refuses it") from error
    except Exception as error:  # what is no such file makes torch raise anything
        raise ValueError(f"torch.load with weights_only=True: {_first_line(error)}") from error
    if not isinstance(found, Mapping):
        raise ValueError(f"of type {type(found).__name__}, not a state_dict")
    for name, value in found.items():
        if not isinstance(value, torch.Tensor):
            inside = "a checkpoint around the state_dict" if isinstance(value, Mapping) else "not a tensor"
            raise ValueError(f"{inside}: {shortened(name)} is of type {type(value).__name__}")
    return {str(name): _array(str(name), value) for name, value in found.items()}


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).partition(". ")[0]


def _array(name: str, tensor: torch.Tensor) -> Array:
    try:
        return to_numpy(tensor)
    except (TypeError, RuntimeError) as error:  # sparse, quantised, 8 bits
        raise ValueError(f"{name}: {_first_line(error)}") from error
