"""The same training step by others: torch eager (its optimizers too), compiled, as a CUDA graph, by vmap; jax.jit."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from benchmarks.nets import Net

Step = Callable[[], object]
DTYPES: dict[str, tuple[type[np.floating[Any]], torch.dtype]] = {
    "float32": (np.float32, torch.float32),
    "float64": (np.float64, torch.float64),
}


def eager_step(net: Net, dtype: str = "float32", optimizer: str = "sgd", device: str = "cpu", **options: Any) -> Step:
    """One step as a torch user writes it: no conversion from or to NumPy is in it. ``options`` are the optimizer's."""
    module, inputs, targets = _torch(net, dtype, device)
    made = _optimizer(net, module, optimizer, **options)

    def step() -> None:
        made.zero_grad()
        loss = torch.nn.functional.mse_loss(module(inputs), targets, reduction="sum")
        loss.backward()  # type: ignore[no-untyped-call]
        made.step()

    return step


def compiled_step(net: Net, device: str = "cpu") -> Step:
    """Forward, loss and with them the backward pass compiled; the optimizer's step too."""
    module, inputs, targets = _torch(net, "float32", device)
    made = _optimizer(net, module, "sgd")

    @torch.compile
    def loss_of(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.mse_loss(module(x), y, reduction="sum")

    update = torch.compile(made.step)

    def step() -> None:
        made.zero_grad()
        loss_of(inputs, targets).backward()  # type: ignore[no-untyped-call]
        update()

    return step


def graphed_step(net: Net, device: str) -> Step | None:
    """The eager step captured once as a CUDA graph, and replayed; None where the device has no such graphs.

    The gradients are None when it is captured: a replay writes them anew and adds to nothing.
    """
    if not device.startswith("cuda"):
        return None
    eager = eager_step(net, device=device)
    aside = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(aside):
        for _ in range(3):
            eager()
    torch.cuda.current_stream(device).wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        eager()
    return graph.replay


def stacked_step(net: Net, replicas: int, device: str) -> Step:
    """A step of so many replicas at once, each with its own parameters, by vmap over the module and its loss."""
    module, inputs, targets = _torch(net, "float32", device)
    parameters: dict[str, torch.Tensor] = {
        name: torch.nn.Parameter(p.detach().expand(replicas, *p.shape).clone()) for name, p in module.named_parameters()
    }
    xs, ys = (part.expand(replicas, *part.shape).clone() for part in (inputs, targets))
    made = torch.optim.SGD(parameters.values(), lr=net.lr)

    def loss_of(p: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.mse_loss(torch.func.functional_call(module, p, (x,)), y, reduction="sum")

    losses = torch.func.vmap(loss_of)

    def step() -> None:
        made.zero_grad()
        losses(parameters, xs, ys).sum().backward()  # type: ignore[no-untyped-call]
        made.step()

    return step


def jitted_step(net: Net) -> Step | None:
    """The whole step under jax.jit, the parameters donated, the gradients returned; None without jax."""
    if find_spec("jax") is None:
        return None
    import jax
    import jax.numpy as jnp

    problem = net.problem()
    state, x, y = net.data(problem, np.float32)
    parameters = [jnp.asarray(value) for value in state.parameters.values()]
    inputs, targets = jnp.asarray(x), jnp.asarray(y)

    def loss_of(p: list[Any]) -> Any:
        a = inputs
        for i in range(0, len(p), 2):
            a = a @ p[i].T + p[i + 1]
            a = jax.nn.sigmoid(a) if i + 2 < len(p) else a
        return ((a - targets) ** 2).sum()

    def stepped(p: list[Any]) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(p)
        return loss, gradients, [value - net.lr * g for value, g in zip(p, gradients, strict=True)]

    compiled = jax.jit(stepped, donate_argnums=0)
    held = [parameters]

    def step() -> None:
        loss, _, held[0] = compiled(held[0])
        loss.block_until_ready()

    return step


def _torch(net: Net, dtype: str, device: str = "cpu") -> tuple[torch.nn.Module, torch.Tensor, torch.Tensor]:
    problem = net.problem()
    theirs, kind = DTYPES[dtype]
    state, x, y = net.data(problem, theirs)
    module = problem.network.torch().to(kind)
    module.load_state_dict({name: torch.tensor(value) for name, value in state.parameters.items()})
    return module.to(device), torch.tensor(x, device=device), torch.tensor(y, device=device)


def _optimizer(net: Net, module: torch.nn.Module, name: str, **options: Any) -> torch.optim.Optimizer:
    kinds: dict[str, Any] = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    made: torch.optim.Optimizer = kinds[name](module.parameters(), lr=net.lr, **options)
    return made
