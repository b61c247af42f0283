"""What a person may hand over that a search for a smaller case must cope with, and the overrides that choose it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from runner.arrays import Array
from runner.errors import ConfigError
from runner.layers.sigmoid import Sigmoid
from runner.network import Network
from tests.faults.loss import MissingFactor
from tests.own import right

Result = tuple[Any, Any, dict[str, Any]]


def hard_coded(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    """Three layers, x W; the last bias's gradient is wrong."""
    loss, prediction, gradients = right.in_out(parameters, x, y)
    return loss, prediction, gradients | {"b3": 3 * gradients["b3"]}


def printing(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    print("so far so good")
    loss, prediction, gradients = right.backprop(parameters, x, y)
    return loss, prediction, gradients | {"input_layer.bias": 3 * gradients["input_layer.bias"]}


moods = {"wrong": True}


def moody(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    return (printing if moods["wrong"] else right.backprop)(parameters, x, y)


class Other(torch.nn.Module):
    """What no layers of the project are; ``share`` of the first layer's output is detached."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.first, self.norm, self.last = torch.nn.Linear(3, 4), torch.nn.LayerNorm(4), torch.nn.Linear(4, 1)
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.first(x)
        out: torch.Tensor = self.last(torch.tanh(self.norm(self.share * z.detach() + (1 - self.share) * z)))
        return out


class Sines(torch.nn.Module):
    """One linear layer, yet no layers of the project; the gradient of a part of its weight is wrong."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.only, self.share = torch.nn.Linear(3, 1), share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        w = self.share * self.only.weight.detach() + (1 - self.share) * self.only.weight
        return torch.nn.functional.linear(torch.sin(x), w, self.only.bias)


def make_right_sines() -> torch.nn.Module:
    return Sines(0.0)


def make_wrong_sines() -> torch.nn.Module:
    return Sines(0.5)


def make_right() -> torch.nn.Module:
    return Other(0.0)


def make_wrong() -> torch.nn.Module:
    return Other(0.5)


@dataclass(frozen=True, kw_only=True)
class Own(Sigmoid):
    """A user's own layer."""

    number: float


@dataclass(frozen=True, kw_only=True)
class Particular(MissingFactor):
    """Refuses every network but those of three layers with parameters."""

    def fits(self, network: Network) -> None:
        if len(network.parameters) != 6:
            raise ConfigError("", network, "three layers")


OF_MODULES = (
    "backend=[]",
    "+backend.a={use: torch_module, path: tests.own.shrinking:make_wrong}",
    "+backend.b={use: torch_module, path: tests.own.shrinking:make_right}",
    "data.features=3",
    "data.samples=12",
    "batch_size=6",
)
OF_SINES = tuple(re.sub("(make_[a-z]+)", r"\1_sines", word) for word in OF_MODULES)
HARD_CODED = (
    "backend=[function,torch]",
    "backend.function.path=tests.own.shrinking:hard_coded",
    "backend.function.layout=in_out",
    f"backend.function.names={right.NAMES}",
    "architecture.hidden=[4,3]",
    "batch_size=4",
    "data.samples=4",
)
