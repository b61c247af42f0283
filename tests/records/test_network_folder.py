"""A trained network in a folder: read back, it predicts the same bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from runner.arrays import DTYPES, Array, in_dtype
from runner.backends.prediction import AT_ONCE
from runner.backends.scratch import ScratchBackend
from runner.building import build_layer, network_of
from runner.catalog import Catalog
from runner.network import Network, build_network
from runner.records.network_folder import NETWORK, read_predictor, write_network
from tests.helpers import make_setup, same_bits
from tests.layers.example import Example
from tests.layers.examples import FOUND

EXAMPLES = [(name, example) for name, examples in FOUND.items() for example in examples]

OWN_LAYER = """
from dataclasses import dataclass

import numpy as np

from runner.layers.base import Layer


@dataclass(frozen=True, kw_only=True)
class Times(Layer):
    by: float

    def output_shape(self, input_shape):
        return input_shape

    def parameters(self, input_shape):
        return {}

    def scratch(self, buffers):
        return Pass(self.by)

    def torch(self, input_shape):
        raise NotImplementedError

    def describe(self, input_shape):
        return "Times()"


class Pass:
    def __init__(self, by):
        self.by = by

    def forward(self, x):
        return np.multiply(x, self.by, dtype=x.dtype)

    def backward(self, delta):
        return self.forward(delta)
"""


def evaluated(overrides: tuple[str, ...]) -> tuple[Array, Network, dict[str, Array], Array]:
    """x, the network, its parameters and running averages after some noise, and what the backend predicts of x."""
    setup = make_setup(*overrides)
    rng = np.random.default_rng(7)
    state = setup.initial
    arrays = {**state.parameters, **state.buffers}
    for value in arrays.values():
        value += in_dtype(rng.uniform(0, 0.1, value.shape), value.dtype)
    backend = ScratchBackend("scratch", setup.problem, setup.dtype)
    backend.load(state)
    rows = slice(0, 50)
    step = backend.step(setup.x[rows], setup.y[rows], draws={}, training=False)
    return setup.x[rows], setup.problem.network, arrays, np.array(step.prediction)


LINEAR = "{layer: linear"
CASES = [
    ("dtype=float32",),
    ("dtype=float64", "architecture.hidden=[7]"),
    ("dtype=bfloat16",),
    ("dtype=float16",),
    (f"architecture.layers=[{LINEAR}, out: 5}}, {{layer: batch_norm1d}}, {{layer: dropout}}, {LINEAR}, out: 1}}]",),
    ("experiment=digits_resnet",),
    ("experiment=digits_transformer",),
    ("experiment=digits_lstm",),
]


@pytest.mark.parametrize("overrides", CASES, ids=" ".join)
def test_a_network_that_is_read_back_predicts_what_the_backend_does_in_evaluation_mode(
    overrides: tuple[str, ...], tmp_path: Path
) -> None:
    x, network, arrays, wanted = evaluated((*overrides, "batch_size=10"))
    write_network(tmp_path, network, arrays, wanted.dtype, threads=1)
    assert same_bits(read_predictor(tmp_path)(x), wanted)
    assert {file.name for file in tmp_path.iterdir()} == {NETWORK, "parameters.safetensors"}


@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=lambda value: str(value))
def test_every_layer_comes_back_with_its_keys_names_and_parameters(name: str, example: Example, tmp_path: Path) -> None:
    layer = build_layer({"layer": name, **example.keys}, "layer", Catalog())
    last = build_layer({"layer": "linear", "out": 2}, "layer", Catalog())
    flat = build_layer({"layer": "flatten"}, "layer", Catalog())
    network = build_network([("0", layer), ("1", flat), ("2", last)], example.shape)
    rng = np.random.default_rng(0)
    arrays = {name: p.draw(rng) for name, p in network.parameters.items()} | network.buffers
    write_network(tmp_path, network, arrays, DTYPES["float64"], threads=1)
    found = read_predictor(tmp_path)._network
    assert [p.layer for p in found.places] == [p.layer for p in network.places]
    assert {n: p.shape for n, p in found.parameters.items()} == {n: p.shape for n, p in network.parameters.items()}
    assert str(found) == str(network)


def test_a_layer_from_a_users_file_is_kept_with_that_file(tmp_path: Path) -> None:
    own, conf, folder = tmp_path / "own.py", tmp_path / "conf", tmp_path / "kept"
    (conf / "layer").mkdir(parents=True)
    folder.mkdir()
    own.write_text(OWN_LAYER, encoding="utf-8")
    (conf / "layer" / "times.yaml").write_text(f"_target_: {own}:Times\nname: null\nby: 2.0\n", encoding="utf-8")
    nodes = [{"layer": "times", "by": 3.0}, {"layer": "residual", "layers": [{"layer": "times"}]}]
    node = {"_target_": "runner.architectures.sequential.Sequential", "layers": [*nodes, {"layer": "linear", "out": 1}]}
    network = network_of(node, (2,), Catalog([conf, *Catalog().folders]))
    arrays = {name: np.ones(p.shape) for name, p in network.parameters.items()}
    write_network(folder, network, arrays, DTYPES["float64"], threads=1)
    own.unlink()
    assert read_predictor(folder)(np.array([[1.0, 2.0]]))[0, 0] == 3 * (1 + 2) * 3 + 1


def test_many_samples_are_taken_in_batches_of_one_size(tmp_path: Path) -> None:
    x, network, arrays, _ = evaluated(("dtype=float32",))
    write_network(tmp_path, network, arrays, x.dtype, threads=1)
    predict = read_predictor(tmp_path)
    many = np.concatenate([x] * 25)
    assert len(many) > 2 * AT_ONCE
    assert same_bits(predict(many)[AT_ONCE : 2 * AT_ONCE], predict(many[AT_ONCE : 2 * AT_ONCE]))
    assert predict(many).shape == (len(many), 1)


@pytest.mark.parametrize("shape", [(3, 3), (2,), (0, 2), (3, 1, 2)])
def test_samples_of_another_shape_are_refused_with_both_shapes(shape: tuple[int, ...], tmp_path: Path) -> None:
    x, network, arrays, _ = evaluated(())
    write_network(tmp_path, network, arrays, x.dtype, threads=1)
    with pytest.raises(ValueError, match=r"this network takes \(samples, 2\)") as refused:
        read_predictor(tmp_path)(np.zeros(shape))
    assert str(shape) in str(refused.value)


def test_tokens_that_are_none_of_the_vocabulary_are_refused(tmp_path: Path) -> None:
    layers = [("0", build_layer({"layer": "embedding", "num_embeddings": 5, "embedding_dim": 3}, "layer", Catalog()))]
    network = build_network(layers, (4,))
    write_network(tmp_path, network, {"input_layer.weight": np.ones((5, 3))}, DTYPES["float64"], threads=1)
    predict = read_predictor(tmp_path)
    assert predict(np.zeros((2, 4), int)).shape == (2, 4, 3)
    with pytest.raises(ValueError, match="5"):
        predict(np.full((2, 4), 5))
    with pytest.raises(ValueError, match="whole numbers"):
        predict(np.zeros((2, 4)))
