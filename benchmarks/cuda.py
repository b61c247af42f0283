"""A training step on a GPU: eager, as a CUDA graph, compiled, and of many replicas; beside scratch, and the limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import torch

from benchmarks.nets import NETS, Net
from benchmarks.peers import Step, compiled_step, eager_step, graphed_step, stacked_step
from benchmarks.steps import scratch_step
from benchmarks.timing import Line, medians, ratio, time_in_turn
from runner.arrays import Array
from runner.backends.base import State
from runner.backends.scratch import ScratchBackend
from runner.backends.torch_device import devices

REPLICAS = {1: 200, 10: 200, 100: 100, 1000: 20, 10_000: 5}
"""How many replicas, and of how many steps a round then is."""

SINGLE = 4
"""Bytes of a float32 number."""


def why_not() -> str:
    """Why it cannot be measured here; empty where it can."""
    if "cuda" in devices():
        return ""
    return f"no GPU that torch {torch.__version__} can compute on; it has {', '.join(devices())}"


@dataclass(frozen=True)
class Limits:
    """What a device does at best: operations a second in one large product, bytes a second in one large copy."""

    operations: float
    bandwidth: float

    def seconds(self, net: Net, replicas: int = 1) -> float:
        """The least time for a step of the net, by the slower of both (a roofline)."""
        return replicas * max(operations(net) / self.operations, SINGLE * numbers_moved(net) / self.bandwidth)


def operations(net: Net) -> int:
    """Multiplications and additions of a step's products: forward, the weights' gradients, and the inputs' but x's."""
    products = [2 * net.batch * fan_in * fan_out for fan_in, fan_out in pairwise(net.sizes)]
    return 3 * sum(products) - products[0]


def numbers_moved(net: Net) -> int:
    """Float32 numbers that a step reads and writes at least.

    Parameters are read on the way forward, weights but the first on the way back; gradients are written; an update
    reads both and writes one. The input is read twice; each activation, and its gradient, is written and read twice.
    """
    weights = [fan_in * fan_out for fan_in, fan_out in pairwise(net.sizes)]
    parameters = sum(weights) + sum(net.sizes[1:])
    activations = net.batch * (net.sizes[0] + 3 * sum(net.sizes[1:]))
    return 5 * parameters + sum(weights[1:]) + 2 * activations


def cuda_steps(device: str = "cuda") -> Iterator[Line]:
    """Each net in float32 with sgd, then a stack of replicas of the smallest; nothing is copied from or to the device.

    ``device`` is another one only where the code is tried without a GPU.
    """
    limits = limits_of(device)
    yield Line(_told(device, limits), {}, {})
    for net in NETS:
        peers = {
            "eager": eager_step(net, device=device),
            "graph": graphed_step(net, device),
            "compiled": compiled_step(net, device) if find_spec("triton") or not _on_gpu(device) else None,
        }
        steps = {"scratch": scratch_step(net)} | {name: step for name, step in peers.items() if step is not None}
        yield _line(device, net.name, steps, net.steps, limits.seconds(net))
    for replicas, rounds in REPLICAS.items():
        net = NETS[0]
        steps = {"scratch": scratch_stack(net, replicas), "vmap": stacked_step(net, replicas, device)}
        yield _line(device, f"{net.name}, {replicas} replicas", steps, rounds, limits.seconds(net, replicas))


def _line(device: str, name: str, steps: dict[str, Step], count: int, least: float) -> Line:
    """How many times as long each of the first takes as the others, and what share of its time the limit is."""
    runs = [_awaited(device, step, count) for step in steps.values()]
    times = time_in_turn(runs, 1) / count
    by_name = dict(zip(steps, times.T, strict=True))
    ratios = {f"scratch over {other}": ratio(by_name["scratch"], by_name[other]) for other in list(steps)[1:]}
    if "eager" in steps:
        ratios |= {f"eager over {n}": ratio(by_name["eager"], by_name[n]) for n in ("graph", "compiled") if n in steps}
    fastest = min(list(steps)[1:], key=lambda other: float(np.median(by_name[other])))
    ratios[f"limit over {fastest}"] = ratio(np.full(len(times), least), by_name[fastest])
    return Line(name, ratios, dict(zip(steps, medians(times), strict=True)) | {"limit": least})


def limits_of(device: str) -> Limits:
    """Measured: the best of some products of square matrices, and of some copies."""
    side, numbers = (8192, 2**28) if _on_gpu(device) else (512, 2**22)
    a, b = (torch.rand(side, side, device=device) for _ in range(2))
    out = torch.empty_like(a)
    source = torch.rand(numbers, device=device)
    target = torch.empty_like(source)
    product = _awaited(device, lambda: torch.mm(a, b, out=out), 1)
    copy = _awaited(device, lambda: target.copy_(source), 1)
    best = time_in_turn([product, copy], 3).min(axis=0)
    return Limits(2 * side**3 / float(best[0]), 2 * SINGLE * numbers / float(best[1]))


def scratch_stack(net: Net, replicas: int) -> Step:
    """A step of the scratch backend for so many replicas."""
    problem = net.problem()
    state, x, y = net.data(problem, np.float32)

    def stacked(value: Array) -> Array:
        return np.ascontiguousarray(np.broadcast_to(value, (replicas, *value.shape)))

    backend = ScratchBackend("scratch", problem, np.dtype(np.float32), replicas=(replicas,))
    backend.load(State({name: stacked(value) for name, value in state.parameters.items()}))
    xs, ys = stacked(x), stacked(y)

    def step() -> None:
        backend.step(xs, ys, draws={})
        backend.update()

    return step


def _awaited(device: str, step: Step, count: int) -> Callable[[], None]:
    """So many steps, and what the device still has to do of them."""

    def run() -> None:
        for _ in range(count):
            step()
        if _on_gpu(device):
            torch.cuda.synchronize(device)

    return run


def _told(device: str, limits: Limits) -> str:
    name = torch.cuda.get_device_name(device) if _on_gpu(device) else device
    speed = f"{limits.operations / 1e12:.3g} TFLOP/s in one product, {limits.bandwidth / 1e9:.4g} GB/s in one copy"
    return f"{name}, CUDA {torch.version.cuda}: {speed}"


def _on_gpu(device: str) -> bool:
    return device.startswith("cuda")
