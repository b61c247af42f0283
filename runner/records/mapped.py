"""A safetensors file of any size: its arrays are mapped, and read as they are needed (bfloat16 too)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from runner.arrays import Array
from runner.init.file import SAFETENSORS


def mapped(path: Path) -> dict[str, Array]:
    """All arrays under their names, read-only.

    Raises:
        ValueError: It is cut short, or no such file.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = path.stat().st_size - 8 - length
        if size < 0:
            raise ValueError("cut short")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    if not isinstance(header, dict) or max((entry["data_offsets"][1] for entry in header.values()), default=0) > size:
        raise ValueError("cut short")
    if size == 0:
        return {name: np.empty(entry["shape"], SAFETENSORS[entry["dtype"]]) for name, entry in header.items()}
    data = np.memmap(path, np.uint8, "r", 8 + length)
    return {
        name: data[slice(*entry["data_offsets"])].view(SAFETENSORS[entry["dtype"]]).reshape(entry["shape"])
        for name, entry in header.items()
    }
