"""Parameters read from a file."""

from __future__ import annotations

import json
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from runner.arrays import BFLOAT16, Array, is_whole
from runner.errors import ConfigError, choices
from runner.init.base import Init
from runner.network import Network
from runner.paths import regular, resolve_path

WRONG_VALUES = (ValueError, TypeError, EOFError, OverflowError, RecursionError)
MALFORMED = (*WRONG_VALUES, SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error)
"""What a file that is not what its name says makes its reader raise."""

OF_TORCH = (".pt", ".pth")
SAFETENSORS: dict[str, np.dtype[Any]] = {
    **{f"F{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
    **{f"{kind}{bits}": np.dtype(f"<{kind.lower()}{bits // 8}") for kind in "IU" for bits in (8, 16, 32, 64)},
    "BF16": BFLOAT16,
}
KEPT = ("first/", LAST := "last/")
FORMATS = (".json", ".npz", ".safetensors", *OF_TORCH)


@dataclass(frozen=True, kw_only=True)
class File(Init):
    """``path``: a file of FORMATS with one array under each parameter's name and of its shape; in .pt, a state_dict.

    In the file of a run, which has them as ``first/<name>`` and ``last/<name>``, those after its last step are taken.
    The buffers begin as their layers have it where the file holds none of them; else it must hold all. A path that
    begins with ``package:`` lies in the program's own package.
    """

    path: str

    def draw(self, network: Network, seed: int) -> dict[str, Array]:
        arrays = _last(read_arrays("path", resolve_path(self.path)))
        shapes, buffers = network.shapes, network.buffers
        for name in sorted(arrays.keys() - shapes.keys() - buffers.keys()):
            known = f"the network's own, {choices([*shapes, *buffers], name)}"
            raise ConfigError("path", f"{self.path} with an array {name}", known)
        if arrays.keys() & buffers.keys():
            shapes |= {name: value.shape for name, value in buffers.items()}
        for name, shape in shapes.items():
            if name not in arrays:
                raise ConfigError("path", f"{self.path} without {name}", f"an array of shape {shape} under that name")
            if arrays[name].shape != shape:
                raise ConfigError("path", f"{self.path} with {name} of shape {arrays[name].shape}", f"shape {shape}")
        return {name: self._as(name, arrays[name], buffers.get(name)) for name in shapes}

    def _as(self, name: str, value: Array, buffer: Array | None) -> Array:
        """``value``, as whole numbers where the buffer that it replaces holds such."""
        if buffer is None or not is_whole(buffer):
            return value
        with np.errstate(invalid="ignore"):  # beyond all integers
            whole = value.astype(buffer.dtype)
        if not np.array_equal(whole, value):
            raise ConfigError("path", f"{self.path} with {value.ravel()[0]} in {name}", "whole numbers")
        return whole


def _last(arrays: dict[str, Array]) -> dict[str, Array]:
    """Of the parameters that a run has kept, ``first/<name>`` and ``last/<name>``, those after its last step."""
    if not all(name.startswith(KEPT) for name in arrays):
        return arrays
    return {name.removeprefix(LAST): value for name, value in arrays.items() if name.startswith(LAST)}


def read_arrays(key: str, path: Path) -> dict[str, Array]:
    """All arrays of a file in float64.

    Raises:
        ConfigError: The file is missing, unreadable, malformed, or holds what is not a finite number.
    """
    if path.suffix not in FORMATS:
        raise ConfigError(key, path, f"a file that ends in {', '.join(FORMATS)}")
    try:
        found = _read(regular(path))
        arrays = {str(name): _numbers(value) for name, value in found.items()}
    except OSError as error:
        raise ConfigError(key, f"{path} ({error.strerror or error})", "a file that can be read") from error
    except MALFORMED as error:
        words = f"a well-formed {path.suffix} file of numbers under names"
        words += ", as by torch.save(model.state_dict(), PATH)" if path.suffix in OF_TORCH else ""
        raise ConfigError(key, f"{path} ({error})", words) from error
    except MemoryError as error:
        raise ConfigError(key, f"{path}, whose arrays need too much memory", "arrays that fit into memory") from error
    for name, value in arrays.items():
        if not np.isfinite(value).all():
            raise ConfigError(key, f"{path} with {value[~np.isfinite(value)][0]} in {name}", "finite numbers")
    return arrays


def _numbers(value: object) -> Array:
    if _has_bool(value):
        raise ValueError("true or false among the numbers")
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" and array.dtype != BFLOAT16:
        raise ValueError(f"values of type {array.dtype}, not numbers")
    with np.errstate(invalid="ignore"):  # a signalling NaN is refused where its name is known
        return array.astype(np.float64)


def _has_bool(value: object) -> bool:
    """NumPy turns a truth value among numbers into 1 or 0 in silence."""
    return any(map(_has_bool, value)) if isinstance(value, list) else isinstance(value, bool)


def _read(path: Path) -> Mapping[str, object]:
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive) if isinstance(archive, np.lib.npyio.NpzFile) else {}
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix in OF_TORCH:
        from runner.init.state_dict import read_state_dict

        return read_state_dict(path)
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError("not an object of names and numbers")
    return found


def _read_safetensors(path: Path) -> Mapping[str, object]:
    """By the library's own parser; its reader for NumPy does not know bfloat16."""
    from safetensors import SafetensorError, deserialize

    try:
        found = dict(deserialize(path.read_bytes()))  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    return {name: _tensor(name, part) for name, part in found.items()}


def _tensor(name: str, part: Mapping[str, Any]) -> Array:
    dtype = SAFETENSORS.get(part["dtype"])
    if dtype is None:
        raise ValueError(f"values of type {part['dtype']} in {name}, not numbers that are read")
    return np.frombuffer(part["data"], dtype).reshape(part["shape"])
