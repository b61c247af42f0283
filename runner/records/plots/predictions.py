"""What the network with its last parameters makes of given inputs."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from runner.arrays import Array, in_dtype
from runner.assemble import Setup
from runner.backends.base import State
from runner.backends.scratch import Scratch
from runner.evaluation import AT_ONCE
from runner.records.reading import RecordedRun


def can_predict(run: RecordedRun, setup: Setup) -> bool:
    """Whether the project's own layers compute the network, and its last parameters are finite."""
    network = setup.problem.network
    names = [*network.parameters, *network.buffers]
    return network.derived and all(np.isfinite(run.parameters[f"last/{name}"]).all() for name in names)


def predictions(run: RecordedRun, setup: Setup, x: Array) -> Array:
    """The outputs (samples, *out), float64, for inputs (samples, *sample), in evaluation mode."""
    network = setup.problem.network
    backend = Scratch().make("scratch", setup.problem, setup.dtype)
    last = {name: run.parameters[f"last/{name}"] for name in (*network.parameters, *network.buffers)}
    parameters, buffers = ({name: last[name] for name in names} for names in (network.parameters, network.buffers))
    found = []
    with threadpool_limits(limits=setup.problem.threads), np.errstate(all="ignore"):
        backend.load(State(parameters, buffers, backend.state().optimizer))
        for start in range(0, len(x), AT_ONCE):
            batch = in_dtype(x[start : start + AT_ONCE], setup.dtype)
            y = np.zeros((len(batch), *setup.y.shape[1:]), setup.y.dtype)
            step = backend.step(batch, in_dtype(y, setup.dtype), draws={}, training=False)
            found.append(np.asarray(step.prediction, np.float64))
    return np.concatenate(found)
