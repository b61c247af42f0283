"""A training step (forward, loss, backward, update) of scratch against torch eager."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.nets import NETS, Net
from benchmarks.timing import Ratio, compare
from runner.backends.scratch import ScratchBackend


def training_steps() -> Iterator[tuple[Net, Ratio]]:
    """Each net in float32; both start alike and see the same batch, one thread."""
    for net in NETS:
        ours, peer = scratch_step(net), torch_step(net)
        yield net, compare(ours, peer, net.steps)


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
