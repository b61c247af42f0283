"""PyTorch's own files, buffers and 16 bits: what a module's state_dict holds is what the run begins with."""

from __future__ import annotations

import contextlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from runner.arrays import DTYPES, Array
from runner.backends.tensors import to_numpy, torch_dtype
from runner.errors import BAD_INPUT, ConfigError
from runner.init.file import read_arrays
from tests.cli.process import run
from tests.helpers import same_bits
from tests.init.networks import drawn, network_of

Tensors = dict[str, torch.Tensor]
LAYERS: list[dict[str, Any]] = [
    {"layer": "linear", "out": 3},
    {"layer": "batch_norm1d", "name": "norm"},
    {"layer": "linear", "out": 2, "name": "head"},
]


def module() -> nn.Module:
    """With buffers that are not those that a new one has."""
    torch.manual_seed(7)
    made = nn.Sequential()
    for name, layer in (("input_layer", nn.Linear(4, 3)), ("norm", nn.BatchNorm1d(3)), ("head", nn.Linear(3, 2))):
        made.add_module(name, layer)
    for _ in range(3):
        made(torch.rand(5, 4))
    return made


def write_legacy(state: Tensors, path: Path) -> None:
    torch.save(state, path, _use_new_zipfile_serialization=False)


def write_npz(state: Tensors, path: Path) -> None:
    np.savez(path, allow_pickle=False, **{name: to_numpy(value) for name, value in state.items()})


KINDS: dict[str, tuple[str, Callable[[Tensors, Path], object]]] = {
    "pt": ("pt", torch.save),
    "legacy": ("pth", write_legacy),
    "safetensors": ("safetensors", save_file),
    "npz": ("npz", write_npz),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def written(folder: Path, kind: str, state: Tensors) -> str:
    suffix, write = KINDS[kind]
    path = folder / f"model.{suffix}"
    write(state, path)
    return str(path)


def initial(path: str) -> dict[str, Array]:
    return drawn("file", network_of(LAYERS, (4,)), path=path)


@every_kind
def test_a_modules_parameters_and_buffers_come_back_to_the_bit(kind: str, tmp_path: Path) -> None:
    state = module().state_dict()
    found = initial(written(tmp_path, kind, state))
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        whole = tensor.dtype == torch.int64
        assert same_bits(found[name], to_numpy(tensor).astype(np.int64 if whole else np.float64)), name
    assert int(found["norm.num_batches_tracked"]) == 3


@every_kind
def test_without_any_buffers_they_begin_as_their_layers_have_it(kind: str, tmp_path: Path) -> None:
    state = {name: p.detach() for name, p in module().named_parameters()}
    assert initial(written(tmp_path, kind, state)).keys() == state.keys()


@every_kind
def test_some_of_the_buffers_are_refused(kind: str, tmp_path: Path) -> None:
    state = module().state_dict()
    del state["norm.running_var"]
    with pytest.raises(ConfigError, match=r"without norm\.running_var; allowed: an array of shape \(3,\)"):
        initial(written(tmp_path, kind, state))


@pytest.mark.parametrize("value", [0.5, 1e300, -1e19])
def test_a_count_that_is_no_whole_number_is_refused(value: float, tmp_path: Path) -> None:
    state = {**module().state_dict(), "norm.num_batches_tracked": torch.tensor(value, dtype=torch.float64)}
    with pytest.raises(ConfigError, match=r"norm\.num_batches_tracked; allowed: whole numbers"):
        initial(written(tmp_path, "pt", state))


@pytest.mark.parametrize("kind", ["pt", "legacy", "safetensors"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_read_exactly(kind: str, dtype: str, tmp_path: Path) -> None:
    state = module().to(torch_dtype(DTYPES[dtype])).state_dict()
    found = initial(written(tmp_path, kind, state))
    for name, tensor in state.items():
        if tensor.is_floating_point():
            assert same_bits(found[name].astype(DTYPES[dtype]), to_numpy(tensor)), name
            assert np.array_equal(found[name], tensor.double().numpy()), name


def test_a_prefix_is_no_name_of_the_network(tmp_path: Path) -> None:
    state = nn.DataParallel(module()).state_dict()
    with pytest.raises(ConfigError, match=r"array module\.head\.bias; allowed: .* \(did you mean head\.bias\?\)"):
        initial(written(tmp_path, "pt", state))


class Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("made",)


def no_state_dicts() -> dict[str, tuple[object, str]]:
    state = module().state_dict()
    eye = torch.eye(3)
    return {
        "checkpoint": ({"model": state, "epoch": 3}, "a checkpoint around the state_dict: 'model' is of type"),
        "epoch": ({**state, "epoch": 3}, "not a tensor: 'epoch' is of type int"),
        "list": ([1.0, 2.0], "of type list, not a state_dict"),
        "tensor": (eye, "of type Tensor, not a state_dict"),
        "module": (module(), "a whole module: torch.load with weights_only=True refuses it"),
        "code": (Runs(), "weights_only=True refuses it"),
        "empty": ({}, "without input_layer.weight"),
        "sparse": ({**state, "head.bias": eye.to_sparse()}, "head.bias: can't convert Sparse"),
        "narrower": ({**state, "head.bias": eye.to(torch.float8_e4m3fn)}, "head.bias: Got unsupported"),
        "complex": ({**state, "head.bias": eye.to(torch.complex64)}, "complex64, not numbers"),
        "bool": ({**state, "head.bias": eye.to(torch.bool)}, "bool, not numbers"),
        "nan": ({**state, "head.bias": torch.tensor([0, torch.nan])}, "nan in head.bias"),
        "shape": ({**state, "head.bias": eye}, "head.bias of shape (3, 3); allowed: shape (2,)"),
    }


NO_STATE_DICTS = no_state_dicts()


@pytest.mark.parametrize("name", NO_STATE_DICTS)
def test_what_is_no_state_dict_is_refused_in_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content, words = NO_STATE_DICTS[name]
    torch.save(content, "model.pt")
    with pytest.raises(ConfigError) as raised:
        initial("model.pt")
    assert (raised.value.key, words in str(raised.value)) == ("path", True), str(raised.value)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


@pytest.mark.parametrize("kind", ["pt", "legacy"])
@pytest.mark.parametrize("value", [0, 255])
def test_a_damaged_byte_anywhere_is_refused_or_gives_arrays(kind: str, value: int, tmp_path: Path) -> None:
    path = Path(written(tmp_path, kind, module().state_dict()))
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
        with contextlib.suppress(ConfigError):  # many bytes mean nothing, or are part of a number
            read_arrays("path", path)


@pytest.mark.parametrize("content", ["checkpoint", "code", "pickle"])
def test_the_command_line_refuses_it_in_one_line_and_leaves_nothing(content: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    if content == "pickle":
        path.write_bytes(pickle.dumps({"input_layer.weight": [1.0]}))
    else:
        torch.save(NO_STATE_DICTS[content][0], path)
    done = run(tmp_path, "init=file", "init.path=model.pt")
    assert (done.code, done.out) == (BAD_INPUT, "")
    assert done.err.count("\n") == 1
    assert "init.path: got model.pt (" in done.err
    assert [found.name for found in tmp_path.iterdir()] == ["model.pt"]
