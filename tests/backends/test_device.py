"""The device that a torch backend computes on: what is refused, what is set around its work, what lies where."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from runner.arrays import DTYPES, Array
from runner.backends.base import Problem, State
from runner.backends.scratch import Scratch
from runner.backends.tensors import Held
from runner.backends.torch import EAGER, Torch, TorchBackend
from runner.backends.torch_device import Device, cuda_settings, devices
from runner.backends.torch_training import TorchTraining
from runner.checks import check_backends
from runner.clipping.base import Clip
from runner.clipping.norm import NormClip
from runner.clipping.value import ValueClip
from runner.errors import ConfigError
from runner.losses.base import Loss
from runner.losses.sse import SumOfSquaredErrors
from runner.network import Network, build_network
from runner.optimizers.sgd import PLAIN
from runner.records.environment import devices_of
from tests.helpers import make_setup
from tests.layers.example import Example
from tests.layers.helpers import make_layer
from tests.layers.test_layers import every_layer
from tests.losses.helpers import VARIANTS, Variant
from tests.optimizers.helpers import every_optimizer, make_optimizer

without_cuda = pytest.mark.skipif("cuda" in devices(), reason="this machine has a GPU")
SINGLE, DOUBLE = DTYPES["float32"], DTYPES["float64"]


@without_cuda
@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (["backend.torch.device=cuda"], "backend.torch.device"),
        (["backend=[torch_cuda,torch]"], "backend.torch_cuda.device"),
        (["backend=[torch_compiled,torch]", "backend.torch_compiled.device=cuda"], "backend.torch_compiled.device"),
        (["backend=[torch]", "+backend.mine={use: torch, device: cuda}"], "backend.mine.device"),
    ],
)
def test_without_a_gpu_cuda_is_refused_wherever_it_stands(overrides: list[str], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_setup(*overrides)
    assert (caught.value.key, caught.value.got) == (key, "cuda")
    assert caught.value.allowed.startswith("cpu (what this machine has")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", "cpu:0", "''"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"^backend\.torch\.device: got .*; allowed: cpu"):
        make_setup(f"backend.torch.device={name}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tf32_is_refused_on_the_cpu(dtype: str) -> None:
    with pytest.raises(ConfigError, match=r"^backend\.torch\.tf32: got true; allowed: false on cpu"):
        make_setup("backend.torch.tf32=true", f"dtype={dtype}")


def test_tf32_is_refused_in_another_dtype_than_float32_and_of_the_reference() -> None:
    coarse = Torch(device="cuda", tf32=True)
    check_backends({"mine": coarse, "torch": EAGER}, SINGLE)
    with pytest.raises(ConfigError, match=r"^backend\.mine\.tf32: got true with dtype=float64; allowed: false"):
        check_backends({"mine": coarse, "torch": EAGER}, DOUBLE)
    with pytest.raises(ConfigError, match=r"^backend\.mine\.tf32: got true; allowed: false: the last backend"):
        check_backends({"torch": EAGER, "mine": coarse}, SINGLE)


def test_what_metal_has_not_is_refused_of_a_run_and_computed_on_the_cpu_for_the_verdict() -> None:
    metal = Device("mps")
    metal.check_dtype(SINGLE)
    assert (metal.for_dtype(SINGLE), metal.for_dtype(DOUBLE)) == (metal, Device("cpu"))
    with pytest.raises(ConfigError, match=r"^device: got mps with dtype=float64; allowed: cpu: mps has no float64"):
        metal.check_dtype(DOUBLE)
    assert Device("cuda").for_dtype(DOUBLE) == Device("cuda")


def settings() -> list[bool]:
    products, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    sums = [products.allow_fp16_reduced_precision_reduction, products.allow_bf16_reduced_precision_reduction]
    same_bits = [torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()]
    return [products.allow_tf32, cudnn.allow_tf32, *sums, cudnn.deterministic, cudnn.benchmark, *same_bits]


def fail_in_the_block(tf32: bool) -> None:
    with cuda_settings(tf32):
        assert settings() == [tf32, tf32, False, False, True, False, True, True]
        raise RuntimeError("in the block")


@pytest.mark.parametrize("tf32", [False, True])
def test_the_settings_of_cuda_hold_for_a_block_and_are_put_back_whatever_happens_in_it(tf32: bool) -> None:
    before = settings()
    assert before[1] is not before[0], "torch has TF32 off in products and on in convolutions"
    with pytest.raises(RuntimeError, match="in the block"):
        fail_in_the_block(tf32)
    assert settings() == before


def test_on_the_cpu_nothing_is_set() -> None:
    before = settings()
    with Device("cpu").settings():
        assert settings() == before


OUT_OF_META = r"Cannot copy out of meta tensor|item\(\) cannot be called on meta tensors"
"""What torch says where a tensor on the meta device, which has a shape and no numbers, is asked for its numbers.

