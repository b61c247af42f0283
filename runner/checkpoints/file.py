"""checkpoint.safetensors: one object of dataclasses and arrays in one file, whole or not there, its damage seen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from runner.arrays import Array
from runner.checkpoints.packing import pack, unpack
from runner.errors import RunError, one_line
from runner.records.files import part_of, publish, save_arrays, settle
from runner.records.mapped import mapped

T = TypeVar("T")

NAME = "checkpoint.safetensors"
DOCUMENT, CHECKSUM = "document", "sha256"
"""The arrays, of bytes, that hold the object's JSON, and the SHA-256 of that and of all other arrays."""


def write_checkpoint(path: Path, value: object) -> None:
    """Writes the object in place of the one before it; a process that is killed leaves the one or the other.

    Raises:
        RunError: It cannot be written.
    """
    arrays: dict[str, Array] = {}
    text = json.dumps(pack(value, arrays)).encode()
    arrays[DOCUMENT] = np.frombuffer(text, np.uint8)
    arrays[CHECKSUM] = np.frombuffer(_checksum(arrays), np.uint8)
    try:
        save_arrays(part_of(path), arrays)
        settle(part_of(path))
        publish(path)
        settle(path.parent)
    except OSError as error:
        raise RunError(f"{path}: {error.strerror or error}") from error


def read_checkpoint(path: Path, kind: type[T]) -> T:
    """The object, of the dataclass ``kind``, that ``write_checkpoint`` was given.

    Raises:
        RunError: It cannot be read, or is not what was written.
    """
    try:
        arrays = mapped(path)
        checksum = arrays.pop(CHECKSUM).tobytes()
        if _checksum(arrays) != checksum:
            raise ValueError("its checksum is another")
        found: Any = json.loads(arrays.pop(DOCUMENT).tobytes())
        return unpack(kind, found, arrays)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        words = f"damaged ({one_line(str(error))}); the run begins anew where this file is removed"
        raise RunError(f"{path}: {words}") from error


def _checksum(arrays: Mapping[str, Array]) -> bytes:
    """The SHA-256 of all arrays, in the order of their names: name, dtype, shape and bytes."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        add(found, name, arrays[name])
    return found.digest()


def add(to: Any, name: str, array: Array) -> None:
    """Takes an array into a hash of hashlib: its name, dtype, shape and bytes."""
    shape = array.shape or (1,)  # a file of them has none without an axis
    to.update(f"{name} {array.dtype.name} {shape} ".encode())
    to.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
