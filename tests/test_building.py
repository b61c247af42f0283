"""Layers and architectures of one's own, by their names: what is said of them where they do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.building import network_of
from runner.catalog import Catalog
from runner.errors import ConfigError
from runner.network import Network
from runner.paths import CONF

GATES = """
from dataclasses import dataclass

from runner.layers.base import Layer


@dataclass(frozen=True, kw_only=True)
class Gate(Layer):
    def output_shape(self, input_shape):
        if len(input_shape) != 1:
            raise ValueError("an input of one axis")
        return input_shape

    def scratch(self, buffers):
        raise NotImplementedError

    def torch(self, input_shape):
        raise NotImplementedError

    def describe(self, input_shape):
        return "Gate()"
"""

TOWERS = """
from dataclasses import dataclass

from runner.architectures.base import Architecture


@dataclass(frozen=True, kw_only=True)
class Tower(Architecture):
    width: int

    def make_layers(self, input_shape):
        return {made}
"""

LINEAR = {"layer": "linear", "out": 1}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """Ours, and one layer of one's own under three names."""
    (tmp_path / "gates.py").write_text(GATES, encoding="utf-8")
    (tmp_path / "layer").mkdir()
    for name in ("swish_gate", "2nd-gate", "gate"):
        text = f"_target_: {tmp_path / 'gates.py'}:Gate\nname: null\n"
        (tmp_path / "layer" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return Catalog([tmp_path, CONF])


def listed(catalog: Catalog, *nodes: dict[str, Any], shape: tuple[int, ...] = (2,)) -> Network:
    node = {"_target_": "runner.architectures.sequential.Sequential", "layers": list(nodes)}
    return network_of(node, shape, catalog)


def tower(made: str, folder: Path) -> ConfigError:
    """What is said of an architecture of one's own that returns ``made``."""
    (folder / "towers.py").write_text(TOWERS.replace("{made}", made), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        network_of({"_target_": f"{folder / 'towers.py'}:Tower", "layers": None, "width": 3}, (2,), Catalog())
    return raised.value


def test_a_layer_of_ones_own_is_called_by_the_name_that_it_was_chosen_by(catalog: Catalog) -> None:
    nodes = [{"layer": name} for name in ("swish_gate", "2nd-gate", "gate")]
    made = listed(catalog, {**LINEAR, "out": 3}, *nodes, {"layer": "sequential", "layers": [{"layer": "gate"}]})
    assert [place.name for place in made.places][1:] == ["swish_gate_1", "_2nd_gate_2", "gate_3", "sequential_4"]
    with pytest.raises(ConfigError) as raised:
        listed(catalog, {"layer": "swish_gate"}, LINEAR, shape=(2, 3))
    assert "an input of shape (2, 3) from the data in a swish_gate" in str(raised.value)
    with pytest.raises(ConfigError) as raised:
        listed(catalog, {"layer": "2nd-gate"}, {"layer": "conv2d", "out_channels": 1, "kernel_size": 1})
    assert "from architecture.layers.0 (2nd-gate) in a conv2d" in str(raised.value)


def test_the_file_of_every_layer_of_ours_has_the_name_that_it_is_chosen_by() -> None:
    """A layer that no configuration has chosen is called by it."""
    for name in Catalog().names("layer"):
        file = Catalog().find("layer", name, "layer")
        assert f"_target_: runner.layers.{name}." in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("shortcut", "place"),
    [
        (False, "architecture.layers.0.layers.0.layers.1"),
        (True, "architecture.layers.0.shortcut.0.layers.1"),
    ],
)
def test_the_layer_before_is_told_by_its_whole_key_however_deep_it_lies(shortcut: bool, place: str) -> None:
    inner = [{**LINEAR, "out": 2}, {"layer": "conv1d", "out_channels": 1, "kernel_size": 1}]
    deep = [{"layer": "sequential", "layers": inner}]
    lists = {"layers": [{**LINEAR, "out": 2}], "shortcut": deep} if shortcut else {"layers": deep}
    with pytest.raises(ConfigError) as raised:
        listed(Catalog(), {"layer": "residual", **lists}, LINEAR)
    assert raised.value.key == place
    assert str(raised.value.got) == f"an input of shape (2,) from {place[:-1]}0 (linear) in a conv1d"


def test_what_takes_tokens_names_the_layer_before_it_by_its_whole_key() -> None:
    inner = [LINEAR, {"layer": "embedding", "num_embeddings": 3, "embedding_dim": 2}]
    with pytest.raises(ConfigError) as raised:
        listed(Catalog(), {"layer": "sequential", "layers": inner})
    assert raised.value.key == "architecture.layers.0.layers.1"
    assert raised.value.got == "a embedding after architecture.layers.0.layers.0 (linear)"


@pytest.mark.parametrize(
    ("made", "got"),
    [
        ("None", "None"),
        ("'linear'", "'linear'"),
        ("3", "3"),
        ("{'layer': 'linear', 'out': 1}", "{'layer': 'linear', 'out': 1}"),
        ("['linear', 'relu']", "'linear'"),
        ("['ab']", "'ab'"),
        ("[{'layer': 'linear', 'out': 1}]", "{'layer': 'linear', 'out': 1}"),
        ("[('width', 'linear')]", "('width', 'linear')"),
        ("[('width', {'out': 1})]", "('width', {'out': 1})"),
        ("[('width', {'layer': 'linear', 'out': 1}, 3)]", "('width', {'layer': 'linear', 'out': 1}, 3)"),
        ("[(1, {'layer': 'linear', 'out': 1})]", "(1, {'layer': 'linear', 'out': 1})"),
        ("[]", "an empty list"),
    ],
)
def test_what_an_architecture_of_ones_own_returns_is_refused_by_its_class(made: str, got: str, tmp_path: Path) -> None:
    found = tower(made, tmp_path)
    assert (found.key, found.got) == ("architecture", f"{got} from Tower.make_layers")


@pytest.mark.parametrize(
    ("made", "key", "got"),
    [
        ("[('width', {'layer': 'linear', 'out': 1, 'foo': 2})]", "width", "a linear of Tower with foo: a key that is"),
        ("[('width', {'layer': 'linear', 'out': 0})]", "width", "a linear of Tower with out: 0"),
        ("[('width', {'layer': 'lineer'})]", "width", "a lineer of Tower: 'lineer'"),
        ("[('width', {'layer': 'linear', 'out': 1, 'name': 'a b'})]", "width", "a linear of Tower with name: 'a b'"),
        ("[('width', {'layer': 'conv1d', 'out_channels': 1, 'kernel_size': 1})]", "width", "in a conv1d of Tower"),
        ("[('width', {'layer': 'tanh'})]", None, "1 layers of Tower without parameters"),
        ("[('width', {'layer': 'linear', 'out': 1, 'name': 'a'})] * 2", None, "the name a 2 times"),
        ("[('width', {'layer': 'sequential', 'layers': ['tanh']})]", "width", "a sequential of Tower with layers.0: "),
    ],
)
def test_a_layer_that_an_architecture_made_is_told_by_the_key_that_can_be_set(
    made: str, key: str | None, got: str, tmp_path: Path
) -> None:
    found = tower(made, tmp_path)
    assert found.key == ("architecture" if key is None else f"architecture.{key}")
    assert got in str(found), str(found)
