"""The verdict from Python: check() and check_op()."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from runner import DisagreementError, check, check_op
from runner.arrays import DTYPES, Array
from runner.errors import ConfigError
from tests.own import right

FIVE = "data.samples=5"


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
    names = {"W1": "input_layer.weight", "b1": "input_layer.bias", "W2": "hidden_layer_1.weight"}
    names |= {"b2": "hidden_layer_1.bias", "W3": "hidden_layer_2.weight", "b3": "hidden_layer_2.bias"}
    assert check(right.in_out, FIVE, against=right.backprop, layout="in_out", names=names).agree
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
    found = check(module, FIVE, against=make(), batch_size=5)
    assert found.agree
    assert found.run.noise_over == "torch"
    assert "torch's own operations" in repr(found)


def test_nothing_is_recorded_unless_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check(right.backprop, FIVE)
    assert list(tmp_path.iterdir()) == []
    found = check(right.backprop, FIVE, record=True)
    document = json.loads(next(tmp_path.rglob("verdict.json")).read_text())
    assert document["verdict"] == found.verdict == "agree"
    assert (tmp_path / "outputs/mlflow.db").is_file()


def test_a_command_to_replay_is_told_only_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    diverging = ("loss=mse", "lr=1e30", "epochs=1", "data.samples=3")
    for given, told in (("torch", True), (right.backprop, False)):
        assert check(given, *diverging, against="scratch", record=True).verdict == "diverged"
        assert ("to replay" in capsys.readouterr().out) == told
    overrides = [file.read_text() for file in (tmp_path / "outputs" / "runs").rglob("overrides.yaml")]
    assert sorted("backend=" in text for text in overrides) == [False, True], overrides


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asanyarray(e / e.sum(axis=-1, keepdims=True))


def softmax_vjp(dy: Array, z: Array) -> Array:
    s = softmax(z)
    return np.asanyarray(s * (dy - (dy * s).sum(axis=-1, keepdims=True)))


def diagonal_alone(dy: Array, z: Array) -> Array:
    s = softmax(z)
    return np.asanyarray(s * (1 - s) * dy)


def torch_softmax(z: torch.Tensor) -> torch.Tensor:
    return torch.softmax(z, -1)


class Gelu(torch.autograd.Function):
    """Its constant has five digits."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return torch.nn.functional.gelu(x)

    @staticmethod
    def backward(ctx: Any, *dy: Any) -> Any:
        (x,) = ctx.saved_tensors
        slope = 0.5 * (1 + torch.erf(x / 2**0.5)) + x * torch.exp(-x * x / 2) / (2 * 3.1416) ** 0.5
        return dy[0] * slope


@pytest.mark.parametrize("reference", [torch_softmax, (softmax, softmax_vjp)], ids=["torch", "numpy"])
@pytest.mark.parametrize("dtype", list(DTYPES))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_vector_jacobian_product_is_judged(reference: Any, dtype: str, seed: int) -> None:
    assert check_op((softmax, softmax_vjp), reference, (4, 7), dtype=dtype, seed=seed).agree
    wrong = check_op((softmax, diagonal_alone), reference, (4, 7), dtype=dtype, seed=seed)
    assert wrong.verdict == "mismatch"
    assert not wrong.run.tensors["x0"].ok
    assert wrong.run.tensors["prediction"].ok
    opinion = next(iter(wrong.run.explanations.values())).opinion
    assert opinion is not None
    assert opinion.right == "reference"


def test_logits_that_saturate_softmax_are_no_mistake() -> None:
    logits = np.array([[800.0, 0.0, -800.0], [1.0, 2.0, 3.0], [300.0, 300.0, -5.0]])
    assert check_op((softmax, softmax_vjp), torch_softmax, logits).agree


def test_an_autograd_function_is_held_against_what_torch_has() -> None:
    found = check_op(Gelu, torch.nn.functional.gelu, (3, 5))
    assert found.verdict == "mismatch"
    assert found.backends == ("Gelu", "gelu")
    assert check_op(torch.nn.functional.silu, lambda x: x * torch.sigmoid(x), (3, 5)).agree


def test_several_inputs_have_a_product_each() -> None:
    def vjp(dy: Array, a: Array, b: Array) -> tuple[Array, Array]:
        return dy @ b.T, a.T @ dy

    def exchanged(dy: Array, a: Array, b: Array) -> tuple[Array, Array]:
        return a.T @ dy, dy @ b.T

    assert check_op((np.matmul, vjp), torch.matmul, (3, 5), (5, 2)).agree
    wrong = check_op((np.matmul, exchanged), torch.matmul, (3, 5), (5, 2))
    assert wrong.verdict == "mismatch"
    assert "of shape (5, 2), not (3, 5)" in repr(wrong)


def test_an_operation_that_knows_float32_alone_is_judged_in_it() -> None:
    def single(z: Array) -> Array:
        return softmax(z.astype(np.float32))

    def single_vjp(dy: Array, z: Array) -> Array:
        return softmax_vjp(dy.astype(np.float32), z.astype(np.float32))

    assert "loses digits" in repr(check_op((single, single_vjp), torch_softmax, (4, 7)))
    found = check_op((single, single_vjp), torch_softmax, (4, 7), only_dtype="float32")
    assert found.agree
    assert 0 < found.run.blind_below < 1e-3
    with pytest.raises(ConfigError, match="float32, float64"):
        check_op((single, single_vjp), torch_softmax, (4, 7), only_dtype="float8")
