"""One operation and its vector-Jacobian product, judged without network or loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from runner.arrays import DTYPES, WIDE, Array, Shape, is_narrow
from runner.backends.base import Backend, BackendChoice, Empty, FormError, Problem, State, Step
from runner.backends.function import GivenFunction
from runner.checking import name_of
from runner.comparison.summary import RunVerdict
from runner.comparison.verdict import Judge
from runner.errors import ConfigError, choices
from runner.layers.base import Parameter
from runner.layers.opaque import Opaque
from runner.losses.base import Loss, LossPass
from runner.network import Network, Place
from runner.optimizers.sgd import SGD

if TYPE_CHECKING:
    import torch

Pair = tuple[Callable[..., Any], Callable[..., Any]]


def judge_operation(
    op: Callable[..., Any] | Pair,
    reference: Callable[..., Any] | Pair,
    inputs: Sequence[Shape | Array],
    seed: int,
    dtype: str,
    only_dtype: str | None,
    device: str,
) -> tuple[RunVerdict, tuple[str, ...]]:
    """The verdict on ``op``, and the names of both; see ``runner.check_op``."""
    for key, value, allowed in (("dtype", dtype, tuple(DTYPES)), ("only_dtype", only_dtype or WIDE[0], WIDE)):
        if value not in allowed:
            raise ConfigError(key, value, choices(allowed, value))
    rng = np.random.default_rng(seed)
    given = [_drawn(rng, i).astype(DTYPES[dtype]) for i in inputs]
    xs = {f"x{k}": value for k, value in enumerate(given)}
    shape = _output_shape(reference, [np.array(v, np.float64) for v in xs.values()])
    problem = Problem(_network(xs, shape), _Product(), SGD(), lr=0.0)
    x, y = np.zeros((1, 1), DTYPES[dtype]), rng.standard_normal((1, *shape)).astype(DTYPES[dtype])
    name = _name(op, "op")
    sides = {name: _choice(op, xs, only_dtype, device)}
    other = _name(reference, "reference")
    sides["reference" if other == name else other] = _choice(reference, xs, None, "cpu")
    judge = Judge(problem, sides, DTYPES[dtype])
    verdict = RunVerdict(noise_over=judge.sides.noise_over)
    with np.errstate(all="ignore"):
        try:
            steps = {n: _step(choice.make(n, problem, DTYPES[dtype]), xs, x, y) for n, choice in sides.items()}
            comparisons = judge.compare(xs, x, y, steps, judged=True)
        except FormError as fault:
            comparisons = [judge.misformed(fault, xs, x, y)]
    verdict.add(0, comparisons)
    return verdict, tuple(sides)


@dataclass(frozen=True, kw_only=True)
class _Product(Loss):
    """L = the sum of y dy, so that dL/dx is the vector-Jacobian product of dy."""

    formula: ClassVar[str] = "L = the sum of y dy, dL/dy = dy"

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array]) -> LossPass:
        raise NotImplementedError("an operation has no layers")

    def torch(self, prediction: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (prediction * y).sum()


@dataclass(frozen=True, kw_only=True)
class _NumpyOperation(GivenFunction):
    """A pair of NumPy functions as a function of parameters, x and y."""

    def make_over(self, name: str, problem: Problem, empty: Empty) -> Backend:
        return _Over(name, self.given, empty)


class _Over:
    """Calls the function with arrays that ``empty`` makes, as noisy arithmetic needs it."""

    def __init__(self, name: str, function: Callable[..., Any], empty: Empty) -> None:
        self.name, self._function, self._empty = name, function, empty

    def load(self, state: State) -> None:
        self._parameters = {name: self._copy(value) for name, value in state.parameters.items()}

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        loss, output, gradients = self._function(dict(self._parameters), x, self._copy(y))
        kind = type(self._empty((), np.dtype(np.float64)))
        if not all(isinstance(value, kind) for value in (output, *gradients.values())):
            words = "turns its arguments into plain arrays (as np.asarray does): rounding cannot be measured on it"
            raise FormError(self.name, words)
        return Step(np.asarray(loss), output, gradients)

    def update(self) -> None:
        raise NotImplementedError("an operation is not trained")

    def state(self) -> State:
        return State(self._parameters)

    def _copy(self, value: Array) -> Array:
        copy = self._empty(value.shape, np.dtype(np.float64))
        copy[...] = value
        return copy


def _choice(
    op: Callable[..., Any] | Pair, xs: Mapping[str, Array], only_dtype: str | None, device: str
) -> BackendChoice:
    if isinstance(op, tuple):
        return _NumpyOperation(given=_as_backprop(op, list(xs)), layout="torch", names=None, dtype=only_dtype)
    from runner.backends.torch_module import GivenModule

    return GivenModule(given=_as_module(op, xs, device), names=None)


def _as_backprop(pair: Pair, names: Sequence[str]) -> Callable[..., Any]:
    forward, vjp = pair

    def backprop(parameters: dict[str, Array], _: Array, y: Array) -> tuple[Any, Any, dict[str, Any]]:
        values = list(parameters.values())
        output = forward(*values)
        products = vjp(y[0], *values)
        products = products if isinstance(products, tuple | list) else (products,)
        terms = (output * y[0]).reshape(-1)
        loss = np.add.reduce(terms, dtype=np.float32 if is_narrow(terms.dtype) else None)
        return loss, output[None], dict(zip(names, products, strict=False))

    return backprop


def _as_module(op: Any, xs: Mapping[str, Array], device: str) -> torch.nn.Module:
    import torch

    from runner.backends.tensors import to_torch

    class Operation(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, value in xs.items():
                self.register_parameter(name, torch.nn.Parameter(to_torch(value)))

        def forward(self, _: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = _applied(op)(*(p.to(device) for p in self.parameters()))
            return output.to("cpu")[None]

    return Operation()


def _applied(op: Any) -> Callable[..., torch.Tensor]:
    """A torch.autograd.Function is called by its ``apply``."""
    return op.apply if isinstance(op, type) else op  # type: ignore[attr-defined,no-any-return]


def _network(xs: Mapping[str, Array], shape: Shape) -> Network:
    parameters = {name: Parameter(value.shape, max(value.size, 1)) for name, value in xs.items()}
    layer = Opaque(name=None, specified=parameters, made=shape, printed="one operation")
    return Network((Place("", layer, (1,), shape, parameters),))


def _output_shape(reference: Any, values: list[Array]) -> Shape:
    try:
        if isinstance(reference, tuple):
            return np.shape(reference[0](*values))
        import torch

        return tuple(_applied(reference)(*map(torch.tensor, values)).shape)
    except Exception as error:  # the user's own code may raise anything
        words = f"{type(error).__name__}: {error}"
        raise ConfigError("reference", words, f"a function of {len(values)} inputs of these shapes") from error


def _drawn(rng: np.random.Generator, given: Shape | Array) -> Array:
    return np.asarray(rng.standard_normal(given)) if isinstance(given, tuple) else np.asarray(given)


def _step(backend: Backend, xs: Mapping[str, Array], x: Array, y: Array) -> Step:
    backend.load(State(xs))
    return backend.step(x, y, draws={})


def _name(op: Any, otherwise: str) -> str:
    return name_of(op[0] if isinstance(op, tuple) else op, otherwise)
