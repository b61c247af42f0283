"""The code of a run's MLflow model, which is copied into it: what ``mlflow.pyfunc.load_model`` runs.

Its parameters and layers lie beside it, in the artifact ``network``; the program that trained them computes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from numpy.typing import NDArray


class TrainedNetwork(PythonModel):
    """Predictions of the trained network, in evaluation mode."""

    def load_context(self, context: PythonModelContext) -> None:
        try:
            from runner.records.network_folder import read_predictor
        except ImportError as error:
            words = "this model needs the program that trained it, `runner`; install it from its folder: pip install ."
            raise ImportError(words) from error
        self._predictor = read_predictor(Path(context.artifacts["network"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> NDArray[Any]:
        """An array (samples, *out) for a DataFrame, an array or lists (samples, *sample); of 16 bits, in float32.

        The hint is one that MLflow takes without a warning, and reads nothing into: the signature says what is taken.
        """
        found = self._predictor(np.asarray(model_input))
        return found if found.dtype.itemsize > 2 else found.astype(np.float32)


set_model(TrainedNetwork())
