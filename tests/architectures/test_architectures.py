"""Every architecture: it prints itself as torch does, and its backpropagation agrees with autograd's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from runner.errors import ConfigError
from tests.helpers import CATALOG, kept, make_setup

from .cases import CASES, CLASSES, DIGITS, TOKENS, cut, network_of


def test_every_architecture_is_tried() -> None:
    assert {name.partition(",")[0] for name in CASES} == set(CATALOG.names("architecture"))


@pytest.mark.parametrize("name", CASES)
def test_it_prints_itself_as_torch_prints_the_equal_module_and_loads_into_it(name: str) -> None:
    network = network_of(name)
    module = network.torch()
    assert str(network) == repr(module)
    held = network.parameters.keys() | network.buffers.keys()
    assert held == module.state_dict().keys()
    assert all(tuple(module.state_dict()[key].shape) == p.shape for key, p in network.parameters.items())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_a_step_and_its_update_agree_with_torch(name: str, dtype: str) -> None:
    setup = cut(make_setup(*CASES[name], "batch_size=6", f"dtype={dtype}", "optimizer=adam"), 6)
    outcome, recorder = kept(setup)
    assert outcome.verdict.verdict == "agree", outcome.verdict.first
    assert len(recorder.records) == 1
    assert recorder.updates


@pytest.mark.parametrize(
    "name", ["lenet", "resnet_small", "transformer_small", "lstm_small", "autoencoder", "deep_mlp"]
)
def test_a_list_of_layers_takes_the_place_of_its_own(name: str) -> None:
    layers = "architecture.layers=[{layer: flatten},{layer: linear, out: 64}]"
    network = make_setup(*CASES[name], "target=inputs", "loss=mse", "data.flat=true", layers).problem.network
    assert [type(place.layer).__name__ for place in network.places] == ["Flatten", "Linear"]


def test_a_block_of_the_transformer_is_the_one_of_torch() -> None:
    network = network_of("transformer_small")
    rng = np.random.default_rng(0)
    module = network.torch().double()
    module.load_state_dict({k: torch.tensor(rng.standard_normal(p.shape)) for k, p in network.parameters.items()})
    theirs = torch.nn.TransformerEncoderLayer(
        12, 4, dim_feedforward=48, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    ).double()
    attention, feedforward = (module.get_submodule(f"hidden_layer_{k}") for k in (1, 2))
    pairs = {
        "norm1": attention.get_submodule("input_layer"),
        "self_attn": attention.get_submodule("hidden_layer_1"),
        "norm2": feedforward.get_submodule("input_layer"),
        "linear1": feedforward.get_submodule("hidden_layer_1"),
        "linear2": feedforward.get_submodule("hidden_layer_2"),
    }
    for name, ours in pairs.items():
        theirs.get_submodule(name).load_state_dict(ours.state_dict(), strict=True)
    x = torch.tensor(rng.standard_normal((3, 8, 12)))
    torch.testing.assert_close(feedforward(attention(x)), theirs(x))


def test_a_residual_block_projects_its_shortcut_only_where_channels_or_size_change() -> None:
    blocks = [p.parameters for p in network_of("resnet_small").places if type(p.layer).__name__ == "Residual"]
    assert [any(name.startswith("shortcut.") for name in names) for names in blocks] == [False, False, True, False]


def test_an_image_is_the_sequence_of_its_rows() -> None:
    network = make_setup(*CASES["lstm_small"]).problem.network
    x = torch.arange(64.0).reshape(1, 1, 8, 8)
    flatten = next(network.torch().children())
    assert torch.equal(flatten(x), x[:, 0])


BAD: list[tuple[tuple[str, ...], str, str]] = [
    ((*CASES["mlp"], "architecture.hidden=[3,0]"), "architecture.hidden.1", "from 1"),
    ((*CASES["lenet"], "architecture.channels=[]"), "architecture.channels", "at least one"),
    ((*CASES["lenet"], "architecture.channels=[0]"), "architecture.channels.0", "from 1"),
    ((*CASES["lenet"], "architecture.pool=mean"), "architecture.pool", "max, avg"),
    ((*CASES["lenet"], "architecture.activation=rleu"), "architecture.activation", "did you mean relu"),
    ((*CASES["lenet"], "architecture.channels=[2,2,2,2]"), "architecture.channels.3", "window"),
    ((*CASES["lenet"], "data.flat=true"), "architecture.channels.0", "channels, height, width"),
    ((*DIGITS, "architecture=resnet_small", "architecture.blocks=0"), "architecture.blocks", "from 1"),
    ((*DIGITS, "architecture=transformer_small", "architecture.heads=5"), "architecture.heads", "a divisor of width"),
    ((*TOKENS, "architecture.dropout=1.5"), "architecture.dropout", "from 0 to 1"),
    ((*TOKENS, "architecture.vocabulary=0"), "architecture.vocabulary", "from 1"),
    ((*TOKENS, "architecture.vocabulary=3"), "data", "vocabulary"),
    ((*CASES["lstm_small"], "architecture.cell=lstn"), "architecture.cell", "did you mean lstm"),
    ((*CASES["lstm_small"], "data.flat=true"), "architecture.hidden", "time, features"),
    ((*CASES["autoencoder"], "architecture.code=0"), "architecture.code", "from 1"),
    ((*CASES["deep_mlp"], "architecture.norm=batch_norm"), "architecture.norm", "did you mean batch_norm1d"),
    ((*CASES["deep_mlp"], "architecture.depth=0"), "architecture.depth", "from 1"),
    (
        ("data=iris", *CLASSES, "architecture=deep_mlp", "architecture.activation=tahn"),
        "architecture.activation",
        "tanh",
    ),
]


@pytest.mark.parametrize(("overrides", "key", "word"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_wrong_is_told_in_one_line_by_its_key(overrides: tuple[str, ...], key: str, word: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_setup(*overrides)
    assert caught.value.key == key
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
