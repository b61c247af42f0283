"""The verdict from Python: check()."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from runner import DisagreementError, check
from runner.arrays import Array
from runner.errors import ConfigError
from tests.cli.stores import client, runs
from tests.own import right
from tests.sharing import furnish

FIVE = "data.samples=5"
NAMES = {"W1": "input_layer.weight", "b1": "input_layer.bias", "W2": "hidden_layer_1.weight"}
NAMES |= {"b2": "hidden_layer_1.bias", "W3": "hidden_layer_2.weight", "b3": "hidden_layer_2.bias"}


def without_slope(parameters: dict[str, Array], x: Array, y: Array) -> right.Result:
    """The default network; the second activation's derivative is left out."""
    w1, b1, w2, b2, w3, b3 = parameters.values()
    a1 = 1 / (1 + np.exp(-(x @ w1.T + b1)))
    a2 = 1 / (1 + np.exp(-(a1 @ w2.T + b2)))
    p = a2 @ w3.T + b3
    d3 = 2 * (p - y)
    d2 = d3 @ w3
    d1 = (d2 @ w2) * a1 * (1 - a1)
    values = [d1.T @ x, d1.sum(0), d2.T @ a1, d2.sum(0), d3.T @ a2, d3.sum(0)]
    return ((p - y) ** 2).sum(), p, dict(zip(parameters, values, strict=True))


def test_a_right_function_agrees_and_raises_nothing() -> None:
    found = check(right.backprop, FIVE, seed=2)
    assert (found.verdict, found.agree, found.causes) == ("agree", True, [])
    assert found.backends == ("backprop", "torch")
    assert found.run.judged_steps == 5
    found.raise_for_mismatch()


def test_a_wrong_function_is_explained_and_raises_with_the_whole_verdict() -> None:
    found = check(without_slope, FIVE)
    assert found.verdict == "mismatch"
    assert found.causes == ["slope_missing"]
    with pytest.raises(DisagreementError, match="slope_missing"):
        found.raise_for_mismatch()
    text = repr(found)
    assert text.startswith("mismatch: the formula is wrong; first at step 0 in hidden_layer_1.weight[")
    assert "third opinion" in text
    assert "fits torch" in text
    page = found._repr_html_()
    assert page.count("<tr>") == 9
    assert "f&#x27;(z)" in page
    assert "<script" not in page


def test_keys_of_every_kind_reach_the_configuration() -> None:
    network: dict[str, Any] = {"hidden": [3, 4], "activation": "sigmoid"}
    found = check(right.backprop, "loss=sse", architecture=network, data={"samples": 6}, batch_size=4, dtype="float64")
    assert found.agree
    assert found.run.judged_steps == 2
    assert found.run.tensors.keys() >= {"hidden_layer_2.weight"}
    layers = [{"layer": "linear", "out": 3}, {"layer": "sigmoid"}, {"layer": "linear", "out": 1}]
    assert check(right.backprop, FIVE, architecture={"layers": layers}).agree


@pytest.mark.parametrize(
    ("overrides", "keys", "key"),
    [
        ([], {"seed": -1}, "seed"),
        ([], {"loss": "nope"}, "loss"),
        ([], {"lrr": 1}, "lrr"),
        (["lr=="], {}, "command line"),
        ([], {"names": {"W1": "nothing"}}, "backend.backprop.names.W1"),
        ([], {"layout": "other"}, "backend.backprop.layout"),
    ],
)
def test_what_does_not_fit_is_named(overrides: list[str], keys: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check(right.backprop, *overrides, **keys)
    assert raised.value.key == key


def test_two_functions_and_a_function_and_a_module_are_held_against_each_other() -> None:
    assert check(right.in_out, FIVE, against=right.backprop, layout="in_out", names=NAMES).agree
    assert check(right.backprop, FIVE, against=right.make_model()).backends == ("backprop", "Sequential")
    wrong_reference = check(right.backprop, FIVE, against=without_slope)
    assert wrong_reference.verdict == "mismatch"
    assert wrong_reference.run.explanations["backprop"].subject == "without_slope"


def test_a_module_without_layers_of_ours_is_judged_by_noise_in_torchs_operations() -> None:
    def make() -> torch.nn.Module:
        torch.manual_seed(3)
        return torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.SiLU(), torch.nn.LayerNorm(6), torch.nn.Linear(6, 1))

    module = make()
    with pytest.raises(ConfigError, match=r"input_layer\.weight"):
        check("scratch", FIVE, against=module)
    with pytest.raises(ConfigError, match="a module that returned a tuple; allowed: one that returns a tensor"):
        check(torch.nn.LSTM(2, 1), FIVE, against=torch.nn.LSTM(2, 1))
    found = check(module, FIVE, against=make(), batch_size=5)
    assert found.agree
    assert found.run.noise_over == "torch"
    assert "torch's own operations" in repr(found)


