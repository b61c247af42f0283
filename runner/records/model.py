"""The trained network as an MLflow model: code and numbers, nothing pickled."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array, is_narrow, is_whole
from runner.assemble import Setup
from runner.records.files import part_of
from runner.records.network_folder import write_network

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

FOLDER = "model"
CODE = Path(__file__).with_name("served.py")
PACKAGES = ("hydra-core", "ml_dtypes", "mlflow", "numpy", "omegaconf", "pandas", "safetensors", "threadpoolctl")
EXAMPLES = 5


def save_model(folder: Path, setup: Setup, final: Mapping[str, Array]) -> Path:
    """RUN_FOLDER/model: what ``mlflow.pyfunc.load_model`` takes; ``final`` are the parameters and running averages."""
    import mlflow.pyfunc

    path = folder / FOLDER
    with tempfile.TemporaryDirectory() as temporary:
        network = Path(temporary) / "network"
        network.mkdir()
        write_network(network, setup.problem.network, final, setup.dtype, setup.problem.threads)
        try:
            mlflow.pyfunc.save_model(
                str(part_of(path)),
                python_model=str(CODE),
                artifacts={"network": str(network)},
                pip_requirements=[f"{name}=={version(name)}" for name in PACKAGES],
                signature=_signature(setup),
                input_example=_example(setup),
            )
            part_of(path).replace(path)
        finally:
            shutil.rmtree(part_of(path), ignore_errors=True)
    return path


def remove_model(folder: Path) -> None:
    """Removes the model that an earlier run has left in ``folder``, whole or not."""
    shutil.rmtree(part_of(folder / FOLDER), ignore_errors=True)
    if (folder / FOLDER / "MLmodel").is_file():
        shutil.rmtree(folder / FOLDER)


def _signature(setup: Setup) -> ModelSignature:
    """Samples of one axis are columns, so that tables, arrays and lists are taken; others are arrays of one dtype."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema, TensorSpec

    network, tokens = setup.problem.network, is_whole(setup.x)
    shape = network.input_shape
    if len(shape) == 1:
        inputs: list[Any] = [ColSpec("long" if tokens else "double")] * shape[0]
    else:
        inputs = [TensorSpec(_served_dtype(setup), (-1, *shape))]
    return ModelSignature(Schema(inputs), Schema([TensorSpec(_predicted_dtype(setup), (-1, *network.output_shape))]))


def _example(setup: Setup) -> Any:
    import pandas as pd

    x = np.asarray(setup.x[:EXAMPLES]).astype(_served_dtype(setup))
    return pd.DataFrame(x) if x.ndim == 2 else x


def _served_dtype(setup: Setup) -> np.dtype[Any]:
    return np.dtype(np.int64) if is_whole(setup.x) else _predicted_dtype(setup)


def _predicted_dtype(setup: Setup) -> np.dtype[Any]:
    """That of the run; float32 in place of 16 bits, which JSON and tables have no word for."""
    return np.dtype(np.float32) if is_narrow(setup.dtype) else setup.dtype
