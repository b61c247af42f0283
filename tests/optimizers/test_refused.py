"""What the optimizers refuse, and torch too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch

from runner.errors import ConfigError
from tests.helpers import CATALOG
from tests.optimizers.helpers import (
    make_optimizer,
)

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("sgd", {"nesterov": True}, "nesterov"),
    ("sgd", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov"),
    ("sgd", {"momentum": -0.1}, "momentum"),
    ("sgd", {"weight_decay": -0.1}, "weight_decay"),
    *[
        (name, {"betas": betas}, "betas")
        for name in ("adam", "adamw", "nadam", "radam")
        for betas in ([1.0, 0.9], [0.9, 1.0], [-0.1, 0.9])
    ],
    *[(name, {"eps": -1e-8}, "eps") for name in CATALOG.names("optimizer") if name != "sgd"],
    *[(name, {"weight_decay": -1.0}, "weight_decay") for name in CATALOG.names("optimizer")],
    ("rmsprop", {"alpha": -0.1}, "alpha"),
    ("rmsprop", {"momentum": -0.1}, "momentum"),
    ("adagrad", {"lr_decay": -1.0}, "lr_decay"),
    ("adagrad", {"initial_accumulator_value": -1.0}, "initial_accumulator_value"),
    ("adadelta", {"rho": 1.1}, "rho"),
    ("nadam", {"momentum_decay": -1.0}, "momentum_decay"),
]


@pytest.mark.parametrize(("name", "keys", "key"), REFUSED, ids=[f"{n}-{k}" for n, k, _ in REFUSED])
def test_what_torch_refuses_is_refused_by_its_key(name: str, keys: Mapping[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        make_optimizer(name, keys)
    assert refused.value.key == f"optimizer.{key}"
    kind = type(make_optimizer(name, {}))
    unchecked = kind(**{**vars(make_optimizer(name, {})), **keys})
    with pytest.raises(ValueError, match=r"\w"):
        unchecked.torch([torch.nn.Parameter(torch.ones(1))], 0.05)


@pytest.mark.parametrize("betas", [[0.9], [0.9, 0.99, 0.999], [float("nan"), 0.9]])
def test_betas_are_two_numbers(betas: list[float]) -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.betas: .*; allowed: two numbers from 0 to below 1"):
        make_optimizer("adam", {"betas": betas})


def test_a_setting_that_is_not_finite_is_refused() -> None:
    for name, key in [("sgd", "dampening"), ("sgd", "momentum"), ("adam", "eps"), ("adagrad", "lr_decay")]:
        for value in (float("nan"), float("inf")):
            with pytest.raises(ConfigError, match=f"optimizer.{key}"):
                make_optimizer(name, {key: value})
