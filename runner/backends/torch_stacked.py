"""The torch backend for many replicas at once: vmap over the network and its loss, autograd over all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from runner.arrays import Array, is_whole
from runner.backends.base import Problem, State, Step
from runner.backends.rates import Apart, Trains, blocks_of
from runner.backends.tensors import Held, owner_of, to_numpy, to_torch, torch_dtype
from runner.backends.torch_device import Device
from runner.backends.torch_training import TorchTraining
from runner.backends.training import Losses
from runner.clipping.base import Clip
from runner.clipping.norm import SMALL, NormClip
from runner.layers.base import Layer
from runner.layers.batch_norm import BatchNorm
from runner.layers.embedding import Embedding
from runner.layers.multi_head_attention import MultiHeadAttention
from runner.layers.recurrent import Recurrent
from runner.losses.base import Loss
from runner.losses.bce import BinaryCrossEntropy
from runner.losses.cross_entropy import CrossEntropy
from runner.user_code import is_ours

Named = Mapping[str, torch.Tensor]


class StackedTorchBackend:
    """Parameters (replicas, *shape) each, and an optimizer of torch a learning rate, which works element by element.

    The replicas' losses are added up before the backward pass: the gradient of the sum by a replica's parameters is
    that of its own loss.

    Args:
        name: The backend's name.
        problem: What to compute.
        dtype: Of every tensor of numbers that are no whole ones.
        replicas: How many.
        device: Where it computes.
    """

    def __init__(self, name: str, problem: Problem, dtype: np.dtype[Any], replicas: int, device: Device) -> None:
        torch.set_num_threads(problem.threads)
        self.name = name
        self._loss = problem.loss
        self._dtype = torch_dtype(dtype)
        self._device = device
        self._module = problem.network.torch().to(device.name, self._dtype)

        def stacked(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.detach().expand(replicas, *tensor.shape).clone()

        found, held = dict(self._module.named_parameters()), dict(self._module.named_buffers())
        self._parameters = {full: torch.nn.Parameter(stacked(found[full])) for full in problem.network.parameters}
        self._running = {full: stacked(held[full]) for full in problem.network.buffers}
        self._held, self._buffers = Held(self._parameters), Held(self._running)
        self._masked = {full: owner_of(self._module, full) for full in problem.network.masks}
        clip = _ByReplica(clip=problem.clip) if isinstance(problem.clip, NormClip) else problem.clip
        blocks = [(rows, _Block(part, self._parameters, rows)) for rows, part in blocks_of(replace(problem, clip=clip))]
        self._training: Trains = Apart(blocks) if problem.rates else blocks[0][1]
        fits = _loss_takes_vmap(problem.loss) and all(_takes_vmap(place.layer) for place in problem.network.places)
        self._all = torch.func.vmap(self._one) if fits else self._one_by_one

    def load(self, state: State) -> None:
        self._held.load(state.parameters)
        self._buffers.load(state.buffers)
        self._training.load(state.optimizer)

    def step(self, x: Array, y: Array, *, draws: Mapping[str, Array], training: bool = True) -> Step:
        for p in self._parameters.values():
            p.grad = None
        self._device.set_mode(self._module, training)
        there = self._device.name
        masks = {full: to_torch(draws[full], device=there) for full in self._masked} if training else {}
        with self._device.settings():
            losses, prediction = self._all(self._parameters, self._running, masks, self._tensor(x), self._tensor(y))
            losses.sum().backward()  # type: ignore[no-untyped-call]
        self._last = to_numpy(losses)
        gradients = {name: to_numpy(p.grad) for name, p in self._parameters.items() if p.grad is not None}
        return Step(self._last, to_numpy(prediction), gradients)

    def _one(
        self, parameters: Named, held: Named, masks: Named, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss and prediction of one replica."""
        for full, owner in self._masked.items():
            setattr(owner, full.rpartition(".")[2], masks.get(full))
        prediction = torch.func.functional_call(self._module, (dict(parameters), dict(held)), (x,))
        return self._loss.torch(prediction, y), prediction

    def _one_by_one(
        self, parameters: Named, held: Named, masks: Named, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Losses and predictions of all: (replicas, ...) each, in one graph of autograd."""
        apart = [_rows(named, len(x)) for named in (parameters, held, masks)]
        losses, predictions = zip(*map(self._one, *apart, x, y), strict=True)
        return torch.stack(losses), torch.stack(predictions)

    def _tensor(self, value: Array) -> torch.Tensor:
        """On the device; whole numbers stay such."""
        return to_torch(value, None if is_whole(value) else self._dtype, self._device.name)

    def update(self) -> None:
        with self._device.settings():
            self._training.update(self._last.astype(np.float64))

    def state(self) -> State:
        return State(self._held.arrays(), self._buffers.arrays(), self._training.state())


class _Block:
    """The end of a step of some replicas, over parameters that are views of theirs."""

    def __init__(self, problem: Problem, whole: Mapping[str, torch.nn.Parameter], rows: slice) -> None:
        self._whole, self._rows = whole, rows
        self._views = {full: torch.nn.Parameter(p.detach()[rows]) for full, p in whole.items()}
        self._training = TorchTraining(problem, self._views)

    def update(self, loss: Losses) -> None:
        for full, view in self._views.items():
            gradient = self._whole[full].grad
            view.grad = None if gradient is None else gradient[self._rows]
        self._training.update(loss)

    def state(self) -> dict[str, Array]:
        return self._training.state()

    def load(self, state: Mapping[str, Array]) -> None:
        self._training.load(state)


@dataclass(frozen=True, kw_only=True)
class _ByReplica(Clip):
    """Clipping by norm as torch does it, for each replica by its own norm: the norm of its tensors' norms."""

    clip: NormClip

    def scratch(self, gradients: Array) -> Callable[[], None]:
        return self.clip.scratch(gradients)

    def torch(self, parameters: Iterable[torch.nn.Parameter]) -> Callable[[], None]:
        clipped, order = list(parameters), self.clip.norm_type

        def norms(values: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = torch.linalg.vector_norm(values.flatten(1), order, dim=1)
            return found

        def clip() -> None:
            gradients = [p.grad for p in clipped if p.grad is not None]
            total = norms(torch.stack([norms(g) for g in gradients], dim=1))
            factor = torch.clamp(self.clip.max_norm / (total + SMALL), max=1.0)
            for g in gradients:
                g.mul_(factor.view(-1, *[1] * (g.ndim - 1)))

        return clip


def _rows(named: Named, replicas: int) -> list[dict[str, torch.Tensor]]:
    """Each replica's part of every tensor."""
    apart = {full: value.unbind() for full, value in named.items()}
    return [{full: values[k] for full, values in apart.items()} for k in range(replicas)]


def _takes_vmap(layer: Layer) -> bool:
    """Whether torch's vmap computes the layer's twin, and rightly: of a layer of the user's own nobody knows.

    It has no rule for recurrent layers, nor for attention in evaluation mode, forgets that an embedding's padding has
    no gradient, and cannot read the count of batches that an average over all of them is divided by.
    """
    if isinstance(layer, Embedding):
        return layer.padding_idx is None
    if isinstance(layer, BatchNorm):
        return layer.momentum is not None
    inner = (part for field in layer.nested for part in getattr(layer, field) or ())
    odd = isinstance(layer, Recurrent | MultiHeadAttention)
    return is_ours(layer) and not odd and all(map(_takes_vmap, inner))


def _loss_takes_vmap(loss: Loss) -> bool:
    """The same of a loss: where torch looks at values before it computes, vmap cannot."""
    if isinstance(loss, CrossEntropy):
        return loss.weight is None or not loss.label_smoothing
    return is_ours(loss) and not isinstance(loss, BinaryCrossEntropy)
