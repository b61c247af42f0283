"""One operation and its vector-Jacobian product, judged without network or loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from runner.arrays import BFLOAT16, DTYPES, WIDE, Array, Shape, is_narrow
from runner.backends.base import Backend, BackendChoice, Empty, FormError, Given, Problem, State, Step
from runner.backends.function import GivenFunction
from runner.checking import name_of
from runner.comparison.summary import RunVerdict
from runner.comparison.verdict import Judge
from runner.errors import ConfigError, choices, shortened
from runner.layers.base import Parameter
from runner.layers.opaque import Opaque
from runner.losses.base import Loss, LossPass
from runner.network import Network, Place
from runner.optimizers.sgd import PLAIN

if TYPE_CHECKING:
    import torch

Pair = tuple[Callable[..., Any], Callable[..., Any]]

OPERATION = "a function of tensors, a torch.autograd.Function, or a pair of NumPy functions"
INPUT = "a shape, a tuple of whole numbers from 1, or an array of at least one number"


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
    for key, given in (("op", op), ("reference", reference)):
        if not (callable(given) or (isinstance(given, tuple) and len(given) == 2 and all(map(callable, given)))):
            raise ConfigError(key, shortened(given), OPERATION)
    if not inputs:
        raise ConfigError("inputs", "none", INPUT)
    xs = {f"x{k}": _values(f"x{k}", rng, given).astype(DTYPES[dtype]) for k, given in enumerate(inputs)}
    shape = _output_shape(reference, [np.array(v, np.float64) for v in xs.values()])
    batch, *rest = shape or (1,)  # the first axis of y stands where a network has its samples
    problem = Problem(_network(xs, tuple(rest)), _Product(), PLAIN, lr=0.0)
    x, y = np.zeros((batch, 1), DTYPES[dtype]), rng.standard_normal((batch, *rest)).astype(DTYPES[dtype])
    name, other = _name(op, "op"), _name(reference, "reference")
    other = "reference" if other == name else other
    sides = {name: _choice(_Side(name, op, shape, device), xs, only_dtype, judged=True)}
    sides[other] = _choice(_Side(other, reference, shape, "cpu"), xs, None, judged=False)
    judge, start = Judge(problem, sides, DTYPES[dtype]), Given(State(xs), x, y)
    verdict = RunVerdict(noise_over=judge.sides.noise_over)
    with np.errstate(all="ignore"):
        try:
            steps = {n: _step(choice.make(n, problem, DTYPES[dtype]), xs, x, y) for n, choice in sides.items()}
            comparisons = judge.compare(start, steps, judged=True)
        except FormError as fault:
            comparisons = [judge.misformed(fault, start)]
    verdict.add(0, comparisons)
    if verdict.first is not None and verdict.first.tensor == "prediction" and not shape:
        verdict.first = replace(verdict.first, index=())  # y has no axis
    return verdict, tuple(sides)


@dataclass(frozen=True, kw_only=True)
class _Product(Loss):
    """L = the sum of y dy, so that dL/dx is the vector-Jacobian product of dy."""

    formula: ClassVar[str] = "L = the sum of y dy, dL/dy = dy"

    def scratch(self, shape: Shape, empty: Callable[[Shape], Array], replicas: int = 0) -> LossPass:
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


@dataclass(frozen=True)
class _Side:
    """An operation, its name, the shape that its y should have, and where its tensors lie."""

    name: str
    op: Any
    shape: Shape
    device: str

    def formed(self, output: Any, fits: bool) -> Any:
        """The output as a prediction is, with an axis of samples.

        Raises:
            FormError: It does not fit.
        """
        if not fits:
            words = f"returned a prediction of shape {tuple(output.shape)}, not {self.shape}"
            raise FormError(self.name, words, "prediction")
        return output if self.shape else output[None]


def _choice(side: _Side, xs: Mapping[str, Array], only_dtype: str | None, judged: bool) -> BackendChoice:
    if isinstance(side.op, tuple):
        given = _as_backprop(side, list(xs))
        return _NumpyOperation(given=given, layout="torch", names=None, dtype=only_dtype, judged=judged)
    from runner.backends.torch_module import GivenModule

    return GivenModule(given=_as_module(side, xs), names=None)


def _as_backprop(side: _Side, names: Sequence[str]) -> Callable[..., Any]:
    forward, vjp = side.op
    longer = tuple(n for n in side.shape if n != 1)

    def backprop(parameters: dict[str, Array], _: Array, y: Array) -> tuple[Any, Any, dict[str, Any]]:
        values, dy = list(parameters.values()), y if side.shape else y[0]
        output = forward(*values)
        prediction = output
        if hasattr(output, "shape"):  # axes of 1 are let pass, as in a network's prediction
            prediction = side.formed(output, fits=tuple(n for n in output.shape if n != 1) == longer)
        products = vjp(dy, *values)
        products = products if isinstance(products, tuple | list) else (products,)
        terms = (output * dy).reshape(-1)
        loss = np.add.reduce(terms, dtype=np.float32 if is_narrow(terms.dtype) else None)
        return loss, prediction, dict(zip(names, products, strict=False))

    return backprop


def _as_module(side: _Side, xs: Mapping[str, Array]) -> torch.nn.Module:
    import torch

    from runner.backends.tensors import to_torch

    class Operation(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, value in xs.items():
                self.register_parameter(name, torch.nn.Parameter(to_torch(value)))

        def forward(self, _: torch.Tensor) -> Any:
            output: Any = _applied(side.op)(*(p.to(side.device) for p in self.parameters()))
            if not isinstance(output, torch.Tensor):
                return output
            return side.formed(output.to("cpu"), fits=tuple(output.shape) == side.shape)

    return Operation()


def _applied(op: Any) -> Callable[..., torch.Tensor]:
    """A torch.autograd.Function is called by its ``apply``."""
    return op.apply if isinstance(op, type) else op  # type: ignore[attr-defined,no-any-return]


def _network(xs: Mapping[str, Array], shape: Shape) -> Network:
    parameters = {name: Parameter(value.shape, max(value.size, 1)) for name, value in xs.items()}
    layer = Opaque(name=None, specified=parameters, made=shape, printed="one operation")
    return Network((Place("", layer, (1,), shape, parameters),))


def _output_shape(reference: Any, values: list[Array]) -> Shape:
    allowed = f"a function of {len(values)} inputs of these shapes"
    output: Any
    try:
        if isinstance(reference, tuple):
            output = np.asarray(reference[0](*values))
        else:
            import torch

            output = _applied(reference)(*map(torch.tensor, values))
    except Exception as error:  # the user's own code may raise anything
        raise ConfigError("reference", f"{type(error).__name__}: {error}", allowed) from error
    if not hasattr(output, "shape"):
        told = f"a function that returned a {type(output).__name__}"
        raise ConfigError("reference", told, "one that returns a tensor")
    if 0 in output.shape:
        raise ConfigError("reference", f"an output of shape {tuple(output.shape)}", "one that has numbers")
    return tuple(output.shape)


def _values(name: str, rng: np.random.Generator, given: Shape | Array) -> Array:
    """The values of an input, drawn where ``given`` is their shape.

    Raises:
        ConfigError: It is neither a shape nor numbers, or there are none of them.
    """
    try:
        values = np.asarray(rng.standard_normal(given) if isinstance(given, tuple) else given)
    except Exception as error:  # what is no array may raise anything
        raise ConfigError(name, f"{shortened(given)} ({error})", INPUT) from error
    if values.size == 0 or not (values.dtype.kind in "fiub" or values.dtype == BFLOAT16):
        raise ConfigError(name, shortened(given), INPUT)
    return values


def _step(backend: Backend, xs: Mapping[str, Array], x: Array, y: Array) -> Step:
    backend.load(State(xs))
    return backend.step(x, y, draws={})


def _name(op: Any, otherwise: str) -> str:
    return name_of(op[0] if isinstance(op, tuple) else op, otherwise)
