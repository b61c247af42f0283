"""A training step (forward, loss, backward, update) of scratch against torch eager."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from benchmarks.nets import NETS, Net
from benchmarks.timing import Ratio, ratio, time_in_turn
from runner.backends.scratch import ScratchBackend


@dataclass(frozen=True)
class Row:
    """One net: how many times as fast as torch eager scratch is, and its matrix products alone are; seconds a step."""

    net: str
    scratch: Ratio
    products: Ratio
    seconds_scratch: float
    seconds_products: float
    seconds_torch: float


def training_steps() -> Iterator[Row]:
    """Each net in float32; all start alike and see the same batch, one thread."""
    for net in NETS:
        times = time_in_turn([scratch_step(net), products(net), torch_step(net)], net.steps)
        ours, floor, peer = times.T
        medians = np.median(times, axis=0)
        yield Row(net.name, ratio(peer, ours), ratio(peer, floor), *map(float, medians))


def scratch_step(net: Net) -> Callable[[], object]:
    """One step of the scratch backend."""
    problem = net.problem()
    state, x, y = net.data(problem, np.float32)
    backend = ScratchBackend("scratch", problem, np.dtype(np.float32))
    backend.load(state)

    def step() -> None:
        backend.step(x, y, draws={})
        backend.update()

    return step


def products(net: Net) -> Callable[[], object]:
    """The matrix products of one step and nothing else: what no step over NumPy's BLAS can be faster than."""
    rng = np.random.default_rng(1)
    triples = []
    for i, (fan_in, fan_out) in enumerate(pairwise(net.sizes)):
        x, delta = rng.random((net.batch, fan_in), np.float32), rng.random((net.batch, fan_out), np.float32)
        weight = rng.random((fan_out, fan_in), np.float32)
        triples += [(x, weight.T, delta.copy()), (delta.T, x, weight.copy())]
        triples += [(delta, weight, x.copy())] if i > 0 else []

    def step() -> None:
        for a, b, out in triples:
            np.matmul(a, b, out=out)

    return step


def torch_step(net: Net) -> Callable[[], object]:
    """One step as a torch user writes it: no conversion from or to NumPy is in it."""
    problem = net.problem()
    state, x, y = net.data(problem, np.float32)
    module = problem.network.torch()
    module.load_state_dict({name: torch.tensor(value) for name, value in state.parameters.items()})
    optimizer = torch.optim.SGD(module.parameters(), lr=net.lr)
    inputs, targets = torch.tensor(x), torch.tensor(y)

    def step() -> None:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(module(inputs), targets, reduction="sum")
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step
