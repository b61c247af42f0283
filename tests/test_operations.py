"""The verdict from Python: check_op()."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from runner import check_op
from runner.arrays import DTYPES, Array
from runner.errors import ConfigError


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


@pytest.mark.parametrize(
    "given",
    [(0, 3), (-3,), (1.5,), "x", None, 1j, [[1.0], [1.0, 2.0]], np.zeros((2, 0)), np.array([None])],
    ids=lambda given: repr(given),
)
def test_what_is_no_input_is_refused_by_its_name(given: Any) -> None:
    with pytest.raises(ConfigError) as raised:
        check_op(torch.add, torch.add, (2, 3), given)
    assert raised.value.key == "x1"
    assert raised.value.allowed == "a shape, a tuple of whole numbers from 1, or an array of at least one number"


def test_what_is_no_operation_is_refused() -> None:
    for op, reference, key in ((None, torch.tanh, "op"), (torch.tanh, (np.tanh,), "reference")):
        with pytest.raises(ConfigError) as raised:
            check_op(op, reference, (3,))  # type: ignore[arg-type]
        assert raised.value.key == key
    with pytest.raises(ConfigError, match="inputs: got none"):
        check_op(torch.tanh, torch.tanh)
    with pytest.raises(ConfigError, match="reference: got a function that returned a tuple"):
        check_op(torch.tanh, lambda x: (x, x), (3,))
    with pytest.raises(ConfigError, match=r"reference: got an output of shape \(0,\)"):
        check_op(torch.tanh, lambda x: x[:0], (3,))


def spoiled(x: Array) -> Array:
    y = 2 * x
    y[0, 3] += 1
    return y


def total(x: Array) -> Any:
    return x.sum()


def total_vjp(dy: Array, x: Array) -> Array:
    return np.asanyarray(dy * np.ones_like(x))


def twice_vjp(dy: Array, x: Array) -> Array:
    return 2 * dy


def same(x: Any) -> Any:
    return x * 1


def same_vjp(dy: Array, x: Array) -> Array:
    return dy


def test_an_element_of_y_is_told_by_its_own_index() -> None:
    found = check_op((spoiled, twice_vjp), lambda x: 2 * x, (3, 5))
    assert "first at step 0 in prediction[0, 3]: spoiled has" in repr(found)
    assert "only the element [0, 3] is wrong" in repr(found)
    assert "first at step 0 in prediction: " in repr(check_op(lambda x: 2 * x.sum(), torch.sum, (4,)))
    assert check_op((total, total_vjp), torch.sum, (3, 5)).agree


@pytest.mark.parametrize("given", [total, (total, total_vjp)], ids=["torch", "numpy"])
def test_the_shape_of_y_is_told_as_it_is(given: Any) -> None:
    other = (same, same_vjp) if isinstance(given, tuple) else same
    assert "returned a prediction of shape (), not (4,)" in repr(check_op(given, other, (4,)))
    assert "returned a prediction of shape (4,), not ()" in repr(check_op(other, given, (4,)))
    assert "returned a prediction of shape (2, 3), not ()" in repr(check_op(other, given, (2, 3)))


def test_what_is_wrong_in_form_is_told_of_an_operation_too() -> None:
    assert "op returned a tuple, not a tensor" in repr(check_op(lambda x: (x, x), torch.tanh, (3,)))
    found = repr(check_op(lambda x: x.detach(), same, (3,)))
    assert "has no gradient for x0: nothing in autograd's graph leads to it" in found


def test_an_operation_that_knows_float32_alone_is_told_the_argument() -> None:
    def single(z: Array) -> Array:
        return softmax(z.astype(np.float32))

    found = repr(check_op((single, softmax_vjp), (softmax, softmax_vjp), (4, 7)))
    assert 'say so: only_dtype="float32")' in found
