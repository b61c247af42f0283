"""A training step (forward, loss, backward, update) of scratch against the same by others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.nets import NETS, Net
from benchmarks.peers import DTYPES, compiled_step, eager_step, jitted_step
from benchmarks.timing import Line, medians, ratio, time_in_turn
from runner.backends.scratch import ScratchBackend
from runner.optimizers.adam import Adam

ADAM = Adam(betas=[0.9, 0.999], eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False)


def training_steps() -> Iterator[Line]:
    """Each net in float32 with sgd; all start alike and see the same batch, one thread."""
    for net in NETS:
        peers = {"eager": eager_step(net), "compiled": compiled_step(net), "jax": jitted_step(net)}
        yield _row(net, net.name, scratch_step(net), {name: peer for name, peer in peers.items() if peer is not None})


def other_steps() -> Iterator[Line]:
    """The same in float64, and with adam, against torch's optimizers as it chooses, foreach and fused."""
    for net in NETS:
        for dtype, optimizer in (("float64", "sgd"), ("float32", "adam")):
            kinds: dict[str, dict[str, Any]] = {"eager": {}, "foreach": {"foreach": True}, "fused": {"fused": True}}
            peers = {name: eager_step(net, dtype, optimizer, **options) for name, options in kinds.items()}
            yield _row(net, f"{net.name}, {dtype}, {optimizer}", scratch_step(net, dtype, optimizer), peers)


def _row(net: Net, name: str, ours: Callable[[], object], peers: dict[str, Callable[[], object]]) -> Line:
    times = time_in_turn([ours, products(net), *peers.values()], net.steps)
    mine, floor, *others = times.T
    ratios = {f"over {peer}": ratio(theirs, mine) for peer, theirs in zip(peers, others, strict=True)}
    ratios["products over eager"] = ratio(others[0], floor)
    return Line(name, ratios, dict(zip(("scratch", "products", *peers), medians(times), strict=True)))


def scratch_step(net: Net, dtype: str = "float32", optimizer: str = "sgd") -> Callable[[], object]:
    """One step of the scratch backend."""
    problem = net.problem()
    if optimizer == "adam":
        problem = replace(problem, optimizer=ADAM)
    kind = np.dtype(DTYPES[dtype][0])
    state, x, y = net.data(problem, DTYPES[dtype][0])
    backend = ScratchBackend("scratch", problem, kind)
    backend.load(state)

    def step() -> None:
        backend.step(x, y, draws={})
        backend.update()

    return step


def products(net: Net) -> Callable[[], object]:
    """The matrix products of one step in float32 and nothing else, the biases in them."""
    rng = np.random.default_rng(1)
    triples = []
    for i, (fan_in, fan_out) in enumerate(pairwise(net.sizes)):
        x, delta = rng.random((net.batch, fan_in + 1), np.float32), rng.random((net.batch, fan_out), np.float32)
        block = rng.random((fan_out, fan_in + 1), np.float32)
        triples += [(x, block.T, delta.copy()), (delta.T, x, block.copy())]
        triples += [(delta, block[:, :-1], np.empty((net.batch, fan_in), np.float32))] if i > 0 else []

    def step() -> None:
        for a, b, out in triples:
            np.dot(a, b, out)

    return step
