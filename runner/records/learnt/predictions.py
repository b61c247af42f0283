"""What the network with its last parameters makes of given inputs."""

from __future__ import annotations

import numpy as np

from runner.arrays import Array
from runner.assemble import Setup
from runner.backends.prediction import AT_ONCE, Predictor
from runner.records.reading import RecordedRun


def can_predict(run: RecordedRun, setup: Setup) -> bool:
    """Whether the project's own layers compute the network, and its last parameters are finite."""
    network = setup.problem.network
    names = [*network.parameters, *network.buffers]
    return network.derived and all(np.isfinite(run.parameters[f"last/{name}"]).all() for name in names)


def predictions(run: RecordedRun, setup: Setup, x: Array) -> Array:
    """The outputs (samples, *out), float64, for inputs (samples, *sample), in evaluation mode."""
    network = setup.problem.network
    last = {name: run.parameters[f"last/{name}"] for name in (*network.parameters, *network.buffers)}
    return Predictor(network, last, setup.dtype, AT_ONCE, setup.problem.threads)(x).astype(np.float64)
