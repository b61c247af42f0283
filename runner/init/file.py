"""Parameters read from a file."""

from __future__ import annotations

import json
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runner.arrays import Array
from runner.errors import ConfigError, choices
from runner.init.base import Init
from runner.network import Network
from runner.paths import resolve_path

WRONG_VALUES = (ValueError, TypeError, EOFError, OverflowError, RecursionError)
MALFORMED = (*WRONG_VALUES, SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error)
"""What a file that is not what its name says makes its reader raise."""

FORMATS = (".json", ".npz", ".safetensors")


@dataclass(frozen=True, kw_only=True)
class File(Init):
    """``path``: a .safetensors, .npz or .json file with one array under each parameter's name and of its shape.

    A path that begins with ``package:`` lies in the program's own package.
    """

    path: str

    def draw(self, network: Network, rng: np.random.Generator) -> dict[str, Array]:
        arrays = read_arrays("path", resolve_path(self.path))
        specs = network.parameters
        for name in arrays.keys() - specs.keys():
            raise ConfigError(
                "path", f"{self.path} with an array {name}", f"the network's parameters, {choices(specs, name)}"
            )
        for name, p in specs.items():
            if name not in arrays:
                raise ConfigError("path", f"{self.path} without {name}", f"an array of shape {p.shape} under that name")
            if arrays[name].shape != p.shape:
                raise ConfigError("path", f"{self.path} with {name} of shape {arrays[name].shape}", f"shape {p.shape}")
        return {name: arrays[name] for name in specs}


def read_arrays(key: str, path: Path) -> dict[str, Array]:
    """All arrays of a file in float64.

    Raises:
        ConfigError: The file is missing, unreadable, malformed, or holds what is not a finite number.
    """
    if path.suffix not in FORMATS:
        raise ConfigError(key, path, f"a file that ends in {', '.join(FORMATS)}")
    try:
        found = _read(path)
        arrays = {str(name): _numbers(value) for name, value in found.items()}
    except OSError as error:
        raise ConfigError(key, f"{path} ({error.strerror or error})", "a file that can be read") from error
    except MALFORMED as error:
        raise ConfigError(
            key, f"{path} ({error})", f"a well-formed {path.suffix} file of numbers under names"
        ) from error
    for name, value in arrays.items():
        if not np.isfinite(value).all():
            raise ConfigError(key, f"{path} with {value[~np.isfinite(value)][0]} in {name}", "finite numbers")
    return arrays


def _numbers(value: object) -> Array:
    if _has_bool(value):
        raise ValueError("true or false among the numbers")
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"values of type {array.dtype}, not numbers")
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
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError("not an object of names and numbers")
    return found


def _read_safetensors(path: Path) -> Mapping[str, object]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if path.is_dir():
        raise IsADirectoryError(21, "Is a directory")
    try:
        return dict(load_file(path))
    except SafetensorError as error:
        raise ValueError(str(error)) from error
