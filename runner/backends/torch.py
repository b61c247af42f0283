"""The torch backend: the same network built from the layers' twins, differentiated by PyTorch autograd."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from runner.arrays import Array, is_whole
from runner.backends.base import Backend, BackendChoice, FormError, Problem, State, Step

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Torch(BackendChoice):
    """PyTorch eager on the CPU."""

    stacks: ClassVar[bool] = True

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return TorchBackend(name, problem, dtype, problem.network.torch(), {})

    def make_stacked(self, name: str, problem: Problem, dtype: np.dtype[Any], replicas: int) -> Backend:
        from runner.backends.torch_stacked import StackedTorchBackend

        return StackedTorchBackend(name, problem, dtype, replicas)


class TorchBackend:
    """A torch.nn.Module, loss.backward(), a torch.optim optimizer, and what torch has for clipping and schedules.

    Args:
        name: The backend's name.
        problem: What to compute.
        dtype: Of every tensor of numbers that are no whole ones.
        module: Computes the prediction (batch, *out) from x (batch, *sample); it is converted to ``dtype`` in place.
        names: The module's own name of a parameter or buffer -> ours, where they differ.
    """

    def __init__(
        self, name: str, problem: Problem, dtype: np.dtype[Any], module: torch.nn.Module, names: Mapping[str, str]
    ) -> None:
        import torch

        from runner.backends.tensors import owner_of, to_numpy, to_torch, torch_dtype
        from runner.backends.torch_training import TorchTraining

        torch.set_num_threads(problem.threads)
        self.name = name
        self._to_numpy, self._to_torch = to_numpy, to_torch
        self._loss = problem.loss
        self.output_shape = problem.network.output_shape
        self._dtype = torch_dtype(dtype)
        self._module = module.to(self._dtype)
        found = {names.get(theirs, theirs): p for theirs, p in self._module.named_parameters()}
        held = {names.get(theirs, theirs): b for theirs, b in self._module.named_buffers()}
        self._parameters = {ours: found[ours] for ours in problem.network.parameters}
        self._views = {ours: to_numpy(p) for ours, p in self._parameters.items()}
        self._buffers = {ours: to_numpy(held[ours]) for ours in problem.network.buffers if ours in held}
        self._masked = {full: owner_of(self._module, full) for full in problem.network.masks}
        self._training = TorchTraining(problem, self._parameters)
        self._mode: bool | None = None

    def load(self, state: State) -> None:
        for name, mine in self._views.items():
            mine[...] = state.parameters[name]
        for name, mine in self._buffers.items():
            mine[...] = state.buffers[name]
        self._training.load(state.optimizer)

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        self._training.clear()
        if training is not self._mode:  # it goes through all modules: row gradcheck of benchmarks/tables.py
            self._module.train(training)
            self._mode = training
        for full, owner in self._masked.items():
            setattr(owner, full.rpartition(".")[2], self._to_torch(draws[full]) if training else None)
        prediction = self.predict(x)
        loss = self._loss.torch(prediction, self._tensor(y))
        if loss.requires_grad:  # else nothing of it is in autograd's graph, and the first parameter has no gradient
            loss.backward()  # type: ignore[no-untyped-call]
        gradients = {}
        for name, p in self._parameters.items():
            if p.grad is None:
                raise self._without_gradient(name, p)
            gradients[name] = self._to_numpy(p.grad)
        self._last = self._to_numpy(loss)
        return Step(self._last, self._to_numpy(prediction), gradients)

    def _tensor(self, value: Array) -> torch.Tensor:
        """Whole numbers stay such."""
        return self._to_torch(value, None if is_whole(value) else self._dtype)

    def _without_gradient(self, name: str, parameter: torch.nn.Parameter) -> FormError:
        if not parameter.requires_grad:
            return FormError(self.name, f"has no gradient for {name}: it is frozen (requires_grad=False)", name)
        why = "nothing in autograd's graph leads to it (it is not used, or it is detached)"
        return FormError(self.name, f"has no gradient for {name}: {why}", name)

    def predict(self, x: Array) -> torch.Tensor:
        """The module's output for x."""
        prediction: torch.Tensor = self._module(self._tensor(x))
        return prediction

    def trace(self, x: Array, y: Array, draws: Mapping[str, Array]) -> Step:
        """A step that also holds the outputs of the module's direct children, and the gradients of the loss by them."""
        import torch

        outputs: dict[str, torch.Tensor] = {}

        def keep(name: str, output: object) -> None:
            if isinstance(output, torch.Tensor) and output.requires_grad:
                output.retain_grad()
                outputs[name] = output

        hooks = [
            child.register_forward_hook(lambda _module, _inputs, output, name=name: keep(name, output))
            for name, child in self._module.named_children()
        ]
        try:
            step = self.step(x, y, draws=draws)
        finally:
            for hook in hooks:
                hook.remove()
        activations = {name: self._to_numpy(output) for name, output in outputs.items()}
        deltas = {name: self._to_numpy(o.grad) for name, o in outputs.items() if o.grad is not None}
        return replace(step, activations=activations, deltas=deltas)

    def update(self) -> None:
        self._training.update(float(self._last))

    def state(self) -> State:
        return State(self._views, self._buffers, self._training.state())
