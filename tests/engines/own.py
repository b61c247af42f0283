"""A user's function that notes where it runs, with how many threads; it is wrong at width 5, and dies at width 6."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import torch
from threadpoolctl import threadpool_info

from runner.arrays import Array
from tests.own.right import Result
from tests.own.right import backprop as right


def backprop(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] in ("blas", "openmp")]
    found = {"parent": os.getppid(), "blas": blas, "torch": torch.get_num_threads()}
    Path("notes").mkdir(exist_ok=True)
    Path("notes", f"{os.getpid()}.json").write_text(json.dumps(found), encoding="utf-8")
    width = len(next(iter(parameters.values())))
    if width == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    loss, prediction, gradients = right(parameters, x, y)
    return loss, prediction, {name: value * (2 if width == 5 else 1) for name, value in gradients.items()}
