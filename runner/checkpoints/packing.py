"""Dataclasses that hold arrays, as JSON and a flat mapping of arrays, and back by their type hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from runner.arrays import Array

T = TypeVar("T")

ARRAY = "array"
"""The key by which JSON points at an array."""


def pack(value: object, arrays: dict[str, Array]) -> Any:
    """What JSON has words for, numbers to their last bit; every array is put into ``arrays`` and pointed at.

    The arrays are not copied.

    Raises:
        TypeError: It holds something else than dataclasses, mappings with texts as keys, sequences, sets, arrays,
            numbers, texts and None.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value)
    if isinstance(value, np.ndarray):
        name = str(len(arrays))
        flags = value.dtype == np.bool_  # the files of the project have no array of them
        arrays[name] = value.view(np.uint8) if flags else value
        return {ARRAY: name, "shape": list(value.shape), "flags": flags}
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: pack(getattr(value, field.name), arrays) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_text(key): pack(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [pack(item, arrays) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be packed")


def _text(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a mapping with the key {key!r} cannot be packed")
    return key


def unpack(kind: type[T], found: Any, arrays: Mapping[str, Array]) -> T:
    """The object of that dataclass that ``pack`` gave ``found`` of, every array a copy of its own.

    Raises:
        KeyError: A part of it is missing.
        TypeError: A part of it is of another type.
        ValueError: An array is of another shape.
    """
    return cast(T, _unpacked(kind, found, arrays))


def _unpacked(hint: Any, found: Any, arrays: Mapping[str, Array]) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return found
    if origin in (Union, UnionType):
        (some,) = (part for part in inner if part is not NoneType)
        return None if found is None else _unpacked(some, found, arrays)
    if hint is np.ndarray or origin is np.ndarray:
        array = np.array(arrays[found[ARRAY]]).reshape(found["shape"])
        return array.view(np.bool_) if found["flags"] else array
    if is_dataclass(hint):
        hints = _hints(cast(type, hint))
        parts = {name: _unpacked(hints[name], found[name], arrays) for name in hints}
        return cast(type, hint)(**parts)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: _unpacked(inner[1], item, arrays) for key, item in found.items()}
    if origin is tuple and inner[-1] is not Ellipsis:
        return tuple(_unpacked(part, item, arrays) for part, item in zip(inner, found, strict=True))
    if origin in (tuple, list, set):
        return origin(_unpacked(inner[0], item, arrays) for item in found)
    if hint is float and isinstance(found, int):
        return float(found)
    if not isinstance(found, hint):
        raise TypeError(f"{found!r} is no {hint.__name__}")
    return found


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}
