"""Composed configuration -> plain values -> typed objects; every complaint names its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from runner.arrays import DTYPES
from runner.catalog import Catalog
from runner.compose import as_override, compose_config
from runner.config import build, build_named, resolved
from runner.data.base import Data
from runner.data.distributions.uniform import Uniform
from runner.errors import ConfigError, choices
from runner.layers.base import Layer
from runner.layers.linear import Linear
from tests.helpers import composed, configuration

UNIFORM: dict[str, object] = {
    "_target_": "runner.data.distributions.uniform.Uniform",
    "samples": 3,
    "features": 2,
    "low": 0.0,
    "high": 1.0,
    "held_out": 0.0,
}


def refused(node: object, key: str) -> str:
    with pytest.raises(ConfigError) as raised:
        build(node, "data", Data)
    assert raised.value.key == key
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_the_defaults_are_those_of_the_documentation() -> None:
    config = configuration()
    assert (config["lr"], config["seed"], config["epochs"], config["batch_size"]) == (0.05, 1, 1, 1)
    assert (config["dtype"], config["lockstep"], config["threads"]) == ("float32", True, 1)
    assert list(config["backend"]) == ["scratch", "torch"]
    assert config["architecture"]["hidden"] == [10, 10]
    assert (config["data"]["samples"], config["data"]["features"]) == (100, 2)


@pytest.mark.parametrize(
    ("group", "name"),
    [
        (group, name)
        for group in Catalog().groups()
        for name in Catalog().names(group)
        if group not in ("layer", "backend")
    ],
)
def test_every_choice_of_every_group_composes(group: str, name: str) -> None:
    whole = composed((f"{'+' if group == 'experiment' else ''}{group}={name}".removeprefix("+"),))
    assert group == "experiment" or group in whole


def test_every_choice_of_a_group_names_a_class_that_can_be_imported() -> None:
    for group in Catalog().groups():
        for name in Catalog().names(group):
            node = OmegaConf.load(Catalog().find(group, name, group))
            target = OmegaConf.to_container(node, resolve=False)
            assert isinstance(target, dict)
            if "_target_" in target:
                module, _, cls = str(target["_target_"]).rpartition(".")
                assert hasattr(__import__(module, fromlist=[cls]), cls), (group, name)


def test_a_node_becomes_the_object_that_it_describes_its_values_converted() -> None:
    made = build({**UNIFORM, "samples": "7", "low": -1}, "data", Data)
    assert made == Uniform(samples=7, features=2, low=-1.0, high=1.0, held_out=0.0)
    assert isinstance(made.low, float)


@pytest.mark.parametrize(
    ("changed", "key", "words"),
    [
        ({"samples": "many"}, "data.samples", ["many", "a whole number"]),
        ({"samples": 2.5}, "data.samples", ["2.5", "a whole number"]),
        ({"low": "deep"}, "data.low", ["deep", "a number"]),
        ({"low": None}, "data.low", ["null", "a number"]),
        ({"low": "???"}, "data.low", ["no default"]),
        ({"sample": 3}, "data.sample", ["did you mean samples?"]),
        ({"low": 2.0}, "data.low", ["2.0", "below"]),
        ({"_target_": "runner.data.distributions.uniform.Uniforn"}, "data._target_", ["Uniforn"]),
        ({"_target_": "no.such.module.Thing"}, "data._target_", ["no.such.module.Thing"]),
        ({"_target_": "runner.layers.linear.Linear"}, "data._target_", ["a Data class"]),
        ({"_target_": "Uniform"}, "data._target_", ["Uniform"]),
        ({"_target_": 3}, "data", ["_target_"]),
    ],
)
def test_a_value_that_is_wrong_is_refused_by_its_key_with_what_is_allowed(
    changed: dict[str, Any], key: str, words: list[str]
) -> None:
    message = refused({**UNIFORM, **changed}, key)
    assert all(word in message for word in words), message


def test_a_missing_value_and_a_bare_word_are_refused() -> None:
    refused({k: v for k, v in UNIFORM.items() if k != "low"}, "data.low")
    refused("uniform", "data")
    refused(None, "data")


def test_a_layer_takes_the_keys_that_it_is_not_given_from_its_file() -> None:
    made = build_named({"layer": "linear", "out": 3}, "architecture.layers.0", Layer, Catalog(), "layer", "layer")
    assert made == Linear(name=None, out=3, bias=True)


def test_the_defaults_of_a_choice_are_those_that_its_file_has_now(tmp_path: Path) -> None:
    (tmp_path / "layer").mkdir()
    for bias in ("true", "false"):
        text = f"_target_: runner.layers.linear.Linear\nname: null\nout: ???\nbias: {bias}\n"
        (tmp_path / "layer" / "mine.yaml").write_text(text, encoding="utf-8")
        for out in (1, 2):
            made = build_named({"layer": "mine", "out": out}, "layers.0", Layer, Catalog([tmp_path]), "layer", "layer")
            assert made == Linear(name=None, out=out, bias=bias == "true")


@pytest.mark.parametrize(
    ("node", "key", "words"),
    [
        ({"layer": "liner", "out": 3}, "layers.0", ["liner", "did you mean linear?"]),
        ({"layer": "linear"}, "layers.0.out", ["no default"]),
        ({"layer": "linear", "out": 0}, "layers.0.out", ["0", "from 1"]),
        ({"layer": "linear", "width": 3, "out": 1}, "layers.0.width", ["not known"]),
        ({"layer": "relu", "out": 3}, "layers.0.out", ["not known"]),
        ({"out": 3}, "layers.0", ["layer: NAME", "linear"]),
        ("linear", "layers.0", ["layer: NAME", "linear"]),
    ],
)
def test_a_layer_that_is_wrong_is_refused_by_its_key(node: object, key: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as raised:
        build_named(node, "layers.0", Layer, Catalog(), "layer", "layer")
    assert raised.value.key == key
    assert all(word in str(raised.value) for word in words), str(raised.value)


@pytest.mark.parametrize(
    ("added", "key"),
    [("+lrr=1", "lrr"), ("+verdict.tolerance=1e-3", "verdict.tolerance"), ("+record.evry=1", "record.evry")],
)
def test_a_key_that_nothing_reads_is_refused(added: str, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        resolved(composed((added,)))
    assert raised.value.key == key


def test_interpolations_are_resolved_and_those_that_lead_nowhere_refused() -> None:
    assert configuration("data.samples=40", "batch_size=${data.samples}")["batch_size"] == 40
    with pytest.raises(ConfigError) as raised:
        resolved(composed(("batch_size=${data.size}",)))
    assert raised.value.key == "batch_size"


@pytest.mark.parametrize("key", ["lockstep", "shrink", "record.gradients"])
def test_what_is_true_or_false_is_nothing_else(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    group, _, name = key.rpartition(".")
    for text, value in (("true", True), ("False", False), ("${oc.env:OF_THE_SHELL}", True)):
        monkeypatch.setenv("OF_THE_SHELL", "true")
        config = configuration(f"{key}={text}")
        assert (config[group] if group else config)[name] is value
    for text in ("2", "1", "0", "on", "y", "1.0", "null", "[true]", "${oc.env:OF_THE_SHELL}"):
        monkeypatch.setenv("OF_THE_SHELL", "2")
        with pytest.raises(ConfigError) as raised:
            resolved(composed((f"{key}={text}",)))
        assert (raised.value.key, raised.value.allowed) == (key, "true or false")


@pytest.mark.parametrize(("value", "kept"), [(True, True), ("false", False), ("True", True)])
def test_a_field_that_is_true_or_false_takes_either_word(value: object, kept: bool) -> None:
    made = build_named({"layer": "linear", "out": 1, "bias": value}, "layers.0", Layer, Catalog(), "layer", "layer")
    assert made == Linear(name=None, out=1, bias=kept)


@pytest.mark.parametrize("value", [2, -3, 1, 0, 1.0, "on", "y", None, [True]])
def test_a_field_that_is_true_or_false_takes_nothing_else(value: object) -> None:
    with pytest.raises(ConfigError) as raised:
        build_named({"layer": "linear", "out": 1, "bias": value}, "layers.0", Layer, Catalog(), "layer", "layer")
    got = "null" if value is None else value
    assert str(raised.value) == f"layers.0.bias: got {got}; allowed: true or false"


def test_fields_that_have_a_default_of_their_own_or_may_be_null_are_left_as_they_are(tmp_path: Path) -> None:
    text = (
        "from dataclasses import dataclass\nfrom runner.data.base import Data\n@dataclass(frozen=True, kw_only=True)\n"
    )
    text += "class Own(Data):\n    given: bool = True\n    either: bool | None = None\n    all: list[bool]\n"
    text += "    def load(self, rng): ...\n"
    (tmp_path / "own.py").write_text(text, encoding="utf-8")
    node = {"_target_": f"{tmp_path / 'own.py'}:Own", "held_out": 0.0, "all": [True, False]}
    made: Any = build({**node, "either": None}, "data", Data)
    assert (made.given, made.either, made.all) == (True, None, [True, False])
    assert refused({**node, "either": 2}, "data.either") == "data.either: got 2; allowed: true or false"


@pytest.mark.parametrize("override", ["loss=[mse,l1]", "optimizer=[adam]", "experiment=[assignment,iris_mlp]"])
def test_a_list_of_choices_is_refused_in_process_too(override: str) -> None:
    with pytest.raises(ConfigError) as raised:
        compose_config([override])
    group, _, got = override.partition("=")
    assert (raised.value.key, raised.value.got) == (group, got)


@pytest.mark.parametrize(
    ("typed", "words", "meant"),
    [
        ("out_features", ["name", "out", "bias"], "out"),
        ("use_bias", ["name", "out", "bias"], "bias"),
        ("epsilon", ["betas", "eps", "weight_decay"], "eps"),
        ("kernel_sizes", ["kernel", "kernel_size"], "kernel_size"),
        ("p_drop", ["name", "p"], "p"),
        ("pepper", ["name", "p"], None),
        ("throughout", ["name", "out"], None),
    ],
)
def test_a_key_that_is_part_of_what_was_typed_may_be_meant(typed: str, words: list[str], meant: str | None) -> None:
    listed = ", ".join(words)
    assert choices(words, typed) == (listed if meant is None else f"{listed} (did you mean {meant}?)")


def test_an_empty_list_of_backends_is_told_what_is_allowed() -> None:
    with pytest.raises(ConfigError) as raised:
        resolved(composed(("backend=[]",)))
    assert str(raised.value).startswith("backend: got nothing; allowed: a list of at least two different names")


@pytest.mark.parametrize(
    "text", ["a\\b", "a\\\\b c", "it's", "a\\'b", "ends in \\", "ends in \\\\", "\\'", "two\nlines\n", "ünï"]
)
def test_a_text_of_python_reaches_the_configuration_as_it_is(text: str) -> None:
    assert compose_config(as_override("tracking.experiment", text))["tracking"]["experiment"] == text


def test_the_dtypes_are_single_and_double_precision() -> None:
    assert {name: dtype.itemsize for name, dtype in DTYPES.items()} == {
        "float32": 4,
        "float64": 8,
        "float16": 2,
        "bfloat16": 2,
    }


def test_a_users_folder_stands_before_the_programs_own(tmp_path: Any) -> None:
    (tmp_path / "loss").mkdir()
    (tmp_path / "loss" / "sse.yaml").write_text("_target_: a.b\n", encoding="utf-8")
    catalog = Catalog([tmp_path, *Catalog().folders])
    assert catalog.find("loss", "sse", "loss").parent == tmp_path / "loss"
    assert "mse" in catalog.names("loss")
