"""A safetensors file of any size: its arrays are mapped, and read as they are needed (bfloat16 too)."""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from runner.arrays import Array
from runner.init.file import SAFETENSORS
from runner.records.forms import Items, check_form

ENTRY = {"dtype": tuple(SAFETENSORS), "shape": Items(int), "data_offsets": Items(int, 2)}


def mapped(path: Path) -> dict[str, Array]:
    """All arrays under their names, read-only.

    Raises:
        OSError: It cannot be read.
        ValueError: It is cut short, or no such file.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = path.stat().st_size - 8 - length
        if size < 0:
            raise ValueError("cut short")
        header = json.loads(file.read(length))
    if isinstance(header, dict):
        header.pop("__metadata__", None)
    check_form(header, {...: ENTRY})
    data = np.memmap(path, np.uint8, "r", 8 + length) if size else np.empty(0, np.uint8)
    return {name: _array(name, entry, data) for name, entry in header.items()}


def release(array: Array) -> None:
    """Gives back the memory of what was read of a mapped array, or of a part of one; it can be read again."""
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)


def _array(name: str, entry: Mapping[str, Any], data: Array) -> Array:
    dtype, shape, (begin, end) = SAFETENSORS[entry["dtype"]], entry["shape"], entry["data_offsets"][:2]
    if end > len(data):
        raise ValueError("cut short")
    if min(begin, *shape, 0) < 0 or end - begin != prod(shape) * dtype.itemsize:
        raise ValueError(f"{name} of shape {shape} lies in bytes {begin} to {end}")
    return data[begin:end].view(dtype).reshape(shape)
