"""Files of samples that are none: of every format, and of none."""

from __future__ import annotations

import os
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .rows import Files, Make, Refused


class Evil:
    """Unpickled, it would write a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch unpickled",)


def npy(array: Any) -> bytes:
    out = BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def headed(header: str, content: bytes = b"\x00" * 64, version: bytes = b"\x01\x00") -> bytes:
    """An npy file with any header."""
    length = struct.pack("<H" if version[0] == 1 else "<I", len(header) + 1)
    return b"\x93NUMPY" + version + length + header.encode() + b"\n" + content


def npz(**arrays: Any) -> bytes:
    out = BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def parquet(frame: Any) -> bytes:
    out = BytesIO()
    pd.DataFrame(frame).to_parquet(out)
    return out.getvalue()


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(target: str) -> Make:
    return lambda path: path.symlink_to(target)


def bomb(path: Path) -> None:
    """Says that it is 4 numbers, and is 256 MiB."""
    head = headed("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }", b"")
    packed = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with packed, packed.open("x.npy", "w", force_zip64=True) as member:
        member.write(head)
        for _ in range(16):
            member.write(bytes(2**24))


def notes(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "hello")


def encrypted(path: Path) -> None:
    """The flag of an encrypted member is set."""
    content = bytearray(npz(x=X))
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.index(sign) + at
        content[place] |= 1
    path.write_bytes(content)


X = np.arange(8.0).reshape(4, 2)
GOOD = {"npy": npy(X), "npz": npz(x=X, y=np.arange(4)), "parquet": parquet({"a": X[:, 0], "b": X[:, 1]})}
DESCR = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }"

FORMATS = ("csv", "parquet", "npy", "npz")

FILES: Files = {
    **{
        f"{kind}/cut{part}.{kind}": good[: len(good) * part // 100]
        for kind, good in GOOD.items()
        for part in (10, 50, 97)
    },
    **{f"folder/a.{kind}/b": "" for kind in FORMATS},
    **{f"zeros.{kind}": bytes(4096) for kind in FORMATS},
    "text.parquet": "a,b\n1,2\n",
    "text.npy": "a,b\n1,2\n",
    "text.npz": "a,b\n1,2\n",
    "pipe.csv": fifo,
    "loop.csv": link("loop.csv"),
    "nowhere.csv": link("gone.csv"),
    "quote.csv": 'a,b\n1,2\n"3,4\n5,6\n',
    "ragged.csv": "a,b\n1,2\n3\n",
    "words.csv": "a,b\n1,2\n3,four\n",
    "mixed.csv": "a,b\n1,2\n2020-01-01,true\n",
    "bom.csv": b"\xef\xbb\xbf",
    "bom16.csv": "a,b\n1,2\n".encode("utf-16"),
    "latin.csv": b"a,b\n1,2\n\xe9,4\n",
    "nul.csv": b"a,b\n1,\x00\n",
    "blank.csv": "\n\n\n",
    "header.csv": "a,b\n",
    "wide.csv": ",".join(f"c{i}" for i in range(2_000)) + "\n",
    "semicolons.csv": "a;b\n1;2\n",
    "nan.csv": "a,b\n1,nan\n",
    "inf.csv": "a,b\n1,2\n3,inf\n",
    "beyond.csv": "a,b\n1,2\n3,1e300\n",
    "twice.csv": "a,a\n1,2\n",
    "footer.parquet": GOOD["parquet"][:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1",
    "thrift.parquet": GOOD["parquet"][:-60] + bytes(52) + GOOD["parquet"][-8:],
    "secret.parquet": b"PARE" + GOOD["parquet"][4:-4] + b"PARE",
    "none.parquet": parquet({"a": np.zeros(0), "b": np.zeros(0)}),
    "lists.parquet": parquet({"a": [[1.0], [2.0]], "b": [1.0, 2.0]}),
    "words.parquet": parquet({"a": ["u", "v"], "b": [1.0, 2.0]}),
    "evil.npy": npy(np.array([[Evil()]], object)),
    "record.npy": npy(np.zeros(3, [("a", float)])),
    "complex.npy": npy(X * 1j),
    "words.npy": npy(np.array([["a"]])),
    "flat.npy": npy(X[0]),
    "cube.npy": npy(X.reshape(2, 2, 2)),
    "none.npy": npy(X[:0]),
    "nan.npy": npy(X * np.nan),
    "inf.npy": npy(np.full((2, 2), np.inf)),
    "code.npy": headed("__import__('os').system('touch unpickled')"),
    "keys.npy": headed("{'descr': '<f8'}"),
    "shape.npy": headed(DESCR % "(2, 'a')"),
    "minus.npy": headed(DESCR % "(-2, 2)"),
    "promise.npy": headed(DESCR % "(99999999999999999999, 2)"),
    "descr.npy": headed(DESCR.replace("<f8", "<q9") % "(2, 2)"),
    "long.npy": headed(DESCR % "(2, 2)" + " " * 70_000, version=b"\x02\x00"),
    "length.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 100,
    "version.npy": b"\x93NUMPY\x09\x00" + b" " * 100,
    "nothing.npz": npz(),
    "evil.npz": npz(x=np.array([[Evil()]], object)),
    "unequal.npz": npz(x=X, y=np.arange(3)),
    "notes.npz": notes,
    "bomb.npz": bomb,
    "encrypted.npz": encrypted,
    "crc.npz": npz(x=X).replace(X.tobytes()[8:], X.tobytes()[8:][::-1]),
}

NOT_REGULAR = {
    "gone.csv": "No such file",
    ".": "folder",
    "pipe.csv": "pipe",
    "loop.csv": "symbolic links",
    "nowhere.csv": "No such file",
    "/dev/zero": "device",
    "/dev/null": "device",
    "/proc/self/mem": "error",
    "x" * 300: "too long",
    "header.csv/a.csv": "Not a directory",
}


def refused(kind: str, name: str, word: str, *more: str, key: str = "data.path") -> Refused:
    target = ["target=given"] if kind == "npz" else ["target=half_sum_of_squares"]
    return Refused([f"data={kind}", f"data.path={name}", *target, *more], key, word)


WORDS: dict[str, dict[str, str]] = {
    "csv": {
        "zeros.csv": "no row",
        "quote.csv": "length 1",
        "ragged.csv": "line 3",
        "words.csv": "'four'",
        "mixed.csv": "'2020-01-01'",
        "bom.csv": "empty",
        "bom16.csv": "UTF-8",
        "latin.csv": "line 3",
        "nul.csv": "line 2",
        "blank.csv": "empty",
        "header.csv": "no row",
        "wide.csv": "no row",
        "semicolons.csv": "'1;2'",
        "inf.csv": "inf",
        "twice.csv": "two columns",
    },
    "parquet": {
        **dict.fromkeys(
            ("zeros.parquet", "text.parquet", "footer.parquet", "thrift.parquet", "secret.parquet"), "parquet"
        ),
        "none.parquet": "no row",
        "lists.parquet": "list",
        "words.parquet": "'u'",
        **{f"parquet/cut{part}.parquet": "parquet" for part in (10, 50, 97)},
    },
    "npy": {
        **dict.fromkeys(("zeros.npy", "text.npy", "code.npy", "keys.npy", "shape.npy", "minus.npy"), "numpy.save"),
        **dict.fromkeys(("descr.npy", "long.npy", "length.npy", "version.npy"), "numpy.save"),
        "promise.npy": "whole",
        "evil.npy": "object",
        "record.npy": "'a'",
        "complex.npy": "complex128",
        "words.npy": "<U1",
        "flat.npy": "shape (2,)",
        "cube.npy": "shape (2, 2, 2)",
        "none.npy": "no row",
        "inf.npy": "inf",
        **{f"npy/cut{part}.npy": "npy" for part in (10, 50, 97)},
    },
    "npz": {
        **dict.fromkeys(("zeros.npz", "text.npz", "encrypted.npz", "crc.npz"), "numpy.savez"),
        "nothing.npz": "no array",
        "evil.npz": "object",
        "unequal.npz": "4 samples",
        "notes.npz": "notes.txt",
        "bomb.npz": "bytes too many",
        **{f"npz/cut{part}.npz": "npz" for part in (10, 50, 97)},
    },
}
ROWS = [
    *(refused("csv", name, word) for name, word in NOT_REGULAR.items()),
    *(refused(kind, f"folder/a.{kind}", "folder") for kind in FORMATS),
    *(refused(kind, name, word) for kind, words in WORDS.items() for name, word in words.items()),
    refused("csv", "nan.csv", "'b'", key="data.missing"),
    refused("npy", "nan.npy", "row 1", key="data.missing"),
    refused("csv", "beyond.csv", "float32", "data.standardise=false", key="data"),
    refused("csv", "inf.csv", "'c'", "data.features=[c]", key="data.features"),
    Refused(["data=csv", "data.path=header.csv", "target=column", "target.name=z"], "target.name", "'z'"),
    Refused(["data=csv", "data.path=inf.csv", "data.held_out=2"], "data.held_out", "below 1"),
]
