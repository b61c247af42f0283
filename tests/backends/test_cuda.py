"""The torch backends on a GPU. All of it is skipped on a machine without one."""

from __future__ import annotations

import dataclasses
from importlib.util import find_spec

import numpy as np
import pytest
import torch

from runner.assemble import Setup
from runner.backends.base import Backend
from runner.backends.torch import Torch, TorchBackend
from runner.backends.torch_device import devices
from runner.experiment import run_experiment
from runner.outcome import Silent
from runner.records.environment import devices_of
from runner.stacked.run import Silent as SilentStack
from runner.stacked.run import run_stack
from runner.stacked.stack import stack_of
from tests.helpers import CATALOG, configuration, kept, make_setup, same_bits

pytestmark = pytest.mark.skipif("cuda" not in devices(), reason="needs a GPU that torch can compute on; there is none")

CONVOLVED = (
    "architecture.layers=[{layer: conv2d, out_channels: 4, kernel_size: 3}, {layer: batch_norm2d}, {layer: relu},"
    "{layer: max_pool2d, kernel_size: 2}, {layer: flatten}, {layer: dropout, p: 0.3}, {layer: linear, out: 10}]"
)
RECURRENT = (
    "architecture.layers=[{layer: embedding, num_embeddings: 8, embedding_dim: 4},"
    "{layer: lstm, hidden_size: 6, output: every}, {layer: dropout, p: 0.2}, {layer: gru, hidden_size: 6},"
    "{layer: linear, out: 8}]"
)
OF_CLASSES = ["target=given", "loss=cross_entropy", "architecture=sequential"]
SHORT = ["epochs=1", "batch_size=480"]
NETS = {
    "mlp": ["data.samples=6", "batch_size=3"],
    "adam": ["data.samples=6", "batch_size=3", "optimizer=adam", "clip=norm", "architecture.activation=gelu"],
    "convolution": ["data=digits", *OF_CLASSES, CONVOLVED, *SHORT],
    "recurrent": ["data=tokens", "data.samples=40", "data.held_out=0.2", *OF_CLASSES, RECURRENT, "batch_size=16"],
    "lenet": ["experiment=digits_lenet", *SHORT],
    "resnet": ["experiment=digits_resnet", *SHORT],
    "transformer": ["experiment=digits_transformer", *SHORT],
}
every_net = pytest.mark.parametrize("net", NETS)


def on_cuda(net: str, *overrides: str, pair: str = "torch_cuda,torch") -> Setup:
    return make_setup(f"backend=[{pair}]", *NETS[net], *overrides)


@every_net
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pair", ["torch_cuda,torch", "scratch,torch_cuda"])
def test_cuda_agrees_with_the_cpu(net: str, dtype: str, pair: str) -> None:
    verdict = run_experiment(on_cuda(net, f"dtype={dtype}", pair=pair), Silent()).verdict
    assert verdict.verdict == "agree", verdict.first
    assert verdict.judged_steps > 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_in_16_bits_it_sums_in_float32(dtype: str) -> None:
    verdict = run_experiment(on_cuda("mlp", f"dtype={dtype}", "architecture.hidden=[512,512]"), Silent()).verdict
    assert verdict.verdict == "agree", verdict.first


@pytest.mark.parametrize("net", ["mlp", "lenet"])
def test_tf32_is_imprecise_and_named(net: str) -> None:
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("this GPU has no TF32")
    wide = ["architecture.hidden=[256,256]", "data.features=64", "data.samples=256", "batch_size=128"]
    overrides = wide if net == "mlp" else []
    setup = on_cuda(net, "backend.torch_cuda.tf32=true", *overrides)
    verdict = run_experiment(setup, Silent()).verdict
    assert verdict.verdict == "imprecise", verdict.first
    assert 2**8 < verdict.worst("roundings") < 2**16
    assert verdict.worst("logic_roundings") < 30
    assert [cause.name for cause in verdict.explanations["torch_cuda"].causes] == ["tf32"]
    assert run_experiment(on_cuda(net, *overrides), Silent()).verdict.agree, "TF32 is left on"


def test_torch_compiled_on_cuda_agrees_with_eager_on_the_cpu() -> None:
    if find_spec("triton") is None:
        pytest.skip("torch.compile needs Triton on a GPU")
    setup = on_cuda("mlp", "backend.torch_compiled.device=cuda", pair="torch_compiled,torch")
    verdict = run_experiment(setup, Silent()).verdict
    assert verdict.verdict == "agree", verdict.first


def made(setup: Setup) -> TorchBackend:
    backend = setup.backends["torch_cuda"].make("torch_cuda", setup.problem, setup.dtype)
    assert isinstance(backend, TorchBackend)
    backend.load(setup.initial)
    return backend


def stepped(backend: Backend, setup: Setup) -> None:
    rows, rng = slice(0, setup.batch_size), np.random.default_rng(1)
    draws = setup.problem.network.draw(rng, setup.batch_size)
    backend.step(setup.x[rows], setup.y[rows], draws=draws)
    backend.update()


@every_net
def test_everything_that_it_carries_stays_on_the_device_and_its_arrays_do_not(net: str) -> None:
    setup = on_cuda(net)
    backend = made(setup)
    stepped(backend, setup)
    first = backend.state()
    backend.load(dataclasses.replace(first, parameters={k: np.array(v) for k, v in first.parameters.items()}))
    stepped(backend, setup)
    held = [*backend._module.parameters(), *backend._module.buffers()]
    states = backend._training._optimizer.state.values()
    held += [value for kept in states for value in kept.values() if isinstance(value, torch.Tensor) and value.ndim]
    assert {tensor.device.type for tensor in held} == {"cuda"}
    state = backend.state()
    arrays = [*state.parameters.values(), *state.buffers.values(), *state.optimizer.values()]
    assert all(isinstance(array, np.ndarray) for array in arrays)


@every_net
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_state_that_is_loaded_comes_back_to_the_bit_and_an_update_is_seen(net: str, dtype: str) -> None:
    setup = on_cuda(net, f"dtype={dtype}", "lr=0.5")
    backend = made(setup)
    before = {name: np.array(value) for name, value in backend.state().parameters.items()}
    assert all(same_bits(before[name], value) for name, value in setup.initial.parameters.items())
    stepped(backend, setup)
    assert any(not same_bits(before[name], value) for name, value in backend.state().parameters.items())


@pytest.mark.parametrize("net", [net for net in NETS if net != "resnet"])
def test_a_run_repeats_itself_to_the_bit(net: str) -> None:
    """But for adaptive average pooling, of which torch has no deterministic backward: it warns."""
    first, again = (kept(on_cuda(net))[1].records for _ in range(2))
    for one, other in zip(first, again, strict=True):
        for name, gradient in one.steps["torch_cuda"].gradients.items():
            assert same_bits(gradient, other.steps["torch_cuda"].gradients[name]), name


def test_replicas_on_cuda_agree_with_the_cpu() -> None:
    config = configuration("backend=[torch_cuda,scratch]", "replicas=20", "data.samples=5")
    outcome = run_stack(stack_of(config, CATALOG), SilentStack())
    assert {verdict.verdict for verdict in outcome.verdicts} == {"agree"}


def test_the_device_and_its_libraries_are_recorded() -> None:
    found = devices_of({"mine": Torch(device="cuda", tf32=False)})["devices"]["mine"]
    assert found["device"] == "cuda"
    assert found["name"] == torch.cuda.get_device_name()
    assert {"capability", "cuda", "cudnn"} <= found.keys()
