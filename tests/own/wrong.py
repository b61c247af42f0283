"""Backpropagations that are wrong in form: each spoils the right one in one respect."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from runner.arrays import Array
from tests.own.right import Result, backprop, make_model

calls = itertools.count()


def missing(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    loss, prediction, gradients = backprop(parameters, x, y)
    del gradients["input_layer.bias"]
    return loss, prediction, gradients


def column(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    loss, prediction, gradients = backprop(parameters, x, y)
    gradients["input_layer.bias"] = gradients["input_layer.bias"][:, None]
    return loss, prediction, gradients


def not_a_number(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    loss, prediction, gradients = backprop(parameters, x, y)
    gradients["input_layer.bias"][2] = np.nan
    return loss, prediction, gradients


def changes_x(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    result = backprop(parameters, x, y)
    x *= 2
    return result


def updates(parameters: dict[str, Array], x: Array, y: Array) -> Result:
    loss, prediction, gradients = backprop(parameters, x, y)
    for name, gradient in gradients.items():
        parameters[name] = parameters[name] - 0.05 * gradient
    return loss, prediction, gradients


def other_bits(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    loss, prediction, gradients = backprop(parameters, x, y)
    gradients["input_layer.bias"] = gradients["input_layer.bias"] + next(calls) * 1e-3
    return loss, prediction, gradients


def single(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    loss, prediction, gradients = backprop(parameters, x, y)
    return loss, prediction, {name: value.astype(np.float32) for name, value in gradients.items()}


def raises(parameters: Mapping[str, Array], x: Array, y: Array) -> Any:
    return backprop(parameters, x, y)[2]["no such layer"]


def leaves(parameters: Mapping[str, Array], x: Array, y: Array) -> Any:
    raise SystemExit(3)


def nothing(parameters: Mapping[str, Array], x: Array, y: Array) -> Any:
    return None


def a_loss_each(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    _, prediction, gradients = backprop(parameters, x, y)
    return (prediction - y) ** 2 * np.ones((1, 2)), prediction, gradients


def wide_prediction(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    loss, prediction, gradients = backprop(parameters, x, y)
    return loss, np.hstack([prediction, prediction]), gradients


def words(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    loss, prediction, gradients = backprop(parameters, x, y)
    return loss, prediction, gradients | {"input_layer.bias": "zero"}


def ragged(parameters: Mapping[str, Array], x: Array, y: Array) -> Result:
    loss, prediction, gradients = backprop(parameters, x, y)
    return loss, prediction, gradients | {"input_layer.weight": [[1.0], [1.0, 2.0]]}


def a_list(parameters: Mapping[str, Array], x: Array, y: Array) -> Any:
    loss, prediction, gradients = backprop(parameters, x, y)
    return loss, prediction, list(gradients.values())


class Doubled(torch.nn.Module):
    """Computes twice what the network does."""

    def __init__(self) -> None:
        super().__init__()
        self.net = make_model()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = 2 * self.net(x)
        return out


class Frozen(Doubled):
    """The first layer's output is detached."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, *rest = self.net.children()
        out: torch.Tensor = torch.nn.Sequential(*rest)(first(x).detach())
        return out


class Pair(Doubled):
    def forward(self, x: torch.Tensor) -> Any:
        return self.net(x), x


class Detached(Doubled):
    """Nothing of its loss is in autograd's graph."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.net(x).detach()
        return out


class WithoutProduct(torch.autograd.Function):
    """Gives no gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *dy: Any) -> Any:
        return None


class Cut(Doubled):
    """The first layer's output goes through a function that gives no gradient."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first, *rest = self.net.children()
        out: torch.Tensor = torch.nn.Sequential(*rest)(WithoutProduct.apply(first(x)))  # type: ignore[no-untyped-call]
        return out


def make_frozen() -> torch.nn.Module:
    model = make_model()
    model.get_parameter("2.bias").requires_grad_(False)
    return model


def make_wholly_frozen() -> torch.nn.Module:
    return make_model().requires_grad_(False)


class Reversed(torch.nn.Module):
    """The right shapes, in another order and under other names."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.middle, self.first = (torch.nn.Linear(a, b) for a, b in ((10, 1), (10, 10), (2, 10)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.last(torch.sigmoid(self.middle(torch.sigmoid(self.first(x)))))
        return out


class Flat(Doubled):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.net(x)[:, 0]
        return out


def make_dropout() -> torch.nn.Module:
    model = make_model()
    assert isinstance(model, torch.nn.Sequential)
    return torch.nn.Sequential(*model, torch.nn.Dropout(0.5))


def make_narrow() -> torch.nn.Module:
    return make_model(9)


def make_nothing() -> Any:
    return None


def make_error() -> Any:
    raise RuntimeError("no model today")