def test_nothing_is_recorded_unless_it_is_asked_for(
    tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check(right.backprop, FIVE)
    assert list(tmp_path.iterdir()) == []
    furnish(tmp_path, migrated)
    found = check(right.backprop, FIVE, "record.plots=false", record=True)
    document = json.loads(next(tmp_path.rglob("verdict.json")).read_text())
    assert document["verdict"] == found.verdict == "agree"
    assert len(runs(client(tmp_path))) == 1


def test_a_command_to_replay_is_told_only_where_there_is_one(
    tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    furnish(tmp_path, migrated)
    monkeypatch.chdir(tmp_path)
    diverging = ("loss=mse", "lr=1e30", "epochs=1", "data.samples=3", "record.plots=false")
    for given, told in (("torch", True), (right.backprop, False)):
        assert check(given, *diverging, against="scratch", record=True).verdict == "diverged"
        assert ("to replay" in capsys.readouterr().out) == told
    overrides = [file.read_text() for file in (tmp_path / "outputs" / "runs").rglob("overrides.yaml")]
    assert sorted("backend=" in text for text in overrides) == [False, True], overrides


def test_a_finding_says_what_to_hand_to_check_itself() -> None:
    layout = check(right.in_out, FIVE, names=NAMES)
    assert 'right: layout="in_out"\n' in repr(layout)
    assert check(right.in_out, FIVE, names=NAMES, layout="in_out").agree
    assert 'say so: only_dtype="float32")' in repr(check(right.single, FIVE))
    assert check(right.single, FIVE, only_dtype="float32").agree


def test_what_a_finding_says_of_the_reference_is_for_what_is_judged() -> None:
    found = repr(check("scratch", FIVE, against=right.single))
    assert 'say so: only_dtype="float32", with single handed over first: it speaks of that one alone)' in found
    assert check(right.single, FIVE, against="scratch", only_dtype="float32").agree


@pytest.mark.parametrize("given", [None, 3, np.zeros(3), torch.nn.Linear], ids=["None", "3", "array", "class"])
def test_what_cannot_be_judged_is_refused(given: Any) -> None:
    for key, arguments in (("backprop", {"backprop": given}), ("against", {"backprop": "scratch", "against": given})):
        with pytest.raises(ConfigError) as raised:
            check(**arguments)
        assert raised.value.key == key
        assert raised.value.got in ("None", "3", "array([0., 0., 0.])", "<class 'torch...inear.Linear'>")
        assert raised.value.allowed == "a function, a torch.nn.Module that is made, or the name of a backend"


def test_shrinking_needs_a_run_folder(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = "shrink: got true; allowed: true together with record=True"
    with pytest.raises(ConfigError, match=refused):
        check(without_slope, FIVE, shrink=True)
    with pytest.raises(ConfigError, match=refused):
        check(without_slope, FIVE, "shrink=true")
    assert list(tmp_path.iterdir()) == []
    furnish(tmp_path, migrated)
    assert check(without_slope, FIVE, "record.plots=false", shrink=True, record=True).verdict == "mismatch"
    assert list(tmp_path.rglob("minimal/*.npz"))
