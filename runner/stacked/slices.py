"""Stacks and their slices: what a step or a state holds, as one vector a replica; one replica's own part of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from runner.arrays import Array
from runner.backends.base import Given, State, Step
from runner.comparison.tensors import Layout, StateLayout, named, state_layout_of


def flat_steps(layout: Layout, step: Step) -> Array:
    """``Layout.flat`` of every replica: a stacked step's tensors as new float64 vectors (replicas, size)."""
    out = np.empty((len(step.loss), layout.size))
    out[:, 0] = step.loss
    tensors = (step.prediction, *(step.gradients[name] for name in layout.names[2:]))
    for value, place in zip(tensors, layout.places[1:], strict=True):
        out[:, place] = value.reshape(len(out), -1)
    return out


def flat_states(layout: StateLayout, state: State, replicas: int) -> Array:
    """``Layout.flat_state`` of every replica: new float64 vectors (replicas, size); NaN where it lacks a tensor."""
    found, out = named(state), np.full((replicas, layout.size), np.nan)
    for name, place in layout.slices().items():
        value = found.get(name)
        if value is not None:
            out[:, place] = value.reshape(replicas, -1) if value.ndim else value
    return out


def states_layout_of(state: State) -> StateLayout:
    """The layout of one replica's part of a stacked state."""
    return state_layout_of(state_of(state, 0))


def state_of(state: State, k: int) -> State:
    """Replica k's part of a stacked state: views."""
    return State(part_of(state.parameters, k), part_of(state.buffers, k), part_of(state.optimizer, k))


def given_of(given: Given, k: int) -> Given:
    """What replica k's step is given: views."""
    return replace(given, state=state_of(given.state, k), x=given.x[k], y=given.y[k], draws=part_of(given.draws, k))


def replica_of(step: Step, k: int) -> Step:
    """Replica k's part of a stacked step: views."""
    return Step(step.loss[k, ...], step.prediction[k], part_of(step.gradients, k))


def step_of(layout: Layout, flat: Array) -> Step:
    """The step that one replica's vector ``flat`` (size,) was made of, in float64."""
    parts = {
        name: flat[place].reshape(shape)
        for (name, place), shape in zip(layout.slices().items(), layout.shapes, strict=True)
    }
    return Step(parts.pop("loss"), parts.pop("prediction"), parts)


def part_of(arrays: Mapping[str, Array], k: int) -> dict[str, Array]:
    """Replica k's part of stacked arrays: views; what all replicas share has the shape ()."""
    return {name: value[k] if value.ndim else value for name, value in arrays.items()}


def copied(state: State) -> State:
    """The same in arrays of its own."""
    held = (state.parameters, state.buffers, state.optimizer)
    return State(*({name: np.array(value) for name, value in part.items()} for part in held))
