"""The function backend: a user's own backpropagation, a plain function over NumPy arrays."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from runner.arrays import BFLOAT16, DTYPES, WIDE, Array, eps, in_dtype, is_whole
from runner.backends.base import Backend, BackendChoice, FormError, Problem, State, Step, check_repeats, views
from runner.backends.training import Training
from runner.errors import ConfigError, choices
from runner.network import Network
from runner.user_code import file_of, load_function, told

LAYOUTS = ("torch", "in_out")


@dataclass(frozen=True, kw_only=True)
class AnyFunction(BackendChoice):
    """``backprop(parameters, x, y) -> (loss, prediction, gradients)``, wherever it comes from.

    It gets parameters {name: array}, x (batch, features) and y (batch, out); gradients are {name: array} too.

    Attributes:
        layout: Of weights, in what the function gets and returns: ``torch`` is (out, in), ``in_out`` is (in, out).
        names: The function's own name of a parameter -> ours; a parameter that is not named keeps ours. Null: none is.
        dtype: The only dtype that the function knows; null if it follows its arguments.
    """

    layout: str
    names: dict[str, str] | None
    dtype: str | None

    @abstractmethod
    def function(self) -> Callable[..., Any]:
        """The function itself."""

    def check(self) -> None:
        if self.layout not in LAYOUTS:
            raise ConfigError("layout", self.layout, choices(LAYOUTS, self.layout))
        if self.dtype is not None and self.dtype not in WIDE:
            raise ConfigError("dtype", self.dtype, f"{' or '.join(WIDE)}, or null")
        self.function()

    def fits(self, network: Network) -> None:
        names = self.names or {}
        for carried in (*network.buffers, *network.masks):
            words = "a network without running averages and masks, which a function is not given"
            raise ConfigError("", f"a function for a network with {carried}", words)
        for theirs, ours in names.items():
            if ours not in network.parameters:
                raise ConfigError(f"names.{theirs}", ours, f"a parameter: {choices(network.parameters, ours)}")
        for name, times in Counter(self.theirs(network).values()).items():
            if times > 1 or len(set(names.values())) < len(names):
                raise ConfigError("names", names, f"each parameter under one name ({name} is ambiguous)")

    def theirs(self, network: Network) -> dict[str, str]:
        """Our name of each parameter -> the function's own."""
        return {name: name for name in network.parameters} | {
            ours: theirs for theirs, ours in (self.names or {}).items()
        }

    def needs_layers(self) -> bool:
        return False

    def only_dtype(self) -> str | None:
        return self.dtype

    def in_other_layout(self) -> AnyFunction:
        """The same function, taken to have the other layout of weights."""
        return replace(self, layout=LAYOUTS[self.layout == LAYOUTS[0]])

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return FunctionBackend(name, problem, dtype, self)


@dataclass(frozen=True, kw_only=True)
class Function(AnyFunction):
    """A function of a file or a module: ``my.py:backprop`` or ``package.module:backprop``."""

    path: str

    def function(self) -> Callable[..., Any]:
        return load_function("path", self.path)

    def files(self) -> list[Path]:
        return file_of(self.path)


@dataclass(frozen=True, kw_only=True)
class GivenFunction(AnyFunction):
    """A function that a Python program hands over; ``judged`` says that it is the first of the two, no reference."""

    given: Callable[..., Any]
    judged: bool = True

    def function(self) -> Callable[..., Any]:
        return self.given

    def as_told(self, name: str, key: str, value: str) -> str:
        """As a keyword of ``check`` or ``check_op``; those speak of what is judged alone."""
        word = f'{"only_dtype" if key == "dtype" else key}="{value}"'
        return word if self.judged else f"{word}, with {name} handed over first: it speaks of that one alone"


