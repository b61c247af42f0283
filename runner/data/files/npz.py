"""Several arrays."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from runner.arrays import Array, is_whole
from runner.data.files.arrays import ArrayFile
from runner.data.files.numpy import ArrayTable, described, mapped, unpacked
from runner.data.files.table import Table, refuse_repeated
from runner.data.returned import LARGEST
from runner.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Npz(ArrayFile):
    """A file of numpy.savez: x (samples, *sample) and perhaps y; or, without an x, a column (samples,) an array.

    An x of one axis is one feature. A y of whole numbers (samples,) is class indices, one of other numbers (samples,)
    is one output, any other y (samples, *out) is as it is. Beside x, other arrays (samples,) are columns that a target
    can name.
    """

    def open(self, path: Path) -> Table:
        arrays = self._arrays(path)
        if not arrays:
            raise ConfigError("path", f"{self.path!r}, which holds no array", "at least one array")
        x, y = arrays.pop("x", None), None
        if x is not None:
            y = arrays.pop("y", None)
            x = x.reshape(-1, 1) if x.ndim == 1 else x
            self._numbers("x", x, x.ndim > 1 and 0 not in x.shape[1:], "numbers of shape (samples, ...)")
        rows = len(x) if x is not None else max(array.size for array in arrays.values())
        if y is not None:
            fits = y.ndim > 0 and len(y) == rows and 0 not in y.shape[1:]
            self._numbers("y", y, fits, f"numbers, a row for each of {rows} samples")
            y = self._targets(y)
        for name, array in arrays.items():
            if array.shape != (rows,):
                got = f"{self.path!r}, whose {name} has the shape {array.shape}"
                raise ConfigError("path", got, f"columns of shape (samples,), which is ({rows},), or an array x")
        table = ArrayTable(x, arrays, y, tokens=self.tokens)
        refuse_repeated(self.path, table.names)
        return table

    def _arrays(self, path: Path) -> dict[str, Array]:
        """Each of its arrays, unpacked into a file of its own, so that none need fit into memory."""
        found = {}
        try:
            with ZipFile(path) as archive:
                for info in archive.infolist():
                    name = info.filename.removesuffix(".npy")
                    self._check_size(archive, info, f"{name} of {self.path!r}")
                    with archive.open(info) as stream:
                        file, size = unpacked(stream)
                    with file:
                        found[name] = mapped(file, size, f"{name} of {self.path!r}")
        except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise ConfigError("path", f"{self.path!r} ({error})", "arrays as numpy.savez writes them") from error
        return found

    def _check_size(self, archive: ZipFile, info: ZipInfo, called: str) -> None:
        """What is packed into a few bytes may fill a disk: no more is unpacked than the array needs."""
        with archive.open(info) as stream:
            *_, wanted = described(stream, called)
            more = info.file_size - stream.tell() - wanted
        if more > 0:
            raise ConfigError("path", f"{called}, {more} bytes too many", "arrays as numpy.savez writes them")

    def _numbers(self, name: str, array: Array, fits: bool, allowed: str) -> None:
        if not fits or array.dtype.kind == "U":
            got = f"{self.path!r}, whose {name} is {array.dtype} of shape {array.shape}"
            raise ConfigError("path", got, allowed)

    def _targets(self, y: Array) -> Array:
        if y.ndim > 1 or not is_whole(y):
            return y.reshape(-1, 1) if y.ndim == 1 else y
        if y.size and y.max() > LARGEST:
            raise ConfigError("path", f"{self.path!r}, whose y has {y.max()}", f"class indices to {LARGEST}")
        return y