An operation with a tensor that was left on the CPU raises something else, and earlier.
"""


def step_on_meta(network: Network, loss: Loss, x: Array, y: Array, training: bool) -> None:
    """Loads and takes a step, whose result alone cannot be handed over."""
    rng = np.random.default_rng(1)
    problem = Problem(network, loss, PLAIN, lr=0.1)
    backend = TorchBackend("torch", problem, SINGLE, network.torch(), {}, Device("meta"))
    backend.load(State({name: rng.standard_normal(p.shape) for name, p in network.parameters.items()}, network.buffers))
    with pytest.raises((NotImplementedError, RuntimeError), match=OUT_OF_META):
        backend.step(x, y, draws=network.draw(rng, len(x)), training=training)


@every_layer
@pytest.mark.parametrize("training", [True, False])
def test_every_layer_computes_on_the_device_that_its_module_is_moved_to(
    name: str, example: Example, training: bool
) -> None:
    rng = np.random.default_rng(1)
    layers = [("first", make_layer("linear", {"out": example.shape[-1]}))] if example.vocabulary is None else []
    network = build_network([*layers, ("layer", make_layer(name, example.keys))], example.shape)
    lead = (3, *example.shape)
    x = rng.standard_normal(lead) if example.vocabulary is None else rng.integers(0, example.vocabulary, lead)
    y = rng.standard_normal((3, *network.output_shape))
    step_on_meta(network, SumOfSquaredErrors(), x, y, training)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_every_loss_computes_on_the_device_of_the_prediction(variant: Variant) -> None:
    prediction, y = variant.draw(1, "float32", 4)
    width = prediction.shape[-1]
    network = build_network([("layer", make_layer("linear", {"out": width}))], prediction.shape[1:])
    step_on_meta(network, variant.loss(), prediction, y, training=True)


@every_optimizer
@pytest.mark.parametrize("clip", [None, NormClip(max_norm=1.0, norm_type=2.0), ValueClip(clip_value=0.1)])
def test_what_an_optimizer_carries_lies_where_its_parameters_do(
    name: str, keys: dict[str, Any], clip: Clip | None
) -> None:
    """After an update, after a load of another side's state, and after one of nothing."""
    problem = dataclasses.replace(make_setup().problem, optimizer=make_optimizer(name, keys), clip=clip)
    shapes = problem.network.shapes
    here, there = (
        {full: torch.nn.Parameter(torch.ones(shape, device=device)) for full, shape in shapes.items()}
        for device in ("cpu", "meta")
    )
    other, training = TorchTraining(problem, here), TorchTraining(problem, there)
    for parameters, one in ((here, other), (there, training)):
        for parameter in parameters.values():
            parameter.grad = torch.ones_like(parameter)
        one.update(0.0)
    for state in ({}, other.state()):
        assert_lies_on("meta", training)
        training.load(state)
        training.update(0.0)
    assert_lies_on("meta", training)


def assert_lies_on(device: str, training: TorchTraining) -> None:
    carried = [value for held in training._optimizer.state.values() for value in held.values()]
    found = {value.device.type for value in carried if isinstance(value, torch.Tensor) and value.ndim}
    assert found <= {device}


def test_what_is_held_on_the_cpu_is_seen_through_its_arrays() -> None:
    tensors = {"w": torch.nn.Parameter(torch.zeros(2, 3)), "count": torch.zeros((), dtype=torch.int64)}
    held = Held(tensors)
    held.load({"w": np.arange(6.0).reshape(2, 3), "count": np.array(4.0)})
    assert tensors["w"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert tensors["count"].item() == 4
    with torch.no_grad():
        tensors["w"] += 1
    assert held.arrays()["w"].tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_device_is_recorded_where_one_is_used() -> None:
    assert devices_of({"scratch": Scratch(), "torch": EAGER}) == {}
    backends = {"scratch": Scratch(), "mine": Torch(device="mps", tf32=False), "torch": EAGER}
    assert devices_of(backends) == {"devices": {"mine": {"device": "mps"}}}
