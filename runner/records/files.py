"""Files that are whole or not there: written beside their place, then renamed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from runner.arrays import Array

PART = ".part"


def utf8(text: str) -> str:
    """The text with what a file's name may hold and no file can, undecodable bytes, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def part_of(path: Path) -> Path:
    """Where a file is written until it is whole."""
    return path.with_name(path.name + PART)


def parts_of(path: Path) -> Path:
    """The folder that holds the numbered parts of a table while its run goes on."""
    return path.with_name(f"{path.name}.parts")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """A refusal of the disk in the midst of writing, which names no file, names this one."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


@contextmanager
def begun(path: Path) -> Iterator[Path]:
    """Where a file is to be written in the block, to be put in its place later; it is removed where that fails."""
    part = part_of(path)
    try:
        with naming(path):
            yield part
    except BaseException:
        remove(part)
        raise


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """The same of a file that gets its place after the block."""
    with begun(path) as part:
        yield part
        part.replace(path)


def remove(path: Path) -> None:
    """Removes a file, if it is there: where nothing may be written, nothing is to be removed either."""
    if path.exists():
        path.unlink(missing_ok=True)


def publish(path: Path) -> None:
    """Puts the written part in its place."""
    part_of(path).replace(path)


def settle(path: Path) -> None:
    """Has the disk hold what was written of a file, or which files a folder has: it outlasts a power cut then."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_begun(files: Iterable[Path]) -> None:
    """Removes what is half written of these files; numbered parts of a table are whole, and stay."""
    for path in files:
        remove(part_of(path))


def remove_parts(files: Iterable[Path]) -> None:
    """Removes what was begun of these files and not finished, numbered parts too."""
    for path in files:
        remove(part_of(path))
        if parts_of(path).is_dir():
            shutil.rmtree(parts_of(path))


def missing_folders(folder: Path) -> list[Path]:
    """The folder and those that it lies in, as far as they are not there yet, the innermost first."""
    folder = folder.absolute()
    return [f for f in (folder, *folder.parents) if not f.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Removes those that are there and hold nothing, the innermost first."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def write_text(path: Path, text: str) -> None:
    """Writes a small file whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path) as part:
        part.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a small file whole, into a folder that is there."""
    with beside(path) as part:
        part.write_bytes(content)


def save_arrays(file: Path, arrays: Mapping[str, Array]) -> None:
    """Writes safetensors as any other file is written: the library makes one that its owner alone may read."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    file.touch()
    mode = file.stat().st_mode
    try:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, file)
    except SafetensorError as error:
        refused = re.search(r"\(os error (\d+)\)", str(error))
        if refused is None:
            raise
        raise OSError(int(refused[1]), os.strerror(int(refused[1]))) from error
    file.chmod(mode)


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Writes safetensors whole."""
    with beside(path) as part:
        save_arrays(part, arrays)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON whole; NaN and infinities as null, which JSON has no words for."""
    write_text(path, json.dumps(finite(value), indent=2, allow_nan=False) + "\n")


def write_yaml(path: Path, value: Any) -> None:
    """Writes YAML whole, its keys in their own order."""
    write_text(path, yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def finite(value: Any) -> Any:
    """The same as JSON can say it: NaN and infinities as None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value
