"""Files of first parameters, and published tables, that are none."""

from __future__ import annotations

import json
import pickle
import struct
from io import BytesIO
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save

from .data_files import Evil, fifo, npz
from .rows import Files, Refused

SHAPES = {
    f"{name}.{kind}": shape[: 2 - (kind == "bias")]
    for name, shape in {"input_layer": (10, 2), "hidden_layer_1": (10, 10), "hidden_layer_2": (1, 10)}.items()
    for kind in ("weight", "bias")
}
SHAPES = {name: shape if name.endswith("weight") else shape[:1] for name, shape in SHAPES.items()}
GOOD = {name: np.full(shape, 0.5, np.float32) for name, shape in SHAPES.items()}
WEIGHT = "input_layer.weight"


def pt(value: Any) -> bytes:
    out = BytesIO()
    torch.save(value, out)
    return out.getvalue()


def tensors(**changed: Any) -> dict[str, Any]:
    return {name: torch.from_numpy(value) for name, value in GOOD.items()} | {
        name.replace("__", "."): value for name, value in changed.items()
    }


def headed(header: str | bytes, length: int | None = None, content: bytes = bytes(80)) -> bytes:
    """A safetensors file with any header."""
    text = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(text) if length is None else length) + text + content


def placed(begin: int, end: int, dtype: str = "F32", shape: str = "[10, 2]") -> str:
    return f'{{"{WEIGHT}": {{"dtype": "{dtype}", "shape": {shape}, "data_offsets": [{begin}, {end}]}}}}'


WHOLE = save(GOOD)
PT, NPZ = pt(tensors()), npz(**GOOD)
JSON = json.dumps({name: value.tolist() for name, value in GOOD.items()})

FILES: Files = {
    **{f"cut{part}.safetensors": WHOLE[: len(WHOLE) * part // 100] for part in (1, 20, 60, 99)},
    **{f"cut{part}.pt": PT[: len(PT) * part // 100] for part in (1, 20, 60, 99)},
    **{f"cut{part}.npz": NPZ[: len(NPZ) * part // 100] for part in (1, 20, 60, 99)},
    **{f"cut{part}.json": JSON[: len(JSON) * part // 100] for part in (1, 60, 99)},
    "long.safetensors": WHOLE + b"more",
    "header.safetensors": headed("{}", 2**63),
    "number.safetensors": headed("5"),
    "latin.safetensors": headed(b'{"\xe9": 1}'),
    "outside.safetensors": headed(placed(0, 800)),
    "backwards.safetensors": headed(placed(80, 0)),
    "dtype.safetensors": headed(placed(0, 20, "F8_E4M3")),
    "strange.safetensors": headed(placed(0, 80, "Q4")),
    "wide.safetensors": headed(placed(0, 80, shape="[99999999999, 99999999999]")),
    "nan.safetensors": save(GOOD | {WEIGHT: np.full((10, 2), np.nan, np.float32)}),
    "flipped.safetensors": save(GOOD | {WEIGHT: GOOD[WEIGHT].T.copy()}),
    "lacking.safetensors": save({WEIGHT: GOOD[WEIGHT]}),
    "more.safetensors": save(GOOD | {"input_layer.wieght": GOOD[WEIGHT]}),
    "evil.npz": npz(**(GOOD | {WEIGHT: np.array([[Evil()]], object)})),
    "inf.npz": npz(**(GOOD | {WEIGHT: np.full((10, 2), -np.inf)})),
    "beyond.npz": npz(**(GOOD | {WEIGHT: np.full((10, 2), 1e300)})),
    "words.npz": npz(**(GOOD | {WEIGHT: np.array([["a"]])})),
    "evil.pt": pickle.dumps(Evil()),
    "evil.pth": pt(Evil()),
    "module.pt": pt(torch.nn.Linear(2, 10)),
    "list.pt": pt([1, 2]),
    "around.pt": pt({"model": tensors(), "epoch": 3}),
    "sparse.pt": pt(tensors(input_layer__weight=torch.eye(10, 2).to_sparse())),
    "complex.pt": pt(tensors(input_layer__weight=torch.zeros(10, 2, dtype=torch.complex64))),
    "nan.pt": pt(tensors(input_layer__weight=torch.full((10, 2), torch.nan))),
    "shape.pt": pt(tensors(input_layer__weight=torch.zeros(2, 10))),
    "meta.pt": pt(tensors(input_layer__weight=torch.zeros(10, 2, device="meta"))),
    "ragged.json": json.dumps({WEIGHT: [[1, 2], [3]]}),
    "truth.json": json.dumps({WEIGHT: [[True]]}),
    "twice.json": '{"a": [1], "a": [2]}',
    "pipe.npz": fifo,
    "good.bin": WHOLE,
    "table.json": json.dumps({"loss": "much"}),
}
WORDS: dict[str, str] = {
    **{
        name: "well-formed"
        for name in FILES
        if name.startswith(("cut", "long", "header", "number", "latin", "outside"))
    },
    **dict.fromkeys(
        ("backwards.safetensors", "dtype.safetensors", "strange.safetensors", "wide.safetensors"), "well-formed"
    ),
    **dict.fromkeys(("nan.safetensors", "nan.pt", "inf.npz"), f"in {WEIGHT}"),
    **dict.fromkeys(("flipped.safetensors", "shape.pt"), "shape (10, 2)"),
    "lacking.safetensors": "without",
    "more.safetensors": "did you mean",
    **dict.fromkeys(("evil.npz", "words.npz", "ragged.json", "truth.json"), "well-formed"),
    **dict.fromkeys(("evil.pt", "evil.pth", "module.pt"), "weights_only=True refuses"),
    "list.pt": "not a state_dict",
    "around.pt": "checkpoint",
    "sparse.pt": WEIGHT,
    "complex.pt": "complex64",
    "meta.pt": WEIGHT,
    "twice.json": "an array a",
    "pipe.npz": "pipe",
    "good.bin": ".safetensors",
}
ROWS = [
    *(Refused(["init=file", f"init.path={name}"], "init.path", word) for name, word in WORDS.items()),
    Refused(["init=file", "init.path=beyond.npz"], "init", "float32"),
    Refused(["record.published=table.json"], "record.published", "allowed"),
    Refused(["record.published=pipe.npz"], "record.published", "allowed"),
]