class FunctionBackend:
    """Calls the function with copies, and holds what it returns to the form of a step."""

    def __init__(self, name: str, problem: Problem, dtype: np.dtype[Any], choice: AnyFunction) -> None:
        self.name = name
        self._choice, self._function = choice, choice.function()
        self._transposed = choice.layout == "in_out"
        self._theirs = choice.theirs(problem.network)
        self._dtype = dtype if choice.dtype is None else DTYPES[choice.dtype]
        self._shapes = problem.network.shapes
        self._output_shape = problem.network.output_shape
        size = sum(prod(shape) for shape in self._shapes.values())
        self._flat, self._flat_gradients = np.empty(size, dtype), np.empty(size, dtype)
        self._parameters, self._gradients = views(self._flat, self._shapes), views(self._flat_gradients, self._shapes)
        self._training = Training(problem, self._flat, self._flat_gradients, lambda flat: views(flat, self._shapes))
        self._called = False

    def load(self, state: State) -> None:
        for name, mine in self._parameters.items():
            mine[...] = state.parameters[name]
        self._training.load(state.optimizer)

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        """One call of the function, the first time two.

        Raises:
            FormError: What it returns has not the form of a step; in words for its author.
        """
        found = self._call(x, y)
        if not self._called:
            check_repeats(self.name, found, self._call(x, y))
            self._called = True
        for name, gradient in found.gradients.items():
            self._gradients[name][...] = gradient
        self._loss = found.loss
        return Step(found.loss, found.prediction, self._gradients)

    def update(self) -> None:
        self._training.update(float(self._loss))

    def state(self) -> State:
        return State(self._parameters, optimizer=self._training.state())

    def _call(self, x: Array, y: Array) -> Step:
        given = {self._theirs[name]: self._turned(np.array(v, self._dtype)) for name, v in self._parameters.items()}
        x, y = in_dtype(x, self._dtype), in_dtype(y, self._dtype)
        kept = {**{name: value.copy() for name, value in given.items()}, "x": x.copy(), "y": y.copy()}
        handed = dict(given)
        try:
            returned = self._function(given, x, y)
        except (FormError, KeyboardInterrupt):  # of an operation, which knows more of its form; of a stop
            raise
        except BaseException as error:  # the user's own code may raise anything: it is told with its line
            raise FormError(self.name, f"raised {told(error)}") from error
        changed = [n for n, v in {**handed, "x": x, "y": y}.items() if not _same(v, kept[n])]
        changed += [n for n, v in handed.items() if given.get(n) is not v and n not in changed]
        if changed:
            raise FormError(self.name, f"changed its arguments in place: {', '.join(changed)}")
        return self._checked(returned, len(x))

    def _turned(self, value: Array) -> Array:
        return np.ascontiguousarray(value.T) if self._transposed and value.ndim == 2 else value

    def _checked(self, returned: object, batch: int) -> Step:
        if not (isinstance(returned, tuple | list) and len(returned) == 3):
            raise FormError(self.name, f"returned {_kind(returned)}, not (loss, prediction, gradients)")
        loss, prediction, gradients = returned
        if not isinstance(gradients, Mapping):
            raise FormError(self.name, f"returned {_kind(gradients)} as gradients, not a dict of arrays by name")
        found = self._array("a loss", "loss", loss)
        if found.size != 1:
            raise FormError(self.name, f"returned a loss of shape {found.shape}, not one number", "loss")
        missing = [theirs for theirs in self._theirs.values() if theirs not in gradients]
        if missing:
            has = ", ".join(map(str, gradients)) or "none"
            ours = next(ours for ours, theirs in self._theirs.items() if theirs == missing[0])
            raise FormError(self.name, f"returned no gradient for {', '.join(missing)} (it returned {has})", ours)
        prediction = self._array("a prediction", "prediction", prediction)
        wanted = (batch, *self._output_shape)
        if np.squeeze(prediction).shape != tuple(n for n in wanted if n != 1):
            words = f"returned a prediction of shape {prediction.shape}, not {wanted}"
            raise FormError(self.name, words, "prediction")
        gradients = {name: self._gradient(name, gradients[self._theirs[name]]) for name in self._shapes}
        return Step(found.reshape(()), prediction.reshape(wanted), gradients)

    def _gradient(self, name: str, value: object) -> Array:
        shape = self._shapes[name]
        wanted = shape[::-1] if self._transposed and len(shape) == 2 else shape
        found = self._array(f"the gradient of {self._theirs[name]}", name, value)
        if found.shape != wanted:
            words = f"returned the gradient of {self._theirs[name]} of shape {found.shape}, not {wanted}"
            raise FormError(self.name, words, name)
        return self._turned(found)

    def _array(self, what: str, tensor: str, value: object) -> Array:
        array = _to_numpy(value)
        floating = array.dtype.kind == "f" or array.dtype == BFLOAT16
        if not floating and not is_whole(array):
            raise FormError(self.name, f"returned {what} that is {_kind(value)}, not numbers", tensor)
        if floating and eps(array.dtype) > eps(self._dtype):
            words = f"returned {what} in {array.dtype} for arguments in {self._dtype}, which loses digits"
            if array.dtype.name in WIDE:
                advice = self._choice.as_told(self.name, "dtype", array.dtype.name)
                words = f"{words} (if it knows no other dtype, say so: {advice})"
            raise FormError(self.name, words, tensor)
        return array.astype(self._dtype)


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


def _to_numpy(value: Any) -> Array:
    if hasattr(value, "detach"):
        from runner.backends.tensors import to_numpy

        value = to_numpy(value.detach().cpu())
    try:
        return np.asarray(value)
    except ValueError:  # a list of lists of different lengths
        return np.asarray(None)


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    name = "None" if value is None else f"a {type(value).__name__}"
    return f"{name} of {len(value)}" if isinstance(value, tuple | list) else name
