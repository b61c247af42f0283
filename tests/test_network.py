"""Names, shapes and torch's view of a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from runner.config import build_named
from runner.errors import ConfigError
from runner.layers.base import Layer
from runner.network import Network, build_network
from tests.helpers import CATALOG, make_setup
from tests.layers.helpers import make_layer

LINEAR = {"layer": "linear", "out": 4}


def network(*nodes: dict[str, Any], features: int = 3) -> Network:
    layers = [
        (f"architecture.layers.{i}", build_named(n, f"layers.{i}", Layer, CATALOG, "layer", "layer"))
        for i, n in enumerate(nodes)
    ]
    return build_network(layers, (features,))


def every_kind() -> Network:
    """One network with linear layers, with and without bias, and activations between them."""
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("linear", {"out": 5}),
        ("sigmoid", {}),
        ("linear", {"out": 7}),
        ("tanh", {}),
    ]
    kinds += [("linear", {"out": 4, "bias": False}), ("relu", {}), ("linear", {"out": 2})]
    return build_network([(f"layers.{i}", make_layer(name, keys)) for i, (name, keys) in enumerate(kinds)], (3,))


NETWORKS: dict[str, Callable[[], Network]] = {
    "default": lambda: make_setup().problem.network,
    "one layer": lambda: network(LINEAR),
    "every kind": every_kind,
    "named": lambda: network({**LINEAR, "name": "body"}, {"layer": "relu", "name": "bend"}, {**LINEAR, "bias": False}),
}


def equal_torch_module(made: Network) -> torch.nn.Module:
    """The network as a person would write it in torch."""
    kinds = {"Linear": torch.nn.Linear, "Sigmoid": torch.nn.Sigmoid, "Tanh": torch.nn.Tanh, "ReLU": torch.nn.ReLU}
    module = torch.nn.Sequential()
    for place in made.places:
        kind, inputs, outputs = type(place.layer).__name__, place.input_shape[-1], place.output_shape[-1]
        bias = {"bias": "bias" in place.parameters}
        module.add_module(place.name, kinds[kind](inputs, outputs, **bias) if kind == "Linear" else kinds[kind]())
    return module


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_prints_itself_as_torch_prints_the_equal_module(name: str) -> None:
    made = NETWORKS[name]()
    assert str(made) == repr(made.torch()) == repr(equal_torch_module(made))


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_load_strictly_into_the_equal_torch_module(name: str) -> None:
    made = NETWORKS[name]()
    rng = np.random.default_rng(0)
    state = {key: torch.from_numpy(rng.standard_normal(p.shape)) for key, p in made.parameters.items()}
    module = equal_torch_module(made).double()
    module.load_state_dict(state, strict=True)
    assert list(module.state_dict()) == list(made.parameters)
    assert tuple(module(torch.zeros(2, *made.input_shape).double()).shape) == (2, *made.output_shape)


def test_the_default_network_has_the_names_of_its_three_linear_layers() -> None:
    made = NETWORKS["default"]()
    names = ("input_layer", "hidden_layer_1", "hidden_layer_2")
    assert list(made.parameters) == [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]
    assert [p.shape for p in made.parameters.values()] == [(10, 2), (10,), (10, 10), (10,), (1, 10), (1,)]
    assert [p.fan_in for p in made.parameters.values()] == [2, 2, 10, 10, 10, 10]
    assert (made.input_shape, made.output_shape) == ((2,), (1,))


def test_gradients_are_computed_from_the_last_layer_to_the_first() -> None:
    order = NETWORKS["default"]().backward_order
    assert order[:2] == ["hidden_layer_2.weight", "hidden_layer_2.bias"]
    assert order[-2:] == ["input_layer.weight", "input_layer.bias"]


def test_a_layer_without_parameters_bears_its_kind_and_its_place() -> None:
    made = network({"layer": "sigmoid"}, LINEAR, {"layer": "relu"}, LINEAR)
    assert [place.name for place in made.places] == ["sigmoid_0", "input_layer", "relu_2", "hidden_layer_1"]


def test_a_name_of_its_own_replaces_the_rule_and_takes_no_number_from_the_others() -> None:
    made = network(LINEAR, {**LINEAR, "name": "middle"}, LINEAR)
    assert [place.name for place in made.places] == ["input_layer", "middle", "hidden_layer_2"]


@pytest.mark.parametrize(
    ("nodes", "key", "word"),
    [
        ([{**LINEAR, "name": "a"}, {**LINEAR, "name": "a"}], "architecture.layers", "a"),
        ([{**LINEAR, "name": "hidden_layer_1"}, LINEAR], "architecture.layers", "hidden_layer_1"),
        ([{**LINEAR, "name": "1st"}], "architecture.layers.0.name", "1st"),
        ([{**LINEAR, "name": "a.b"}], "architecture.layers.0.name", "a.b"),
        ([{**LINEAR, "name": ""}], "architecture.layers.0.name", ""),
        ([{"layer": "relu"}], "architecture.layers", "without parameters"),
    ],
)
def test_a_network_that_cannot_be_named_is_refused_by_its_key(nodes: list[dict[str, Any]], key: str, word: str) -> None:
    with pytest.raises(ConfigError) as raised:
        network(*nodes)
    assert raised.value.key == key
    assert word in str(raised.value)


@pytest.mark.parametrize("name", ["forward", "training", "add_module", "state_dict", "append"])
def test_a_name_that_torch_has_taken_is_refused_by_its_key_or_works(name: str) -> None:
    """torch.nn.Sequential refuses a module whose name is an attribute of it."""
    key = None
    try:
        assert name in repr(network({**LINEAR, "name": name}).torch())
    except ConfigError as error:
        key = error.key
    assert key in (None, "architecture.layers.0.name")
