"""The torch backend: the same network built from the layers' twins, differentiated by PyTorch autograd."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from runner.arrays import Array, is_whole
from runner.backends.base import Backend, BackendChoice, FormError, Problem, State, Step
from runner.backends.torch_device import CPU, Device

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Torch(BackendChoice):
    """PyTorch eager.

    Attributes:
        device: Torch's name of the device that it computes on.
        tf32: Whether CUDA multiplies float32 numbers in TF32.
    """

    device: str
    tf32: bool

    stacks: ClassVar[bool] = True

    @property
    def place(self) -> Device:
        """The device, and how it multiplies."""
        return Device(self.device, self.tf32)

    def check(self) -> None:
        self.place.check()

    def check_dtype(self, dtype: np.dtype[Any]) -> None:
        self.place.check_dtype(dtype)

    def rounds_factors(self, dtype: np.dtype[Any]) -> bool:
        return self.place.rounds_factors(dtype)

    def computes_on(self) -> dict[str, Any]:
        return self.place.described()

    def make(self, name: str, problem: Problem, dtype: np.dtype[Any]) -> Backend:
        return TorchBackend(name, problem, dtype, problem.network.torch(), {}, self.place.for_dtype(dtype))

    def make_stacked(self, name: str, problem: Problem, dtype: np.dtype[Any], replicas: int) -> Backend:
        from runner.backends.torch_stacked import StackedTorchBackend

        return StackedTorchBackend(name, problem, dtype, replicas, self.place.for_dtype(dtype))


EAGER = Torch(device=CPU, tf32=False)


class TorchBackend:
    """A torch.nn.Module, loss.backward(), a torch.optim optimizer, and what torch has for clipping and schedules.

    Args:
        name: The backend's name.
        problem: What to compute.
        dtype: Of every tensor of numbers that are no whole ones.
        module: Computes the prediction (batch, *out) from x (batch, *sample); it is converted to ``dtype`` in place.
        names: The module's own name of a parameter or buffer -> ours, where they differ.
        device: Where it computes; the module is moved there in place.
    """

    def __init__(
        self,
        name: str,
        problem: Problem,
        dtype: np.dtype[Any],
        module: torch.nn.Module,
        names: Mapping[str, str],
        device: Device = Device(),  # noqa: B008  (it is frozen)
    ) -> None:
        import torch

        from runner.backends.tensors import Held, owner_of, to_numpy, to_torch, torch_dtype
        from runner.backends.torch_training import TorchTraining

        torch.set_num_threads(problem.threads)
        self.name = name
        self._to_numpy, self._to_torch = to_numpy, to_torch
        self._loss = problem.loss
        self.output_shape = problem.network.output_shape
        self._dtype = torch_dtype(dtype)
        self._device = device
        self._module = module.to(device.name, self._dtype)
        found = {names.get(theirs, theirs): p for theirs, p in self._module.named_parameters()}
        held = {names.get(theirs, theirs): b for theirs, b in self._module.named_buffers()}
        self._parameters = {ours: found[ours] for ours in problem.network.parameters}
        self._held = Held(self._parameters)
        self._buffers = Held({ours: held[ours] for ours in problem.network.buffers if ours in held})
        self._masked = {full: owner_of(self._module, full) for full in problem.network.masks}
        self._training = TorchTraining(problem, self._parameters)
        self._switched = list(self._module.modules())

    def load(self, state: State) -> None:
        self._held.load(state.parameters)
        self._buffers.load(state.buffers)
        self._training.load(state.optimizer)

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        self._training.clear()
        if any(module.training is not training for module in self._switched):  # setting it takes longer: row gradcheck
            self._device.set_mode(self._module, training)
        for full, owner in self._masked.items():
            mask = self._to_torch(draws[full], device=self._device.name) if training else None
            setattr(owner, full.rpartition(".")[2], mask)
        with self._device.settings():
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
        """On the device; whole numbers stay such."""
        return self._to_torch(value, None if is_whole(value) else self._dtype, self._device.name)

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
        with self._device.settings():
            self._training.update(float(self._last))

    def state(self) -> State:
        return State(self._held.arrays(), self._buffers.arrays(), self._training.state())
