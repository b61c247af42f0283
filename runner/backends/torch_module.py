"""The torch_module backend: a user's own torch.nn.Module, differentiated by PyTorch autograd."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.arrays import Array, Shape
from runner.backends.base import Backend, BackendChoice, FormError, Problem, Step, check_repeats
from runner.backends.torch import TorchBackend
from runner.errors import ConfigError, choices
from runner.layers.base import Parameter
from runner.layers.opaque import Opaque
from runner.network import Network, Place
from runner.user_code import file_of, load_function, told

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class AnyModule(BackendChoice):
    """A torch.nn.Module that computes the prediction (batch, out) from x (batch, features), wherever it comes from.

    Attributes:
        names: The module's own name of a parameter -> ours. Null: parameters are matched by name or, where the
            names differ, in their order, if all shapes are then the same.
    """

    names: dict[str, str] | None

    @abstractmethod
    def module(self) -> torch.nn.Module:
        """A module of its own for each caller."""

    def fits(self, network: Network) -> None:
        self.matched(network)
        if network.masks:
            words = "a network without dropout: a module of one's own draws its own masks"
            raise ConfigError("", f"a module for a network with {next(iter(network.masks))}", words)
        held, ours = [tuple(b.shape) for _, b in self.module().named_buffers()], network.buffers
        if ours and held != [value.shape for value in ours.values()]:
            raise ConfigError(
                "", f"a module with buffers of shapes {held}", f"those of {', '.join(ours)}, in their order"
            )

    def needs_layers(self) -> bool:
        return False

    def hidden(self, network: Network) -> str:
        """Buffers of the module's own, where the network has none that they could be."""
        held = [name for name, _ in self.module().named_buffers()]
        return "" if network.buffers or not held else f"whose module has buffers of its own ({', '.join(held)})"

    def own_network(self, network: Network) -> Network | None:
        """The module as one layer that the project cannot look into, its parameters under the module's own names."""
        try:
            self.matched(network)
        except ConfigError:
            return None if self.names else self._opaque(network.input_shape)
        return None

    def _opaque(self, input_shape: Shape) -> Network:
        import torch

        module = self.module()
        parameters = {n: Parameter(tuple(p.shape), prod(p.shape[1:])) for n, p in module.named_parameters()}
        if not parameters:
            raise ConfigError("", "a module without parameters", "at least one parameter")
        try:
            with torch.no_grad():
                output = module(torch.zeros(2, *input_shape))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the user's own code may raise anything: it is told with its line
            words = f"a torch.nn.Module that takes (batch, {', '.join(map(str, input_shape))})"
            raise ConfigError("", f"a module that raised {told(error)}", words) from error
        if not isinstance(output, torch.Tensor):
            raise ConfigError("", f"a module that returned {kind_of(output)}", "one that returns a tensor")
        output_shape = tuple(output.shape[1:])
        layer = Opaque(name=None, specified=parameters, made=output_shape, printed=str(module))
        return Network((Place("", layer, input_shape, output_shape, parameters),))

    def parameters(self) -> dict[str, Shape]:
        """The module's own parameters and their shapes, in its order."""
        return {name: tuple(p.shape) for name, p in self.module().named_parameters()}

    def matched(self, network: Network) -> dict[str, str]:
        """The module's name of each parameter -> ours.

        Raises:
            ConfigError: They do not match one to one.
        """
        theirs, ours = self.parameters(), network.shapes
        names = self.names or {}
        for their, our in names.items():
            if their not in theirs:
                raise ConfigError("names", their, f"a parameter of the module: {choices(theirs, their)}")
            if our not in ours:
                raise ConfigError(f"names.{their}", our, f"a parameter: {choices(ours, our)}")
        pairs = {name: names.get(name, name) for name in theirs}
        if not names and theirs.keys() != ours.keys() and list(theirs.values()) == list(ours.values()):
            pairs = dict(zip(theirs, ours, strict=True))
        if sorted(pairs.values()) != sorted(ours):
            if sorted(theirs.values()) == sorted(ours.values()):  # they could be the same parameters
                told = f"{self.names or 'null'}, for a module with {_listed(theirs)}"
                allowed = f"the module's own name: ours, for each of the parameters {_listed(ours)}"
                raise ConfigError("names", told, allowed)
            raise ConfigError("", f"a module with {_listed(theirs)}", f"the parameters {_listed(ours)}")
        for their, our in pairs.items():
            if theirs[their] != ours[our]:
                raise ConfigError("", f"a module whose {their} has shape {theirs[their]}", f"{ours[our]}, as {our}")
        return pairs

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        module, names = self.module(), self.matched(problem.network)
        names |= dict(zip((name for name, _ in module.named_buffers()), problem.network.buffers, strict=False))
        return TorchModuleBackend(name, problem, dtype, module, names)


@dataclass(frozen=True, kw_only=True)
class TorchModule(AnyModule):
    """What ``make_model()`` makes, of a file or a module: ``my.py:make_model`` or ``package.module:make_model``."""

    path: str

    def check(self) -> None:
        load_function("path", self.path)

    def files(self) -> list[Path]:
        return file_of(self.path)

    def module(self) -> torch.nn.Module:
        """A module of its own for each caller.

        Raises:
            ConfigError: The function raises, or makes something else.
        """
        import torch

        make = load_function("path", self.path)
        try:
            made = copy.deepcopy(make())
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the user's own code may raise anything: it is told with its line
            raise ConfigError(
                "path", f"{self.path}, which raised {told(error)}", "a function without arguments"
            ) from error
        if not isinstance(made, torch.nn.Module):
            raise ConfigError("path", f"{self.path}, which made a {type(made).__name__}", "a torch.nn.Module")
        return made


@dataclass(frozen=True, kw_only=True)
class GivenModule(AnyModule):
    """A module that a Python program hands over; it is copied."""

    given: torch.nn.Module

    def module(self) -> torch.nn.Module:
        return copy.deepcopy(self.given)


class TorchModuleBackend(TorchBackend):
    """A user's module; what goes wrong in it is a finding about it."""

    _called = False

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        """One forward and backward pass, the first time two.

        Raises:
            FormError: The module raises, its prediction has the wrong shape, or it gives other bits the second time.
        """
        before = {name: value.copy() for name, value in self._buffers.arrays().items()}
        found = self._step(x, y, training)
        if not self._called:
            kept = Step(found.loss.copy(), found.prediction.copy(), {n: g.copy() for n, g in found.gradients.items()})
            self._buffers.load(before)
            found = self._step(x, y, training)
            check_repeats(self.name, kept, found)
            self._called = True
        return found

    def _step(self, x: Array, y: Array, training: bool) -> Step:
        try:
            return super().step(x, y, draws={}, training=training)
        except (FormError, KeyboardInterrupt):
            raise
        except BaseException as error:  # the user's own code may raise anything: it is told with its line
            raise FormError(self.name, f"raised {told(error)}") from error

    def predict(self, x: Array) -> torch.Tensor:
        import torch

        prediction = super().predict(x)
        if not isinstance(prediction, torch.Tensor):
            raise FormError(self.name, f"returned {kind_of(prediction)}, not a tensor", "prediction")
        shape, wanted = tuple(prediction.shape), (len(x), *self.output_shape)
        if shape != wanted:
            raise FormError(self.name, f"returned a prediction of shape {shape}, not {wanted}", "prediction")
        return prediction


def kind_of(value: object) -> str:
    """What stands in the place of a tensor, in words."""
    return "None" if value is None else f"a {type(value).__name__}"


def _listed(shapes: Mapping[str, Shape]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none"
